"""A reward model on GPT-2 small with the loss of TRL's RewardTrainer and PEFT: r = 8 on c_attn and attn.c_proj."""

import tempfile

import torch
from datasets import Dataset
from transformers import GPT2Config, GPT2ForSequenceClassification
from trl import RewardConfig, RewardTrainer

from measure import arguments, report, rss_mb, time_calls
from preference import lora, padding_tokenizer, quiet, random_pairs, trainer_step
from training import VOCABULARY


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=8, batch=4)
    parser.add_argument("--prompt", type=int, default=48, help="tokens in a prompt")
    parser.add_argument("--answer", type=int, default=40, help="tokens in an answer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    quiet()

    torch.manual_seed(0)
    dropouts = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = GPT2ForSequenceClassification(GPT2Config(num_labels=1, pad_token_id=VOCABULARY - 1, **dropouts))
    with tempfile.TemporaryDirectory() as folder:
        config = RewardConfig(folder, gradient_checkpointing=False, bf16=False, report_to="none", disable_tqdm=True)
        trainer = RewardTrainer(
            model,
            args=config,
            train_dataset=Dataset.from_list([{"chosen": "2", "rejected": "3"}]),
            processing_class=padding_tokenizer(),
            peft_config=lora("SEQ_CLS", modules_to_save=["score"]),
        )
        loaded = rss_mb()
        input_ids = random_pairs(options.batch, options.prompt, options.answer)
        inputs = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
        seconds = time_calls(trainer_step(trainer, inputs), options)
    report("reward", seconds, input_ids.numel(), loaded, ["torch", "transformers", "peft", "trl"])


if __name__ == "__main__":
    main()
