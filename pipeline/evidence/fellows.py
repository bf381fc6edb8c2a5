"""Outcomes that agree with each other: a run is judged by its fellows too, where its own reports say too little."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from backtrack.vocabulary.outcomes import NOISE_FLOOR
from backtrack.vocabulary.plan import PAST

# The stages whose runs set the bar: what backtracking runs later must not change what it saw before.
JUDGES = ("screen", "search", "confirm", "claims", PAST)


def agreed(trials: pa.Table, mode: str) -> pa.Table:
    """Trials with the outcomes that a study as a whole gives them.

    A worker sees one run, and takes the noise from its reports: a restless run may be called `no_learning` that ends
    better than a smooth one that is `ok`. So a run that learns nothing by itself counts as `ok` where it ends better
    than the worst run that is ok, by more than the noise: the spread of the runs that end at chance.

    Args:
        trials: as `Records.trials` gives them.
        mode: of the task.
    """
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
    place = trials.column_names.index("outcome")
    return trials.set_column(place, trials.field("outcome"), pa.array(outcome.tolist(), trials["outcome"].type))


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.array([np.nan if number is None else float(number) for number in column.to_pylist()])
