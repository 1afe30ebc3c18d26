"""The training step that the two training peers time: eager PyTorch, as transformers' Trainer does it."""

from collections.abc import Callable

import torch
from transformers import GPT2Config, GPT2LMHeadModel

VOCABULARY = 50257


def gpt2_small() -> GPT2LMHeadModel:
    """GPT-2 small with seeded random weights and no dropout, which the other side has none of either."""
    torch.manual_seed(0)
    config = GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    return GPT2LMHeadModel(config)


def random_batch(rows: int, length: int, labelled: float) -> dict[str, torch.Tensor]:
    """Full rows of random tokens, of which the last part of each, `labelled` of its length, has labels."""
    generator = torch.Generator().manual_seed(1)
    input_ids = torch.randint(0, VOCABULARY, (rows, length), generator=generator)
    labels = input_ids.clone()
    labels[:, : length - round(labelled * length)] = -100
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids), "labels": labels}


def training_step(
    model: torch.nn.Module, batch: dict[str, torch.Tensor], learning_rate: float, autocast: bool = False
) -> Callable[[], float]:
    """A function that makes one optimizer step over all trainable parameters and returns the loss.

    `autocast` computes the forward pass in bfloat16 where PyTorch deems it safe.
    """
    model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate)

    def step() -> float:
        with torch.autocast(model.device.type, torch.bfloat16, enabled=autocast):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step
