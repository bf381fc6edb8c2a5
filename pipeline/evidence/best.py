"""The best config, without falling for the luckiest run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.model import product
from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.normal import NORMAL_95
from backtrack.evidence.statistics.shrinkage import expected_means
from backtrack.records.rows import config_of
from backtrack.vocabulary.responses import gain


def best_config(
    frame: Frame, trials: pa.Table, metric: str, mode: str, pairs: Sequence[tuple[str, str]], noise: float
) -> dict[str, Any] | None:
    """The trained config with the best expected metric, as `report/best.json` has it.

    The highest of many noisy values is mostly the luckiest. So each config is judged by what is expected of it again,
    given all trained runs of every stage (`expected_means`; nothing is tested here). Measured on simulated sweeps of 24
    to 120 runs of known noise: what is said of the pick is .1 to .6 of the noise too good, where its own value is .5 to
    2.0; the intervals hold it in .93 to .99. Configs with a failed replicate do not count.

    Args:
        frame, trials: every run, in the same order.
        metric, mode: of the task.
        pairs: interactions that the model takes in.
        noise: run-to-run standard deviation; NaN where unknown.

    Returns:
        config, value (the expected metric), interval (95 %, of that expectation; None where the noise is unknown),
        observed (mean of its own runs), trial; None where nothing trained.
    """
    usable = ~frame.failed & np.isfinite(frame.value)
    broken = set(frame.trial[frame.failed].tolist())
    keep = usable & ~np.isin(frame.trial, sorted(broken))
    if not keep.any():
        return None
    trained = frame.rows(keep)
    response = Response(gain(metric, mode), trained, trained.value)
    _, first_row, of_row, counts = np.unique(trained.trial, return_index=True, return_inverse=True, return_counts=True)
    means = np.bincount(of_row, trained.value) / counts
    value, error = means, np.full(len(means), noise) / np.sqrt(counts)
    if np.ptp(means) > 0:
        found = expected_means(_columns(response, pairs)[first_row], means, counts.astype(float), noise)
        # A linear model may promise what no run has reached, such as an accuracy beyond 1.
        value, error = np.clip(found.value, means.min(), means.max()), found.error
    pick = int(np.argmax(response.better * value))
    trial = str(trained.trial[first_row[pick]])
    reach = NORMAL_95 * float(error[pick])
    first = int(np.flatnonzero(frame.trial == trial)[0])
    config = config_of(frame.space, trials.slice(first, 1).to_pylist()[0])
    return {
        "config": dict(config),
        "value": float(value[pick]),
        "interval": [float(value[pick]) - reach, float(value[pick]) + reach] if np.isfinite(noise) else None,
        "observed": float(means[pick]),
        "trial": trial,
    }


def _columns(response: Response, pairs: Sequence[tuple[str, str]]) -> Floats:
    """(n, p) of all factors, and of these pairs of them."""
    terms = {term.name: term for term in terms_of(response)[0]}
    parts = [np.zeros((len(response.y), 0)), *(term.columns for term in terms.values())]
    parts += [product(terms[a].pair_columns, terms[b].pair_columns) for a, b in pairs if {a, b} <= terms.keys()]
    return np.hstack(parts)
