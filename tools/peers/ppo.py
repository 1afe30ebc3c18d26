"""PPO on GPT-2 small with TRL 0.11's PPOTrainer and PEFT: r = 8 on c_attn and attn.c_proj.

The adapters are off for the reference. A step is one update, from prompts to another policy: responses are sampled,
a reward that costs nothing scores them, and four epochs of mini-batches follow.
"""

import statistics
import time

import torch
from peft import get_peft_model
from trl import AutoModelForCausalLMWithValueHead, PPOConfig, PPOTrainer

from measure import arguments, report, rss_mb, time_calls
from preference import lora, padding_tokenizer, quiet
from training import VOCABULARY, gpt2_small


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=3, batch=16, warmup=1)
    parser.add_argument("--mini-batch", type=int, default=8, help="responses of a mini-batch")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the responses")
    parser.add_argument("--prompt", type=int, default=24, help="tokens in a prompt")
    parser.add_argument("--new", type=int, default=20, help="tokens in a response")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    quiet()

    model = gpt2_small()
    model.generation_config.eos_token_id = None  # every response gets all its tokens
    policy = AutoModelForCausalLMWithValueHead.from_pretrained(get_peft_model(model, lora("CAUSAL_LM")))
    policy.v_head.dropout = torch.nn.Identity()
    trained = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    config = PPOConfig(
        batch_size=options.batch,
        mini_batch_size=options.mini_batch,
        ppo_epochs=options.epochs,
        learning_rate=2e-6,
        max_grad_norm=1.0,
        score_clip=1.0,
    )
    trainer = PPOTrainer(
        config, policy, None, padding_tokenizer(), optimizer=torch.optim.AdamW(trained, lr=config.learning_rate)
    )
    loaded = rss_mb()

    generator = torch.Generator().manual_seed(1)
    prompts = list(torch.randint(0, VOCABULARY - 1, (options.batch, options.prompt), generator=generator))
    sampling = {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 0.95, "pad_token_id": VOCABULARY - 1}
    parts: list[dict[str, float]] = []

    def update() -> None:
        began = time.perf_counter()
        responses = trainer.generate(
            prompts, batch_size=options.batch, return_prompt=False, max_new_tokens=options.new, **sampling
        )
        generated = time.perf_counter() - began
        scores = [(response % 2).float().mean() for response in responses]
        stats = trainer.step(prompts, responses, scores)
        parts.append(
            {
                "generate": generated,
                "forward": float(stats["time/ppo/forward_pass"]),
                "optimize": float(stats["time/ppo/optimize_step"]),
            }
        )

    seconds = time_calls(update, options)
    timed = parts[options.warmup :]
    medians = {part: statistics.median(times[part] for times in timed) for part in timed[0]}
    tokens = options.batch * options.new
    report("ppo", seconds, tokens, loaded, ["torch", "transformers", "peft", "trl"], medians)


if __name__ == "__main__":
    main()
