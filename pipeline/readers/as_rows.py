"""Past runs as the trials of a study."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from backtrack.readers.mapping import Mapped
from backtrack.readers.names import number_from
from backtrack.readers.past_runs import ENDED, FAILED, PastRun
from backtrack.readers.past_runs import PRUNED as WAS_PRUNED
from backtrack.readers.past_runs import RUNNING as STILL_RUNS
from backtrack.readers.scales import level_from
from backtrack.vocabulary.config import Config, label
from backtrack.vocabulary.factors import Categorical, Numeric
from backtrack.vocabulary.outcomes import OUTCOMES, PRUNED, RUNNING, judge
from backtrack.vocabulary.plan import PAST, FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import CurvePoint, RunResult

# Seeds are luck that runs share where each was used so often; else each run has its own.
LEAST_SHARED = 3


def as_trials(mapped: Mapped, mode: str, chance: float | None, fair: Collection[int]) -> list[FinishedTrial]:
    """One trial a run, in the order in which the runs began.

    Args:
        mapped: of `mapping.mapped`.
        mode: "min" or "max".
        chance: the metric of a model that has learnt nothing, or None.
        fair: places, in that order, of the runs that nothing chose by results; they become the screen.
    """
    runs = in_order(mapped.runs)
    step = common_step(runs, mapped.metric)
    seeds = _seeds(mapped, runs)
    names = _names(runs)
    found = []
    for place, run in enumerate(runs):
        config = Config({factor.name: _own(factor, run.settings.get(factor.name)) for factor in mapped.factors})
        planned = PlannedTrial(names[place], "screen" if place in fair else PAST, config, (seeds[place],))
        found.append(FinishedTrial(planned, (_result(run, mapped, mode, chance, step, seeds[place]),)))
    return found


def _own(factor: Categorical | Numeric, value: object) -> Any:
    """A setting as its factor spells it; None where the run lacks it."""
    level = level_from(value)
    if level is None:
        return None
    return factor.own(level if factor.contains(level) or isinstance(factor, Numeric) else label(level))


def in_order(runs: Sequence[PastRun]) -> list[PastRun]:
    """Runs in the order in which they began; as they come where that is not known of all."""
    if any(run.order is None for run in runs):
        return list(runs)
    return sorted(runs, key=lambda run: run.order or 0.0)


def common_step(runs: Sequence[PastRun], metric: str) -> float | None:
    """The last step that every run that ended or was pruned reached; None where none was pruned, or one has no curve.

    A pruner stops runs by their results: those that were left over are compared with them at the same step, or not at
    all.
    """
    pruned = [run for run in runs if run.state == WAS_PRUNED]
    compared = [run for run in runs if run.state in (ENDED, WAS_PRUNED) and metric in run.curves]
    if not pruned or not all(metric in run.curves for run in pruned) or len(compared) < 2:
        return None
    return min(run.curves[metric][-1][0] for run in compared)


def outcome_of(run: PastRun, metric: str, mode: str, chance: float | None) -> str:
    """How a run ended, as a study's outcome."""
    if run.state == WAS_PRUNED:
        return PRUNED
    if run.state == STILL_RUNS:
        return RUNNING
    if run.state in OUTCOMES and run.state != "ok":
        return run.state
    if run.state == FAILED or metric not in run.numbers:
        return "out_of_memory" if "out of memory" in run.error.lower() else "crashed"
    curve = [value for _, value in run.curves.get(metric, ())] or [run.numbers[metric]]
    return judge(curve, mode=mode, chance=chance)


def _result(run: PastRun, mapped: Mapped, mode: str, chance: float | None, step: float | None, seed: int) -> RunResult:
    metric = mapped.metric
    value = run.numbers.get(metric)
    if step is not None and metric in run.curves:
        reached = [one for at, one in run.curves[metric] if at <= step]
        value = reached[-1] if reached else None
    elif run.state == WAS_PRUNED:
        value = None
    outcome = outcome_of(run, metric, mode, chance)
    finite = value is not None and math.isfinite(value) and outcome in ("ok", "no_learning", "collapsed", PRUNED)
    curve = [
        CurvePoint(int(at), float(at), name, float(number), 0.0)
        for name, number_of in _all_curves(run).items()
        for at, number in number_of
        if math.isfinite(number)
    ]
    return RunResult(
        seed=seed,
        outcome=outcome,
        value=value if finite else None,
        epochs=len(run.curves.get(metric, ())),
        seconds=run.seconds or 0.0,
        chance=chance,
        error=run.error,
        curve=tuple(curve),
    )


def _all_curves(run: PastRun) -> dict[str, Sequence[tuple[float, float]]]:
    """Every number over time; one that has no curve at its end."""
    ends = {name: [(0.0, value)] for name, value in run.numbers.items() if name not in run.curves}
    return {**run.curves, **ends}


def _seeds(mapped: Mapped, runs: Sequence[PastRun]) -> list[int]:
    """The runs' seeds where they are shared; else how often the config was run before."""
    told = [number_from(run.settings.get(mapped.seed)) for run in runs] if mapped.seed else []
    if told and all(seed is not None and seed.is_integer() for seed in told):
        used = Counter(told)
        if min(used.values()) >= LEAST_SHARED:
            return [int(seed or 0) for seed in told]
    before: Counter[str] = Counter()
    seeds = []
    for run in runs:
        key = repr(sorted((name, value) for name, value in run.settings.items() if name != mapped.seed))
        seeds.append(before[key])
        before[key] += 1
    return seeds


def _names(runs: Sequence[PastRun]) -> list[str]:
    """Ids that name the source's runs; numbered where its names are no ids, or come twice."""
    width = len(str(len(runs)))
    plain = [re.sub(r"[^A-Za-z0-9_.-]+", "-", run.name) for run in runs]
    if len(set(plain)) < len(plain):
        return [f"run-{place:0{width}d}" for place in range(len(runs))]
    return [f"run-{int(name):0{max(width, 5)}d}" if name.isdecimal() else name for name in plain]
