"""Claims: fresh paired runs for what the task's sources claim, named before any run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backtrack.errors import PlanError, SpaceError
from backtrack.stages.design import balanced_configs
from backtrack.vocabulary.config import Config, Level
from backtrack.vocabulary.contrasts import contrast_question, contrasts_of
from backtrack.vocabulary.factors import Claim, Factor
from backtrack.vocabulary.narrowing import narrow, whole
from backtrack.vocabulary.plan import CLAIMED, OTHER, PAIRED, PlannedTrial, trial_id
from backtrack.vocabulary.space import SearchSpace

# Fifty pairs show a difference of .4 standard deviations of the pairs' differences four times in five.
USEFUL_RUNS = 100


def plan_claims(space: SearchSpace, runs: int, seed: int) -> list[PlannedTrial]:
    """The claims stage's trials: for every contrast that a claim names, the same number of pairs of trainings.

    - The two trainings of a pair differ in the claim's factor alone, and have the same seed: what the background and
      the luck of the seed do to the metric falls out of their difference.
    - Backgrounds are a balanced, randomised design over all other factors, under the levels that the claim names for
      some of them: the contrast is an average over what else one might have chosen. A factor that exists under one of
      the two levels only (the groups of winner-takes-all units) varies there.
    - Each pair has a seed of its own, so that pairs are independent of one another.
    - Nothing in it depends on any result, so that the verdict's error rate is that of one test for each claim.

    Args:
        space: the factors with their claims; claims on several responses of one contrast share its pairs.
        runs: number of training runs; of an odd number one is left out.
        seed: of the study.

    Raises:
        PlanError: where no factor carries a claim, or there are too few runs for one pair a contrast.
    """
    contrasts = contrasts_of(space)
    pairs = runs // 2
    check_claims(space, runs)
    queues = []
    for number, (factor, claim) in enumerate(contrasts):
        count = pairs // len(contrasts) + (number < pairs % len(contrasts))
        queues.append(_backgrounds(space, factor, claim, count, seed * 1000 + number))
    rng = np.random.default_rng([seed, runs, 3])
    planned: list[PlannedTrial] = []
    for number in range(pairs):
        # The contrasts in turn, so that a sweep that is cut short has some pairs of each.
        contrast = number % len(contrasts)
        first, second = queues[contrast][number // len(contrasts)]
        for config in (first, second) if rng.random() < 0.5 else (second, first):
            planned.append(
                PlannedTrial(
                    trial=trial_id("claims", len(planned)),
                    stage="claims",
                    config=config,
                    seeds=(seed * 1000 + number,),
                    part=PAIRED,
                    pair=number,
                    side=CLAIMED if config is first else OTHER,
                    question=contrast_question(contrasts[contrast][0].name, contrasts[contrast][1]),
                )
            )
    return planned


def check_claims(space: SearchSpace, runs: int) -> None:
    """Refuses what `plan_claims` could not plan, before anything runs; arguments and errors as there."""
    contrasts = len(contrasts_of(space))
    if not contrasts:
        raise PlanError("no factor of this task carries a claim; leave the stage claims out, or give a factor a claim")
    if runs < 2 * contrasts:
        raise PlanError(
            f"{runs} runs are too few for the claims: {contrasts} contrasts need at least {2 * contrasts}, and useful "
            f"answers about {USEFUL_RUNS * contrasts}; raise --runs"
        )


def _backgrounds(
    space: SearchSpace, factor: Factor, claim: Claim, count: int, seed: int
) -> list[tuple[Config, Config]]:
    """`count` pairs of configs, (claim's level, the other), on backgrounds that are balanced for either."""
    to, other = (_side(space, factor, level, claim.where, count, seed) for level in (claim.level, claim.against))
    return [
        # What exists under both levels is the same in both; what only one of them has is that one's own.
        (mine, space.repair({**theirs, **mine, factor.name: claim.against}, {}))
        for mine, theirs in zip(to, other, strict=True)
    ]


def _side(
    space: SearchSpace, factor: Factor, level: Level, where: Mapping[str, Level], count: int, seed: int
) -> list[Config]:
    """`count` balanced configs that have `factor` at `level`, and what the claim names for others."""
    kept = whole(space)
    held = {**where, factor.name: level}
    for name in held:
        _allow(space, name, kept)
    for name, own in held.items():
        kept[name] = [own]
    try:
        rest, fixed = narrow(space, kept)
    except SpaceError:
        # The claim's factor is all there is: every pair is the same two configs, with another seed.
        return [space.repair(held, {})] * count
    return [space.repair({**fixed, **config}, {}) for config, _ in balanced_configs(rest, count, seed)]


def _allow(space: SearchSpace, name: str, kept: dict[str, Any]) -> None:
    """Leaves of the factors that `name` depends on only the levels under which it exists."""
    for parent, allowed in (space[name].when or {}).items():
        _allow(space, parent, kept)
        kept[parent] = [level for level in kept[parent] if level in allowed]
