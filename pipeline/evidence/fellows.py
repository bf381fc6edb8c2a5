"""Outcomes that agree with each other: a run is judged by its fellows too, where its own reports say too little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa

from backtrack.evidence.curves import paths_of
from backtrack.vocabulary.outcomes import DIVERGED_MULTIPLE, NOISE_FLOOR
from backtrack.vocabulary.plan import PAST, FinishedTrial

# `{(trial, seed): the first report of the metric}` of runs that reported it more than once.
Begun = Mapping[tuple[str, int], float]

# The stages whose runs set the bar: what backtracking runs later must not change what it saw before.
JUDGES = ("screen", "search", "confirm", "claims", PAST)
# So many runs have to tell where trainings of a study begin; what begins beyond this multiple of the usual is no
# beginning but a disaster within the first epoch.
ENOUGH, NO_BEGINNING = 8, 100.0


def agreed(trials: pa.Table, mode: str, begun: Callable[[], Begun]) -> pa.Table:
    """Trials with the outcomes that a study as a whole gives them.

    A worker sees one run, and takes the noise from its reports: a restless run may be called `no_learning` that ends
    better than a smooth one that is `ok`. So a run that learns nothing by itself counts as `ok` where it ends better
    than the worst run that is ok, by more than the noise: the spread of the runs that end at chance.

    And where nobody knows chance, a loss of 1e23 is a number like any other to the worker. Beside its fellows it is
    `diverged`: it ends beyond `DIVERGED_MULTIPLE` times what three quarters of the trainings begin with.

    Args:
        trials: as `Records.trials` gives them.
        mode: of the task.
        begun: gives what `begun_in` or `begun_of` does; called only where chance is not known.
    """
    return _not_idle(_not_fine(trials, mode, begun), mode)


def begun_in(curves: pa.Table, metric: str) -> Begun:
    """First reports, from a study's curves.

    Args:
        curves: as `Records.curves` gives them.
        metric: of the task.
    """
    return {run: path[0][1] for run, path in paths_of(curves, metric).items() if len(path) > 1}


def begun_of(finished: Iterable[FinishedTrial], metric: str) -> Begun:
    """First reports, from trials that have ended; arguments as for `begun_in`."""
    found = {}
    for trial in finished:
        for result in trial.results:
            reports = [(point.epoch, point.value) for point in result.curve if point.name == metric]
            if len(reports) > 1:
                found[trial.planned.trial, result.seed] = min(reports)[1]
    return found


def _not_fine(trials: pa.Table, mode: str, begun: Callable[[], Begun]) -> pa.Table:
    """`diverged` for runs that ended by themselves far beyond where trainings begin."""
    value, chance = (_floats(trials[name]) for name in ("value", "chance"))
    if mode != "min" or np.isfinite(chance).any():
        return trials
    reports = begun()
    judges = np.isin(trials["stage"].to_pylist(), JUDGES)
    runs = list(zip(trials["trial"].to_pylist(), trials["seed"].to_pylist(), strict=True))
    first = np.array([reports.get(run, np.nan) for run, judge in zip(runs, judges, strict=True) if judge])
    first = first[np.isfinite(first)]
    if len(first) < ENOUGH or (first <= 0).any():
        return trials
    usual = first[first <= NO_BEGINNING * np.median(first)]
    outcome = np.array(trials["outcome"].to_pylist(), dtype=object)
    beyond = (outcome == "ok") & (value > DIVERGED_MULTIPLE * float(np.quantile(usual, 0.75)))
    outcome[beyond] = "diverged"
    return _with_outcomes(trials, outcome) if beyond.any() else trials


def _not_idle(trials: pa.Table, mode: str) -> pa.Table:
    """`ok` for runs that learn nothing by themselves, and end better than runs that learn."""
    outcome = np.array(trials["outcome"].to_pylist(), dtype=object)
    sign = 1.0 if mode == "max" else -1.0
    value, chance = (_floats(trials[name]) for name in ("value", "chance"))
    gain = sign * (value - chance)
    judges = np.isin(trials["stage"].to_pylist(), JUDGES)
    idle, fine = outcome == "no_learning", judges & (outcome == "ok") & np.isfinite(gain)
    if not idle.any() or not fine.any():
        return trials
    level = np.abs(chance[np.isfinite(chance)])
    noise = NOISE_FLOOR * float(level.max(initial=0.0))
    # At chance are those that end no better than the same distance beyond it as the worst of them ends below.
    ends = gain[judges & idle & np.isfinite(gain)]
    around = ends[np.abs(ends) <= np.abs(ends[ends <= 0]).max(initial=0.0)]
    if len(around) > 1:
        noise = max(noise, float(np.sqrt(np.mean(around**2))))
    better = idle & np.isfinite(gain) & (gain > gain[fine].min() + noise)
    if not better.any():
        return trials
    outcome[better] = "ok"
    return _with_outcomes(trials, outcome)


def _with_outcomes(trials: pa.Table, outcome: Iterable[str]) -> pa.Table:
    place = trials.column_names.index("outcome")
    return trials.set_column(place, trials.field("outcome"), pa.array(list(outcome), trials["outcome"].type))


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.array([np.nan if number is None else float(number) for number in column.to_pylist()])
