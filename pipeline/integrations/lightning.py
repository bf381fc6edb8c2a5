"""Lightning: `Trainer(callbacks=[reporter()])`."""

from __future__ import annotations

from typing import Any

from backtrack.watch.telling import report


def reporter() -> Any:
    """A callback that reports what was logged, after every validation and every training epoch.

    Raises:
        ImportError: where neither `lightning` nor `pytorch_lightning` is installed.
    """
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        from pytorch_lightning.callbacks import Callback

    class Reporter(Callback):  # type: ignore[misc]
        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            self._report(trainer)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self._report(trainer)

        def _report(self, trainer: Any) -> None:
            if not trainer.sanity_checking and trainer.callback_metrics:
                report(dict(trainer.callback_metrics), at=trainer.current_epoch + 1)

    return Reporter()
