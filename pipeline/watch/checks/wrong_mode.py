"""Dropout and batch statistics are off while training, or on while validating."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Forward, Heard

# Passes in the wrong mode, and the examples in them, from which on it is told.
PASSES, EXAMPLES = 5, 64


class WrongMode(Check):
    name = "wrong_mode"
    looks_at = "the mode of a model with dropout or batch normalisation, in every pass with and without gradients"
    cost = "a few comparisons a pass"
    source = "PyTorch documentation of Module.train and Module.eval; TheDeepChecker (2021)"
    expected = "model.train() while it trains, model.eval() while it is judged"
    remedy = "call model.train() at the start of each epoch and model.eval() before each validation"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._has: dict[int, str] = {}
        self._counts: dict[tuple[int, bool], list[int]] = {}

    def forward(self, call: Forward) -> None:
        key = id(call.model)
        if key not in self._has:
            kinds = {type(one).__name__ for one in call.model.module.modules() if _depends_on_mode(one)}
            self._has[key] = ", ".join(sorted(kinds))
        if not self._has[key]:
            return
        counts = self._counts.setdefault((key, call.gradients), [0, 0, 0])
        counts[0] += 1
        if call.training != call.gradients:
            counts[1] += 1
            counts[2] += int(call.inputs[0].shape[0]) if call.inputs and call.inputs[0].ndim else 1
        if counts[1] < PASSES or counts[2] < EXAMPLES or counts[1] < 0.5 * counts[0]:
            return
        if call.gradients:
            if self.heard.steps > PASSES and self.heard.backwards > PASSES and call.model.trained > 2 * PASSES:
                self._tell(
                    call,
                    "trains in evaluation mode",
                    counts,
                    "call model.train() before the training batches of each epoch",
                )
        elif len([one for one in self.heard.models if one.trained]) == 1 and call.model.trained and not self.heard.acts:
            # With several models a sample drawn in training mode is usual, as from a GAN's generator.
            self._tell(
                call,
                "is judged in training mode",
                counts,
                "call model.eval() before the validation, and model.train() after it",
            )

    def _tell(self, call: Forward, said: str, counts: list[int], remedy: str) -> None:
        gradients = "with" if call.gradients else "without"
        self.finds(
            call.place or call.model.name,
            f"{call.model.name} ({self._has[id(call.model)]}) {said}: {counts[1]} of {counts[0]} passes "
            f"{gradients} gradients",
            remedy=remedy,
        )


def _depends_on_mode(module) -> bool:  # type: ignore[no-untyped-def]
    kind = type(module).__name__
    if "BatchNorm" in kind:
        return bool(getattr(module, "track_running_stats", True))
    return ("Dropout" in kind and float(getattr(module, "p", 0) or 0) > 0) or (
        hasattr(module, "dropout") and isinstance(module.dropout, float) and module.dropout > 0
    )
