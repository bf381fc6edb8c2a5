"""How a sweep's training runs are divided between its stages."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import PlanError
from pipeline.plan import STAGES
from pipeline.space import SearchSpace

# Shares by what each stage is for: the screen carries the evidence, the search the best config.
SHARES = {"screen": 0.8, "search": 0.2}


def split_runs(space: SearchSpace, runs: int, stages: Sequence[str]) -> dict[str, int]:
    """Training runs for each stage; they add up to `runs`.

    Args:
        space: more factors than runs is refused.
        runs: N, all training runs of the sweep.
        stages: which stages take part; their shares are scaled to fill N.

    Raises:
        PlanError: for an unknown stage, no runs, or a screen with fewer runs than factors.
    """
    unknown = [stage for stage in stages if stage not in SHARES]
    if unknown or not stages:
        raise PlanError(f"stages {list(stages)}: expected some of {', '.join(SHARES)}")
    if runs < 1:
        raise PlanError(f"runs is {runs}; expected a positive number of training runs")
    whole = sum(SHARES[stage] for stage in set(stages))
    split: dict[str, int] = {}
    left = runs
    ordered = [stage for stage in STAGES if stage in stages]
    for stage in ordered:
        split[stage] = left if stage == ordered[-1] else min(left, round(runs * SHARES[stage] / whole))
        left -= split[stage]
    factors = len(space.factors)
    if "screen" in split and split["screen"] <= factors:
        needed = -(-(factors + 1) * runs // split["screen"]) if split["screen"] else (factors + 1) * 2
        raise PlanError(
            f"{runs} runs leave {split['screen']} for the screen of {factors} factors; expected more runs than "
            f"factors, and useful answers need about {needed * 4}; raise --runs or fix some factors"
        )
    return split
