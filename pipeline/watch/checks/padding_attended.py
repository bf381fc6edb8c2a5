"""Attention reads the padding and leaves out the words: a mask the wrong way round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Masked

if TYPE_CHECKING:
    from torch import Tensor

# Batches that have to show it; masks of one pass that are kept; other ids than padding, at least.
BATCHES, MASKS, IDS = 2, 8, 3


class PaddingAttended(Check):
    name = "padding_attended"
    looks_at = (
        "masks of attention, by torch's functions or by masked_fill, beside the ids that a model is given, up to the "
        "second step: whether only one id takes part, and all the others do not"
    )
    cost = "a comparison of ids at the first passes"
    source = "PyTorch documentation of MultiheadAttention, key_padding_mask, and of scaled_dot_product_attention"
    expected = "what is masked is the padding"
    remedy = (
        "turn the mask round: True in key_padding_mask says what is left out, True in the attn_mask of "
        "scaled_dot_product_attention what takes part"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._masks: list[Masked] = []
        self._shown: Counter[str] = Counter()

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

    def _judge(self, ids: Tensor, mask: Masked) -> None:
        out = mask.left_out
        # (Steps may come first, and there may be as many as examples.)
        for one in (ids, ids.T):
            if one.shape != out.shape or not bool(out.any()) or bool(out.all()):
                continue
            part, rest = one[~out], one[out]
            padding = part[0]
            # What takes part is of one kind, of which nothing else is; lines differ in how much of it they have.
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
