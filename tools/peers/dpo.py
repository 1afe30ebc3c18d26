"""DPO on GPT-2 small with the loss of TRL's DPOTrainer and PEFT: r = 8 on c_attn and attn.c_proj.

The reference's log-probabilities were measured before.
"""

import math
import tempfile

import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from measure import arguments, report, rss_mb, time_calls
from preference import lora, padding_tokenizer, quiet, random_pairs, trainer_step
from training import VOCABULARY, gpt2_small


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=8, batch=4)
    parser.add_argument("--prompt", type=int, default=48, help="tokens in a prompt")
    parser.add_argument("--answer", type=int, default=40, help="tokens in an answer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    quiet()

    with tempfile.TemporaryDirectory() as folder:
        config = DPOConfig(folder, gradient_checkpointing=False, bf16=False, report_to="none", disable_tqdm=True)
        trainer = DPOTrainer(
            gpt2_small(),
            args=config,
            train_dataset=Dataset.from_list([{"prompt": "1", "chosen": " 2", "rejected": " 3"}]),
            processing_class=padding_tokenizer(),
            peft_config=lora("CAUSAL_LM"),
        )
        trainer.precompute_ref_logps = True  # they come with the inputs
        loaded = rss_mb()
        input_ids = random_pairs(options.batch, options.prompt, options.answer)
        completion_mask = torch.ones_like(input_ids)
        completion_mask[:, : options.prompt] = 0
        reference = torch.full((options.batch,), -options.answer * math.log(VOCABULARY))
        inputs = {
            "input_ids": input_ids,
            "attention_mask": torch.ones_like(input_ids),
            "completion_mask": completion_mask,
            "ref_chosen_logps": reference,
            "ref_rejected_logps": reference,
        }
        seconds = time_calls(trainer_step(trainer, inputs), options)
    report("dpo", seconds, input_ids.numel(), loaded, ["torch", "transformers", "peft", "trl"])


if __name__ == "__main__":
    main()
