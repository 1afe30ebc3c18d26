"""What the peers share: timing, memory and the one line of JSON that each of them prints."""

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch


def arguments(description: str, *, steps: int, batch: int, warmup: int = 2) -> argparse.ArgumentParser:
    """The options that every peer has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=batch, help="rows in a batch")
    parser.add_argument("--steps", type=int, default=steps, help="timed repetitions")
    parser.add_argument("--warmup", type=int, default=warmup, help="untimed repetitions before them")
    parser.add_argument("--paced", action="store_true", help="wait for a line on stdin before each repetition")
    parser.add_argument("--threads", type=int, default=2, help="threads within an operator")
    return parser


def time_calls(call: Callable[[], object], options: argparse.Namespace) -> list[float]:
    """Seconds of each of `steps` calls, after `warmup` calls that are not counted.

    Paced, each call waits for a line on stdin and is answered with a line: `tools/bench/paced.ts` lets two
    processes take turns so.
    """
    seconds = []
    for _ in range(options.warmup + options.steps):
        if options.paced:
            sys.stdin.readline()
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
        if options.paced:
            print("done", flush=True)
    return seconds[options.warmup :]


def rss_mb() -> float | None:
    """Resident memory of this process now, in MiB; unknown where there is no /proc."""
    return _proc_status("VmRSS")


def report(
    name: str,
    seconds: list[float],
    tokens_per_step: int,
    loaded_mb: float | None,
    packages: list[str],
    parts: dict[str, float] | None = None,
) -> None:
    """Prints the result. All memory is in MiB and of this process alone; `parts` are seconds of a step's parts.

    `peak_rss_mb` is the kernel's high-water mark VmHWM. `ru_maxrss_mb` is nearly always the same, but a
    process started by a larger one inherits the larger one's figure.
    """
    unit = 2**20 if platform.system() == "Darwin" else 2**10
    ru_maxrss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    median = statistics.median(seconds)
    result = {
        "name": name,
        "seconds_per_step": median,
        "all": seconds,
        "tokens_per_second": tokens_per_step / median,
        **(parts or {}),
        "peak_rss_mb": _proc_status("VmHWM") or ru_maxrss,
        "ru_maxrss_mb": ru_maxrss,
        "loaded_rss_mb": loaded_mb,
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
    }
    print(json.dumps(result), flush=True)


def _proc_status(field: str) -> float | None:
    """A memory field of /proc/self/status in MiB."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    values = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return int(values[field].split()[0]) / 1024
