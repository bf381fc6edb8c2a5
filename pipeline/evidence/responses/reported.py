"""Numbers that a task reports beside its metric, as a response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from backtrack.evidence.curves import paths_of
from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.responses.responses import Response, gain_of
from backtrack.vocabulary.responses import gain


def reported_gain(frame: Frame, curves: pa.Table, name: str, mode: str, response: str) -> Response:
    """The last reported `name` of the runs that trained.

    Args:
        frame: the runs.
        curves: as `Records.curves` gives them.
        name: of the number, such as `mrr/food`.
        mode: whether more or less of it is better, as for the metric.
        response: the response's name.
    """
    value = last_values(frame, curves, name)
    return replace(gain_of(replace(frame, value=value), name, mode), kind=gain(name, mode, response))


def last_values(frame: Frame, curves: pa.Table, name: str) -> Floats:
    """(n,) the last reported `name` of each run; NaN where it never reported it."""
    paths = paths_of(curves, name)
    runs = zip(frame.trial.tolist(), frame.seed.tolist(), strict=True)
    return np.array([paths[run][-1][1] if run in paths else np.nan for run in runs], dtype=np.float64)
