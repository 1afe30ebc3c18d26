"""LoRA on GPT-2 small with PyTorch, transformers and PEFT: r = 8 on c_attn and attn.c_proj."""

import torch
from peft import LoraConfig, PeftModel, get_peft_model

from measure import arguments, report, rss_mb, time_calls
from training import gpt2_small, random_batch, training_step


def lora_model() -> PeftModel:
    """GPT-2 small with an adapter."""
    targets = ["c_attn", "attn.c_proj"]
    config = LoraConfig(r=8, lora_alpha=16, target_modules=targets, fan_in_fan_out=True, task_type="CAUSAL_LM")
    return get_peft_model(gpt2_small(), config)


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=8, batch=4)
    parser.add_argument("--length", type=int, default=128, help="tokens in a row")
    parser.add_argument("--labels", type=float, default=1.0, help="part of each row that has labels")
    parser.add_argument("--checkpointing", action="store_true", help="compute blocks again in the backward pass")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = lora_model()
    if options.checkpointing:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable()
    loaded = rss_mb()
    batch = random_batch(options.batch, options.length, options.labels)
    step = training_step(model, batch, learning_rate=1e-4)
    seconds = time_calls(step, options)
    name = f"lora-labels-{options.labels:g}"
    report(name, seconds, options.batch * options.length, loaded, ["torch", "transformers", "peft"])


if __name__ == "__main__":
    main()
