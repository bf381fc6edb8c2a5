"""What a symptom is, and what its probes are given to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Curves of what symptoms measure begin so; MLflow's UI puts them into a group of their own.
PREFIX = "symptom/"
# The loss that backward passes began from, in steps that are looked at closely: of trainings that do not say theirs.
SEEN_LOSS = PREFIX + "training_loss"
# What trainings call their losses when they say them.
TRAINING_LOSSES = ("loss", "train_loss", "training_loss", "loss_train")
VALIDATION_LOSSES = ("valid_loss", "val_loss", "validation_loss", "test_loss", "eval_loss", "loss_val")

Series = Mapping[str, Sequence[float]]


def said(series: Series, names: Sequence[str]) -> Sequence[float]:
    """The first of several series that a training says; empty where it says none.

    Example:
        >>> said({"val_loss": [0.7, 0.6]}, VALIDATION_LOSSES)
        [0.7, 0.6]
    """
    return next((series[name] for name in names if name in series), ())


@dataclass(frozen=True)
class Moment:
    """One sampled training step, between the gradient and after the update.

    Args:
        gradients: `{parameter: norm of its gradient}`, in the model's order, before clipping.
        weights: `{parameter: norm before the update}`.
        updates: `{parameter: norm of the change that the update made}`.
        matrices: names of the parameters with two dimensions or more, in the model's order.
        embeddings: `{parameter: mean norm of its rows}` of embedding tables.
        over_time: gradient norm by the input of the first recurrent layer, a number a time step; or empty.
    """

    gradients: Mapping[str, float]
    weights: Mapping[str, float]
    updates: Mapping[str, float]
    matrices: Sequence[str]
    embeddings: Mapping[str, float]
    over_time: Sequence[float] = ()


@dataclass(frozen=True)
class Layer:
    """What a layer put out during a look.

    Args:
        kind: relu, tanh, sigmoid, recurrent, or group (units that compete).
        values: (examples, units, …) of an image or plain features, (examples, time, units) of a sequence; of a group
            the units before they compete.
        group_size: of a group.
    """

    kind: str
    values: Tensor
    group_size: int = 1


@dataclass(frozen=True)
class Look:
    """A look at the model on validation examples, in evaluation mode.

    Args:
        outputs: of the model.
        targets: the right answers.
        layers: activations, in the order in which they were computed.
    """

    outputs: Tensor
    targets: Tensor
    layers: Sequence[Layer]


Rule = Callable[[Series, float], bool]


def last_over(name: str, curve: str = "") -> Rule:
    """The rule: the last value of the symptom's curve (or of another) lies over the threshold."""
    return lambda series, threshold: any(value > threshold for value in series.get(curve or PREFIX + name, ())[-1:])


def last_under(name: str, curve: str = "") -> Rule:
    """The rule: the last value of the symptom's curve (or of another) lies under the threshold."""
    return lambda series, threshold: any(value < threshold for value in series.get(curve or PREFIX + name, ())[-1:])


def median_under(name: str) -> Rule:
    """The rule: the median of the symptom's curve over the sampled steps lies under the threshold."""

    def found(series: Series, threshold: float) -> bool:
        values = series.get(PREFIX + name, ())
        return bool(values) and median(values) < threshold

    return found


def _nothing(_: object) -> float | None:
    return None


@dataclass(frozen=True)
class Symptom:
    """A measured sign of trouble.

    Args:
        name: as it is recorded.
        measured: the formula.
        rule: when it counts as seen, in words; `{threshold}` stands for the number.
        threshold: default; a task may set another (`thresholds`).
        points_at: what usually lies behind it.
        cost: what measuring takes.
        source: of measure and threshold.
        found: whether a run's curves show it, for a threshold.
        at_step: what to keep of a sampled step; None where there is nothing to measure.
        at_look: what to keep of a look at the model.
        effect: whether it only says that a training does not learn, or no longer, and nothing of where that comes from.
    """

    name: str
    measured: str
    rule: str
    threshold: float
    points_at: str
    cost: str
    source: str
    found: Rule
    at_step: Callable[[Moment], float | None] = _nothing
    at_look: Callable[[Look], float | None] = _nothing
    effect: bool = False

    @property
    def curve(self) -> str:
        """Name of the curve that keeps what it measures."""
        return PREFIX + self.name
