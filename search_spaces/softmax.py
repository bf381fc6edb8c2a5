"""A softmax inside a model: over which dimension it is, and of how large scores."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of
from backtrack.task.written import first_dimensions, first_line, is_method, over_the_last

# Scores below this are masked, and are none.
MASKED = -1e4
# What a person would write.
SCALED = "softmax(scores / scores.std()), or q @ k / sqrt(d) for attention"


def _log_softmax(value: Any) -> Any:
    # Scores of (examples, steps, 1) weigh the steps.
    axis = -2 if value.ndim == 3 and value.shape[-1] == 1 else -1
    return value - value.logsumexp(axis, keepdim=True)


def _at_softmax(training: Training, made: Callable[[Any], Any]) -> None:
    """Gives each softmax, over the last dimension of more than one, what `made` makes of its scores."""
    torch: Any = training.torch
    functions: dict[str, Callable[[Any], Any]] = {
        "log_softmax": lambda value: _log_softmax(made(value)),
        "softmax": lambda value: torch.exp(_log_softmax(made(value))),
    }
    training.at_activation(lambda site, function: functions.get(function))


def _over_the_first(source: Source) -> list[ast.expr]:
    """The dimensions of a file's softmax calls that are written as 0."""

    def place_in(call: ast.Call) -> int:
        return 0 if name_of(call)[0].isupper() or is_method(source, call) else 1

    return first_dimensions(source, ("softmax", "log_softmax", "Softmax", "LogSoftmax"), place_in)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    return over_the_last(source, _over_the_first(source))


SOFTMAX_DIMENSION = Intervention(
    "softmax_dimension",
    what="every softmax inside a model is over the last dimension of more than one: the classes, and not the examples "
    "of a batch",
    source="PyTorch documentation of Softmax: dim; PyTorch forum",
    levels=lambda anatomy: {"classes": "softmax(…, dim=-1)"} if anatomy.optimisers else {},
    apply=lambda training, level: _at_softmax(training, lambda value: value),
    inside=True,
    on_suspicion=True,
    answers=("mixed_examples", "softmax_of_one"),
    place=lambda anatomy: first_line(anatomy.sources, _over_the_first),
    patch=_patched,
    cannot="a softmax that is written by hand",
)


def _scaled(value: Any) -> Any:
    scores = value.detach()
    scores = scores[scores > MASKED]
    return value / scores.std().clamp_min(1.0) if scores.numel() > 1 else value


SOFTMAX_SCORES = Intervention(
    "softmax_scores",
    what="the scores of every softmax inside a model are divided by their deviation, where that is above 1",
    source="Vaswani et al., Attention is all you need (2017), 3.2.1: dot products that grow large",
    levels=lambda anatomy: {"scaled": SCALED} if anatomy.optimisers else {},
    apply=lambda training, level: _at_softmax(training, _scaled),
    inside=True,
    on_suspicion=True,
    answers=("pinned_softmax",),
    cannot="a softmax that is written by hand, or inside of torch's own attention",
)
