"""Steps of an optimiser, for a program that computes gradients and moves nothing."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.graph import weights_behind

# Among an anatomy's calls: backward passes of a program without an optimiser, none of which was followed by a change.
STILL = "nothing moves"
RATE = 1e-3


def _levels(anatomy: Anatomy) -> dict[str, str]:
    step = f"optimizer = torch.optim.Adam(model.parameters(), lr={RATE:g}), and optimizer.step() after loss.backward()"
    return {"adam": step} if anatomy.calls.get(STILL) else {}


def _apply(training: Training, level: str) -> None:
    torch: Any = training.torch
    made: list[Any] = []
    waiting: list[bool] = []

    def began(loss: Any) -> Any:
        if not made:
            made.append(torch.optim.Adam(weights_behind(loss), lr=RATE))
        waiting[:] = [True]
        return loss

    def forward(model: Any, given: Any) -> Any:
        # Before the next pass: the graph of the last one is not needed any more.
        if waiting and torch.is_grad_enabled():
            waiting.clear()
            made[0].step()
            made[0].zero_grad()
        return given

    training.at_objective(began)
    training.at_forward(before=forward)


ADDED_STEPS = Intervention(
    "added_steps",
    what="an optimiser steps after each backward pass of a program in which nothing moves",
    source="PyTorch documentation of torch.optim",
    levels=_levels,
    apply=_apply,
    answers=("no_updates",),
    cannot="nets that are no modules",
)
