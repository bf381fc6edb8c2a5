"""What a check is, and what it is told of a training."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from backtrack.vocabulary.finding import WRONG, Finding

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


# Loaders of a training that is no agent's, at most: who makes a loader of each rollout makes many.
FEW = 4


@dataclass
class Passes:
    """Passes of one kind.

    Args:
        place: `file:line` of the first.
        number, examples: so far.
    """

    place: str
    number: int = 0
    examples: int = 0


@dataclass
class ModelHeard:
    """A model: a module that is called from outside of any other.

    Args:
        name: of its class, with a number where several have it.
        module: itself.
        loaded: whether weights were loaded into it.
        passes: `{(gradients enabled, in training mode): how many, of how many examples, place of the first}`.
    """

    name: str
    module: nn.Module
    loaded: bool = False
    passes: dict[tuple[bool, bool], Passes] = field(default_factory=dict)

    def count(self, gradients: bool, examples: int, place: Callable[[], str]) -> None:
        """Counts a pass."""
        mode = (gradients, self.module.training)
        passes = self.passes.get(mode)
        if passes is None:
            passes = self.passes[mode] = Passes(place())
        passes.number += 1
        passes.examples += examples

    @property
    def trained(self) -> int:
        """Passes with gradients."""
        return sum(passes.number for (gradients, _), passes in self.passes.items() if gradients)


@dataclass
class OptimiserHeard:
    """An optimiser.

    Args:
        optimiser: itself.
        steps: so far.
        rates: `[(step, [learning rate of each group])]`, wherever they changed.
    """

    optimiser: torch.optim.Optimizer
    steps: int = 0
    rates: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)

    @property
    def parameters(self) -> list[Tensor]:
        """All of its parameters."""
        return [weight for group in self.optimiser.param_groups for weight in group["params"]]


@dataclass(frozen=True)
class Pass:
    """One of a model's first passes, with gradients or without.

    Args:
        model: which.
        given: its first argument, a tensor.
        gradients: whether gradients were enabled.
        place: `file:line` that called it.
    """

    model: ModelHeard
    given: Tensor
    gradients: bool
    place: str


@dataclass(frozen=True)
class Forward:
    """A forward pass of a model.

    Args:
        model: which.
        inputs: tensors among the arguments.
        outputs: tensors among what it returned.
        arguments: all positional and keyword arguments.
        gradients: whether gradients were enabled.
        training: whether the model was in training mode.
        place: `file:line` that called it.
    """

    model: ModelHeard
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    gradients: bool
    training: bool
    place: str


@dataclass(frozen=True)
class Inner:
    """A call of a module inside a forward pass that is looked at closely.

    Args:
        model: whose pass.
        module: that was called.
        path: in the model, such as `encoder.0`; None where the model's `modules()` do not reach it.
        inputs, outputs: tensors.
        gradients: whether gradients were enabled.
    """

    model: ModelHeard
    module: nn.Module
    path: str | None
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    gradients: bool

    @property
    def place(self) -> str:
        """The module by its path, such as `Net.encoder.0`; the model's name where it has none."""
        return f"{self.model.name}.{self.path}" if self.path else self.model.name


@dataclass(frozen=True)
class Loss:
    """A call of one of torch's loss functions.

    Args:
        name: of the function, such as `cross_entropy`.
        output, target: its first two arguments.
        options: the keyword arguments.
        value: what it returned.
        place: `file:line` of the user's code.
        number: how many calls at this place came before.
        training: whether a gradient can flow.
    """

    name: str
    output: Tensor
    target: Tensor
    options: dict[str, Any]
    value: Tensor
    place: str
    number: int
    training: bool


@dataclass(frozen=True)
class Dropped:
    """A call of one of torch's dropout functions: the first dozens with gradients, and without.

    Args:
        share: of its input that it drops where it is active.
        active: whether it drops now.
        by_module: whether an `nn.Dropout` module called it.
        gradients: whether gradients were enabled.
        in_training: whether a model that has been heard is in training mode.
        place: `file:line` of the user's code.
    """

    share: float
    active: bool
    by_module: bool
    gradients: bool
    in_training: bool
    place: str


@dataclass(frozen=True)
class Difference:
    """A difference of two tensors, (n, 1) and (n,), that became (n, n), in the first steps.

    Args:
        left, right, shape, place: of both and of the result; `file:line`.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    shape: tuple[int, ...]
    place: str


@dataclass(frozen=True)
class Reshaped:
    """A view, reshape or flatten of a tensor, up to the second step.

    Args:
        function: of these.
        before, result, place: the shape that it had, what came of it, `file:line`.
    """

    function: str
    before: tuple[int, ...]
    result: Tensor
    place: str


@dataclass(frozen=True)
class Activated:
    """An activation or dropout function inside of a forward pass, up to the second step.

    Args:
        name, result, place: the function, such as `relu`, what it returned, `file:line`.
    """

    name: str
    result: Tensor
    place: str


@dataclass(frozen=True)
class Iterated:
    """The start of a loop over a DataLoader.

    Args:
        batches, size: how many it has (-1: not known), and of how many examples (0: not known).
        place: `file:line`.
    """

    batches: int
    size: int
    place: str


@dataclass(frozen=True)
class Clipped:
    """Gradients were clipped by their norm.

    Args:
        norm: reads the norm that they had.
        bound: the largest that is let through.
        scale: reads what a gradient scaler had multiplied them by; 1 where none had, or where they were unscaled.
        place: `file:line`.
    """

    norm: Callable[[], float]
    bound: float
    scale: Callable[[], float]
    place: str


@dataclass(frozen=True)
class Backward:
    """The start of a backward pass.

    Args:
        loss, place: what it starts from; `file:line`.
        number: backward passes before it.
    """

    loss: Tensor
    place: str
    number: int


@dataclass(frozen=True)
class Initialised:
    """One of torch's initialisers has drawn a tensor, after an optimiser's first step.

    Args:
        name, tensor, place: the function, such as `xavier_uniform_`, what it drew, `file:line`.
    """

    name: str
    tensor: Tensor
    place: str


@dataclass(frozen=True)
class Seeded:
    """A generator of random numbers was given a seed, after an optimiser's first step.

    Args:
        name, seed, place: the function, such as `torch.manual_seed`, what it was given, `file:line`.
    """

    name: str
    seed: Any
    place: str


@dataclass(frozen=True)
class Step:
    """An optimiser's step: before it, or after it.

    Args:
        heard: the optimiser.
        number: of this optimiser's steps, from 1.
        close: whether this step is looked at closely.
    """

    heard: OptimiserHeard
    number: int
    close: bool


@dataclass
class Heard:
    """What has been heard of a training so far.

    Args:
        models, optimisers: in the order of their first call.
        backwards, steps: so far, of all optimisers.
        single: forward passes of a single example (an agent that acts).
        forwards: all of them.
        last: model, inputs and outputs of the last pass with gradients.
        losses: what the last backward passes between close looks began from.
        loaders: `{id: (sampler's name, batches, batch size)}` of the DataLoaders that were iterated over.
    """

    models: list[ModelHeard] = field(default_factory=list)
    optimisers: list[OptimiserHeard] = field(default_factory=list)
    backwards: int = 0
    steps: int = 0
    single: int = 0
    forwards: int = 0
    last: tuple[ModelHeard, Any, Any] | None = None
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    loaders: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    modules: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    _names: dict[int, str] = field(default_factory=dict)

    def name_of(self, weight: Tensor) -> str:
        """A parameter's name in its model, such as `Net.fc.weight`; its shape where no model has it."""
        if id(weight) not in self._names:
            for model in self.models:
                for name, one in model.module.named_parameters():
                    self._names[id(one)] = f"{model.name}.{name}"
        return self._names.get(id(weight), f"a tensor of shape {tuple(weight.shape)}")

    @property
    def acts(self) -> bool:
        """Whether a model is asked about single examples, as an agent is; what a few loaders feed is none."""
        fed = 0 < len(self.loaders) <= FEW and any(batches > 1 for _, batches, _ in self.loaders.values())
        return self.single > 0.2 * max(1, self.forwards) and not fed


class Check:
    """Looks at a training and names a fault. One file each; every method is optional.

    Attributes:
        name: as it is recorded.
        looks_at: what it looks at, and when.
        cost: what that takes.
        source: of the rule.
        remedy: what mends the fault.
        expected: what a sound training shows.
        weight: `WRONG` or `UNUSUAL`.
    """

    name: ClassVar[str]
    looks_at: ClassVar[str]
    cost: ClassVar[str]
    source: ClassVar[str]
    remedy: ClassVar[str]
    expected: ClassVar[str]
    weight: ClassVar[str] = WRONG

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        self.heard = heard
        self._found = found
        self._said: set[str] = set()

    def finds(self, place: str, measured: str, weight: str = "", remedy: str = "") -> None:
        """Tells of a finding, once for each place."""
        if place in self._said or len(self._said) >= 5:
            return
        self._said.add(place)
        self._found(
            Finding(
                check=self.name,
                place=place,
                measured=measured,
                expected=self.expected,
                remedy=remedy or self.remedy,
                weight=weight or self.weight,
            )
        )

    def forward(self, call: Forward) -> None:
        """After a forward pass of a model that is looked at closely."""

    def passed(self, call: Pass) -> None:
        """After each of a model's first passes with gradients, and of those without that follow a training step."""

    def inner(self, call: Inner) -> None:
        """After a module's call inside a forward pass that is looked at closely."""

    def loss(self, call: Loss) -> None:
        """After a loss function: the first dozen at a place, then those that are looked at closely."""

    def dropped(self, call: Dropped) -> None:
        """After a dropout function: its first calls with gradients, and those without."""

    def difference(self, call: Difference) -> None:
        """After a difference that compares all with all."""

    def reshaped(self, call: Reshaped) -> None:
        """After a view or reshape to another shape in the user's own files, up to the second step."""

    def activated(self, call: Activated) -> None:
        """After an activation or dropout function in a model's forward pass, up to the second step."""

    def iterated(self, call: Iterated) -> None:
        """Before each loop over a DataLoader."""

    def clipped(self, call: Clipped) -> None:
        """After gradients were clipped by their norm: the first dozen times."""

    def backward(self, call: Backward) -> None:
        """Before a backward pass: the first fifty, then those of close steps and of a loss that is not finite."""

    def initialised(self, call: Initialised) -> None:
        """After an initialiser of torch, once an optimiser has stepped."""

    def seeded(self, call: Seeded) -> None:
        """After a generator is given its seed, between an optimiser's first fifty steps."""

    def before_step(self, step: Step) -> None:
        """Before an optimiser's step: its first fifty, then close ones."""

    def after_step(self, step: Step) -> None:
        """After an optimiser's step: its first fifty, then close ones."""

    def end(self) -> None:
        """At the end of the training."""


# What a check may want to hear.
MOMENTS = tuple(name for name, one in vars(Check).items() if callable(one) and name[0] != "_" and name != "finds")


def is_computed(values: Tensor, heard: Heard) -> bool:
    """Whether a model's input is what another net has made: it has a gradient to give, or is the last net's output."""
    if values.grad_fn is not None:
        return True
    outputs = heard.last[2] if heard.last is not None else ()
    each = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    place = values.untyped_storage().data_ptr()
    return any(place == one.untyped_storage().data_ptr() for one in each if hasattr(one, "untyped_storage"))


def joined(names: Sequence[str], most: int = 4) -> str:
    """Names in a row, the rest counted.

    Example:
        >>> joined(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
