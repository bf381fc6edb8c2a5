"""What is trained: a black box (`FunctionTask`) or a torch model (`TorchTask`), and how a task file is loaded.

Tasks know nothing of what runs them. torch is imported only by the trial, never here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Self

from pipeline.errors import BacktrackError, TaskError
from pipeline.narrowing import fix
from pipeline.space import Factor, SearchSpace

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Mode = Literal["min", "max"]
Levels = Mapping[str, Any]


def _check_common(name: str, metric: str, mode: str) -> None:
    if not name or not isinstance(name, str):
        raise TaskError(f"task name {name!r}: expected a short name such as 'squirrel'")
    if not metric or not isinstance(metric, str):
        raise TaskError(f"task {name!r}: metric {metric!r}; expected the name of the number to judge by, e.g. 'error'")
    if mode not in ("min", "max"):
        raise TaskError(
            f"task {name!r}: mode {mode!r}; expected 'min' (an error, a loss) or 'max' (an accuracy, a score)"
        )


class _Swept:
    """What both kinds of task share: the space, and factors held at one level."""

    name: str
    factors: Sequence[Factor]
    fixed: Levels
    thresholds: Mapping[str, float]
    space: SearchSpace
    whole_space: SearchSpace

    def _set_spaces(self) -> None:
        # The dataclasses below are frozen; this is part of their construction.
        object.__setattr__(self, "factors", tuple(self.factors))
        object.__setattr__(self, "whole_space", SearchSpace(tuple(self.factors)))
        object.__setattr__(self, "space", fix(self.whole_space, self.fixed)[0] if self.fixed else self.whole_space)

    def with_fixed(self, levels: Levels) -> Self:
        """This task with some factors held at one level: they leave the space, and every run has that level.

        Raises:
            SpaceError: for an unknown factor or level.
        """
        fixed = {**self.fixed, **fix(self.whole_space, levels)[1]}
        return replace(self, fixed=fixed)  # type: ignore[type-var]

    def with_thresholds(self, thresholds: Mapping[str, Any]) -> Self:
        """This task with other thresholds of some symptoms.

        Raises:
            TaskError: for an unknown symptom, or a threshold that is no number.
        """
        from pipeline.training.symptoms import all_symptoms

        known = {symptom.name: symptom.threshold for symptom in all_symptoms()}
        unknown = sorted(set(thresholds) - set(known))
        if unknown:
            raise TaskError(f"there is no symptom {unknown}; known: {', '.join(known)}")
        typed = {
            name: _like(self.name, f"threshold of {name}", known[name], value) for name, value in thresholds.items()
        }
        return replace(self, thresholds={**self.thresholds, **typed})  # type: ignore[type-var]

    def levels(self, config: Levels) -> dict[str, Any]:
        """What a run receives for a config of `space`: the fixed levels as well, and the components of composites."""
        return self.whole_space.expand(self.whole_space.repair({**self.fixed, **config}, {}))


@dataclass(frozen=True)
class FunctionTask(_Swept):
    """A black box: any program that reports numbers while it trains.

    Args:
        name: the task's name.
        run: `run(config, seed)` yields one dict of floats for every report step. `config` maps factor names
            to levels (inactive factors absent; a composite also as `NAME.COMPONENT`). It may end with
            `raise TrialFailed("diverged")`, any outcome name. The last value of `metric` is the result.
        metric: the key to judge by, in every report.
        mode: "min" or "max".
        factors: the search space.
        chance: the value of `metric` for a model that has learnt nothing; without it no_learning and collapsed
            cannot be told from poor training, and are never reported.
        noise: run-to-run standard deviation of `metric` at chance. Where it is not given, it is taken from the
            reports of each run themselves (see `pipeline.training.outcomes`).
        description: one line for `backtrack tasks`.
        defaults: options that `--set NAME=VALUE` may change, with their default values; where there are any, `run` is
            called as `run(config, seed, options)`.
        fixed: `{factor: level}` of factors that the sweep does not vary; see `with_fixed`.
        thresholds: `{symptom: threshold}` in place of the default ones; `docs/symptoms.md` lists them.

    Raises:
        TaskError, SpaceError: for an incomplete task or an unusable space.
    """

    name: str
    run: Callable[..., Iterator[Mapping[str, float]]]
    metric: str
    mode: Mode
    factors: Sequence[Factor]
    chance: float | None = None
    noise: float | None = None
    description: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Levels = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_common(self.name, self.metric, self.mode)
        object.__setattr__(self, "options", {**self.defaults, **self.options})
        if not callable(self.run):
            raise TaskError(f"task {self.name!r}: run is {self.run!r}; expected a function run(config, seed)")
        self._set_spaces()

    space: SearchSpace = field(init=False, repr=False, compare=False)
    whole_space: SearchSpace = field(init=False, repr=False, compare=False)

    def with_options(self, options: Mapping[str, Any]) -> FunctionTask:
        """This task with some options changed.

        Raises:
            TaskError: for an option that the task does not have, or of another type.
        """
        return replace(self, options={**self.options, **_typed(self.name, self.options, options)})

    def program(self, config: Levels, seed: int) -> Iterator[Mapping[str, float]]:
        """Starts a run."""
        return self.run(dict(config), seed, dict(self.options)) if self.defaults else self.run(dict(config), seed)

    def validate(self) -> None:
        """Nothing to check before the first trial."""


@dataclass(frozen=True)
class Data:
    """What a torch task trains and is judged on.

    Args:
        inputs, targets: the training set, first dimension = examples.
        valid_inputs, valid_targets: the validation set, the same layout.
    """

    inputs: Tensor
    targets: Tensor
    valid_inputs: Tensor
    valid_targets: Tensor


def _default_optimiser(model: nn.Module, config: Levels) -> torch.optim.Optimizer:
    import torch

    return torch.optim.Adam(model.parameters(), lr=float(config.get("lr", 1e-3)))


def _class_shares(targets: Tensor, like: Tensor) -> Tensor:
    from pipeline.training.chance import log_prior

    return log_prior(targets, like)


def _default_batch_size(config: Levels) -> int:
    return int(config.get("batch_size", 32))


def _no_clipping(config: Levels) -> float | None:
    clip = config.get("clip")
    return None if clip in (None, "none", 0) else float(clip)


@dataclass(frozen=True)
class TorchTask(_Swept):
    """A torch model with its data; the trial does the loop, the replicates, the clock and the outcome.

    Args:
        name: the task's name.
        data: `data(options) -> Data`; called once in a worker process.
        model: `model(config) -> nn.Module`, already initialised; called with torch's generator seeded.
        loss: `loss(outputs, targets) -> scalar tensor`, differentiable.
        score: `score(outputs, targets) -> float`, the metric on the whole validation set.
        metric: name of what `score` computes.
        mode: "min" or "max".
        factors: the search space.
        epochs: passes over the training set.
        constant: `constant(targets, like) -> outputs`: what a model that ignores its input would best answer, given
            the training targets, shaped like the outputs `like`. Chance is *measured* with it. Default: the log
            share of each class, right for logits under cross entropy.
        optimiser: `optimiser(model, config) -> torch.optim.Optimizer`; default Adam at `config["lr"]`.
        batch_size: `batch_size(config) -> int`; default `config["batch_size"]` or 32.
        clip: `clip(config) -> float | None`, the largest gradient norm; default `config["clip"]` or none.
        defaults: options that `--set NAME=VALUE` may change, with their default values.
        check: `check(options)`, raises `DataError` where the data cannot be used; called before any trial.
        description: one line for `backtrack tasks`.
        fixed: `{factor: level}` of factors that the sweep does not vary; see `with_fixed`.
        thresholds: `{symptom: threshold}` in place of the default ones; `docs/symptoms.md` lists them.

    Raises:
        TaskError, SpaceError: for an incomplete task or an unusable space.
    """

    name: str
    data: Callable[[Mapping[str, Any]], Data]
    model: Callable[[Levels], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], float]
    metric: str
    mode: Mode
    factors: Sequence[Factor]
    epochs: int = 2
    constant: Callable[[Tensor, Tensor], Tensor] = _class_shares
    optimiser: Callable[[nn.Module, Levels], torch.optim.Optimizer] = _default_optimiser
    batch_size: Callable[[Levels], int] = _default_batch_size
    clip: Callable[[Levels], float | None] = _no_clipping
    defaults: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], None] | None = None
    description: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Levels = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    space: SearchSpace = field(init=False, repr=False, compare=False)
    whole_space: SearchSpace = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_common(self.name, self.metric, self.mode)
        if self.epochs < 1:
            raise TaskError(f"task {self.name!r}: epochs is {self.epochs}; expected at least 1")
        self._set_spaces()
        object.__setattr__(self, "options", {**self.defaults, **self.options})

    def with_options(self, options: Mapping[str, Any]) -> TorchTask:
        """This task with some options changed; `epochs` is one of them.

        Raises:
            TaskError: for an option that the task does not have, or of another type.
        """
        typed = _typed(self.name, {"epochs": self.epochs, **self.options}, options)
        epochs = typed.pop("epochs", self.epochs)
        if typed.get("data") and "://" not in str(typed["data"]):
            # Workers, and a later `resume`, may stand in another directory.
            typed["data"] = str(Path(typed["data"]).expanduser().resolve())
        return replace(self, epochs=epochs, options={**self.options, **typed})

    def levels(self, config: Levels) -> dict[str, Any]:
        """What `model`, `optimiser`, `batch_size` and `clip` receive for a config of `space`: the fixed levels as well,
        the components of composites, and the options, where no factor has their name.
        """
        return {**self.options, **super().levels(config)}

    def validate(self) -> None:
        """Runs the task's own check of its data, before any trial.

        Raises:
            DataError: as the check finds it.
        """
        if self.check is not None:
            self.check(self.options)


Task = FunctionTask | TorchTask


def _typed(task: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given options as the types of the known ones.

    Raises:
        TaskError: for an option that is not known, or of another type.
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TaskError(f"task {task!r} has no option {unknown}; it has {sorted(known) or 'none'}")
    return {name: _like(task, name, known[name], value) for name, value in given.items()}


def _like(task: str, name: str, default: Any, value: Any) -> Any:
    """`value` (a string from the command line, or already typed) as the type of `default`."""
    if default is None or isinstance(default, str):
        return value
    try:
        return type(default)(value)
    except (TypeError, ValueError):
        raise TaskError(
            f"task {task!r}: option {name}={value!r}; expected a {type(default).__name__} such as {default!r}"
        ) from None


def builtin_tasks() -> list[str]:
    """Names of the tasks in the `tasks` package: one a file."""
    import tasks

    return sorted(module.name for module in pkgutil.iter_modules(tasks.__path__) if not module.name.startswith("_"))


def load_task(name: str, file: str | Path | None = None) -> Task:
    """The task called `name`: from the user's `file`, or from the `tasks` package.

    Args:
        name: the task's name; with `file` it must be the name that the file's task bears.
        file: a Python file that exposes `task`.

    Raises:
        TaskError: where there is no such task, or the file does not run or exposes none.
    """
    if file is None:
        if name not in builtin_tasks():
            raise TaskError(
                f"there is no task {name!r}; known: {', '.join(builtin_tasks())}. "
                "A task of your own is a Python file: add --task path/to/file.py"
            )
        module = importlib.import_module(f"tasks.{name}")
    else:
        module = _module_from(Path(file))
    task = getattr(module, "task", None)
    if not isinstance(task, (FunctionTask, TorchTask)):
        where = file or f"tasks/{name}.py"
        raise TaskError(
            f"{where} exposes no task: expected a variable `task` that is a FunctionTask or TorchTask, found {task!r}"
        )
    if task.name != name:
        raise TaskError(f"{file} holds the task {task.name!r}, but {name!r} was asked for; use the task's own name")
    return task


def load_any(name_or_file: str) -> Task:
    """A built-in task by its name, or the task that a file exposes.

    Raises:
        TaskError: where there is none.
    """
    if not name_or_file.endswith(".py"):
        return load_task(name_or_file)
    task = getattr(_module_from(Path(name_or_file)), "task", None)
    if not isinstance(task, (FunctionTask, TorchTask)):
        raise TaskError(f"{name_or_file} exposes no task: expected a variable `task`, found {task!r}")
    return task


def _module_from(file: Path) -> ModuleType:
    if not file.is_file():
        raise TaskError(f"task file {file} does not exist; expected a Python file that exposes `task`")
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]
    module_name = f"backtrack_task_{digest}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise TaskError(f"task file {file} is not a Python file; expected a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a module up by name while it is still being executed.
    sys.modules[module_name] = module
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        del sys.modules[module_name]
        if isinstance(fault, BacktrackError):
            raise
        raise TaskError(
            f"task file {file} does not run: {type(fault).__name__}: {fault}; mend the file first"
        ) from fault
    return module
