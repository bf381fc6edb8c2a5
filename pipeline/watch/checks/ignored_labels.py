"""Labels that a loss leaves out though they are no padding: `ignore_index` is the number of a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

# Losses that can leave labels out.
LOSSES = ("cross_entropy", "nll_loss")
# Calls that are looked at, labels that tell, and the share of those left out that stand between others.
CALLS, LABELS, BETWEEN = 8, 32, 0.05


@dataclass
class _Seen:
    """What a loss's first calls at one place had: labels, those left out, and those of these that are no padding."""

    number: int
    calls: int = 0
    labels: int = 0
    out: int = 0
    between: int = 0


class IgnoredLabels(Check):
    name = "ignored_labels"
    looks_at = (
        "the labels that a loss leaves out by ignore_index, where that is the number of a class: whether they stand at "
        "the ends of sequences, in its first calls"
    )
    cost = "a comparison of the labels, in the first calls of a loss with ignore_index"
    source = "PyTorch documentation of CrossEntropyLoss: ignore_index; PyTorch forum: a padding index that is a class"
    expected = "labels that are left out pad the ends of sequences"
    remedy = (
        "where the number is a class, leave ignore_index out; give padding a number that no class has (-100, as torch "
        "takes it)"
    )
    # What a net is to say of some words alone may be marked so.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, _Seen] = {}

    def loss(self, call: Loss) -> None:
        number = call.options.get("ignore_index", -100)
        if call.name not in LOSSES or not call.training or number < 0 or call.target.is_floating_point():
            return
        seen = self._seen.setdefault(call.place, _Seen(number))
        if seen.calls == CALLS or call.output.ndim < 2 or number >= call.output.shape[1]:
            return
        out = call.target == number
        between = self._between(out)
        if between is not None:
            seen.calls += 1
            seen.labels += out.numel()
            seen.out += int(out.sum())
            seen.between += between

    def end(self) -> None:
        for place, seen in self._seen.items():
            if seen.labels >= LABELS and seen.between and seen.between >= BETWEEN * seen.out:
                self.finds(
                    place,
                    f"{seen.out} of {seen.labels} labels that were looked at are {seen.number}, which ignore_index "
                    f"leaves out of the loss, and {seen.between} of them are no padding at the end of a sequence: if "
                    f"{seen.number} is a class, nothing is learnt of it",
                )

    def _between(self, out: Any) -> int | None:
        """How many of the labels left out are no padding: those between others of a sequence, or of no sequence."""
        if out.ndim == 1:
            given, results = self._last()
            shapes = [tuple(one.shape) for one in results if one.ndim > 2]
            pairs = [(one[0], step) for one in shapes for step in (one[1], one[-1]) if one[0] * step == len(out)]
            if not pairs:
                # One label for each example; what else is flattened may hold padding.
                return int(out.sum()) if given and given[0].ndim and len(given[0]) == len(out) else None
            out = out.reshape(pairs[0])
        # Either axis may count the steps; padding stands at the ends of one of them. Of pictures nothing is known.
        return min(_inside(out), _inside(out.T)) if out.ndim == 2 else None

    def _last(self) -> tuple[list[Any], list[Any]]:
        """What the last model got that trains, and what it gave."""
        from backtrack.watch.listening.tensors import tensors_in

        if self.heard.last is None:
            return [], []
        _, given, results = self.heard.last
        return tensors_in(given), tensors_in(results)


def _inside(out: Any) -> int:
    """How many of the marked numbers of rows have others, unmarked ones, on both sides."""
    kept = (~out).long()
    before, after = kept.cumsum(1) > 0, kept.flip(1).cumsum(1).flip(1) > 0
    return int((out & before & after).sum())
