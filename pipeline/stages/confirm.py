"""Confirm: fresh, balanced runs for what the screen suspects and has not settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtrack.evidence.effects.questions import ask
from backtrack.evidence.effects.suspects import Suspect
from backtrack.evidence.failures.failure_rules import Rule, all_failure_rules
from backtrack.evidence.frame import Frame, frame_from
from backtrack.evidence.responses.responses import gain_of
from backtrack.records.rows import trial_rows
from backtrack.stages.design import balanced_configs
from backtrack.stages.screen import SEED_BLOCKS, seed_pool
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.narrowing import narrow, whole
from backtrack.vocabulary.plan import DESIGN, EXTENSION, FinishedTrial, PlannedTrial
from backtrack.vocabulary.space import SearchSpace


def plan_confirm(
    space: SearchSpace,
    screen: Sequence[FinishedTrial],
    ids: Sequence[str],
    before: int,
    seed: int,
    metric: str,
    mode: str,
    alpha: float,
) -> list[PlannedTrial]:
    """A round of the confirm stage: a fresh balanced design on the part of the space where the open questions are.

    - A suspect's factors take only the two levels that the screen sets farthest apart: every fresh run then bears on
      that contrast, where in the screen a run of a four-level factor does so half the time.
    - Levels and regions that a failure rule of the screen covers are left out: a run that fails tells nothing about
      the gain.
    - All other factors and the seeds vary as in the screen, so that a contrast is an average over backgrounds, and
      its estimate is independent of what the screen got wrong about them.

    Every fresh run bears on every suspect's contrast: nothing is gained by moving runs from settled suspects to open
    ones. The second round takes what backtracking leaves over. It, too, looks at the screen alone, since runs that are
    added because the first ones did not convince would have to pay for it with a share of the error rate.

    Args:
        space: the factors.
        screen: the complete screen.
        ids: of the round's trials.
        before: how many runs the first round had, in the second; 0 in the first.
        seed: of the study.
        metric, mode: of the task.
        alpha: error rate of the verdicts.

    Returns:
        A trial for each of `ids`; none in a second round where nothing is suspected.
    """
    frame = frame_from(space, trial_rows(space, *screen))
    suspects = ask(gain_of(frame, metric, mode), alpha).suspects(alpha, before + len(ids))
    if before and not suspects:
        return []
    rules = all_failure_rules(frame.fair_for_failures, alpha)
    reduced, fixed = narrowed(frame, suspects, rules)
    design = seed + (2 if before else 1)
    planned = []
    configs = balanced_configs(reduced, len(ids), design, blocks=min(SEED_BLOCKS, len(ids)))
    for identifier, (config, block) in zip(ids, configs, strict=True):
        levels = space.repair({**fixed, **config}, {})
        part = EXTENSION if before else DESIGN
        planned.append(PlannedTrial(identifier, "confirm", levels, (seed_pool(seed)[block],), part))
    return planned


def narrowed(frame: Frame, suspects: Sequence[Suspect], rules: Sequence[Rule]) -> tuple[SearchSpace, dict[str, Level]]:
    """The space cut down to what fresh runs should cover, and the factors that this leaves with one level.

    Args:
        frame: the screen, with the full space.
        suspects: their factors keep two levels.
        rules: regions to leave out. Of a rule with two conditions one is enough; the one that costs no suspect its
            contrast, and the fewest levels.
    """
    kept = whole(frame.space)
    asked: set[str] = set()
    for suspect in suspects:
        for name, low, high in zip(suspect.names, suspect.low, suspect.high, strict=True):
            factor = frame.space[name]
            asked.add(name)
            if isinstance(factor, Numeric):
                kept[name] = [factor.at(float(low)), factor.at(float(high))]  # type: ignore[arg-type]
            else:
                kept[name] = [level for level in factor.levels if label(level) in (low, high)]
    for rule in rules:
        ways = []
        for condition in rule.conditions:
            rest = _without(kept[condition.factor], condition)
            if rest is None:
                continue
            cost = (condition.factor in asked, isinstance(frame.space[condition.factor], Numeric), -len(rest))
            ways.append((cost, condition.factor, rest))
        if ways and not min(ways)[0][0]:
            _, name, rest = min(ways)
            kept[name] = rest
    return narrow(frame.space, kept)


def _without(kept: Any, condition: Condition) -> Any | None:
    """What is left of `kept` without the levels of a condition; None where nothing is."""
    if isinstance(kept, tuple):
        low, high = kept
        if condition.sign == ">":
            high = min(high, condition.number)
        else:
            low = max(low, condition.number)
        return (low, high) if low < high else None
    return [own for own in kept if not condition.means(own)] or None
