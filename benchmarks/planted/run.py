"""The planted benchmark: is the ranking right, at the error rate that it states?

    python benchmarks/planted/run.py [--runs 60,120,240,480] [--problems 40] [--first 1000]

For each number of runs it prints recall and false discoveries of active factors and of interactions, exactly named
failure causes, coverage of the 95 % intervals, the best config's distance from the optimum, and the alarms on problems
where nothing is true.
"""

from __future__ import annotations

import argparse
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import optuna
from offline import analyse_offline, sweep_offline
from problems import NOISE, draw
from score import Score, score

STAGES = ["screen", "search", "confirm", "backtrack"]


def one(seed: int, runs: int, inert: bool, stages: list[str]) -> Score:
    """The score of one problem."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")
    problem = draw(seed, inert)
    task = problem.task()
    return score(problem, analyse_offline(task, sweep_offline(task, runs, seed, stages)), NOISE)


def total(seeds: list[int], runs: int, inert: bool, stages: list[str]) -> Score:
    """The summed score of many problems, on all cores."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(one, seeds, repeat(runs), repeat(inert), repeat(stages)), Score())


def rate(part: float, whole: float) -> str:
    """A share to three digits."""
    return f"{part / whole:.3f}" if whole else "  -  "


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="60,120,240,480")
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--first", type=int, default=1000, help="seed of the first problem")
    parser.add_argument("--stages", default=",".join(STAGES))
    arguments = parser.parse_args()
    seeds = list(range(arguments.first, arguments.first + arguments.problems))
    stages = arguments.stages.split(",")
    columns = [
        "runs",
        "recall",
        "false",
        "pair recall",
        "of visible",
        "pair false",
        "failure recall",
        "failure false",
        "cause exact",
        "coverage",
        "regret",
        "alarms",
        "false causes",
    ]
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    for runs in map(int, arguments.runs.split(",")):
        found = total(seeds, runs, False, stages)
        nothing = total(seeds, runs, True, stages)
        cells = [
            rate(found.found, found.active), rate(found.wrong, found.called),
            rate(found.pairs_found, found.pairs), rate(found.pairs_found, found.pairs - found.pairs_hidden),
            rate(found.pairs_wrong, found.pairs_called),
            rate(found.failing_found, found.failing), rate(found.failing_wrong, found.failing_called),
            rate(found.rules_right, found.rules), rate(found.covered, found.intervals),
            f"{found.regret / found.problems:.2f}",
            rate(nothing.alarmed, nothing.problems), rate(nothing.causes_claimed, nothing.problems),
        ]  # fmt: skip
        print(f"| {runs} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
