"""Inputs that a model is judged by lie on another scale than those it is trained on."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.moments import FEATURES, Moments
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, is_computed
from backtrack.watch.checks.moments import Backward, Forward, Pass

# Examples of each side at least; how many deviations of the training inputs the others lie off, or how many times wider
# or narrower they are, in this share of the features.
EXAMPLES, OFF, TIMES, SOME = 16, 6.0, 6.0, 0.25
# The same in the middle feature, of more examples: what may be another split of the data, and is worth a look.
MANY, MIDDLE_OFF, MIDDLE_TIMES, ALIKE = 64, 1.0, 1.8, 1.3
# Where the training inputs are so much wider round the same means.
NOISY = "where noise or an augmentation makes the training inputs so wide, take less of it"
# Features whose deviation is less than this share of their size, and of the largest deviation, tell nothing.
LEAST_DEVIATION = 1e-3
# Examples of a batch that are looked at.
MOST = 256


class ValidationInputs(Check):
    name = "validation_inputs"
    looks_at = "mean and deviation of a model's first inputs, in its first passes with gradients against those without"
    cost = "two reductions a pass, in the first passes of each kind"
    source = "scikit-learn documentation, Common pitfalls: inconsistent preprocessing"
    expected = "inputs on one scale in training and in validation"
    remedy = (
        "prepare the validation inputs as the training inputs: the same division, the training set's mean and deviation"
    )
    at_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[tuple[int, bool], Moments] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        # Of each model how many times as wide the inputs of its last pass without gradients were, if unlike.
        self._unlike: dict[int, float] = {}
        # Models that are given what another has computed.
        self._computed: set[int] = set()
        # Shapes that models have put out since the last backward pass, each with one of these models.
        self._made: dict[tuple[int, ...], int] = {}

    def backward(self, call: Backward) -> None:
        self._made.clear()

    def forward(self, call: Forward) -> None:
        if not call.gradients or not call.inputs:
            return
        # A net before it may be set free later; layers that train one by one get what is cut off from the one before.
        made = self._made.get(tuple(call.inputs[0].shape), id(call.model)) != id(call.model)
        if made or is_computed(call.inputs[0], self.heard, call.model):
            self._computed.add(id(call.model))
        self._made.update({tuple(one.shape): id(call.model) for one in call.outputs})

    def passed(self, call: Pass) -> None:
        values, key = call.given, id(call.model)
        if not values.is_floating_point() or values.ndim < FEATURES or (not call.gradients and not call.model.trained):
            return
        if key in self._computed or is_computed(values, self.heard, call.model):
            # What another net makes of the data changes as that net learns.
            self._computed.add(key)
            return
        if self._shapes.setdefault(key, tuple(values.shape[1:])) != tuple(values.shape[1:]):
            return
        # A pass of many examples tells by itself: the training set may be judged by turns with the other.
        alone = not call.gradients and len(values) >= MANY
        seen = Moments() if alone else self._seen.setdefault((key, call.gradients), Moments())
        seen.add(values[:MOST])
        trained = self._seen.get((key, True))
        if not call.gradients and trained is not None and not self.heard.follows:
            self._compare(call, trained, seen, alone)

    def _compare(self, call: Pass, trained: Moments, judged: Moments, alone: bool) -> None:
        if min(trained.examples, judged.examples) < EXAMPLES:
            return
        # What is judged may lie on another device than what trains.
        mean, deviation, other, width = (
            one.cpu() for one in (trained.mean, trained.deviation, judged.mean, judged.deviation)
        )
        # A feature that hardly changes in a few training batches, as a rare word does, tells nothing.
        tell = deviation > LEAST_DEVIATION * (mean.abs() + deviation.max())
        if not bool(tell.any()):
            return
        off = ((other - mean).abs() / deviation)[tell]
        times = (width / deviation)[tell]
        far = float(off.quantile(1 - SOME))
        wide, narrow = float(times.quantile(1 - SOME)), float(times.quantile(SOME))
        middle_off, middle = float(off.median()), float(times.median())
        unlike = middle_off > MIDDLE_OFF or not 1 / MIDDLE_TIMES < middle < MIDDLE_TIMES
        # One pass may be of one class, in which some features hardly differ.
        if (far > OFF or wide > TIMES or narrow < 1 / TIMES) and (unlike or not alone):
            narrower = 1 / max(narrow, 1e-9)
            said = f"{wide:.3g} times as wide" if wide >= narrower else f"{narrower:.3g} times as narrow"
            measured = (
                f"in a quarter of the features, the inputs without gradients lie {far:.3g} deviations or more "
                f"off the training inputs, or are {said}"
            )
            remedy = f"{self.remedy}; {NOISY}" if narrower > max(wide, TIMES) and far < MIDDLE_OFF else ""
            if not bool(judged.deviation.any()):
                measured = f"the {judged.examples} inputs without gradients that were looked at are all the same"
                remedy = f"{self.remedy}, not by what each batch holds"
            self.finds(call.place, measured, remedy=remedy)
            return
        # Inputs that are all alike, as first states of an environment, have no width.
        if not unlike or middle <= 0 or min(trained.examples, judged.examples) < MANY:
            return
        # Two passes that differ alike: states of an environment differ from one to the next.
        before = self._unlike.get(id(call.model), 0.0)
        self._unlike[id(call.model)] = middle
        if before and max(before, middle) < ALIKE * min(before, middle):
            self.finds(
                call.place,
                f"in the middle feature, the inputs without gradients lie {middle_off:.3g} deviations off the training "
                f"inputs, and are {middle:.3g} times as wide",
                weight=UNUSUAL,
            )
