"""An agent's loss weighs what it did by numbers of both signs, such as advantages: these with the other sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.places import direct_line
from backtrack.vocabulary.shapes import owners_of

PRODUCTS = ("__mul__", "__rmul__", "mul")
# Numbers that are weighed with, at least.
LEAST = 8


def at_weighing(training: Training, is_turned: Callable[[str, Any], bool]) -> None:
    """Asks `is_turned(place, numbers)` where a line of the program multiplies what has a gradient by data, one to one.

    Args:
        training: whose products these are.
        is_turned: whether these numbers come in with the other sign.
    """
    torch = training.torch
    inside: list[bool] = []

    def make(own: Any) -> Any:
        def times(*given: Any, **options: Any) -> Any:
            # (Under a mode torch calls what stands in a method's place by its name once more.)
            which = None if inside or len(given) != 2 else _data_among(torch, given)
            if which is None or not is_turned(direct_line(), given[which]):
                return own(*given, **options)
            inside.append(True)
            try:
                turned = [-one if number == which else one for number, one in enumerate(given)]
                return own(*turned, **options)
            finally:
                inside.clear()

        return times

    for owner, name in owners_of(torch, PRODUCTS):
        training.replace(owner, name, make)


def _data_among(torch: Any, given: tuple[Any, ...]) -> int | None:
    """Which of two factors is data, where the other one has a gradient and as many numbers."""
    both = all(isinstance(one, torch.Tensor) for one in given)
    if not both or given[0].requires_grad == given[1].requires_grad or not torch.is_grad_enabled():
        return None
    one_to_one = given[0].shape == given[1].shape and given[0].numel() >= LEAST
    return (1 if given[0].requires_grad else 0) if one_to_one else None


def _levels(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.acts or not anatomy.weighed:
        return {}
    lines = " and ".join(place.rpartition(":")[2] for place in anatomy.weighed)
    return {"negated": f"advantages with the other sign, in line {lines}"}


def _apply(training: Training, level: str) -> None:
    places = set(training.anatomy.weighed)
    at_weighing(training, lambda place, numbers: place in places)


ADVANTAGE_SIGN = Intervention(
    "advantage_sign",
    what="the numbers of both signs that an agent's loss multiplies what it did with, one for each, have the other "
    "sign; unlike the sign of the whole term this turns what a clipped ratio is held back from",
    source="Schulman et al., Proximal policy optimization algorithms (2017), equation 7",
    levels=_levels,
    apply=_apply,
    place=lambda anatomy: anatomy.weighed[0] if anatomy.weighed else "",
    cannot="advantages that a function of torch's or of a library's takes",
)
