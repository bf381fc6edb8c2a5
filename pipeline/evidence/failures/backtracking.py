"""From a dead end to its cause: shrink the difference to what passes, open it, and verify it both ways.

Every step is a question to a `Laboratory`; the stage runs what it misses, and the analysis reads the same steps from
the finished records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backtrack.errors import StudyError
from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.ddmin import ddmin
from backtrack.evidence.failures.failure_rules import Rule, all_failure_rules
from backtrack.evidence.failures.flips import spread_runs, verify, with_parts
from backtrack.evidence.failures.laboratory import Laboratory, NotRun, Run, Wanted
from backtrack.evidence.failures.thresholds import threshold
from backtrack.evidence.frame import Frame
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Config, Level
from backtrack.vocabulary.factors import Composite, Factor, Numeric
from backtrack.vocabulary.space import SearchSpace

# Starting points that are tried until one reproduces.
STARTS = 3


def backtrack_all(frame: Frame, runs: Sequence[Run], alpha: float) -> tuple[list[Cause], list[list[Wanted]]]:
    """Every cause as far as the records go, and the runs that would carry each further.

    Args:
        frame: every recorded run.
        runs: the same, in the same order, as `runs_of` gives them.
        alpha: error rate of the failure rules that raise suspicions.

    Returns:
        The causes, the surest first, and for each the runs that it wants next; what would show a settled one under
        further seeds is in its `further`.
    """
    frame = replace(frame, outcome=np.array([run.outcome for run in runs], dtype=np.str_))
    known, rules = _suspected(frame, runs, alpha)
    covered = np.sum([rule.holds for rule in rules], axis=0)
    causes: list[Cause] = []
    wanted: list[list[Wanted]] = []
    for rule in rules:
        lab = _laboratory(frame.space, runs, f"{' or '.join(rule.outcomes)} with {' and '.join(rule.cause)}")
        cause = Cause(rule.outcomes, rule)
        # Where another rule holds as well, nobody could say whose failure it is.
        alone = rule.holds & (covered == 1)
        failing = [run for run, mine in zip(known, alone, strict=True) if mine and run.outcome in rule.outcomes]
        passing = [
            run for run, rules_here in zip(known, covered, strict=True) if not rules_here and run.outcome == "ok"
        ]
        try:
            _investigate(cause, lab, failing, passing)
            wanted.append([])
        except NotRun as missing:
            wanted.append(list(missing.wanted))
        cause.runs, cause.tried = lab.used, lab.tried
        causes.append(cause)
    return causes, wanted


def _suspected(frame: Frame, runs: Sequence[Run], alpha: float) -> tuple[list[Run], list[Rule]]:
    """The failure rules, and the runs that they were found among.

    What an investigation looks at must not change under it: a rule that is found anew among more runs starts from other
    configs, and what flips have verified would be lost. So a study that was extended keeps the rules of its first runs;
    where these show none, all runs are asked.
    """
    first = np.array([run.first for run in runs], bool)
    rules = all_failure_rules(frame.rows(first), alpha)
    if not rules and any(run.earlier and not run.first for run in runs):
        first = np.array([run.earlier for run in runs], bool)
        rules = all_failure_rules(frame.rows(first), alpha)
    return [run for run, kept in zip(runs, first, strict=True) if kept], rules


def _laboratory(space: SearchSpace, runs: Sequence[Run], question: str) -> Laboratory:
    return Laboratory(space, runs, tuple(sorted({run.seed for run in runs if run.first})), question)


def backtrack_one(space: SearchSpace, runs: Sequence[Run], trial: str) -> tuple[Cause, list[Wanted]]:
    """The cause of one trial's failure as far as the records go, and the runs that would carry it further.

    Args:
        space: the factors.
        runs: every recorded run.
        trial: its id.

    Raises:
        StudyError: where there is no such trial, it did not fail, or nothing passed that it could be compared with.
    """
    own = [run for run in runs if run.trial == trial]
    failed = [run for run in own if run.outcome != "ok"]
    passing = [run for run in runs if run.outcome == "ok"]
    if not own:
        raise StudyError(
            f"the study has no trial {trial!r}; its ids are like {runs[0].trial if runs else 'screen-00000'}"
        )
    if not failed:
        raise StudyError(f"trial {trial} did not fail: {own[0].outcome}; ask about one that did")
    if not passing:
        raise StudyError("no training of this study passed: there is nothing to compare with; widen its factors")
    outcome = failed[0].outcome
    cause = Cause((outcome,), None)
    others = [run for run in runs if run.outcome == outcome and run.trial != trial]
    lab = _laboratory(space, runs, f"{outcome} of {trial}")
    try:
        _investigate(cause, lab, [*failed, *others], passing, starts=1)
    except NotRun as missing:
        return cause, list(missing.wanted)
    finally:
        cause.runs, cause.tried = lab.used, lab.tried
    return cause, cause.further


def _investigate(
    cause: Cause, lab: Laboratory, failing: Sequence[Run], passing: Sequence[Run], starts: int = STARTS
) -> None:
    """Fills `cause`; stops with `NotRun` where the records end."""
    if not failing or not passing:
        return
    shrunk: list[str] = []
    chosen = spread_runs(failing)[:starts] if cause.rule else failing[:starts]
    pairs = [(start, _nearest(start, _unlike(passing, cause.rule, lab.space))) for start in chosen]
    # The rule's own factors first: mostly they are it, and that spares the way down.
    for shrink in (_shrink_named, _shrink):
        for start, near in pairs:
            shrunk = shrunk or shrink(cause, lab, start, near)
            if shrunk and cause.failing is None:
                cause.failing, cause.passing = start, near
    if not shrunk or cause.failing is None or cause.passing is None:
        cause.refuted = True
        return
    _settle(cause, lab, shrunk, failing, passing)
    stubborn = [flip.before for flip in cause.broke if flip.stayed]
    if cause.refuted and stubborn:
        # A config that the cause does not break has what keeps it alive: the difference to it holds what was missing.
        cause.passing = next(run for run in passing if run.trial == stubborn[0])
        wider = _shrink(cause, lab, cause.failing, cause.passing)
        if wider:
            cause.broke, cause.mended, cause.refuted = [], [], False
            _settle(cause, lab, wider, failing, passing)


def _settle(
    cause: Cause, lab: Laboratory, shrunk: Sequence[str], failing: Sequence[Run], passing: Sequence[Run]
) -> None:
    """Opens the factors of a shrunk difference, drops what is needless, and verifies."""
    parts: list[Condition] = []
    for name in shrunk:
        parts += _open(cause, lab, name, shrunk)
    cause.parts = tuple(parts)
    cause.parts = _needed(cause, lab, passing)
    verify(cause, lab, failing, passing)


def _nearest(failing: Run, passing: Sequence[Run]) -> Run:
    return min(passing, key=lambda run: (len(differences(failing.config, run.config)), run.trial))


def _unlike(passing: Sequence[Run], rule: Rule | None, space: SearchSpace) -> Sequence[Run]:
    """The passing runs that have none of the rule's levels: beside one that shares a level of the cause, the shrunk
    difference would lack that level. All of them where every run shares one.
    """
    if rule is None:
        return passing
    unlike = [run for run in passing if not any(one.holds(space, run.config) for one in rule.conditions)]
    return unlike or passing


def differences(one: Mapping[str, Level], other: Mapping[str, Level]) -> list[str]:
    """Names of the factors that two configs differ in (present in one only counts too)."""
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def _mixed(space: SearchSpace, base: Config, donor: Mapping[str, Level], names: Sequence[str]) -> Config:
    """`base` with the levels that `donor` has for `names`; conditions respected."""
    levels: dict[str, Any] = dict(base)
    for name in names:
        levels.pop(name, None)
        if name in donor:
            levels[name] = donor[name]
    return space.repair(levels, donor)


def _differing(lab: Laboratory, failing: Run, passing: Run) -> list[str]:
    """What `_shrink` may vary. A conditional factor comes and goes with its parent; it is a difference of its own only
    where both configs have it.
    """
    return [
        name
        for name in differences(failing.config, passing.config)
        if name in failing.config and (name in passing.config or not (lab.space[name].when or {}))
    ]


def _shrink_named(cause: Cause, lab: Laboratory, failing: Run, passing: Run) -> list[str]:
    """As `_shrink`, among the factors of the rule only."""
    named = [c.factor for c in cause.rule.conditions] if cause.rule else []
    differing = _differing(lab, failing, passing)
    return _minimal(cause, lab, failing, passing, [name for name in dict.fromkeys(named) if name in differing])


def _shrink(cause: Cause, lab: Laboratory, failing: Run, passing: Run) -> list[str]:
    """The minimal factors whose levels in `failing` break `passing`; empty where that does not reproduce."""
    return _minimal(cause, lab, failing, passing, _differing(lab, failing, passing))


def _minimal(cause: Cause, lab: Laboratory, failing: Run, passing: Run, among: Sequence[str]) -> list[str]:
    def fails(names: Sequence[str]) -> bool:
        return lab.fails(_mixed(lab.space, passing.config, failing.config, names), cause.outcomes, cause.rates)

    return ddmin(among, fails) if among and fails(among) else []


def _needed(cause: Cause, lab: Laboratory, passing: Sequence[Run]) -> tuple[Condition, ...]:
    """The parts without those that another background shows to be needless: it breaks without them."""
    assert cause.passing is not None
    kept = list(cause.parts)
    own = cause.passing.config
    others = [run for run in _unlike(spread_runs(passing), cause.rule, lab.space) if run.config != own]
    # Two backgrounds, the most different ones, have to agree: a failure by chance must not shorten a cause.
    others = sorted(others, key=lambda run: (-len(differences(run.config, own)), run.trial))[:2]
    for part in cause.parts:
        rest = [other for other in kept if other is not part]
        changed = (
            [with_parts(lab.space, run.config, rest, cause.failing, put_in=True) for run in others] if rest else []
        )
        usable = [config for config in changed if config is not None and not part.holds(lab.space, config)]
        if usable and all(lab.fails(config, cause.outcomes, cause.rates) for config in usable):
            kept = rest
    return tuple(kept)


def _open(cause: Cause, lab: Laboratory, name: str, shrunk: Sequence[str]) -> list[Condition]:
    """The parts of one factor of the cause: a level, the components of a composite one, or a threshold."""
    assert cause.failing is not None and cause.passing is not None
    space, factor = lab.space, lab.space[name]
    bad = cause.failing.config[name]
    good = cause.passing.config.get(name)
    broken = _mixed(space, cause.passing.config, cause.failing.config, shrunk)

    def with_level(level: Level) -> bool:
        return lab.fails(space.repair({**broken, name: level}, broken), cause.outcomes, cause.rates)

    child = _child_to_blame(cause, lab, name, broken)
    if child is not None:
        return [child]
    if isinstance(factor, Composite) and good is not None:
        there, here = factor.parts(str(bad)), factor.parts(str(good))
        changed = [component for component in factor.components if there[component] != here[component]]

        def mixture_fails(components: Sequence[str]) -> bool:
            return with_level(factor.mixture({**here, **{part: there[part] for part in components}}))

        minimal = ddmin(changed, mixture_fails)
        return [Condition(f"{name}.{part}", "=", there[part], here[part]) for part in minimal]
    if isinstance(factor, Numeric) and good is not None:
        return [threshold(cause, lab, factor, float(good), float(bad), with_level)]
    return [_as_ruled(cause, factor, bad, good)]


def _child_to_blame(cause: Cause, lab: Laboratory, parent: str, broken: Config) -> Condition | None:
    """The conditional factor that came with a parent's level and does the harm; None where the parent does it itself.

    A parent's level brings its conditional factors along. Where one of them, at another level, lets the broken config
    pass, the failure is said of it.
    """
    assert cause.failing is not None and cause.passing is not None
    for child in lab.space:
        came = child.name in cause.failing.config and child.name not in cause.passing.config
        if parent not in (child.when or {}) or not came or isinstance(child, Numeric):
            continue
        bad = cause.failing.config[child.name]
        for level in child.levels:
            other = lab.space.repair({**broken, child.name: level}, broken)
            if level != bad and not lab.fails(other, cause.outcomes, cause.rates):
                return replace(_as_ruled(cause, child, bad, level), mends=level)
    return None


def _as_ruled(cause: Cause, factor: Factor, bad: Level, good: Level | None) -> Condition:
    """A level of the cause: with the others that the rule found to do the same, where it did."""
    for condition in cause.rule.conditions if cause.rule else ():
        own = condition.factor == factor.name and condition.means(bad)
        if own and condition.sign != "=" and (good is None or not condition.means(good)):
            return replace(condition, mends=good)
    return Condition(factor.name, "=", bad, good)
