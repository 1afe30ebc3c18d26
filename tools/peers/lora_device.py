"""A LoRA step of GPT-2 small with PyTorch and PEFT on a CUDA card: `lora_device.py fp32|tf32|bf16 rows length steps`.

tf32 lets matrix products have the mantissa of TensorFloat-32; bf16 is autocast, as `bf16=True` of transformers' Trainer.
Prints one line of JSON.
"""

import json
import statistics
import sys
import time

import torch
from lora import lora_model
from training import random_batch, training_step

WARMUP = 5


def main() -> None:
    kind, rows, length, steps = sys.argv[1], *(int(text) for text in sys.argv[2:5])
    torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
    torch.backends.cudnn.allow_tf32 = kind == "tf32"
    batch = {name: tensor.cuda() for name, tensor in random_batch(rows, length, 1.0).items()}
    plain = training_step(lora_model().cuda(), batch, learning_rate=1e-4, autocast=kind == "bf16")
    seconds = []
    loss = float("nan")
    for i in range(WARMUP + steps):
        start = time.perf_counter()
        loss = plain()
        if i >= WARMUP:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"loss": loss, "seconds_per_step": statistics.median(seconds)}))


if __name__ == "__main__":
    main()
