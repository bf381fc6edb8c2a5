"""Two studies of the same question: are equal ones called equal, and is a shift of one standard deviation found?

    python benchmarks/planted/run_compare.py [--pairs 100] [--runs 120] [--first 61000]

Planted problems, each swept twice: under the same seeds, whose luck both studies share, and under seeds of their own.
Of equal pairs: in how many anything is called different. Of pairs of which the second ends one run-to-run standard
deviation higher, or has one factor's effect turned round: in how many that is found.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product, repeat
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import optuna
from offline import analyse_offline, sweep_offline
from problems import CHANCE, LEVEL, NOISE, Problem, draw

from backtrack import Numeric
from backtrack.evidence.comparing import DIFFERS, compare_analyses
from backtrack.task import FunctionTask

EQUAL, SHIFT, TURNED = "equal", "level + 1 sd", "one effect turned"


def second(problem: Problem, kind: str, factor: str) -> FunctionTask:
    """The task of the second study: fresh noise, the same luck of each seed."""
    task = problem.task()
    own = replace(problem, seed=problem.seed + 500_000)

    def luck(number: int, seed: int) -> float:
        return float(np.random.default_rng([number, seed, 7]).normal(0, problem.luck)) if problem.luck else 0.0

    def run(config: dict[str, Any], seed: int) -> Iterator[dict[str, float]]:
        asked = dict(config)
        if kind == TURNED and factor in asked:
            known = task.space[factor]
            if isinstance(known, Numeric):
                asked[factor] = known.at(1 - known.share(float(asked[factor])))
            else:
                levels = list(known.levels)
                asked[factor] = levels[len(levels) - 1 - levels.index(asked[factor])]
        moved = luck(problem.seed, seed) - luck(own.seed, seed) + (NOISE if kind == SHIFT else 0.0)
        for report in own.run(asked, seed):
            # A run that learns nothing ends at chance, whatever moves the others.
            yield {name: value + moved * (CHANCE - value) / (CHANCE - LEVEL) for name, value in report.items()}

    return replace(task, run=run)


def found(seed: int, runs: int, kind: str, apart: int) -> tuple[bool, bool]:
    """Whether anything is called different, and whether what was planted is."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    problem = draw(seed)
    task = problem.task()
    # A factor without children, so that turning it changes nothing else.
    parents = {parent for factor in task.space for parent in (factor.when or {})}
    free = sorted(name for name in problem.active - parents if not task.space[name].when)
    other = second(problem, kind, free[0] if free else "")
    both = [
        analyse_offline(one, sweep_offline(one, runs, number, ["screen"]))
        for one, number in ((task, seed), (other, seed + apart))
    ]
    differences = list(compare_analyses(both[0], both[1], task.metric, task.mode, 0.05).differences)
    named = [one for one in differences if one.verdict == DIFFERS]
    planted = "level" if kind == SHIFT else "effect"
    return bool(named), any(one.what == planted and (kind == SHIFT or one.name == free[0]) for one in named)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--first", type=int, default=61000)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.pairs)
    print(f"| {asked.runs} + {asked.runs} runs | anything different | what was planted |\n|---|---|---|")
    with ProcessPoolExecutor() as pool:
        for apart, kind in product((0, 1_000_000), (EQUAL, SHIFT, TURNED)):
            rows = list(pool.map(found, seeds, repeat(asked.runs), repeat(kind), repeat(apart)))
            share = [sum(one) / len(rows) for one in zip(*rows, strict=True)]
            named = f"{kind}, {'seeds of their own' if apart else 'the same seeds'}"
            print(f"| {named} | {share[0]:.2f} | {'' if kind == EQUAL else f'{share[1]:.2f}'} |", flush=True)


if __name__ == "__main__":
    main()
