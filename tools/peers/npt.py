"""Phase 1 of the Neuro-Plastic Transformer on GPT-2 small with PyTorch and transformers, teacher-forced.

Two ways of adding u·ΔW to the MLP's first layer, ΔW = A·diag(m)·B of each token: `loop` forms every token's matrix in
a Python loop, as the published code does (its transposed weight and its missing bias put right); `vectorised` multiplies
all tokens from left to right, ((u·A)∘m)·B.
"""

import torch
import torch.nn.functional as F
from transformers.models.gpt2.modeling_gpt2 import GPT2Block

from measure import arguments, report, rss_mb, time_calls
from training import gpt2_small, random_batch

SCALE = 0.1
INITIAL = 0.01
LOW_MAGNITUDE = 0.01


class PlasticBlock(torch.nn.Module):
    """A frozen block with the trained A and B, and without the attention residual."""

    def __init__(self, block: GPT2Block, rank: int, loop: bool) -> None:
        super().__init__()
        width, inner = block.mlp.c_fc.weight.shape
        self.block = block
        self.loop = loop
        self.A = torch.nn.Parameter(torch.randn(width, rank) * INITIAL / width**0.5)
        self.B = torch.nn.Parameter(torch.randn(rank, inner) * INITIAL / rank**0.5)

    def forward(self, h: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        mlp = self.block.mlp
        u = self.block.ln_2(h)
        m = SCALE * torch.tanh(attended @ self.A)
        if self.loop:
            tokens = zip(u.flatten(0, 1), m.flatten(0, 1), strict=True)
            rows = [
                token @ (mlp.c_fc.weight + self.A @ torch.diag(factors) @ self.B) + mlp.c_fc.bias
                for token, factors in tokens
            ]
            inner = torch.stack(rows).view(*u.shape[:-1], -1)
        else:
            inner = mlp.c_fc(u) + ((u @ self.A) * m) @ self.B
        return h + mlp.c_proj(mlp.act(inner))

    def magnitude(self) -> torch.Tensor:
        return (self.A.norm() + self.B.norm()) / 2


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=8, batch=4)
    parser.add_argument("--length", type=int, default=128, help="tokens in a row")
    parser.add_argument("--rank", type=int, default=16, help="rank of the updates")
    parser.add_argument("--layers", choices=["all", "upper_half"], default="upper_half", help="plastic blocks")
    parser.add_argument("--kind", choices=["loop", "vectorised"], default="vectorised", help="see above")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    transformer = gpt2_small().transformer.requires_grad_(False)
    first = 0 if options.layers == "all" else len(transformer.h) // 2
    plastic = {
        layer: PlasticBlock(transformer.h[layer], options.rank, options.kind == "loop")
        for layer in range(first, len(transformer.h))
    }
    loaded = rss_mb()
    input_ids = random_batch(options.batch, options.length, 1.0)["input_ids"]
    positions = torch.arange(options.length)
    parameters = [tensor for block in plastic.values() for tensor in (block.A, block.B)]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)

    def step() -> float:
        errors, magnitudes = [], []
        h = transformer.wte(input_ids) + transformer.wpe(positions)
        for layer, block in enumerate(transformer.h):
            attended = block.attn(block.ln_1(h))[0]
            target = h + attended
            target = target + block.mlp(block.ln_2(target))
            if layer in plastic:
                errors.append(F.mse_loss(plastic[layer](h, attended), target))
                magnitudes.append(plastic[layer].magnitude())
            h = target
        loss = torch.stack(errors).mean() + LOW_MAGNITUDE * torch.stack(magnitudes).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    seconds = time_calls(step, options)
    name = f"npt-{options.kind}-{options.layers}"
    report(name, seconds, options.batch * options.length, loaded, ["torch", "transformers"])


if __name__ == "__main__":
    main()
