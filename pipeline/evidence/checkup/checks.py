"""What the checks say of themselves: which see an effect, which how a net is judged, which say more than others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from backtrack.watch.checks import Check, all_checks


def sees_effect(check: str) -> bool:
    """Whether a check sees what a fault leads to, and not the fault.

    Example:
        >>> sees_effect("zero_gradient"), sees_effect("loss_input")
        (True, False)
    """
    return _named(check).effect


def is_beyond_training(check: str) -> bool:
    """Whether a check sees how the net is judged, or examples are put together: no change of a net's training mends it.

    Example:
        >>> is_beyond_training("changing_targets"), is_beyond_training("loss_input")
        (True, False)
    """
    return _named(check).of_judging or _named(check).of_data


def sees_judging(check: str) -> bool:
    """Whether a check sees how a net is judged, be there a change that mends it or not.

    Example:
        >>> sees_judging("validation_inputs"), sees_judging("loss_input")
        (True, False)
    """
    return _named(check).of_judging or _named(check).at_judging


def most_exact_of(checks: Sequence[str]) -> list[str]:
    """Checks without those of which another one says the same more exactly.

    Example:
        >>> most_exact_of(["weights_that_stay", "zero_gradient", "loss_input"])
        ['zero_gradient', 'loss_input']
    """
    less = {other for check in checks for other in _named(check).more_exact_than}
    return [check for check in checks if check not in less]


def _named(name: str) -> type[Check]:
    """The check of this name; one that says nothing special where records are older than its removal."""
    return _by_name().get(name, Check)


@cache
def _by_name() -> dict[str, type[Check]]:
    return {check.name: check for check in all_checks()}
