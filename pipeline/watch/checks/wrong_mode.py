"""Dropout and batch statistics are off while training, or on while validating."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, ModelHeard, Passes
from backtrack.watch.checks.moments import Forward, Pass

if TYPE_CHECKING:
    from torch import Tensor

# Passes in the wrong mode, and the examples in them, from which on it is told.
PASSES, EXAMPLES = 5, 64
# Passes of one input without a step between them, from which on they are samples that somebody draws.
SAMPLES = 3
# Share of the steps before which a model passes without gradients, from which on that is a part of the training; and
# steps before which it is judged.
EACH, JUDGED = 0.5, 2
# Numbers by which an input is known again.
SAMPLED = 32
REMEDIES = {
    True: "call model.train() before the training batches of each epoch",
    False: "call model.eval() before the validation, and model.train() after it",
}


class WrongMode(Check):
    name = "wrong_mode"
    looks_at = "the mode of a model with dropout or batch normalisation, in every pass with and without gradients"
    cost = "a count a pass"
    source = "PyTorch documentation of Module.train and Module.eval; TheDeepChecker (2021)"
    expected = "model.train() while it trains, model.eval() while it is judged"
    remedy = "call model.train() at the start of each epoch and model.eval() before each validation"
    at_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each model's passes without gradients: how often the same input came within one step.
        self._again: dict[int, Counter[tuple[object, ...]]] = {}

    def passed(self, call: Pass) -> None:
        if not call.gradients and call.model.module.training:
            same = (self.heard.steps, tuple(call.given.shape), *_sample_of(call.given))
            self._again.setdefault(id(call.model), Counter())[same] += 1

    def forward(self, call: Forward) -> None:
        self._look(call.model)

    def end(self) -> None:
        for model in self.heard.models:
            self._look(model, at_end=True)

    def _look(self, model: ModelHeard, at_end: bool = False) -> None:
        for gradients in (True, False):
            wrong = model.passes.get((gradients, not gradients))
            right = model.passes.get((gradients, gradients))
            if wrong is None or wrong.number < PASSES or wrong.examples < EXAMPLES:
                continue
            number = wrong.number + (right.number if right else 0)
            if wrong.number < 0.5 * number or not self._can_tell(model, gradients):
                continue
            kinds = ", ".join(sorted({type(one).__name__ for one in model.module.modules() if _depends_on_mode(one)}))
            if not kinds or (not gradients and (self._samples(model) or self._trains_by(wrong, right, at_end))):
                continue
            said = "trains in evaluation mode" if gradients else "is judged in training mode"
            self.finds(
                wrong.place or model.name,
                f"{model.name} ({kinds}) {said}: {wrong.number} of {number} passes "
                f"{'with' if gradients else 'without'} gradients",
                remedy=REMEDIES[gradients],
            )

    def _trains_by(self, wrong: Passes, right: Passes | None, at_end: bool) -> bool:
        """Whether what passes in training mode at every step is a part of the training, as guesses that become targets.

        It is where the model is judged in evaluation mode elsewhere, which is known at the end.
        """
        at_each = wrong.steps >= PASSES and wrong.steps >= EACH * (self.heard.steps - wrong.begun)
        return at_each and (not at_end or (right is not None and right.steps >= JUDGED))

    def _samples(self, model: ModelHeard) -> bool:
        """Whether a model is asked about the same input again and again, for the spread of what dropout draws."""
        return any(times >= SAMPLES for times in self._again.get(id(model), Counter()).values())

    def _can_tell(self, model: ModelHeard, gradients: bool) -> bool:
        if gradients:
            return self.heard.steps > PASSES and self.heard.backwards > PASSES and model.trained > 2 * PASSES
        # With several models a sample drawn in training mode is usual, as from a GAN's generator.
        return (
            len([one for one in self.heard.models if one.trained]) == 1 and bool(model.trained) and not self.heard.acts
        )


def _sample_of(values: Tensor) -> list[object]:
    """A few numbers of a tensor, by which its like is known: its memory may be another batch's by now."""
    if values.is_sparse or values.is_quantized:
        return [id(values)]
    flat = values.detach().flatten()
    # The sum too: numbers at equal distances may all be the same pixel of each example, which is the same in all.
    sample: list[object] = flat[:: max(1, len(flat) // SAMPLED)][:SAMPLED].tolist()
    return [*sample, float(flat.double().sum())]


def _depends_on_mode(module) -> bool:  # type: ignore[no-untyped-def]
    kind = type(module).__name__
    if "BatchNorm" in kind:
        return bool(getattr(module, "track_running_stats", True))
    return ("Dropout" in kind and float(getattr(module, "p", 0) or 0) > 0) or (
        hasattr(module, "dropout") and isinstance(module.dropout, float) and module.dropout > 0
    )
