"""Are causes named exactly where they are as people's bugs are? A line for each kind of problem (`kinds.py`).

    python benchmarks/planted/run_kinds.py [--runs 240] [--problems 20] [--first 7000] [--kinds "corner,two ends"]

A cause is named exactly where the configs that it names are those that truly fail: their Jaccard index, over random
configs of the space, is .95 or more.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from kinds import KINDS, Case, draw_case
from offline import analyse_offline, sweep_offline
from run import STAGES, print_head, print_row, quiet, rate
from score import Counts

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.failures.cause import Cause
from backtrack.stages.screen import plan_screen

CONFIGS, SAME = 4000, 0.95


@dataclass
class Named(Counts):
    """Counts that add up over problems.

    Args:
        causes, exact, exact_verified: true causes; those that a cause named exactly; those of them that were verified.
        verified, wrong: causes called verified, and how many of them name no true cause exactly.
        called, false: factors called active for the gain, and how many of them change nothing.
        unverified: causes that stand unverified.
    """

    causes: int = 0
    exact: int = 0
    exact_verified: int = 0
    verified: int = 0
    wrong: int = 0
    called: int = 0
    false: int = 0
    unverified: int = 0


def named(kind: str, seed: int, runs: int) -> Named:
    """The score of one problem."""
    quiet()
    case = draw_case(kind, seed)
    task = case.task()
    return score_case(case, analyse_offline(task, sweep_offline(task, runs, seed, STAGES)))


def score_case(case: Case, analysis: Analysis) -> Named:
    """Holds the causes of an analysis against those of the case."""
    space = case.effects.space
    configs = [planned.config for planned in plan_screen(space, CONFIGS, 1)]
    truths = [np.array([region(config) for config in configs]) for region in case.causes]
    standing = [one.cause for one in analysis.causes if not one.cause.refuted]
    regions = [np.array([_names(cause, space.expand(config)) for config in configs]) for cause in standing]
    same = np.array([[_jaccard(truth, region) >= SAME for region in regions] for truth in truths], bool)
    same = same.reshape(len(truths), len(regions))
    verified = np.array([cause.verified for cause in standing], bool)
    active = {effect.factor.name for effect in analysis.responses["gain"].factors if effect.verdict == "active"}
    return Named(
        causes=len(truths),
        exact=int(same.any(1).sum()),
        exact_verified=int((same & verified).any(1).sum()),
        verified=int(verified.sum()),
        wrong=int((verified & ~same.any(0)).sum()),
        called=len(active),
        false=len(active - case.effects.active),
        unverified=int((~verified).sum()),
    )


def _names(cause: Cause, levels: dict[str, object]) -> bool:
    """Whether a cause, as the report names it, holds in a config with its composites opened."""
    conditions = cause.needed if cause.verified or cause.rule is None else cause.rule.conditions
    return all(condition.met_by(levels) for condition in conditions)  # type: ignore[arg-type]


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=240)
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--first", type=int, default=7000, help="seed of the first problem")
    parser.add_argument("--kinds", default=",".join(KINDS))
    arguments = parser.parse_args()
    seeds = list(range(arguments.first, arguments.first + arguments.problems))
    everything = Named()
    print_head(
        ["kind", "causes", "named exactly", "and verified", "verified ones that are wrong", "gain: false of called"]
    )
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for kind in arguments.kinds.split(","):
            found = sum(pool.map(named, repeat(kind), seeds, repeat(arguments.runs)), Named())
            everything = everything + found
            print_row(row(kind, found))
    print_row(row("all", everything))


def row(kind: str, found: Named) -> Sequence[object]:
    """A line of the table."""
    return (
        kind,
        found.causes,
        rate(found.exact, found.causes),
        rate(found.exact_verified, found.causes),
        f"{found.wrong} of {found.verified}",
        f"{found.false} of {found.called}",
    )


if __name__ == "__main__":
    main()
