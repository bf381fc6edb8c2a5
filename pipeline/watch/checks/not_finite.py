"""The first number that is not finite: where it comes from."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Backward, Check, Forward, Heard, Step


class NotFinite(Check):
    name = "not_finite"
    looks_at = "the loss at every backward pass; once it is not finite, the weights and each module of the last pass"
    cost = "one comparison of the loss a step (on a GPU at close steps only), and one pass more when it happens"
    source = "TheDeepChecker (2021); torch.autograd.detect_anomaly"
    expected = "finite numbers throughout"
    remedy = "lower the learning rate, clip the gradient's norm, and keep log, sqrt and divisions away from zero"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._last: Forward | None = None
        self._told = False
        self._losses: list[float] = []
        self._clean = True
        self._bad_gradient = ""

    def forward(self, call: Forward) -> None:
        if call.gradients and not self._told:
            self._last = call

    def before_step(self, step: Step) -> None:
        if self._told or not step.close or self._bad_gradient:
            return
        for weight in step.heard.parameters:
            if weight.grad is not None and not weight.grad.is_sparse and not bool(weight.grad.isfinite().all()):
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
            self._losses = [*self._losses[-20:], value]
            return
        self._told = True
        place, where = call.place, self._where()
        before = (
            f"; the losses before were {', '.join(f'{one:.3g}' for one in self._losses[-3:])}" if self._losses else ""
        )
        self.finds(place or "the loss", f"the loss is {value} at backward pass {call.number + 1}: {where}{before}")

    def _where(self) -> str:
        """Whether weights or inputs are not finite, else which module puts out the first such number."""
        if self._bad_gradient:
            return self._bad_gradient
        if self._last is None:
            return "no model's pass came before it"
        model = self._last.model
        bad = [name for name, one in model.module.named_parameters() if not bool(one.isfinite().all())]
        if any(one.is_floating_point() and not bool(one.isfinite().all()) for one in self._last.inputs):
            return f"the inputs of {model.name} are not finite"
        if bad:
            grown = len(self._losses) > 2 and self._losses[-1] > 10 * min(self._losses)
            said = "the loss had grown before: the steps are too large" if grown else "the last update made them so"
            return f"{len(bad)} parameters of {model.name} are not finite any more ({bad[0]} first); {said}"
        outputs = [one for one in self._last.outputs if one.is_floating_point() and not bool(one.isfinite().all())]
        if outputs:
            return f"{model.name} puts out numbers that are not finite, from finite inputs and weights"
        return f"the outputs of {model.name} are finite, so it is the loss itself: a log, a square root or a division"
