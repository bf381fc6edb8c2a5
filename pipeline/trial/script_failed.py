"""How a program's failure reaches the trial."""

from __future__ import annotations


class ScriptFailed(Exception):
    """A program that ended with a fault, with what it said.

    Args:
        outcome: crashed or out_of_memory.
        error: its trace, or its last lines.
        place: `file:line` in the user's own files, or empty.
    """

    def __init__(self, outcome: str, error: str, place: str) -> None:
        super().__init__(outcome, error)
        self.outcome, self.error, self.place = outcome, error, place
