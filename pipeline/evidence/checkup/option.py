"""What a checkup may change: a level of an intervention, as a run as written was found to take it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One level of an intervention that applies to the training.

    Args:
        name, level: of it.
        text, what: what a person would write, and what the intervention does.
        place: in the user's code; empty where it is not known.
        answers: checks whose fault it mends.
        points: checks and symptoms that point at it.
        kind, size: repair, trick or control; how much it changes.
        harmless: whether it can be tried together with others without doing harm.
        on_suspicion: whether it is tried only where something in `answers` or `points` was seen.
        patch: the edit that it corresponds to, as a unified diff; empty where it is no edit of one line.
        relative_to, relative: the intervention that sets the number which it changes, and the text beside that.

    Example:
        >>> rate = Option("learning_rate", "x10", "lr=1 instead of 0.1", "", "", (), (), "repair", harmless=False,
        ...               relative_to="optimiser", relative="10 times its rate")
        >>> rate.text_beside([("optimiser", "adam_usual"), *rate.changes])
        '10 times its rate'
    """

    name: str
    level: str
    text: str
    what: str
    place: str
    answers: tuple[str, ...]
    points: tuple[str, ...]
    kind: str
    harmless: bool
    size: int = 1
    on_suspicion: bool = False
    patch: str = ""
    relative_to: str = ""
    relative: str = ""

    @property
    def changes(self) -> tuple[tuple[str, str], ...]:
        """It alone."""
        return ((self.name, self.level),)

    @property
    def part_of(self) -> str:
        """The level that it is a part of; empty for most."""
        whole, slash, _ = self.level.partition("/")
        return whole if slash else ""

    def text_beside(self, changes: Collection[tuple[str, str]]) -> str:
        """What a person would write for it beside other changes, one of which may set the number that it changes."""
        return self.relative if self.relative_to in dict(changes) else self.text
