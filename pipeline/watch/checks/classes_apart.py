"""Nearly all labels that a model is judged by are of classes that training hardly has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss, Matched

# Losses of class numbers; labels of training and of judging, at least, and of the latter for each of their classes.
LOSSES, LEAST, EACH = ("cross_entropy", "nll_loss"), 64, 10
# The share of the judged labels whose classes are looked at, and the share of training's labels that these fall below.
NEARLY_ALL, HARDLY = 0.95, 0.1


class ClassesApart(Check):
    name = "classes_apart"
    looks_at = (
        "the labels that a model's largest outputs are compared with, the first dozen times that it is judged, against "
        "those that it trains on"
    )
    cost = "counts of labels at the first calls of a loss, at close steps, and in the first validations"
    source = "scikit-learn documentation of train_test_split: shuffle, stratify; labels that come in order"
    expected = "a model that is judged by the classes that it has learnt"
    remedy = "shuffle before the data is split, and split each class alike: train_test_split(…, stratify=labels)"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of losses of so many outputs; and of largest ones of so many, by place.
        self._trained: dict[int, Counter[int]] = {}
        self._judged: dict[tuple[str, int], Counter[int]] = {}

    def loss(self, call: Loss) -> None:
        if call.training and call.name in LOSSES and call.output.ndim > 1 and not call.target.is_floating_point():
            self._trained.setdefault(call.output.shape[1], Counter()).update(_counted(call.target))

    def matched(self, call: Matched) -> None:
        self._judged.setdefault((call.place, call.outputs), Counter()).update(_counted(call.labels))

    def end(self) -> None:
        for (place, outputs), judged in self._judged.items():
            own = self._trained.get(outputs, Counter())
            trained = own.total()
            classes: list[int] = []
            for label, _ in judged.most_common():
                classes.append(label)
                if sum(judged[one] for one in classes) >= NEARLY_ALL * judged.total():
                    break
            if min(trained, judged.total()) < LEAST or judged.total() < EACH * len(classes):
                continue
            share = sum(own[one] for one in classes) / trained
            if share < HARDLY:
                kinds = "class" if len(classes) == 1 else "classes"
                self.finds(
                    place,
                    f"{NEARLY_ALL:.0%} or more of the {judged.total()} labels that it is judged by are of {kinds} "
                    f"{joined([str(one) for one in classes])}; of {trained} of training {share:.0%} are",
                )


def _counted(labels: Any) -> Counter[int]:
    values, counts = labels.detach().flatten().unique(return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
