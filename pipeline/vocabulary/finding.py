"""What a check found in a training: a fault with its place."""

from __future__ import annotations

from dataclasses import dataclass

# How sure a finding is of being a fault: what is wrong in any training, or what is unusual and may be meant.
WRONG, UNUSUAL = "wrong", "unusual"


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Args:
        check: its name.
        place: module path, parameter names, `file:line` of the user's code.
        measured: what was seen, in words with numbers.
        expected: what a sound training shows.
        remedy: what to change.
        weight: `WRONG` or `UNUSUAL`.

    Example:
        >>> found = Finding("loss_input", "train.py:12", measured="cross_entropy gets probabilities",
        ...                 expected="raw outputs", remedy="leave the softmax out")
        >>> found.weight
        'wrong'
    """

    check: str
    place: str
    measured: str
    expected: str
    remedy: str
    weight: str = WRONG
