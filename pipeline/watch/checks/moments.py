"""What a check is told of: the moments of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.loss_sides import are_exchanged
from backtrack.watch.checks.heard import ModelHeard, OptimiserHeard

if TYPE_CHECKING:
    from torch import Tensor, nn


# Layers that multiply what they get with weights.
WITH_WEIGHTS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "RNN", "LSTM", "GRU", "Bilinear", "LazyLinear")


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
    def has_weights(self) -> bool:
        """Whether the module is a layer of torch's that multiplies what it gets with weights."""
        return type(self.module).__name__ in WITH_WEIGHTS

    @cached_property
    def scale(self) -> float:
        """The root mean square of its first input."""
        values = self.inputs[0].detach()
        return float(values.float().norm()) / float(max(1, values.numel()) ** 0.5)

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

    @property
    def exchanged(self) -> bool:
        """Whether its target is what a net computes and its output is not, of a loss whose two sides differ."""
        return are_exchanged(self.name, self.output, self.target, self.options)


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
class Compared:
    """Tensors (n, 1) and (n,) are compared while a model is judged, so that the result is (n, n).

    Args:
        left, right: shapes.
        place: `file:line`.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    place: str


@dataclass(frozen=True)
class Unequal:
    """Numbers of which none is whole are compared with whole ones while a model is judged.

    Args:
        example, label: the first of each.
        place: `file:line`.
    """

    example: float
    label: float
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
class Steep:
    """A root or a logarithm of zeros that have a gradient, where its slope is infinite, up to the second step.

    Args:
        name: of the function, such as `sqrt`.
        zeros, numbers: how many of how many numbers are 0.
        place: `file:line`.
    """

    name: str
    zeros: int
    numbers: int
    place: str


@dataclass(frozen=True)
class Masked:
    """A mask of attention, up to the second step.

    Args:
        left_out: (examples, keys) bits: which take no part for any query.
        place: `file:line`.
    """

    left_out: Tensor
    place: str


@dataclass(frozen=True)
class Largest:
    """Which number is the largest is asked of one number alone, where a model is judged.

    Args:
        function: `argmax` or `max`.
        given: the tensor; its dimension that was asked has one number.
        place: `file:line`.
    """

    function: str
    given: Tensor
    place: str


@dataclass(frozen=True)
class Matched:
    """The classes that a model chooses are compared with labels, one by one, where it is judged.

    Args:
        labels: class numbers.
        outputs: among how many the largest was chosen.
        place: `file:line`.
    """

    labels: Tensor
    outputs: int
    place: str


@dataclass(frozen=True)
class Rounded:
    """Numbers that have a gradient are rounded, so that nothing of it gets past, up to the second step.

    Args:
        name: of the function, such as `round`.
        place: `file:line`.
    """

    name: str
    place: str


@dataclass(frozen=True)
class Cut:
    """A tensor that was computed from weights is taken up by what gives no gradient, up to the second step.

    Args:
        function: of these, such as `detach`, `item` or `argmax`.
        given: the tensor.
        place: `file:line`.
    """

    function: str
    given: Tensor
    place: str


@dataclass(frozen=True)
class Margin:
    """A loss by hand of labels times outputs, as a hinge is, whose labels are 0 and 1, up to the second step.

    Args:
        zeros, numbers: how many of how many labels are 0.
        place: `file:line`.
    """

    zeros: int
    numbers: int
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
class Loaded:
    """Weights were loaded into a module.

    Args:
        model: the module's class.
        given: how many weights there were to load.
        missing, unexpected: names of the module that had none, and names that the module does not know.
        place: `file:line`.
    """

    model: str
    given: int
    missing: Sequence[str]
    unexpected: Sequence[str]
    place: str


@dataclass(frozen=True)
class Iterated:
    """The start of a loop over a DataLoader.

    Args:
        batches, size: how many it has (-1: not known), and of how many examples (0: not known).
        place: `file:line`.
        data: its dataset.
        order: the class that orders its examples, such as `SequentialSampler`.
        weights: how many weights its sampler draws by; 0 for one without.
    """

    batches: int
    size: int
    place: str
    data: Any
    order: str = ""
    weights: int = 0


@dataclass(frozen=True)
class Plateau:
    """A step of ReduceLROnPlateau.

    Args:
        schedule, optimiser: themselves.
        mode: `min` or `max`.
        value: that it was given.
        lowered: whether it has lowered the rate.
        place: `file:line`.
    """

    schedule: Any
    optimiser: Any
    mode: str
    value: float
    lowered: bool
    place: str


@dataclass(frozen=True)
class Distributed:
    """A distribution of torch's is made of scores.

    Args:
        name: of its class, such as `Categorical`.
        logits: what it takes the softmax, or the sigmoid, of.
        place: `file:line`.
    """

    name: str
    logits: Tensor
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

    @cached_property
    def copies(self) -> list[tuple[Tensor, Tensor]]:
        """Its first small weight matrices, each with a copy of what it is now: made once for all that ask."""
        return [(one, one.detach().clone()) for one in self.heard.small_matrices]
