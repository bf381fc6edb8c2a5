"""LightGBM: `lightgbm.train(…, valid_sets=[…], callbacks=[reporter()])`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.watch.telling import report


def reporter() -> Callable[[Any], None]:
    """A callback that reports every evaluation as `DATA_METRIC`, such as `valid_0_binary_logloss`, at its iteration.

    Example:
        >>> callback = reporter()
        >>> callable(callback)
        True
    """

    def callback(environment: Any) -> None:
        found = {f"{row[0]}_{row[1]}": row[2] for row in environment.evaluation_result_list or ()}
        if found:
            report(found, at=environment.iteration + 1)

    return callback
