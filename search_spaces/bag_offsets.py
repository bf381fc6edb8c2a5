"""The offsets of an `EmbeddingBag`: lengths of lines are added up to where these begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.bags import are_lengths

# Among an anatomy's calls: offsets that go back.
LENGTHS = "offsets that go back"


def at_offsets(training: Training, lengths: Callable[[], bool]) -> None:
    """Asks `lengths()` where the offsets of an embedding bag go back: where yes, they are added up."""
    functional = training.torch.nn.functional

    def make(own: Any) -> Any:
        def embedding_bag(words: Any, weight: Any, offsets: Any = None, *rest: Any, **options: Any) -> Any:
            if are_lengths(offsets) and lengths():
                offsets = offsets.cumsum(0)
            return own(words, weight, offsets, *rest, **options)

        return embedding_bag

    training.replace(functional, "embedding_bag", make)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"summed": "offsets.cumsum(0): where each line begins"} if anatomy.calls.get(LENGTHS) else {}


BAG_OFFSETS = Intervention(
    "bag_offsets",
    what="offsets of an embedding bag that go back are taken for lengths, and added up",
    source="PyTorch documentation of EmbeddingBag",
    levels=_levels,
    apply=lambda training, level: at_offsets(training, lambda: True),
    inside=True,
    answers=("bag_offsets",),
    cannot="lengths that happen to go up, from the shortest line to the longest",
)
