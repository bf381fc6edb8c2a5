"""Numbers that a task reports beside its metric, as a response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from pipeline.analysis.frame import Frame
from pipeline.analysis.responses import Response, gain_of


def reported_gain(frame: Frame, curves: pa.Table, name: str, mode: str, response: str) -> Response:
    """The last reported `name` of the runs that trained.

    Args:
        frame: the runs.
        curves: as `Records.curves` gives them.
        name: of the number, such as `mrr/food`.
        mode: whether more or less of it is better, as for the metric.
        response: the response's name.
    """
    wanted = curves.filter(pa.compute.equal(curves["name"], name))
    last: dict[tuple[str, int], tuple[float, float]] = {}
    for trial, seed, epoch, value in zip(
        *(wanted[column].to_pylist() for column in ("trial", "seed", "epoch", "value")), strict=True
    ):
        last[trial, seed] = max(last.get((trial, seed), (-np.inf, np.nan)), (epoch, value), key=lambda pair: pair[0])
    runs = zip(frame.trial, frame.seed, strict=True)
    value = np.array([last.get((str(trial), int(seed)), (0.0, np.nan))[1] for trial, seed in runs], dtype=np.float64)
    return replace(gain_of(replace(frame, value=value), name, mode), name=response)
