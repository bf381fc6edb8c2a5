"""How a sweep's training runs are divided between its stages."""

from __future__ import annotations

from collections.abc import Sequence

from backtrack.errors import PlanError
from backtrack.evidence.looking import PLANNED_SHARE
from backtrack.stages.claims import check_claims
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.plan import STAGES
from backtrack.vocabulary.space import SearchSpace

# Shares by what each stage is for: the screen carries the evidence, the search the best config, confirm settles what
# the screen suspects, backtrack finds and verifies causes. Chosen on the planted benchmark's development problems.
# "claims" is there on request: a quarter of N beside the other four.
SHARES = {"screen": 0.7, "search": 0.05, "confirm": 0.1, "claims": 0.33, "backtrack": 0.15}
# A confirm of fewer runs settles less than the screen does with them: of 80 problems with 160 runs in all it finds .86
# of the factors and .80 of those of failure, the larger screen .88 and .87. With 240 it is the better (.96 and .95).
LEAST_CONFIRM = 24
# Runs that the screen takes first, for each number that its model estimates (a level beyond the first): with fewer it
# settles nothing, and the later stages have nothing to go on from. Never more than the share below.
RUNS_A_NUMBER, MOST_SCREEN = 4.5, 0.8
# One investigation down to the components takes about so many runs; of few runs in all it gets a larger share.
ENOUGH_BACKTRACK, MOST_BACKTRACK = 40, 0.2


# Of N, what a sweep that looks as it goes runs before its first look.
FIRST_LOOK = 0.4


def first_runs(space: SearchSpace, runs: int, until: str | None, hours: float | None) -> tuple[int, dict[str, float]]:
    """The runs before a sweep's first look, and the fields of the manifest that say what that look may use up.

    Args:
        space: the factors.
        runs: N.
        until: "decided" to look as it goes.
        hours: wall time instead of N: as few as the space allows; the rest follows from the measured times.

    Raises:
        PlanError: for another word than "decided", both, or no time.
    """
    if until not in (None, "decided"):
        raise PlanError(f"until is {until!r}; expected 'decided'")
    if until is not None and hours is not None:
        raise PlanError("expected until or hours, not both")
    if hours is not None:
        if not hours > 0:
            raise PlanError(f"hours is {hours}; expected a positive number")
        return 4 * _numbers(space) + 8, {}
    least = min(runs, 2 * len(space.factors) + 8)
    if until is None or round(FIRST_LOOK * runs) < least:
        return runs, {}
    first = round(FIRST_LOOK * runs)
    return first, {"spends_first": PLANNED_SHARE * first / runs}


def split_runs(space: SearchSpace, runs: int, stages: Sequence[str]) -> dict[str, int]:
    """Training runs for each stage; they add up to `runs`, but for one where the claims, which come in pairs, are last.

    The more there is to ask, the more of N goes to the screen: see `RUNS_A_NUMBER`. A confirm that would be too small
    to settle anything (`LEAST_CONFIRM`) gets none, and the screen its runs.

    Args:
        space: more factors than runs is refused.
        runs: N, all training runs of the sweep.
        stages: which stages take part. Those with a number, such as `screen=120`, get so many; what is left of N is
            divided between the others.

    Raises:
        PlanError: for an unknown stage, no runs, numbers that do not fit N, a screen with fewer runs than factors, or
            claims with fewer than a pair for each contrast.
    """
    given = dict(_given(stage) for stage in stages)
    unknown = [stage for stage in given if stage not in SHARES]
    if unknown or not stages:
        raise PlanError(f"stages {list(stages)}: expected some of {', '.join(SHARES)}")
    if runs < 1:
        raise PlanError(f"runs is {runs}; expected a positive number of training runs")
    fixed = {stage: count for stage, count in given.items() if count is not None}
    free = [stage for stage in STAGES if stage in given and stage not in fixed]
    left = runs - sum(fixed.values())
    if left < 0 or (left and not free):
        raise PlanError(
            f"stages {list(stages)} take {runs - left} of {runs} training runs; expected "
            f"{'at most' if free else 'just'} {runs}: change the numbers or --runs"
        )
    if "claims" in fixed:
        fixed["claims"] -= fixed["claims"] % 2
    shared = {**_shared(space, left, free), **fixed}
    split = {stage: shared[stage] for stage in STAGES if stage in shared}
    if "claims" in split:
        check_claims(space, split["claims"])
    factors = len(space.factors)
    if "screen" in split and split["screen"] <= factors:
        needed = -(-(factors + 1) * runs // split["screen"]) if split["screen"] else (factors + 1) * 2
        raise PlanError(
            f"{runs} runs leave {split['screen']} for the screen of {factors} factors; expected more runs than "
            f"factors, and useful answers need about {needed * 4}; raise --runs or fix some factors"
        )
    return split


def _given(stage: str) -> tuple[str, int | None]:
    """`screen=120` as its stage and its runs; None where the tool is to choose them."""
    name, sign, count = (part.strip() for part in stage.partition("="))
    if sign and not count.isdecimal():
        raise PlanError(f"stage {stage!r}: expected a name, or a name and its training runs, such as screen=120")
    return name, int(count) if sign else None


def _shared(space: SearchSpace, runs: int, stages: Sequence[str]) -> dict[str, int]:
    """`runs` divided between `stages`, which are in the order in which they are run."""
    if not runs or not stages:
        return dict.fromkeys(stages, 0)
    shares = {**SHARES, "backtrack": min(MOST_BACKTRACK, max(SHARES["backtrack"], ENOUGH_BACKTRACK / runs))}
    shares["screen"] -= shares["backtrack"] - SHARES["backtrack"]
    whole = sum(shares[stage] for stage in stages)
    if {"screen", "confirm"} <= set(stages) and runs * shares["confirm"] / whole < LEAST_CONFIRM:
        shares["screen"] += shares["confirm"]
        shares["confirm"] = 0.0
    split: dict[str, int] = {}
    left = runs
    last = [stage for stage in stages if shares[stage]][-1]
    for stage in stages:
        share = shares[stage] / whole
        if stage == "screen":
            share = max(share, min(MOST_SCREEN, RUNS_A_NUMBER * _numbers(space) / runs))
            whole = (whole - shares["screen"]) / (1 - share) if share < 1 else whole
        split[stage] = left if stage == last else min(left, round(runs * share))
        if stage == "claims":
            split[stage] -= split[stage] % 2
        left -= split[stage]
    return split


def _numbers(space: SearchSpace) -> int:
    """How many numbers a model of every factor estimates: levels beyond the first, two for a curve."""
    return 1 + sum(2 if isinstance(factor, Numeric) else len(factor.levels) - 1 for factor in space)
