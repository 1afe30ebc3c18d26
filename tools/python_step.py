"""Trains with the graphs of an artifact folder in Python, step by step, as docs/training_elsewhere.md says it.

    python tools/python_step.py <folder> <examples.json> --steps 10 --learning-rate 1e-2 [--log log.jsonl]

<folder> is what `ortune export` or `ortune train` wrote for task sft. <examples.json> holds a list of examples,
{"input_ids": […], "labels": […]}, with -100 in labels where a token carries no loss; each step learns from all of them.
Prints a line of JSON a step. With --log, the log of an ortune run of the same steps, it fails where a loss or a gradient norm
differs by more than 1e-5.

Needs onnxruntime, numpy and safetensors; nothing of ortune.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

NO_LOSS = -100


def collate(examples):
    """The batch of task sft: tokens, and which of them are predicted from where."""
    length = max(len(example["input_ids"]) for example in examples)
    shape = (len(examples), length)
    batch = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "position_ids")}
    positions, labels = [], []
    for b, example in enumerate(examples):
        ids = example["input_ids"]
        batch["input_ids"][b, : len(ids)] = ids
        batch["attention_mask"][b, : len(ids)] = 1
        batch["position_ids"][b, : len(ids)] = np.arange(len(ids))
        # The token at t is predicted from t - 1; nothing predicts the first one.
        for t in range(1, len(ids)):
            if example["labels"][t] != NO_LOSS:
                positions.append(b * length + t - 1)
                labels.append(example["labels"][t])
    batch["label_positions"] = np.array(positions, np.int64)
    batch["labels"] = np.array(labels, np.int64)
    batch["label_weights"] = np.full(len(labels), 1 / len(labels), np.float32)
    return batch


def train(folder, examples, steps, learning_rate):
    """Yields the number, the loss and the gradient norm of each step."""
    manifest = json.loads((folder / "ortune.json").read_text())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    open_graph = lambda name: onnxruntime.InferenceSession(folder / name, options, ["CPUExecutionProvider"])
    training, optimizer = open_graph("training_model.onnx"), open_graph("optimizer_model.onnx")

    trained = [o["name"].removesuffix("_grad") for o in manifest["models"]["training_model.onnx"]["outputs"]
               if o["name"].endswith("_grad")]
    stored = load_file(folder / manifest["initial"])
    parameters = {name: stored[name] for name in trained}
    moments = {f"{name}_{moment}": np.zeros_like(stored[name])
               for name in trained for moment in ("exp_avg", "exp_avg_sq")}
    constants = {name: np.array(value, np.float32) for name, value in manifest["constants"].items()}
    batch = collate(examples)
    outputs = [output.name for output in optimizer.get_outputs()]

    first = manifest["optimizer"]["first_step"]
    for step in range(first, first + steps):
        loss, *gradients = training.run(["loss", *(f"{name}_grad" for name in trained)],
                                        {**batch, **parameters, **constants})
        rate = learning_rate * (1 - (step - first) / steps)  # the schedule "linear", without warm-up
        new = dict(zip(outputs, optimizer.run(None, {
            "learning_rate": np.array(rate, np.float32),
            "step": np.array(step, np.float32),
            **parameters,
            **{f"{name}_grad": gradient for name, gradient in zip(trained, gradients)},
            **moments,
        })))
        parameters = {name: new[f"{name}_new"] for name in parameters}
        moments = {name: new[f"{name}_new"] for name in moments}
        yield {"step": step, "loss": float(loss), "grad_norm": float(new["grad_norm"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--log", type=Path, help="the log.jsonl of an ortune run to compare with")
    given = parser.parse_args()
    logged = {}
    if given.log:
        records = [json.loads(line) for line in given.log.read_text().splitlines()]
        logged = {record["step"]: record for record in records if "loss" in record}
    largest = 0.0
    for record in train(given.folder, json.loads(given.examples.read_text()), given.steps, given.learning_rate):
        print(json.dumps(record))
        if given.log:
            step = logged[record["step"]]
            largest = max(largest, *(abs(step[key] - record[key]) for key in ("loss", "grad_norm")))
    if given.log:
        print(f"the largest difference to {given.log} is {largest:.1e}", file=sys.stderr)
        sys.exit(largest > 1e-5)


if __name__ == "__main__":
    main()
