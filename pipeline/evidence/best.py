"""The best config, without falling for the luckiest run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.model import build_model
from backtrack.evidence.frame import Frame
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.normal import NORMAL_95
from backtrack.records.rows import config_of
from backtrack.vocabulary.responses import gain

# What the model predicts for a config weighs as much as this many of its own runs.
MODEL_RUNS = 1.0


def best_config(
    frame: Frame, trials: pa.Table, metric: str, mode: str, pairs: Sequence[tuple[str, str]], noise: float
) -> dict[str, Any] | None:
    """The trained config with the best expected metric, as `report/best.json` has it.

    The highest of many noisy values is mostly the luckiest. So each config is judged by the mean of its own runs and
    of what a linear model of all trained runs (of every stage: nothing is tested here) predicts for it:
    (n · own mean + `MODEL_RUNS` · prediction) / (n + `MODEL_RUNS`). Where there are too few runs for the model, by its
    own mean alone. Configs with a failed replicate do not count.

    Args:
        frame, trials: every run, in the same order.
        metric, mode: of the task.
        pairs: interactions that the model takes in.
        noise: run-to-run standard deviation, for the interval; NaN where unknown.

    Returns:
        config, value (the expected metric), interval (95 %, of that expectation), observed (mean of its own runs),
        trial; None where nothing trained.
    """
    usable = ~frame.failed & np.isfinite(frame.value)
    broken = set(frame.trial[frame.failed].tolist())
    keep = usable & ~np.isin(frame.trial, sorted(broken))
    if not keep.any():
        return None
    trained = frame.rows(keep)
    response = Response(gain(metric, mode), trained, trained.value)
    terms, _ = terms_of(response)
    model = build_model(response, terms, pairs) if np.ptp(trained.value) > 0 else None
    predicted = trained.value - model.fit.residuals / model.fit.root if model is not None else trained.value
    # A linear model may promise what no run has reached, such as an accuracy beyond 1.
    predicted = np.clip(predicted, trained.value.min(), trained.value.max())
    weight = MODEL_RUNS if model is not None else 0.0

    def expected(rows: np.ndarray) -> float:
        own = len(rows) * float(trained.value[rows].mean()) + weight * float(predicted[rows].mean())
        return own / (len(rows) + weight)

    by_trial: dict[str, list[int]] = {}
    for row, trial in enumerate(trained.trial.tolist()):
        by_trial.setdefault(trial, []).append(row)
    best = max(sorted(by_trial), key=lambda trial: response.better * expected(np.array(by_trial[trial])))
    rows = np.array(by_trial[best])
    value = expected(rows)
    reach = NORMAL_95 * noise / np.sqrt(len(rows) + weight) if np.isfinite(noise) else None
    first = int(np.flatnonzero(frame.trial == best)[0])
    config = config_of(frame.space, trials.slice(first, 1).to_pylist()[0])
    return {
        "config": dict(config),
        "value": value,
        "interval": None if reach is None else [value - reach, value + reach],
        "observed": float(trained.value[rows].mean()),
        "trial": best,
    }
