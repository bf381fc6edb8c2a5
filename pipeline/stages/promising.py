"""Configs that the results so far promise most of: where a search starts, instead of from guesses of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtrack.evidence.effects.model import Model
from backtrack.evidence.effects.questions import ask
from backtrack.evidence.failures.failure_rules import Rule, all_failure_rules
from backtrack.evidence.frame import frame_from
from backtrack.evidence.responses.responses import gain_of
from backtrack.records.rows import trial_rows
from backtrack.vocabulary.config import Config, Level
from backtrack.vocabulary.factors import Factor, Numeric
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.space import SearchSpace

# Climbs from so many of the best configs that were run, and from as many at random.
CLIMBS = 4
# Values of a numeric factor that a climb tries.
STEPS = 9
MOST_ROUNDS = 8


def promising_configs(
    space: SearchSpace,
    finished: Sequence[FinishedTrial],
    count: int,
    seed: int,
    metric: str,
    mode: str,
    alpha: float,
) -> list[Config]:
    """Up to `count` configs that have not been run, and that the analysis's own model expects the best metric of.

    The model has every factor, curves of numeric ones, and the interactions that stand out; configs that a failure
    rule covers are left out. Found by changing one factor at a time, or a pair that interacts, as long as the
    prediction improves (from the best configs so far and from random ones). The search may look where it likes:
    its trials prove nothing.

    Args:
        space: the factors.
        finished: every recorded trial.
        count: how many at most; fewer, or none, where there is no model to ask.
        seed: of the random starts.
        metric, mode: of the task.
        alpha: error rate behind the failure rules.
    """
    frame = frame_from(space, trial_rows(space, *finished))
    response = gain_of(frame, metric, mode)
    model = ask(response, alpha).model if len(response.y) else None
    if model is None or count < 1:
        return []
    rules = all_failure_rules(frame, alpha)
    order = np.argsort(-response.better * response.y, kind="stable")[: CLIMBS * 3]
    by_trial = {trial.planned.trial: trial.planned.config for trial in finished}
    starts = list(dict.fromkeys(by_trial[str(response.frame.trial[row])] for row in order))[:CLIMBS]
    rng = np.random.default_rng([seed, len(finished), 2])
    starts += [_random(space, rng) for _ in range(CLIMBS)]
    seen: dict[Config, float] = {}
    for start in starts:
        _climb(space, start, model, rules, response.better, seen)
    known = {config.hash for config in by_trial.values()}
    best = sorted((c for c in seen if c.hash not in known and np.isfinite(seen[c])), key=lambda c: (-seen[c], c.hash))
    return best[:count]


def _climb(
    space: SearchSpace, start: Config, model: Model, rules: Sequence[Rule], better: int, seen: dict[Config, float]
) -> None:
    """Follows the prediction upwards from `start`; every config on the way and beside it goes into `seen`."""

    def height(config: Config) -> float:
        if config not in seen:
            doomed = any(rule.met_by(config) for rule in rules)
            seen[config] = -np.inf if doomed else better * model.predict(config)
        return seen[config]

    here = start
    for _ in range(MOST_ROUNDS):
        beside = [space.repair({**here, **change}, here) for change in _changes(space, here, model)]
        best = max(beside, key=height, default=here)
        if height(best) <= height(here):
            return
        here = best


def _changes(space: SearchSpace, here: Config, model: Model) -> list[dict[str, Level]]:
    """One factor, or two that interact, at other levels."""
    single = {f.name: [level for level in _levels(f) if level != here[f.name]] for f in space if f.name in here}
    changes: list[dict[str, Level]] = [{name: level} for name, levels in single.items() for level in levels]
    for a, b in model.pairs:
        if a in single and b in single:
            changes += [{a: one, b: other} for one in single[a] for other in single[b]]
    return changes


def _levels(factor: Factor) -> list[Level]:
    if isinstance(factor, Numeric):
        return list(dict.fromkeys(factor.at(float(share)) for share in np.linspace(0, 1, STEPS)))
    return list(factor.levels)


def _random(space: SearchSpace, rng: np.random.Generator) -> Config:
    return space.repair({f.name: _levels(f)[rng.integers(len(_levels(f)))] for f in space}, {})
