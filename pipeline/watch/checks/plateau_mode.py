"""A schedule that waits for a plateau takes each improvement for one: its mode is not that of what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss, Plateau

if TYPE_CHECKING:
    from torch import Tensor

# Values that a schedule has to be given, and how near one is to a loss that was just computed.
VALUES, SAME = 3, 1e-4
# Share by which what is no share of examples has to fall, and by which a share of examples has to rise, until it is
# taken for what gets better; and the share of its first value below which the training loss is then.
FALLS, RISES, LEARNT = 0.25, 0.1, 0.95
# Examples that a share is of, at least, and how near to a whole number of them it lies.
EXAMPLES, WHOLE = 20, 2e-3
# Share of the first rate below which the schedule has done something.
LOWERED = 0.5


@dataclass
class Given:
    """What one schedule was given.

    Args:
        mode: of the schedule, `min` or `max`.
        place: of its first step.
        optimiser: the id of its optimiser.
        values, reduced: each value, and whether the rate was lowered at it.
        losses: whether each value is a loss that was computed since the last one.
        shares: whether each value is a share of the examples that were judged since the last one.
        training: the training loss at each.
    """

    mode: str
    place: str
    optimiser: int
    values: list[float] = field(default_factory=list)
    reduced: list[bool] = field(default_factory=list)
    losses: list[bool] = field(default_factory=list)
    shares: list[bool] = field(default_factory=list)
    training: list[float] = field(default_factory=list)


class PlateauMode(Check):
    name = "plateau_mode"
    looks_at = (
        "what ReduceLROnPlateau is given, and at which values it lowers the rate: whether these are losses, or shares "
        "of the examples that were judged"
    )
    cost = "a few numbers each time it is stepped"
    source = "PyTorch documentation of ReduceLROnPlateau: mode"
    expected = "a rate that is lowered where what is watched gets no better"
    remedy = 'give the schedule the mode of what it is given: "min" for a loss, "max" for an accuracy'

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._given: dict[int, Given] = {}
        # Since the last value: losses without a gradient, and how many examples each is of.
        self._losses: list[tuple[Tensor, int]] = []
        self._judged = 0

    def loss(self, call: Loss) -> None:
        if not call.training and call.value.numel() == 1 and call.output.ndim:
            # Reading a number waits for the device: only where there is such a schedule.
            self._losses.append((call.value, len(call.output)))

    def plateau(self, call: Plateau) -> None:
        given = self._given.setdefault(id(call.schedule), Given(call.mode, call.place, id(call.optimiser)))
        judged = sum(
            passes.examples
            for model in self.heard.models
            for (gradients, _), passes in model.passes.items()
            if not gradients
        )
        given.values.append(call.value)
        given.reduced.append(call.lowered)
        given.losses.append(_is_mean(call.value, [(float(loss), size) for loss, size in self._losses]))
        given.shares.append(_is_share(call.value, judged - self._judged))
        if self.heard.losses:
            given.training.append(fmean(self.heard.losses))
        self._losses.clear()
        self._judged = judged

    def end(self) -> None:
        steps = {id(one.optimiser): one for one in self.heard.optimisers}
        for given in self._given.values():
            stepped = steps.get(given.optimiser)
            lowered = stepped is not None and stepped.rates[-1][1][0] < LOWERED * stepped.rates[0][1][0]
            if lowered and len(given.values) >= VALUES and any(given.reduced):
                self._look_at(given)

    def _look_at(self, given: Given) -> None:
        first, last = given.values[0], given.values[-1]
        # Where it is not known for a loss, that it gets better as the training does has to tell.
        learns = len(given.training) > 1 and given.training[-1] < LEARNT * given.training[0]
        better = learns and all(_is_best(given.values[: place + 1], given.mode) for place in _places(given.reduced))
        falls = any(given.losses) or (better and not any(given.shares) and last < (1 - FALLS) * first)
        if given.mode == "max" and falls and 0 < last < first:
            said = f"a loss, which falls from {first:.3g} to {last:.3g}"
        elif given.mode == "min" and better and all(given.shares) and last - first >= RISES:
            said = f"a share of the examples that are judged, which rises from {first:.3g} to {last:.3g}"
        else:
            return
        times = sum(given.reduced)
        self.finds(
            given.place,
            f"ReduceLROnPlateau has the mode {given.mode!r} and is given {said}: it has lowered the rate {times} "
            f"time{'s' if times > 1 else ''} as this got better",
        )


def _places(marks: Sequence[bool]) -> list[int]:
    return [place for place, mark in enumerate(marks) if mark]


def _is_best(values: Sequence[float], mode: str) -> bool:
    """Whether the last of these is the best so far for who would want the other mode."""
    return values[-1] == (min(values) if mode == "max" else max(values)) and len(set(values)) > 1


def _is_mean(value: float, losses: Sequence[tuple[float, int]]) -> bool:
    """Whether a value is the last of these losses, their sum, or their mean in one way or another."""
    if not losses:
        return False
    each, sizes = [loss for loss, _ in losses], [size for _, size in losses]
    weighted = sum(loss * size for loss, size in losses)
    means = (each[-1], sum(each), fmean(each), weighted / max(1, sum(sizes)), weighted)
    return any(abs(value - one) <= SAME * abs(one) for one in means)


def _is_share(value: float, examples: int) -> bool:
    """Whether a value is a share of so many examples, or that in percent."""
    counts = [share * examples for share in (value, value / 100) if 0 <= share <= 1]
    return examples >= EXAMPLES and any(abs(count - round(count)) < WHOLE for count in counts)
