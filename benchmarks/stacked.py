"""What a replicate costs when eight of them train as one stacked model, against training each alone, in one run.

    python benchmarks/stacked.py [--replicates 8] [--repeats 3]

Both ways take their turns, on one thread as a worker has it; the middle of the repeats counts. Prints the ratio of the
times of a whole training with its validation, and which way the training itself found to be faster.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch

from backtrack.task import TorchTask, load_task
from backtrack.trial import run_replicate, run_trial
from backtrack.vocabulary.config import Config

SMALL: dict[str, Mapping[str, Any]] = {"squirrel": {"rows": 1000, "valid_rows": 400, "epochs": 2}, "winners": {}}
CASES = {
    "MLP": ("winners", {"net": "mlp"}),
    "convolutional": ("winners", {"net": "conv"}),
    "RNN": ("squirrel", {"cell": "rnn", "hidden": 64}),
    "GRU": ("squirrel", {"cell": "gru", "hidden": 64}),
    "LSTM": ("squirrel", {"cell": "lstm", "hidden": 64}),
}


def measure(task: TorchTask, config: Config, replicates: int, repeats: int, device: str) -> float:
    """Seconds stacked over seconds alone."""
    seeds = tuple(range(replicates))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for repeat in range(repeats + 1):
        for stacked in (True, False):
            started = time.perf_counter()
            if stacked:
                run_trial(task, config, seeds, device=device)
            else:
                for seed in seeds:
                    run_replicate(task, config, seed, device=device)
            # The first of each warms up.
            if repeat:
                seconds[stacked].append(time.perf_counter() - started)
    return statistics.median(seconds[True]) / statistics.median(seconds[False])


class Ways(logging.Handler):
    """Keeps what a stacked training says of itself, by its first word: which way it found to be faster."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.taken: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        what, _, way = record.getMessage().partition(" ")
        self.taken[what] = way


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    log = logging.getLogger("backtrack.trial.stacked")
    log.setLevel(logging.INFO)
    print(f"| net | stacked / alone, of {arguments.replicates} | steps, predictions |\n|---|---|---|", flush=True)
    for name, (task_name, levels) in CASES.items():
        task = load_task(task_name).with_options(SMALL[task_name])
        assert isinstance(task, TorchTask)
        config = task.space.repair({**levels, "optimiser": "adam"}, {})
        ways = Ways()
        log.addHandler(ways)
        ratio = measure(task, config, arguments.replicates, arguments.repeats, arguments.device)
        log.removeHandler(ways)
        taken = ", ".join(ways.taken.get(what, "not settled") for what in ("steps", "predictions"))
        print(f"| {name} | {ratio:.2f} | {taken} |", flush=True)


if __name__ == "__main__":
    main()
