"""What is asked of the runs: each response with its unit, its direction and its question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

FAILURE, GAIN, GAIN_WITH_FAILURES = "failure", "gain", "gain_with_failures"
SPEED, EPOCH_TIME = "speed", "epoch_time"
FEASIBLE = "feasible"
# Beyond it a ratio has no end that a number could hold.
LARGEST_LOGARITHM = 700.0


class Scale(Enum):
    """What effects on a response are: differences in its unit, differences of shares of the runs, or ratios."""

    DIFFERENCE = "difference"
    SHARE = "share"
    RATIO = "ratio"


@dataclass(frozen=True)
class ResponseKind:
    """One response.

    Args:
        name: in tables.
        unit: of effects in tables.
        better: -1 where less of it is better, else 1.
        scale: what effects on it are; of ratios the logarithm is modelled.
        question: in words.
        heading: of the list of what changes it.
        axis: label of its level means.
    """

    name: str
    unit: str
    better: int
    scale: Scale
    question: str
    heading: str
    axis: str

    @property
    def of_failures(self) -> bool:
        """Whether it says which runs failed, not what the others reached."""
        return self.name == FAILURE

    @property
    def counts_failures(self) -> bool:
        """Whether failed runs are among its numbers: they lie apart from the others by what they are."""
        return self.name in (FAILURE, GAIN_WITH_FAILURES, FEASIBLE)

    @property
    def of_the_trained(self) -> bool:
        """Whether it is the final metric of the runs that trained."""
        return self.name == GAIN

    @property
    def ratio(self) -> bool:
        """Whether its logarithm is modelled, so that effects are ratios."""
        return self.scale is Scale.RATIO

    def shown(self, effect: float, low: float, high: float) -> tuple[float, float, float]:
        """An effect with its interval as tables show it: logarithms as ratios, shares within 1.

        Example:
            >>> speed().shown(0.0, 0.0, 1000.0)
            (1.0, 1.0, inf)
        """
        if self.scale is Scale.RATIO:
            ratios = [math.inf if one > LARGEST_LOGARITHM else math.exp(one) for one in (effect, low, high)]
            return ratios[0], ratios[1], ratios[2]
        if self.scale is Scale.SHARE:
            return min(effect, 1.0), max(low, 0.0), min(high, 1.0)
        return effect, low, high

    def text(self, effect: float, low: float, high: float) -> str:
        """A shown effect in words.

        Example:
            >>> failure().text(0.31, 0.08, 0.51)
            '31% (8% to 51%) of runs'
            >>> speed().text(1.31, 1.12, 1.5)
            '×1.31 (1.12 to 1.50)'
        """
        if not math.isfinite(effect):
            return "unknown"
        if self.scale is Scale.RATIO:
            return f"×{effect:.2f} ({low:.2f} to {high:.2f})"
        if self.scale is Scale.SHARE:
            return f"{effect:.0%} ({low:.0%} to {high:.0%}) of runs"
        return f"{effect:.3g} ({low:.3g} to {high:.3g}) {self.unit}"


def failure() -> ResponseKind:
    """1 where the training ended in anything but ok, 0 where it trained."""
    return ResponseKind(
        name=FAILURE,
        unit="probability",
        better=-1,
        scale=Scale.SHARE,
        question="what makes trainings fail",
        heading="Factors that change how often trainings fail",
        axis="share that fails",
    )


def gain(metric: str, mode: str, name: str = GAIN) -> ResponseKind:
    """The final metric (or another number) of those that trained.

    Args:
        metric: its name.
        mode: "min" or "max".
        name: of the response, where it is not the task's metric.
    """
    return ResponseKind(
        name=name,
        unit=metric,
        better=_direction(mode),
        scale=Scale.DIFFERENCE,
        question=f"what changes the final {metric} of those that trained",
        heading=f"Final {metric} of those that trained",
        axis=metric,
    )


def gain_with_failures(metric: str, mode: str) -> ResponseKind:
    """The final metric of all; a training that failed counts as chance, so that no level gains by losing bad runs."""
    return ResponseKind(
        name=GAIN_WITH_FAILURES,
        unit=metric,
        better=_direction(mode),
        scale=Scale.DIFFERENCE,
        question=f"what changes the final {metric} of all, failures at chance",
        heading=f"Final {metric} with failures at chance",
        axis=metric,
    )


def feasible(limits: Sequence[object]) -> ResponseKind:
    """1 where a training keeps every limit, 0 where it fails or breaks one.

    Args:
        limits: the goals, as text.
    """
    asked = " and ".join(str(one) for one in limits if getattr(one, "limit", None) is not None)
    return ResponseKind(
        name=FEASIBLE,
        unit="probability",
        better=1,
        scale=Scale.SHARE,
        question=f"what changes how often a training keeps {asked}",
        heading=f"How often a training keeps {asked}",
        axis="share that keeps every limit",
    )


def speed(unit: str = "epoch") -> ResponseKind:
    """Log of the epochs (reports) that a run that trained needed to reach the target.

    Args:
        unit: what the task's x axis counts.

    Example:
        >>> speed("environment step").heading
        'Environment steps to the target'
    """
    return ResponseKind(
        name=SPEED,
        unit=f"times the {unit}s",
        better=-1,
        scale=Scale.RATIO,
        question=f"what changes how many {unit}s a training needs to the target",
        heading=f"{unit[:1].upper()}{unit[1:]}s to the target",
        axis=f"{unit}s to target",
    )


def epoch_time() -> ResponseKind:
    """Log of the seconds an epoch, warm-up left out."""
    return ResponseKind(
        name=EPOCH_TIME,
        unit="times the seconds",
        better=-1,
        scale=Scale.RATIO,
        question="what changes the seconds that an epoch takes",
        heading="Seconds an epoch",
        axis="seconds an epoch",
    )


def _direction(mode: str) -> int:
    return 1 if mode == "max" else -1
