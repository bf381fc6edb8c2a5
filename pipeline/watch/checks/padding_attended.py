"""The padding is read and the words are left out: a mask the wrong way round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Masked
from backtrack.watch.steps_read import gradients_of_steps
from backtrack.watch.twin import asked

if TYPE_CHECKING:
    from torch import Tensor

# Batches that have to show it; masks of one pass that are kept; other ids than padding, at least.
BATCHES, MASKS, IDS = 2, 8, 3
# The pass after which a model is asked what it reads, and examples that it is asked about.
ASKED, EXAMPLES = 3, 16


class PaddingAttended(Check):
    name = "padding_attended"
    looks_at = (
        "masks of attention, by torch's functions or by masked_fill, beside the ids that a model is given, up to the "
        "second step: whether only one id takes part, and all the others do not; where lines end with one id, a copy "
        "of the model, once: whether its outputs depend on that id alone"
    )
    cost = "a comparison of ids at the first passes; where there is padding, one copy of the model and one pass, once"
    source = "PyTorch documentation of MultiheadAttention, key_padding_mask, and of scaled_dot_product_attention"
    expected = "what is masked is the padding"
    remedy = (
        "turn the mask round: True in key_padding_mask says what is left out, True in the attn_mask of "
        "scaled_dot_product_attention what takes part, and a mean is weighted by what is no padding"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._masks: list[Masked] = []
        self._shown: Counter[str] = Counter()
        self._passes: Counter[int] = Counter()

    def masked(self, call: Masked) -> None:
        if len(self._masks) < MASKS:
            self._masks.append(call)

    def forward(self, call: Forward) -> None:
        masks, self._masks = self._masks, []
        if not call.gradients:
            return
        # One a place: each layer of a stack has the same.
        for mask in {one.place: one for one in masks}.values():
            for given in call.inputs:
                if not given.is_floating_point() and given.ndim == 2:
                    self._judge(given.detach(), mask)
        self._passes[id(call.model)] += 1
        if self._passes[id(call.model)] == ASKED and not self._said:
            self._ask(call)

    def _ask(self, call: Forward) -> None:
        """Asks a copy of the model on which ids its outputs depend."""
        given = call.arguments[0]
        if not call.inputs or not call.outputs or not given or given[0] is not call.inputs[0]:
            return
        ids = given[0].detach()
        if ids.is_floating_point() or ids.ndim != 2:
            return
        axes = [axis for axis, size in enumerate(ids.shape) if call.outputs[0].shape[:1] == (size,)]
        if len(axes) != 1:
            return
        lines = (ids if axes[0] == 0 else ids.T)[:EXAMPLES].cpu()
        ends = [column for column in (lines[:, -1], lines[:, 0]) if _is_padding(lines, column.mode().values)]
        if not ends:
            return
        padding = ends[0].mode().values
        read = asked(call.model.module, lambda twin: gradients_of_steps(twin, given, 1 - axes[0], EXAMPLES))
        if read is None or not bool(read.any()) or bool((lines[read > 0] != padding).any()):
            return
        self.finds(
            call.place or call.model.name,
            f"the outputs of {call.model.name} depend on id {int(padding)} alone, with which "
            f"{int((lines == padding).sum())} of {lines.numel()} places are filled; none of the "
            f"{len(lines.unique()) - 1} other ids is read",
        )

    def _judge(self, ids: Tensor, mask: Masked) -> None:
        out = mask.left_out
        # (Steps may come first, and there may be as many as examples.)
        for one in (ids, ids.T):
            if one.shape != out.shape or not bool(out.any()) or bool(out.all()):
                continue
            part, rest = one[~out], one[out]
            padding = part[0]
            # What takes part is of one kind, of which nothing else is; lines differ in how much they have.
            is_padding = bool((part == padding).all()) and not bool((rest == padding).any())
            if not is_padding or len(rest.unique()) < IDS or len(out.sum(1).unique()) < 2:
                continue
            self._shown[mask.place] += 1
            if self._shown[mask.place] == BATCHES:
                self.finds(
                    mask.place,
                    f"in {BATCHES} batches only id {int(padding)} takes part in attention, with which {len(part)} of "
                    f"{one.numel()} places are filled; the {len(rest.unique())} other ids are left out",
                )
            return


def _is_padding(lines: Tensor, one: Tensor) -> bool:
    """Whether an id fills up lines: more of some than of others, beside several other ids."""
    filled = (lines == one).sum(1)
    return len(filled.unique()) > 1 and len(lines.unique()) > IDS
