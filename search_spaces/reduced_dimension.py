"""Which dimension goes where a program takes a largest number, a log-sum-exp, a softmax, or brings to one length."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of, source_at
from backtrack.task.written import dimensions_of, is_method, is_number
from backtrack.vocabulary.places import direct_line

# Functions that leave a tensor's shape as it is, and those that take a dimension away. (Over another dimension a sum or
# a mean is the same up to a factor, which tells of a rate.)
KEEPING = ("softmax", "log_softmax", "normalize")
TAKING = ("logsumexp", "amax", "amin", "max", "min")
# The place of `dim` among the arguments of `normalize`, the input being one; of all others it comes second.
OF_NORMALIZE = 2
# Calls of a program that are looked at.
MOST = 3
Change = Callable[[str, str, Any, int], int | None]


def at_reductions(training: Training, change: Change) -> None:
    """Asks `change(function, place, input, dim)` where a line of the program calls one of these.

    Args:
        training: whose calls these are.
        change: the dimension to take in place of `dim`; None for the one that is written.
    """
    torch = training.torch

    def made(name: str) -> Callable[[Any], Any]:
        position = OF_NORMALIZE if name == "normalize" else 1

        def make(own: Any) -> Any:
            def reduced(input: Any, *given: Any, **options: Any) -> Any:
                by_place = len(given) >= position
                dim = given[position - 1] if by_place else options.get("dim")
                if not isinstance(input, torch.Tensor) or input.ndim < 2 or type(dim) is not int:
                    return own(input, *given, **options)
                place = direct_line()
                other = change(name, place, input, dim % input.ndim) if place else None
                if other is None:
                    return own(input, *given, **options)
                if not by_place:
                    return own(input, *given, **{**options, "dim": other})
                return own(input, *given[: position - 1], other, *given[position:], **options)

            return reduced

        return make

    for name in (*KEEPING, *TAKING):
        for owner in (torch, torch.Tensor, torch.nn.functional):
            if hasattr(owner, name):
                training.replace(owner, name, made(name))


def other_dimension(function: str, shape: Sequence[int], dim: int) -> int | None:
    """The dimension that may have been meant in place of another; None where it is none that is often taken wrongly.

    Args:
        function: one of `KEEPING` or `TAKING`.
        shape: of the input.
        dim: that the program takes, from 0 on.

    Example:
        >>> other_dimension("logsumexp", (32, 5), 0), other_dimension("logsumexp", (32, 5), 1)
        (1, None)
        >>> other_dimension("max", (32, 24, 24), 2), other_dimension("max", (32, 24, 16), 2)
        (1, None)
    """
    last = len(shape) - 1
    if dim == last:
        # Where another is as long, the program runs with either.
        alike = [one for one in range(1, last) if shape[one] == shape[dim] > 1]
        return alike[0] if alike and function in TAKING else None
    if function in KEEPING:
        # Classes of each place of a picture, or of a line, come second.
        return last if dim == 0 and min(shape[0], shape[last]) > 1 else None
    if last == 1:
        return last if min(shape) > 1 else None
    alike = [one for one in range(1, last + 1) if one != dim and shape[one] == shape[dim] > 1]
    return alike[0] if alike and dim else None


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {
        f"line_{number + 1}": f"{one['function']}(…, dim={one['other']}) instead of dim={one['dim']}, in line "
        f"{one['place'].rpartition(':')[2]}"
        for number, one in enumerate(anatomy.reductions)
    }


def _apply(training: Training, level: str) -> None:
    chosen = _of(training.anatomy, level)

    def change(function: str, place: str, input: Any, dim: int) -> int | None:
        same = (function, place, input.ndim, dim) == tuple(chosen[key] for key in ("function", "place", "axes", "dim"))
        return int(chosen["other"]) if same else None

    at_reductions(training, change)


def _of(anatomy: Anatomy, level: str) -> dict[str, Any]:
    return anatomy.reductions[int(level.rpartition("_")[2]) - 1]


def _place(anatomy: Anatomy) -> str:
    return str(anatomy.reductions[0]["place"]) if anatomy.reductions else ""


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    found = _of(anatomy, level)
    at = source_at(str(found["place"]))
    calls = at.calls(found["function"]) if at is not None else []
    given = [one for call in calls for one in dimensions_of(call, _position(source, call))]
    return source.replaced(given[0], str(found["other"])) if len(given) == 1 and is_number(given[0]) else None


def _position(source: Source, call: ast.Call) -> int:
    """The place of a call's dimension among what it is written with."""
    return OF_NORMALIZE if name_of(call) == "normalize" else 0 if is_method(source, call) else 1


REDUCED_DIMENSION = Intervention(
    "reduced_dimension",
    what="a largest number, a log-sum-exp, a softmax or a norm of what has a gradient is taken over another dimension: "
    "over each example's numbers, and not over the examples; or over another of the same length",
    source="PyTorch documentation of logsumexp, amax, softmax and normalize: dim",
    levels=_levels,
    apply=_apply,
    inside=True,
    size=2,
    answers=("mixed_examples",),
    place=_place,
    patch=_patched,
    cannot="sums and means, what is written by hand, and dimensions that the program computes",
)
