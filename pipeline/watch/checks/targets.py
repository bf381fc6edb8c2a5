"""Targets that the loss does not take, or that never differ."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backtrack.vocabulary import blank
from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.loss_sides import REGRESSIONS
from backtrack.vocabulary.shapes import shares_memory
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss, Margin
from backtrack.watch.listening.tensors import tensors_in

CLASSES = {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
# Losses of two signs: a target of 0 is another loss, or none.
SIGNED = {"soft_margin_loss", "hinge_embedding_loss", "cosine_embedding_loss", "margin_ranking_loss"}
# Examples that have to have one and the same class; that share of a regression's targets.
EXAMPLES, CALLS, SHARE = 128, 6, 0.98
# A loss that takes the numbers of an example's classes, in as wide a row as there are classes: -1 fills it up.
NUMBERED = "multilabel_margin_loss"
# Calls of such a loss, or of one of two signs, that have to show no -1.
SIGNS = 3
# Numbers of a regression that are kept.
MOST = 4096
# Of rows of class probabilities: how far a sum may be from 1, and which shares of rows have to be farther, and empty.
ROUNDING, ROWS, EMPTY = 0.05, 0.2, 0.05


@dataclass
class _Seen:
    """Targets at one place: the range, how many count, and at how many calls; the first numbers of a regression; and
    whether it is a model's outputs that they are compared with."""

    name: str
    low: float = float("inf")
    high: float = float("-inf")
    counted: int = 0
    ignored: int = 0
    calls: int = 0
    numbers: list[float] = field(default_factory=list)
    own: bool = True


class Targets(Check):
    name = "targets"
    looks_at = (
        "the targets of a loss, at its first calls and at those that are looked at closely; the labels that a hinge by "
        "hand is computed from, up to the second step"
    )
    cost = "a minimum and a maximum at these calls"
    source = "TheDeepChecker (2021), label checks; DeepFD; PyTorch documentation of the losses"
    expected = (
        "targets that are finite and differ, between 0 and 1 for binary losses, -1 and 1 for those of two signs, rows "
        "that sum to 1 where they are probabilities, numbers of classes where a loss takes these, none of them the "
        "blank of ctc_loss"
    )
    remedy = "check how the labels are made and read"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._odd: dict[str, list[int]] = {}
        self._signs: dict[str, list[int]] = {}
        # Of each place: whether a call's targets were a 1 for each class.
        self._numbered: dict[str, list[bool]] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or call.exchanged or not call.target.numel():
            return
        target = call.target.detach()
        if call.name in SIGNED:
            self._look_at_signs(call, target)
        elif call.name == NUMBERED and target.ndim == 2:
            self._look_at_numbered(call, target)
        elif call.name == "cross_entropy" and target.is_floating_point():
            self._look_at_rows(call, target)
        elif call.name in CLASSES:
            self._look_at_classes(call, target)
        elif call.name == blank.NAME:
            self._look_at_blank(call, target)
        elif call.name in REGRESSIONS and not bool(target.isfinite().all()):
            lost = int(target.numel() - target.isfinite().sum())
            self.finds(
                call.place,
                f"{lost} of {target.numel()} targets of {call.name} are infinite or no numbers",
                remedy="find where (a logarithm of zero, a division by zero, a missing value), and fill or drop them",
            )
        elif call.name in REGRESSIONS and target.ndim and target.numel() == len(target):
            seen = self._seen.setdefault((call.place, call.name), _Seen(call.name))
            seen.own = seen.own and self._is_a_models(call.output)
            if len(seen.numbers) < MOST:
                seen.numbers += target.flatten().tolist()

    def _look_at_signs(self, call: Loss, target: Any) -> None:
        seen = self._signs.setdefault(call.place, [0, 0, 0, 0])
        for place, count in enumerate(((target == 0).sum(), (target < 0).sum(), target.numel(), 1)):
            seen[place] += int(count)
        none, negative, every, calls = seen
        # Beside -1 and 1 a 0 is meant: two that are ranked alike.
        if calls >= SIGNS and none and not negative:
            self._miss_signs(call.place, none, every, call.name)

    def _look_at_numbered(self, call: Loss, target: Any) -> None:
        seen = self._numbered.setdefault(call.place, [])
        seen.append(target.shape[1] > 2 and bool(((target == 0) | (target == 1)).all()))
        if len(seen) >= SIGNS and all(seen):
            self.finds(
                call.place,
                f"targets of {call.name} are 0 and 1 and none is -1, and it takes the numbers of an example's classes, "
                "with -1 behind the last: it reads the classes 0 and 1 of each row",
                remedy="give it the classes' numbers, or take MultiLabelSoftMarginLoss (BCEWithLogitsLoss), which "
                "takes a 1 for each class that holds",
            )

    def _miss_signs(self, place: str, none: int, every: int, loss: str) -> None:
        self.finds(
            place,
            f"{none} of {every} targets of {loss} are 0 and none is -1, and it takes -1 and 1: such an example teaches "
            "nothing",
            remedy="bring the labels to -1 and 1: 2 * y - 1",
        )

    def margin(self, call: Margin) -> None:
        self._miss_signs(call.place, call.zeros, call.numbers, "a loss of margins")

    def _look_at_blank(self, call: Loss, target: Any) -> None:
        number, labels = blank.blank_of(call.options), blank.labels_of(target, call.options)
        taken = int((labels == number).sum())
        if taken:
            self.finds(
                call.place,
                f"{taken} of {len(labels)} labels of {call.name} are {number}, the number of its blank: such a label "
                "cannot be told",
                remedy="give the blank a number that no label has: blank=0 where labels begin with 1, the last class "
                "where they begin with 0",
            )

    def _look_at_rows(self, call: Loss, target: Any) -> None:
        if target.shape != call.output.shape or target.ndim < 2:
            return
        odd = self._odd.setdefault(call.place, [0, 0, 0, 0])
        sums = target.float().sum(1)
        for place, count in enumerate((((sums - 1).abs() > ROUNDING).sum(), (sums == 0).sum(), sums.numel(), 1)):
            odd[place] += int(count)
        other, empty, every, calls = odd
        # Counts of what an example has several of have other sums, and are meant; an example of no class is not.
        if calls >= CALLS and other > ROWS * every and empty > EMPTY * every:
            self.finds(
                call.place,
                f"of {every} rows of class probabilities {other} do not sum to 1, and {empty} have no class at all (in "
                f"the last batch sums are {float(sums.min()):g} to {float(sums.max()):g})",
                remedy="where several classes hold at once, BCEWithLogitsLoss tells each by itself; where one does, "
                "look at how the labels became one-hot rows: reshape where a transpose is meant mixes examples",
            )

    def _look_at_classes(self, call: Loss, target: Any) -> None:
        low, high = float(target.min()), float(target.max())
        if call.name == "binary_cross_entropy_with_logits" and (low < -1e-6 or high > 1 + 1e-6):
            self.finds(
                call.place,
                f"targets of {call.name} reach from {low:g} to {high:g}, and it takes 0 to 1",
                remedy="bring the labels to 0 and 1",
            )
        seen = self._seen.setdefault((call.place, call.name), _Seen(call.name))
        counted = target
        if not target.is_floating_point():
            counted = target[target != call.options.get("ignore_index", -100)]
        # Scores of pairs, as contrastive losses make them, have the right one in the first place.
        seen.own = seen.own and (call.output.ndim != 2 or self._is_of_a_models_width(call.output))
        seen.calls += 1
        seen.counted += counted.numel()
        seen.ignored += target.numel() - counted.numel()
        if counted.numel():
            seen.low, seen.high = min(seen.low, float(counted.min())), max(seen.high, float(counted.max()))

    def end(self) -> None:
        classes = [seen for seen in self._seen.values() if seen.name in CLASSES and seen.counted]
        # Over all places: a GAN's losses each have one label.
        constant = len({seen.low for seen in classes} | {seen.high for seen in classes}) == 1
        for (place, _), seen in self._seen.items():
            if seen in classes and constant and seen.own and seen.counted >= EXAMPLES and seen.calls >= CALLS:
                ignored = f" that count ({seen.ignored} more are ignored: ignore_index)" if seen.ignored else ""
                self.finds(
                    place,
                    f"all {seen.counted} targets that were looked at{ignored} are {seen.low:g}: there is nothing to "
                    "tell apart",
                )
            elif seen.name in REGRESSIONS and len(seen.numbers) >= EXAMPLES and not self.heard.acts:
                self._look_at_numbers(place, seen)

    def _is_a_models(self, output: Any) -> bool:
        return shares_memory(output, self._last_outputs())

    def _is_of_a_models_width(self, output: Any) -> bool:
        """Whether each row has as many numbers as one that a model gave last; so it is where no model is known."""
        widths = {one.shape[-1] for one in self._last_outputs() if one.ndim}
        return not widths or output.shape[-1] in widths

    def _last_outputs(self) -> list[Any]:
        return tensors_in(self.heard.last[2]) if self.heard.last is not None else []

    def _look_at_numbers(self, place: str, seen: _Seen) -> None:
        counts = Counter(seen.numbers)
        most, alike = counts.most_common(1)[0]
        others = sorted(set(counts) - {most})
        whole = all(value == int(value) for value in counts if math.isfinite(value))
        # The zeros of an equation that is to hold, as a physics loss has them, are no labels: nor is what is compared
        # with them a model's output.
        if whole and alike >= SHARE * len(seen.numbers) and (others or seen.own):
            rest = f", the others {', '.join(f'{value:g}' for value in others[:4])}" if others else ""
            self.finds(
                place,
                f"{alike} of {len(seen.numbers)} targets of this regression are {most:g}{rest}: whole numbers, as what "
                "is cut off leaves",
                remedy="look at the targets' type: long() and LongTensor cut off what is behind the point",
            )
