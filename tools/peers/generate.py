"""Greedy decoding of GPT-2 small with transformers' generate and its key-value cache."""

import torch

from measure import arguments, report, rss_mb, time_calls
from training import VOCABULARY, gpt2_small


def main() -> None:
    """Prints one line of JSON; a step is one new token of every row, the prompt's own pass included."""
    parser = arguments(__doc__, steps=5, batch=1)
    parser.add_argument("--prompt", type=int, default=32, help="tokens in a prompt")
    parser.add_argument("--new", type=int, default=64, help="new tokens of each row")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = gpt2_small().eval()
    model.generation_config.eos_token_id = None  # every row gets all its new tokens
    loaded = rss_mb()
    generator = torch.Generator().manual_seed(1)
    prompt = torch.randint(0, VOCABULARY, (options.batch, options.prompt), generator=generator)
    mask = torch.ones_like(prompt)

    def call() -> None:
        output = model.generate(
            prompt,
            attention_mask=mask,
            max_new_tokens=options.new,
            do_sample=False,
            use_cache=True,
            pad_token_id=0,
        )
        assert output.shape[1] == options.prompt + options.new

    seconds = [whole / options.new for whole in time_calls(call, options)]
    report(f"generate-batch-{options.batch}", seconds, options.batch, loaded, ["torch", "transformers"])


if __name__ == "__main__":
    main()
