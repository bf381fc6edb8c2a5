"""XGBoost: `xgboost.train(…, evals=[…], callbacks=[reporter()])`."""

from __future__ import annotations

from typing import Any

from backtrack.watch.telling import report


def reporter() -> Any:
    """A callback that reports every evaluation as `DATA_METRIC`, such as `valid_logloss`, at its iteration.

    Raises:
        ImportError: where XGBoost is not installed.
    """
    from xgboost.callback import TrainingCallback

    class Reporter(TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[float]]]) -> bool:
            report(
                {f"{data}_{name}": values[-1] for data, found in evals_log.items() for name, values in found.items()},
                at=epoch + 1,
            )
            return False

    return Reporter()
