"""A torch model with its data. torch itself is imported by the trial, never here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from backtrack.errors import TaskError
from backtrack.task.options import typed_options
from backtrack.task.swept import Changes, Levels, Mode, Source, Swept, check_common
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.space import SearchSpace

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Data:
    """What a torch task trains and is judged on.

    Args:
        inputs, targets: the training set, first dimension = examples.
        valid_inputs, valid_targets: the validation set, the same layout.

    Example:
        >>> import torch
        >>> inputs, targets = torch.randn(100, 8), torch.randint(0, 2, (100,))
        >>> data = Data(inputs[:80], targets[:80], inputs[80:], targets[80:])
    """

    inputs: Tensor
    targets: Tensor
    valid_inputs: Tensor
    valid_targets: Tensor


@dataclass(frozen=True)
class Loaders:
    """What a torch task trains and is judged on, in the form that people have it in.

    Args:
        train, valid: each a dataset, a DataLoader, or anything that yields batches each time it is gone through. A
            dataset gets a DataLoader of the task's batch size, the training one shuffled by the seed.

    Example:
        >>> import torch
        >>> both = torch.utils.data.TensorDataset(torch.randn(100, 8), torch.randint(0, 2, (100,)))
        >>> data = Loaders(train=both, valid=torch.utils.data.DataLoader(both, 50))
    """

    train: Any
    valid: Any


def _default_optimiser(model: nn.Module, config: Levels) -> torch.optim.Optimizer:
    import torch

    return torch.optim.Adam(model.parameters(), lr=float(config.get("lr", 1e-3)))


def _class_shares(targets: Tensor, like: Tensor) -> Tensor:
    from backtrack.task.constant_answer import log_prior

    return log_prior(targets, like)


def _default_batch_size(config: Levels) -> int:
    return int(config.get("batch_size", 32))


def _default_accumulation(config: Levels) -> int:
    return int(config.get("accumulate", 1))


def _no_clipping(config: Levels) -> float | None:
    clip = config.get("clip")
    return None if clip in (None, "none", 0) else float(clip)


@dataclass(frozen=True)
class TorchTask(Swept):
    """A torch model with its data; the trial does the loop, the replicates, the clock and the outcome.

    Args:
        name: the task's name.
        data: `data(options) -> Data` (tensors: the fast path, which also stacks replicates) or `-> Loaders` (datasets
            and DataLoaders); called once in a worker process. `data(options, config)` is called for every training.
        model: `model(config) -> nn.Module`, already initialised; called with torch's generator seeded.
        loss: `loss(outputs, targets) -> scalar tensor`, differentiable; with loaders also
            `loss(outputs, batch, config)`.
        score: `score(outputs, targets) -> float`, the metric on the whole validation set, or several as
            `{name: number}`; with loaders, `score(outputs, batch, config)` is averaged over the batches.
        metric: name of what `score` computes.
        mode: "min" or "max".
        factors: the search space; a checkup needs none.
        epochs: passes over the training set.
        constant: `constant(targets, like) -> outputs`: what a model that ignores its input would best answer, given
            the training targets, shaped like the outputs `like`. Chance is *measured* with it. Default: the log
            share of each class, right for logits under cross entropy.
        optimiser: `optimiser(model, config) -> torch.optim.Optimizer`; default Adam at `config["lr"]`.
        batch_size: `batch_size(config) -> int`; default `config["batch_size"]` or 32.
        clip: `clip(config) -> float | None`, the largest gradient norm; default `config["clip"]` or none.
        forward: with loaders, `forward(model, batch) -> outputs`, of any structure; default: the model of a tuple's
            first part, or of the whole batch.
        scheduler: with loaders, `scheduler(optimiser, config, steps)`, a torch scheduler; steps: updates an epoch.
        scheduler_every: "epoch" or "step": when it is stepped.
        accumulate: with loaders, `accumulate(config) -> int` batches an update; default `config["accumulate"]` or 1.
        validate_every: with loaders, validates after so many batches; None: after each epoch.
        stop: with loaders, `stop(values) -> bool` ends the training early; `values`: the metric so far.
        chance: the metric of a model that has learnt nothing; with loaders, where it is not given, one training with
            shuffled labels measures it.
        defaults: options that `--set NAME=VALUE` may change, with their default values.
        check: `check(options)`, raises `DataError` where the data cannot be used; called before any trial.
        description: one line for `backtrack tasks`.
        fixed: `{factor: level}` of factors that the sweep does not vary; see `with_fixed`.
        thresholds: `{symptom: threshold}` in place of the default ones; `docs/symptoms.md` lists them.
        source: where it was loaded from; None for an object that was made in Python.
        changes: interventions among its factors; see `with_changes`.
        goals: further numbers that it reports and is judged by, each with a direction and perhaps a limit.

    Raises:
        TaskError, SpaceError: for an incomplete task or an unusable space.

    Example:
        >>> import torch
        >>> from backtrack import Categorical, Numeric
        >>> def data(options):
        ...     inputs = torch.randn(500, 8)
        ...     targets = (inputs.sum(1) > 0).long()
        ...     return Data(inputs[:400], targets[:400], inputs[400:], targets[400:])
        >>> task = TorchTask(
        ...     name="mine", data=data, model=lambda config: torch.nn.Linear(8, 2),
        ...     loss=torch.nn.functional.cross_entropy,
        ...     score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        ...     metric="accuracy", mode="max",
        ...     factors=[Numeric("lr", 1e-4, 1.0, log=True), Categorical("batch_size", [16, 64])],
        ... )
        >>> task.epochs
        2
    """

    name: str
    data: Callable[..., Data | Loaders]
    model: Callable[[Levels], nn.Module]
    loss: Callable[..., Tensor]
    score: Callable[..., float | Mapping[str, float]]
    metric: str
    mode: Mode
    factors: Sequence[Factor] = ()
    epochs: int = 2
    constant: Callable[[Tensor, Tensor], Tensor] = _class_shares
    optimiser: Callable[[nn.Module, Levels], torch.optim.Optimizer] = _default_optimiser
    batch_size: Callable[[Levels], int] = _default_batch_size
    clip: Callable[[Levels], float | None] = _no_clipping
    forward: Callable[[nn.Module, Any], Any] | None = None
    scheduler: Callable[[torch.optim.Optimizer, Levels, int], Any] | None = None
    scheduler_every: Literal["epoch", "step"] = "epoch"
    accumulate: Callable[[Levels], int] = _default_accumulation
    validate_every: int | None = None
    stop: Callable[[Sequence[float]], bool] | None = None
    chance: float | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], None] | None = None
    description: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Levels = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False)
    changes: Changes = field(default=Changes(), compare=False)
    goals: Sequence[Goal] = ()
    space: SearchSpace = field(init=False, repr=False, compare=False)
    whole_space: SearchSpace = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_common(self.name, self.metric, self.mode)
        if self.epochs < 1:
            raise TaskError(f"task {self.name!r}: epochs is {self.epochs}; expected at least 1")
        self._set_spaces()
        object.__setattr__(self, "options", {**self.defaults, **self.options})

    def with_options(self, options: Mapping[str, Any]) -> TorchTask:
        """This task with some options changed; `epochs` is one of them.

        Raises:
            TaskError: for an option that the task does not have, or of another type.
        """
        typed = typed_options(self.name, {"epochs": self.epochs, **self.options}, options)
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
