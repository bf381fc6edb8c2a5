"""Keras: `model.fit(…, callbacks=[reporter()])`."""

from __future__ import annotations

from typing import Any

from backtrack.watch.telling import report


def reporter() -> Any:
    """A callback that reports the logs of every epoch, such as `val_accuracy`.

    Raises:
        ImportError: where Keras is not installed.
    """
    from keras.callbacks import Callback

    class Reporter(Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            report(logs or {}, at=epoch + 1)

    return Reporter()
