"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from backtrack.vocabulary.finding import WRONG, Finding
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import (
    Activated,
    Backward,
    Clipped,
    Compared,
    Cut,
    Difference,
    Distributed,
    Dropped,
    Forward,
    Initialised,
    Inner,
    Iterated,
    Largest,
    Loaded,
    Loss,
    Margin,
    Masked,
    Matched,
    Pass,
    Plateau,
    Reshaped,
    Rounded,
    Seeded,
    Steep,
    Step,
    Unequal,
)


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
        effect: whether it sees what a fault leads to, and not the fault: a cause only where nothing else is found.
        of_judging: whether it sees how the net is judged, which no change of its training mends.
        at_judging: whether it sees passes that judge the net, though a change may mend these.
        of_data: whether it sees how examples are put together, which only what is made for it mends: another size of
            the batches, or a rate, changes how much is seen.
        more_exact_than: checks that see a wider kind of fault: where this one speaks, it says the same more exactly.
    """

    name: ClassVar[str]
    looks_at: ClassVar[str]
    cost: ClassVar[str]
    source: ClassVar[str]
    remedy: ClassVar[str]
    expected: ClassVar[str]
    weight: ClassVar[str] = WRONG
    effect: ClassVar[bool] = False
    of_judging: ClassVar[bool] = False
    at_judging: ClassVar[bool] = False
    of_data: ClassVar[bool] = False
    more_exact_than: ClassVar[tuple[str, ...]] = ()

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

    def compared(self, call: Compared) -> None:
        """After a comparison of all with all, between a model's pass without gradients and the next step."""

    def unequal(self, call: Unequal) -> None:
        """After numbers were asked whether they equal labels, where none can: as for `compared`."""

    def largest(self, call: Largest) -> None:
        """After the largest of one number was asked for: as for `compared`."""

    def reshaped(self, call: Reshaped) -> None:
        """After a view or reshape to another shape in the user's own files, up to the second step."""

    def steep(self, call: Steep) -> None:
        """After a root or a logarithm of zeros, up to the second step."""

    def masked(self, call: Masked) -> None:
        """After a mask of attention that is the same for all queries of an example, up to the second step."""

    def rounded(self, call: Rounded) -> None:
        """After numbers that have a gradient are rounded, up to the second step."""

    def cut(self, call: Cut) -> None:
        """After what takes up a tensor with a gradient and gives none, up to the second step."""

    def margin(self, call: Margin) -> None:
        """After a loss by hand of labels times outputs, whose labels are 0 and 1, up to the second step."""

    def activated(self, call: Activated) -> None:
        """After an activation or dropout function in a model's forward pass, up to the second step."""

    def loaded(self, call: Loaded) -> None:
        """After weights were loaded into a module."""

    def iterated(self, call: Iterated) -> None:
        """Before each loop over a DataLoader."""

    def clipped(self, call: Clipped) -> None:
        """After gradients were clipped by their norm: the first dozen times."""

    def matched(self, call: Matched) -> None:
        """After the classes that a model chooses were compared with labels: the first dozen times that it is judged."""

    def distributed(self, call: Distributed) -> None:
        """After a distribution was made of scores that have a gradient."""

    def plateau(self, call: Plateau) -> None:
        """After each step of a schedule that waits for a plateau."""

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


def joined(names: Sequence[str], most: int = 4) -> str:
    """Names in a row, the rest counted.

    Example:
        >>> joined(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
