"""The first number that is not finite: where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.steep import LEAST, LOG, SMALL
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Steep, Step

# Backward passes that the first steps' roots may be to blame for.
EARLY = 3
# How a function is called, and what keeps its argument away from 0.
ROOT, LOGARITHM = ("a root", f"x + {SMALL:g}"), ("a logarithm", f"x.clamp_min({LEAST:g})")
# What is said where weights, inputs and outputs are finite.
OF_THE_LOSS = "so it is the loss itself: a log, a square root or a division"


class NotFinite(Check):
    name = "not_finite"
    looks_at = (
        "the loss at every backward pass; once it is not finite, the weights and each module of the last pass, and "
        "whether the first steps took roots or logarithms of zeros"
    )
    cost = "one comparison of the loss a step (on a GPU at close steps only), and one pass more when it happens"
    source = "TheDeepChecker (2021); torch.autograd.detect_anomaly"
    expected = "finite numbers throughout"
    remedy = "lower the learning rate, clip the gradient's norm, and keep log, sqrt and divisions away from zero"
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._told = False
        self._bad_gradient = ""
        self._steep: Steep | None = None

    def steep(self, call: Steep) -> None:
        self._steep = self._steep or call

    def before_step(self, step: Step) -> None:
        if self._told or not step.close or self._bad_gradient:
            return
        dense = [(one, one.grad) for one in step.heard.parameters if one.grad is not None and not one.grad.is_sparse]
        # A norm is finite only where all of its numbers are, and so is the sum of all norms: asked once.
        # (A model may lie on several devices.)
        if not dense or isfinite(sum(gradient.norm().to(dense[0][1].device) for _, gradient in dense)):
            return
        for weight, gradient in dense:
            if not bool(gradient.isfinite().all()):
                if bool(weight.isfinite().all()):
                    name = self.heard.name_of(weight)
                    self._bad_gradient = (
                        f"the gradient of {name} is not finite at step {step.number}, though its weights are"
                    )
                return

    def backward(self, call: Backward) -> None:
        loss = call.loss.detach()
        if self._told or loss.numel() != 1 or (loss.is_cuda and call.number % 16):
            return
        value = float(loss)
        if value == value and abs(value) != float("inf"):
            self.heard.losses.append(value)
            return
        self._told = True
        place, where = call.place, self._where()
        losses = [one for one in self.heard.losses if one - one == 0]
        before = f"; the losses before were {', '.join(f'{one:.3g}' for one in losses[-3:])}" if losses else ""
        remedy = ""
        steep = self._steep if call.number < EARLY and (self._bad_gradient or where.endswith(OF_THE_LOSS)) else None
        if steep is not None:
            function, kept_away = LOGARITHM if steep.name == LOG else ROOT
            place, remedy = steep.place, f"keep what {function} is taken of away from 0: {kept_away}"
            where += (
                f"; {function} is taken of {steep.numbers} numbers of which {steep.zeros} are 0, where its slope is "
                "infinite"
            )
        said = f"the loss is {value} at backward pass {call.number + 1}: {where}{before}"
        self.finds(place or "the loss", said, remedy=remedy)

    def _where(self) -> str:
        """Whether weights or inputs are not finite, else which module puts out the first such number."""
        if self._bad_gradient:
            return self._bad_gradient
        if self.heard.last is None:
            return "no model's pass came before it"
        model, given, said = self.heard.last
        bad = [name for name, one in model.module.named_parameters() if not bool(one.isfinite().all())]
        if not _are_finite(given):
            return f"the inputs of {model.name} are not finite"
        if bad:
            losses = [one for one in self.heard.losses if one - one == 0]
            grown = len(losses) > 2 and losses[-1] > 10 * min(losses)
            why = "the loss had grown before: the steps are too large" if grown else "the last update made them so"
            return f"{len(bad)} parameters of {model.name} are not finite any more ({bad[0]} first); {why}"
        if not _are_finite(said):
            return f"{model.name} puts out numbers that are not finite, from finite inputs and weights"
        return f"the outputs of {model.name} are finite, {OF_THE_LOSS}"


def _are_finite(values: Any) -> bool:
    from backtrack.watch.listening.tensors import tensors_in

    return all(bool(one.isfinite().all()) for one in tensors_in(values) if one.is_floating_point())
