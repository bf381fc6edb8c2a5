"""Cosines that a cross entropy gets are divided by a temperature."""

from __future__ import annotations

import ast

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.graph import LARGEST_COSINE
from backtrack.vocabulary.masks import largest_score

# What cosines are multiplied with: a temperature of a tenth.
TIMES = 10.0
NAME = "cross_entropy"


def _scale(training: Training, level: str) -> None:
    def change(call: LossCall) -> None:
        if call.name == NAME and call.output.ndim > 1 and largest_score(call.output) <= LARGEST_COSINE:
            call.output = call.output * TIMES

    training.at_loss(change)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The scores that each loss of the file gets, divided by a temperature."""
    here = [call for call in source.calls() if len(call.args) >= 2]
    if not here:
        return None
    same = [
        one
        for one in source.nodes
        if isinstance(one, ast.Call) and len(one.args) >= 2 and ast.unparse(one.func) == ast.unparse(here[0].func)
    ]
    return source.all_replaced((one.args[0], f"{source.operand(one.args[0])} / {1 / TIMES:g}") for one in same)


SCORE_SCALE = Intervention(
    "score_scale",
    what=f"the cosines that {NAME} gets are divided by a temperature of {1 / TIMES:g}",
    source="Wang et al., NormFace (2017), 3.3; Chen et al., SimCLR (2020), temperature",
    levels=lambda anatomy: (
        {"tenth": f"F.cross_entropy(cosines / {1 / TIMES:g}, …)"} if anatomy.loss.get("name") == NAME else {}
    ),
    apply=_scale,
    on_suspicion=True,
    answers=("cosine_scores",),
    place=place,
    patch=_patched,
    cannot="cosines that the metric's own loss compares without torch's cross entropy",
)
