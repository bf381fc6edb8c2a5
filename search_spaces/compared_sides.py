"""Losses that compare: what is to lie near and what far, or which is to rank first, change places."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source

# Losses of an anchor, of what is to lie near it, and of what is to lie far.
TRIPLETS = ("triplet_margin_loss", "triplet_margin_with_distance_loss")
NEAR, FAR = "positive", "negative"
# Losses whose targets of 1 and -1 say what is alike, or which of two ranks first.
SIGNED = ("margin_ranking_loss", "cosine_embedding_loss", "hinge_embedding_loss")


def at_sides(training: Training, is_exchanged: Callable[[str], bool]) -> None:
    """Asks `is_exchanged(name)` where one of these losses is taken of what has a gradient.

    Args:
        training: whose losses these are.
        is_exchanged: whether its two sides change places.
    """
    torch = training.torch

    def made(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            signature = inspect.signature(own)

            def loss(*arguments: Any, **options: Any) -> Any:
                given = signature.bind(*arguments, **options).arguments
                learns = any(getattr(one, "requires_grad", False) for one in given.values())
                if not learns or not torch.is_grad_enabled() or not is_exchanged(name):
                    return own(*arguments, **options)
                if name in TRIPLETS:
                    return own(**{**given, NEAR: given[FAR], FAR: given[NEAR]})
                return own(**{**given, "target": -given["target"]})

            return loss

        return make

    for name in (*TRIPLETS, *SIGNED):
        training.replace(torch.nn.functional, name, made(name))


def _levels(anatomy: Anatomy) -> dict[str, str]:
    name = anatomy.sides.get("name", "")
    if not name:
        return {}
    if name in TRIPLETS:
        what = "what is given as positive and what is given as negative change places"
    else:
        what = "the targets of 1 and -1 change places"
    return {"exchanged": f"{what} in {name}"}


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """`loss(anchor, positive, negative)` for `loss(anchor, negative, positive)`; targets stay for a person."""
    calls = [one for one in source.calls() if len(one.args) >= 3]
    if anatomy.sides["name"] not in TRIPLETS or len(calls) != 1:
        return None
    (call,) = calls
    given: list[Any] = [*call.args, *call.keywords]
    anchor, second, third, *others = (source.segment(one) for one in given)
    return source.replaced(call, f"{source.segment(call.func)}({', '.join([anchor, third, second, *others])})")


COMPARED_SIDES = Intervention(
    "compared_sides",
    what="in a loss that compares, what is to lie near and what is to lie far change places, or which of two ranks "
    "first: max(0, m + d⁺ - d⁻) becomes max(0, m + d⁻ - d⁺)",
    source="PyTorch documentation of TripletMarginLoss, MarginRankingLoss, CosineEmbeddingLoss and HingeEmbeddingLoss; "
    "PyTorch forum: a triplet loss that collapses",
    levels=_levels,
    apply=lambda training, level: at_sides(training, lambda name: True),
    points=("worse_than_chance",),
    place=lambda anatomy: str(anatomy.sides.get("place", "")),
    patch=_patched,
    cannot="losses of this kind that a program writes by hand",
)
