"""What the peers of preference learning share: pairs of answers, adapters, and a step with the loss of a TRL trainer."""

import warnings
from collections.abc import Callable

import datasets
import torch
import transformers
from peft import LoraConfig
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from training import VOCABULARY

END = "<|endoftext|>"


def quiet() -> None:
    """Keeps progress bars and advice on settings off the screen."""
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()


def lora(task_type: str, **options) -> LoraConfig:
    """r = 8 on c_attn and attn.c_proj."""
    targets = ["c_attn", "attn.c_proj"]
    return LoraConfig(
        r=8, lora_alpha=16, target_modules=targets, fan_in_fan_out=True, task_type=task_type, **options
    )


def padding_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of numbers: a trainer wants one, though nothing here is text."""
    numbers = {str(token): token for token in range(VOCABULARY - 1)}
    words = Tokenizer(WordLevel({**numbers, END: VOCABULARY - 1}, unk_token=END))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token=END, pad_token=END)


def random_pairs(pairs: int, prompt: int, answer: int) -> torch.Tensor:
    """Rows of random tokens, the preferred answers' first, then the others', each after its prompt."""
    generator = torch.Generator().manual_seed(1)
    prompts = torch.randint(0, VOCABULARY, (pairs, prompt), generator=generator)
    answers = torch.randint(0, VOCABULARY, (2 * pairs, answer), generator=generator)
    return torch.cat([prompts.repeat(2, 1), answers], dim=1)


def trainer_step(trainer: transformers.Trainer, inputs: dict[str, torch.Tensor]) -> Callable[[], float]:
    """A function that makes one optimizer step with the trainer's own loss, and returns the loss."""
    model = trainer.model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)

    def step() -> float:
        loss = trainer.compute_loss(model, dict(inputs))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step
