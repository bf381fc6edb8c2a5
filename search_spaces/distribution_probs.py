"""Distributions that get probabilities as logits get them as probabilities."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line
from backtrack.vocabulary.probabilities import OF_LOGITS

SMALLEST = 1e-7


def _as_probabilities(training: Training, level: str) -> None:
    torch: Any = training.torch

    def make(own: Any) -> Any:
        def __init__(distribution: Any, probs: Any = None, logits: Any = None, *rest: Any, **options: Any) -> None:
            if isinstance(logits, torch.Tensor) and bool(((logits >= 0) & (logits <= 1)).all()):
                logits = logits.clamp(SMALLEST, 1 - SMALLEST)
                # Of one probability the score is its logit, of several the logarithm.
                logits = logits.logit() if type(distribution).__name__ == "Bernoulli" else logits.log()
            own(distribution, probs, logits, *rest, **options)

        return __init__

    for name in OF_LOGITS:
        training.replace(getattr(torch.distributions, name), "__init__", make)


def _given(source: Source) -> list[ast.keyword]:
    """What a file's distributions get as logits."""
    return [one for call in source.all_calls(*OF_LOGITS) for one in call.keywords if one.arg == "logits"]


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    given = _given(source)
    return source.replaced(given[0], f"probs={source.segment(given[0].value)}") if len(given) == 1 else None


DISTRIBUTION_PROBS = Intervention(
    "distribution_probs",
    what="numbers between 0 and 1 that a distribution gets as logits are its probabilities",
    source="PyTorch documentation of torch.distributions: Categorical",
    levels=lambda anatomy: {"probs": "Categorical(probs=…)"} if anatomy.optimisers else {},
    apply=_as_probabilities,
    on_suspicion=True,
    answers=("distribution_input",),
    place=lambda anatomy: first_line(anatomy.sources, _given),
    patch=_patched,
    cannot="distributions of libraries",
)
