"""Weights that a program clips after each step, as the critic of a Wasserstein GAN wants it."""

from __future__ import annotations

import ast
from collections.abc import Callable

from backtrack.search_spaces.moved_weights import guarding, moved_weights
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line, statements_calling

# Methods that clip a tensor in place.
CLIPS = ("clamp_", "clamp_min_", "clamp_max_", "clip_")
SEEN = "weights clipped"


def at_clipping(training: Training, clips: Callable[[], bool]) -> None:
    """Asks `clips()` where a program clips weights that an optimiser moves: where it says no, they stay as they are."""
    # A step's own arithmetic clips no weights.
    guarded = guarding(moved_weights(training), clips)
    for name in CLIPS:
        training.replace(training.torch.Tensor, name, guarded)


def _clips(source: Source) -> list[ast.stmt]:
    return statements_calling(source, *CLIPS)


def _unclipped(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file without the one statement that clips in place; of several, weights may be some."""
    found = _clips(source)
    return source.without(found[0]) if len(found) == 1 else None


WEIGHT_CLIPPING = Intervention(
    "weight_clipping",
    what="weights that the program clips after its steps (p.data.clamp_) stay as the optimiser made them",
    source="Arjovsky, Chintala & Bottou, Wasserstein GAN (2017): clipping as a constraint, and what it costs",
    levels=lambda anatomy: {"off": "leave clamp_ of the weights out"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_clipping(training, lambda: False),
    place=lambda anatomy: first_line(anatomy.sources, _clips),
    patch=_unclipped,
    cannot="weights that are clipped into a new tensor, and set by copy_ or .data =",
)
