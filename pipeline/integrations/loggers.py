"""What a program logs to TensorBoard, MLflow, W&B or Lightning, reported as well; installed in every watched process.

Nothing of the program changes: the library's own function is called as before, and its numbers are told too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from backtrack.watch.imported import when_imported
from backtrack.watch.printed import number_of
from backtrack.watch.telling import report


def install() -> None:
    """Lets the loggers of this process, those there are or will be imported, report too."""
    for name in ("torch.utils.tensorboard.writer", "tensorboardX.writer"):
        when_imported(name, _tensorboard)
    when_imported("mlflow", _mlflow)
    when_imported("wandb", _wandb)
    for name in ("lightning.pytorch.loggers.logger", "pytorch_lightning.loggers.logger"):
        when_imported(name, _lightning)


def _tensorboard(module: Any) -> None:
    # Position and name of what is logged, in the arguments of a bound method.
    _told(module.SummaryWriter, "add_scalar", name=(1, "tag"), value=(2, "scalar_value"), step=(3, "global_step"))


def _mlflow(module: Any) -> None:
    _told(module, "log_metric", name=(0, "key"), value=(1, "value"), step=(2, "step"))
    _told(module, "log_metrics", name=None, value=(0, "metrics"), step=(1, "step"))


def _wandb(module: Any) -> None:
    _told(module, "log", name=None, value=(0, "data"), step=(1, "step"))


def _lightning(module: Any) -> None:
    base = module.Logger

    def init_subclass(cls: type, /, **options: Any) -> None:
        own = cls.__dict__.get("log_metrics")
        if own is None:
            return

        @functools.wraps(own)
        def log_metrics(self: Any, metrics: Any, step: Any = None) -> Any:
            numbers = {name: value for name, value in metrics.items() if name != "epoch"}
            report(numbers, at=number_of(metrics.get("epoch", step)))
            return own(self, metrics, step)

        cls.log_metrics = log_metrics  # type: ignore[attr-defined]

    base.__init_subclass__ = classmethod(init_subclass)


Argument = tuple[int, str]


def _told(owner: Any, function: str, *, name: Argument | None, value: Argument, step: Argument) -> None:
    """Lets a function report what it is given, and then do what it does.

    Args:
        owner: module or class.
        function: its name.
        name, value, step: where these stand among its arguments; without a name the value is a dict.
    """
    own = getattr(owner, function)

    def given(place: Argument, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return options.get(place[1], arguments[place[0]] if len(arguments) > place[0] else None)

    @functools.wraps(own)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        said = given(value, arguments, options)
        numbers = said if name is None else {given(name, arguments, options): said}
        if isinstance(numbers, Mapping):
            report(numbers, at=number_of(given(step, arguments, options)))
        return own(*arguments, **options)

    setattr(owner, function, wrapped)
