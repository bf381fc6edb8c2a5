"""Hugging Face's Trainer: `Trainer(…, callbacks=[reporter()])`."""

from __future__ import annotations

from typing import Any

from backtrack.watch.telling import report


def reporter() -> Any:
    """A callback that reports what the Trainer logs, such as `loss` and `eval_accuracy`, at its epoch.

    Raises:
        ImportError: where transformers is not installed.
    """
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> None:
            report({name: value for name, value in (logs or {}).items() if name != "epoch"}, at=state.epoch)

    return Reporter()
