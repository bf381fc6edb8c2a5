"""A model is asked for what it was given: the next word while it sees it, or the answer beside the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Loss
from backtrack.watch.listening.tensors import tensors_in
from backtrack.watch.twin import asked

# Batches that have to show it; models are asked once. Share of the targets that have to be ids of the input.
BATCHES, SHARE = 3, 0.98
# Steps of a sequence, at least; the difference, of the outputs' size, that is no rounding.
STEPS, DIFFERENCE = 4, 1e-4


class FutureSeen(Check):
    name = "future_seen"
    looks_at = (
        "sequences of ids whose targets are ids of the same sequence, at the same place or one place on; whether the "
        "outputs depend on them tells a copy of the model, once"
    )
    cost = "a comparison of ids at the first calls; where they agree, one copy of the model and three passes, once"
    source = "Vaswani et al., Attention is all you need (2017), 3.2.3: masking out; Sutskever et al. (2014)"
    expected = "what a model is asked for at a place, it has not seen there"
    remedy = (
        "mask what comes later (is_causal, one direction only), and give a decoder its targets shifted by one: the "
        "start token first, the last one left out"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._last: Forward | None = None
        # Of a loss that is computed inside of the model's own pass.
        self._inside: Any = None
        self._seen: dict[tuple[int, int, int], int] = {}
        self._asked: set[int] = set()

    def forward(self, call: Forward) -> None:
        if not call.gradients:
            return
        target, self._inside = self._inside, None
        self._last = call
        if target is not None:
            self._compare(call, target)

    def loss(self, call: Loss) -> None:
        if not call.training or call.target.is_floating_point():
            return
        target = call.target.detach()
        if self._last is None or not self._compare(self._last, target):
            self._inside = target

    def _compare(self, call: Forward, target: Any) -> bool:
        """Looks for the target among what a pass was given; whether it is there."""
        for place, given in enumerate(call.inputs):
            if given.is_floating_point() or given.ndim != 2 or min(given.shape) < 2:
                continue
            for axis in (1, 0):
                ahead = _ahead(given, target, axis)
                # The same places of the only input, or of the first: a copy is learnt, through whatever is between.
                if ahead is None or given.shape[axis] < STEPS or (ahead == 0 and place == 0):
                    continue
                key = (id(call.model), place, axis)
                self._seen[key] = self._seen.get(key, 0) + 1
                if self._seen[key] == BATCHES and id(call.model) not in self._asked:
                    self._asked.add(id(call.model))
                    self._ask(call, place, axis, ahead)
                return True
        return False

    def _ask(self, call: Forward, place: int, axis: int, ahead: int) -> None:
        import torch

        given = call.inputs[place]
        half = given.shape[axis] // 2
        # All later ids become those of another example: what is said before must not move.
        others = given.roll(1, 1 - axis)
        kept = torch.arange(given.shape[axis], device=given.device) < half
        turned = torch.where(kept[None] if axis == 1 else kept[:, None], given, others)

        def change(twin: Any) -> float:
            twin.eval()
            first, again, other = (_output(twin, call, given, one) for one in (given, given, turned))
            rows = _rows(first, given, axis)
            if rows is None or not torch.equal(first, again):
                return 0.0
            moved = (rows - _rows(other, given, axis)).abs()
            # Of the next ids the outputs before the change tell; of those at the same place the one at the first that
            # is changed: a model that shifts them by itself says later ones with it.
            looked_at = moved[:, :half] if ahead else moved[:, half : half + 1]
            return float(looked_at.max()) / max(1e-12, float(first.abs().max()))

        by = asked(call.model.module, change)
        if by is not None and by > DIFFERENCE:
            told = (
                "is asked for the next id, and what it says at a place depends on those that come after it"
                if ahead
                else "is asked for ids that it is given at the same place, as another input"
            )
            self.finds(
                call.place or call.model.name,
                f"{call.model.name} {told} (inputs {tuple(given.shape)}; its outputs change by {by:.0%} of their size)",
            )


def _ahead(given: Any, target: Any, axis: int) -> int | None:
    """How many places on targets are the ids of an input: 0 or 1; None where they are others."""
    steps = given.shape[axis]
    if target.numel() == given.numel():
        rows = target.reshape(given.shape)
        pairs = {0: (rows, given), 1: (rows.narrow(axis, 0, steps - 1), given.narrow(axis, 1, steps - 1))}
    elif target.numel() == given.numel() // steps * (steps - 1):
        rows = target.reshape([size - (place == axis) for place, size in enumerate(given.shape)])
        pairs = {1: (rows, given.narrow(axis, 1, steps - 1))}
    else:
        return None
    for ahead, (asked_for, seen) in pairs.items():
        # What a loss leaves out, as padding, has a negative number.
        counted = asked_for >= 0
        # Ids that hardly differ agree by themselves.
        apart = bool((seen != seen.flatten()[0]).float().mean() > 0.1)
        if apart and int(counted.sum()) > 1 and float((asked_for == seen)[counted].float().mean()) >= SHARE:
            return ahead
    return None


def _output(twin: Any, call: Forward, given: Any, other: Any) -> Any:
    """The first output of a copy that gets another tensor in place of one that it was given."""
    arguments, named = call.arguments

    def changed(value: Any) -> Any:
        return other.clone() if value is given else value.clone() if hasattr(value, "clone") else value

    found = tensors_in(twin(*map(changed, arguments), **{name: changed(value) for name, value in named.items()}))
    return max(found, key=lambda one: one.numel()).detach().float() if found else None


def _rows(output: Any, given: Any, axis: int) -> Any:
    """Outputs of (examples, steps, …); None where they have another shape."""
    if output is None:
        return None
    if output.numel() and output.shape[0] == given.numel():
        output = output.reshape(*given.shape, -1)
    if tuple(output.shape[:2]) != tuple(given.shape) or output.ndim < 3:
        return None
    return output if axis == 1 else output.transpose(0, 1)
