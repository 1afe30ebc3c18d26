"""Full fine-tuning of GPT-2 small with PyTorch and transformers."""

import torch

from measure import arguments, report, rss_mb, time_calls
from training import gpt2_small, random_batch, training_step


def main() -> None:
    """Prints one line of JSON."""
    parser = arguments(__doc__, steps=8, batch=4)
    parser.add_argument("--length", type=int, default=128, help="tokens in a row")
    parser.add_argument("--labels", type=float, default=1.0, help="part of each row that has labels")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = gpt2_small()
    loaded = rss_mb()
    batch = random_batch(options.batch, options.length, options.labels)
    step = training_step(model, batch, learning_rate=1e-4)
    seconds = time_calls(step, options)
    name = f"full-labels-{options.labels:g}"
    report(name, seconds, options.batch * options.length, loaded, ["torch", "transformers"])


if __name__ == "__main__":
    main()
