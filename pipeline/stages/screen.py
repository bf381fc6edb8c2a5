"""The screen: a balanced, randomised sample of the space. Its trials are evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backtrack.evidence.failures.failure_rules import Rule, all_failure_rules
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows
from backtrack.stages.design import balanced_configs
from backtrack.vocabulary.config import Config, Level
from backtrack.vocabulary.factors import Factor, Numeric
from backtrack.vocabulary.plan import DESIGN, EXTENSION, REFINED, FinishedTrial, PlannedTrial, trial_id
from backtrack.vocabulary.space import SearchSpace

# Enough seeds that no conclusion hangs on one, few enough that the analysis can tell their luck from the factors'.
SEED_BLOCKS = 5

# Of the screen, what is run before the rest is moved out of where trainings fail; and how often they must fail there.
# A region where many train is worth its runs: to leave it would help the gain little, and cost the failures their
# sample.
FIRST_SHARE, DOOMED = 0.7, 0.8
# Share of the rest that must lie there: moving gains that many trainings that train, and costs the failures' sample the
# whole rest.
WORTH_MOVING = 0.25
# Ways out of a failing region that are drawn for a config before it is left as it is.
MOST_DRAWS = 50


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
    return _designed(space, [trial_id("screen", number) for number in range(runs)], seed, seed)


def plan_extension(space: SearchSpace, ids: Sequence[str], seed: int) -> list[PlannedTrial]:
    """Further trials of the screen, balanced among themselves, for runs that are left over; nothing chose them.

    Args:
        space: the factors.
        ids: of the trials.
        seed: of the study.
    """
    return _designed(space, ids, seed, seed + 2, EXTENSION)


def _designed(space: SearchSpace, ids: Sequence[str], seed: int, design: int, part: str = DESIGN) -> list[PlannedTrial]:
    """A balanced trial for each of `ids`; `design` is the seed of the design."""
    configs = balanced_configs(space, len(ids), design, blocks=min(SEED_BLOCKS, len(ids)))
    return [
        PlannedTrial(identifier, "screen", config, (seed_pool(seed)[block],), part)
        for identifier, (config, block) in zip(ids, configs, strict=True)
    ]


def seed_pool(seed: int) -> tuple[int, ...]:
    """The seeds that trainings of a study share, so that any two configs can be compared with the same luck."""
    return tuple(seed * 1000 + number for number in range(SEED_BLOCKS))


def first_of_screen(runs: int) -> int:
    """How many of the screen's trials are run before its rest is looked at again."""
    return round(runs * FIRST_SHARE)


def plan_refined(
    space: SearchSpace, rest: Sequence[PlannedTrial], first: Sequence[FinishedTrial], seed: int, alpha: float
) -> list[PlannedTrial]:
    """The rest of the screen, moved out of where its first part failed.

    A training that fails tells nothing about the gain, and half of a screen may fail. Where the first part shows a
    failure rule under which nearly all fail (`DOOMED`), the other trials that it holds for get another level of one of
    its factors, drawn at random; what else they vary stays as designed. Where that is few of them (`WORTH_MOVING`),
    the rest is as it was.

    Which failed does not depend on how well those that trained did, so that both parts together are evidence for the
    gain, without correction. They are not for the rate of failures: of that the first part alone is a fair sample,
    and the part of the others says so.

    Args:
        space: the factors.
        rest: the screen's other trials, as `plan_screen` has them.
        first: the first part, complete.
        seed: of the study.
        alpha: error rate behind the failure rules.
    """
    rules = all_failure_rules(frame_from(space, trial_rows(space, *first)), alpha)
    moved = moved_out(space, rest, rules, seed, REFINED)
    # Another config than the design's: another trial.
    return [
        replace(planned, trial=planned.trial.replace("screen", REFINED)) if planned.part == REFINED else planned
        for planned in moved
    ]


def moved_out(
    space: SearchSpace, planned: Sequence[PlannedTrial], rules: Sequence[Rule], seed: int, part: str
) -> list[PlannedTrial]:
    """Trials moved out of where nearly all trainings fail (`DOOMED`); as they are where that is few (`WORTH_MOVING`).

    Args:
        space: the factors.
        planned: the trials.
        rules: where trainings fail.
        seed: of the study.
        part: of the trials, where they were moved.
    """
    doomed = [rule for rule in rules if rule.inside[0] >= DOOMED * rule.inside[1]]
    lost = sum(any(rule.met_by(one.config) for rule in doomed) for one in planned)
    if lost < max(1, WORTH_MOVING * len(planned)):
        return list(planned)
    rng = np.random.default_rng([seed, len(planned), 4])
    return [replace(one, config=_outside(space, one.config, doomed, rng), part=part) for one in planned]


def _outside(space: SearchSpace, config: Config, rules: Sequence[Rule], rng: np.random.Generator) -> Config:
    """`config` with as few levels drawn anew as it takes to leave the regions of `rules`."""
    for _ in range(MOST_DRAWS):
        rule = next((rule for rule in rules if rule.met_by(config)), None)
        if rule is None:
            return config
        name = rule.conditions[int(rng.integers(len(rule.conditions)))].factor
        levels: dict[str, Level] = {**config, name: _drawn(space[name], rng)}
        # Factors that exist under the new level only are drawn too.
        config = space.repair(levels, {one.name: _drawn(one, rng) for one in space})
    return config


def _drawn(factor: Factor, rng: np.random.Generator) -> Level:
    """A level at random, each as likely."""
    if isinstance(factor, Numeric):
        return factor.at(float(rng.random()))
    return list(factor.levels)[int(rng.integers(len(factor.levels)))]
