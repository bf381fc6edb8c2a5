"""Features stand in another order in training than where the model is judged: pixels shuffled, columns exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.moments import FEATURES, Moments
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, ModelHeard, is_computed
from backtrack.watch.checks.moments import Forward, Pass

if TYPE_CHECKING:
    from torch import Tensor

# Examples of each side, training passes, and features, at least; examples of a pass, and features, that are looked at.
EXAMPLES, PASSES, LEAST, MOST_EXAMPLES, MOST = 64, 6, 16, 256, 4096
# Share of the variance of all numbers that lies between the features' means, from which these tell features apart.
BETWEEN = 0.1
# Correlation of both sides' means: mere chance below the first, and as many standard errors of a random order; turned
# upside down below the second.
APART, ERRORS, OPPOSITE = 0.3, 2.5, -0.5


@dataclass
class Fed:
    """What a model was given.

    Args:
        shape: of one example.
        trained: of its passes with gradients.
        judged: of those without, each that has examples enough; the training set may be judged by turns with another.
        rest: of the smaller ones together.
        place: of the first pass without gradients.
    """

    shape: tuple[int, ...]
    trained: Moments = field(default_factory=Moments)
    judged: list[Moments] = field(default_factory=list)
    rest: Moments = field(default_factory=Moments)
    place: str = ""


class FeaturesApart(Check):
    name = "features_apart"
    looks_at = (
        "the means of a model's input features, in passes that are looked at closely against the first ones without "
        "gradients"
    )
    cost = "two reductions a pass"
    source = "scikit-learn documentation, Common pitfalls: inconsistent preprocessing"
    expected = "each feature at the same place in training and where the model is judged"
    remedy = "prepare both alike: no augmentation may mix the features, and columns must come in one order"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._fed: dict[int, Fed] = {}
        # Models that are given what another has computed, or examples of several shapes.
        self._left_out: set[int] = set()

    def forward(self, call: Forward) -> None:
        fed = self._fed_with(call.model, call.inputs[0]) if call.gradients and call.inputs else None
        if fed is not None:
            fed.trained.add(_rows(call.inputs[0]))

    def passed(self, call: Pass) -> None:
        fed = self._fed_with(call.model, call.given) if call.model.trained and not call.gradients else None
        if fed is not None:
            fed.place = fed.place or call.place
            alone = len(call.given) >= EXAMPLES
            if alone:
                fed.judged.append(Moments())
            (fed.judged[-1] if alone else fed.rest).add(_rows(call.given))

    def end(self) -> None:
        if self.heard.follows:
            return
        for key, fed in self._fed.items():
            if key not in self._left_out:
                self._compare(fed)

    def _fed_with(self, model: ModelHeard, values: Tensor) -> Fed | None:
        key, shape = id(model), tuple(values.shape[1:])
        if key in self._left_out or not values.is_floating_point() or values[:1].numel() < LEAST:
            return None
        fed = self._fed.setdefault(key, Fed(shape))
        if values.ndim < FEATURES or fed.shape != shape or is_computed(values, self.heard, model):
            # What another net makes of the data changes as that net learns.
            self._left_out.add(key)
            return None
        return fed

    def _compare(self, fed: Fed) -> None:
        judged = fed.judged + [fed.rest] * (fed.rest.examples >= EXAMPLES)
        if not judged or fed.trained.batches < PASSES or fed.trained.examples < EXAMPLES:
            return
        if not all(_tells_apart(one) for one in judged):
            return
        alike = [_correlation(fed.trained.mean.cpu(), one.mean.cpu()) for one in judged]
        features = len(judged[0].mean)
        if min(alike) > OPPOSITE and max(alike) < min(APART, ERRORS / features**0.5):
            said = "they stand in another order, or are mixed"
        elif max(alike) < OPPOSITE:
            said = "what is high in one is low in the other"
        else:
            return
        self.finds(
            fed.place,
            f"the means of the {features} features of the inputs without gradients have a correlation of "
            f"{max(alike):.2f} with those of the training inputs: {said}",
        )


def _rows(values: Tensor) -> Tensor:
    return values[:MOST_EXAMPLES].flatten(1)[:, :MOST]


def _tells_apart(seen: Moments) -> bool:
    """Whether the features' means lie further apart than luck, and than next to nothing of what examples differ by."""
    between, within = float(seen.mean.var()), float(seen.deviation.square().mean())
    return between > BETWEEN * (between + within) and between > 10 * within / seen.examples


def _correlation(left: Tensor, right: Tensor) -> float:
    left, right = left - left.mean(), right - right.mean()
    size = float(left.norm() * right.norm())
    return float(left @ right) / size if size else 0.0
