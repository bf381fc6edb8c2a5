"""The blank of a `ctc_loss`: a number that no label has."""

from __future__ import annotations

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.blank import NAME


def _levels(anatomy: Anatomy) -> dict[str, str]:
    free = anatomy.loss.get("free_number")
    return {} if free is None else {"free": f"blank={free}: no label has that number"}


def _apply(training: Training, level: str) -> None:
    free = int(training.anatomy.loss["free_number"])

    def change(call: LossCall) -> None:
        if call.name == NAME:
            call.options = {**call.options, "blank": free}

    training.at_loss(change)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    return source.with_keyword("blank", lambda value: str(anatomy.loss["free_number"]))


BLANK = Intervention(
    "blank",
    what="the blank of ctc_loss is the first or the last class, whichever no label has",
    source="PyTorch documentation of CTCLoss; Graves et al. (2006)",
    levels=_levels,
    apply=_apply,
    answers=("targets",),
    place=place,
    patch=_patched,
    cannot="an answer that is read with another blank",
)
