"""Axes that change places by view or reshape, which leave every number where it is."""

from __future__ import annotations

from backtrack.vocabulary.shapes import exchanged_axes
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Reshaped


class ExchangedAxes(Check):
    name = "exchanged_axes"
    looks_at = "the shapes before and after view and reshape in the program's own files, up to the second step"
    cost = "a comparison of shapes"
    source = "PyTorch documentation of Tensor.view and Tensor.permute"
    expected = "view and reshape join or divide axes; permute and transpose put them into another order"
    remedy = "permute in place of view or reshape"
    more_exact_than = ("mixed_examples",)

    def reshaped(self, call: Reshaped) -> None:
        after = tuple(call.result.shape)
        order = exchanged_axes(call.before, after)
        if order:
            self.finds(
                call.place,
                f"{call.function} from {call.before} to {after}: every number stays where it is, so an axis gets "
                "a mixture of several",
                remedy=f"permute{order}" if len(order) == len(call.before) else "",
            )
