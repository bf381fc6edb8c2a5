"""Which of a recurrent layer's states is read."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line, in_forward
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.vocabulary.recurrent import layers_in, time_axis


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"last": "the last step's state (such as states[:, -1]), not the first"} if anatomy.has(*RECURRENT) else {}


def _apply(training: Training, level: str) -> None:
    def change(model: Any) -> None:
        for module in layers_in(model)[-1:]:
            module.forward = _ending(training, module, module.forward)

    training.at_model(change)


def _ending(training: Training, module: Any, own: Any) -> Any:
    torch = training.torch
    time = time_axis(module)

    def forward(inputs: Any, *rest: Any) -> Any:
        states, state = own(inputs, *rest)
        if not isinstance(states, torch.Tensor) or states.ndim < 3:
            return states, state
        ways = list(states.chunk(2, -1)) if module.bidirectional else [states]
        # The second direction has read everything when it is at the first step.
        ends = [
            way.narrow(time, way.shape[time] - 1 if ahead else 0, 1)
            for way, ahead in zip(ways, (True, False), strict=False)
        ]
        return torch.cat(ends, -1).expand_as(states), state

    return forward


def _first_read(source: Source) -> list[ast.expr]:
    """The zeros in a file's forward methods by which a step of several dimensions is read: `states[:, 0]`."""
    read = [one.slice for one in in_forward(source) if isinstance(one, ast.Subscript)]
    return [
        one.elts[1]
        for one in read
        if isinstance(one, ast.Tuple)
        and isinstance(one.elts[0], ast.Slice)
        and len(one.elts) > 1
        and isinstance(one.elts[1], ast.Constant)
        and one.elts[1].value == 0
    ]


def _last_read(source: Source, level: str, anatomy: Anatomy) -> str | None:
    found = _first_read(source)
    return source.replaced(found[0], "-1") if len(found) == 1 else None


STEPS_READ = Intervention(
    "steps_read",
    what="every step of the last recurrent layer's states is its last one: h(t) ← h(T)",
    source="PyTorch documentation of RNN: output has the states of all steps, the last one's is output[:, -1]",
    levels=_levels,
    apply=_apply,
    answers=("unread_steps",),
    place=lambda anatomy: first_line(anatomy.sources, _first_read),
    patch=_last_read,
    inside=True,
    on_suspicion=True,
    cannot="packed sequences, and cells that are written by hand",
)
