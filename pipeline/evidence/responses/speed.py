"""When a training reached its target."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from backtrack.evidence.curves import paths_of
from backtrack.evidence.frame import Floats, Frame


def target_of(frame: Frame, mode: str) -> float:
    """The target of a study: half of the way from chance to the median final metric of those that trained.

    Without a known chance it is the worst quarter's final metric; NaN where nothing trained.
    """
    finals = frame.value[~frame.failed & np.isfinite(frame.value)]
    if not len(finals):
        return float("nan")
    chance = frame.chance[np.isfinite(frame.chance)]
    if len(chance):
        return float((np.median(chance) + np.median(finals)) / 2)
    return float(np.quantile(finals, 0.25 if mode == "max" else 0.75))


def epochs_to_target(frame: Frame, curves: pa.Table, metric: str, mode: str, target: float) -> Floats:
    """(n,) epochs (reports) that each run needed to reach `target`; NaN where it never did.

    Between two reports the metric is taken to change evenly, and to start from chance.

    Args:
        frame: the runs.
        curves: as `Records.curves` gives them.
        metric, mode: of the task.
        target: see `target_of`.
    """
    paths = paths_of(curves, metric)
    sign = 1.0 if mode == "max" else -1.0
    reached = np.full(len(frame), np.nan)
    for row in range(len(frame)):
        path = paths.get((str(frame.trial[row]), int(frame.seed[row])), [])
        before = (0.0, float(frame.chance[row]))
        for epoch, value in path:
            if np.isfinite(value) and sign * (value - target) >= 0:
                start, origin = before
                span = value - origin
                share = (target - origin) / span if np.isfinite(span) and abs(span) > 1e-15 else 1.0
                reached[row] = start + min(max(share, 0.0), 1.0) * (epoch - start)
                break
            before = (epoch, value)
    return np.where(reached > 0, reached, np.nan)
