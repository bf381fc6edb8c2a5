"""Over which dimension the vectors of a model are brought to one length: the features, and not the examples."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_dimensions, first_line, over_the_last

# The place of `dim` among the arguments of torch.nn.functional.normalize.
PLACE = 2


def _over_the_first(source: Source) -> list[ast.expr]:
    """The dimensions of a file's calls of `normalize` that are written as 0."""
    return first_dimensions(source, ("normalize",), lambda call: PLACE)


def _place(anatomy: Anatomy) -> str:
    return first_line(anatomy.sources, _over_the_first)


def _apply(training: Training, level: str) -> None:
    weights = training.torch.nn.Parameter

    def make(own: Any) -> Any:
        def normalize(input: Any, p: float = 2.0, dim: int = 1, *arguments: Any, **options: Any) -> Any:
            # The columns of a weight matrix may well be what has one length.
            turned = dim == 0 and input.ndim > 1 and not isinstance(input, weights)
            return own(input, p, -1 if turned else dim, *arguments, **options)

        return normalize

    training.replace(training.torch.nn.functional, "normalize", make)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    return over_the_last(source, _over_the_first(source))


NORM_DIMENSION = Intervention(
    "norm_dimension",
    what="vectors that are brought to one length over the first dimension are so over the last: each example's, and "
    "not each feature's over the examples of a batch",
    source="PyTorch documentation of torch.nn.functional.normalize: dim",
    levels=lambda anatomy: {"features": "F.normalize(…, dim=-1)"} if _place(anatomy) else {},
    apply=_apply,
    on_suspicion=True,
    answers=("mixed_examples",),
    place=_place,
    patch=_patched,
    cannot="vectors that are divided by their norm by hand, and calls whose dimension is no number in the program",
)
