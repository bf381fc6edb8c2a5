"""The screen: a balanced, randomised sample of the space. Its trials are evidence."""

from __future__ import annotations

from pipeline.plan import PlannedTrial, trial_id
from pipeline.space import SearchSpace
from pipeline.stages.design import balanced_configs

# Enough seeds that no conclusion hangs on one, few enough that the analysis can tell their luck from the factors'.
SEED_BLOCKS = 5


def plan_screen(space: SearchSpace, runs: int, seed: int) -> list[PlannedTrial]:
    """The screen's trials: one replicate each, in random order.

    Seeds: the runs share a pool of `SEED_BLOCKS` seeds, used equally often and independently of every factor.
    One replicate a config, since for a fixed N a new config tells more about factors than a new seed. A pool
    rather than one seed: with one seed for all, a factor's effect under that seed's luck would pass for its
    effect; and rather than N seeds: the luck that configs share by a seed is then a block that the analysis
    takes out, which narrows every interval.

    Args:
        space: the factors.
        runs: number of training runs.
        seed: of the study; also the first of the pool.
    """
    planned = []
    for number, (config, block) in enumerate(balanced_configs(space, runs, seed, blocks=min(SEED_BLOCKS, runs))):
        planned.append(PlannedTrial(trial_id("screen", number), "screen", config, (seed_pool(seed)[block],)))
    return planned


def seed_pool(seed: int) -> tuple[int, ...]:
    """The seeds that trainings of a study share, so that any two configs can be compared with the same luck."""
    return tuple(seed * 1000 + number for number in range(SEED_BLOCKS))
