"""Roots and logarithms that keep away from zero, where their slope is infinite and a gradient of 0 is no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.steep import LOG, STEEP, is_steep

# What is added to a root's argument, and what a logarithm's is at least: it would still be too steep at the former.
SMALL, LEAST = 1e-9, 1e-6
SAID = f"x + {SMALL:g} in what a root, x.clamp_min({LEAST:g}) in what a logarithm"


def at_roots(training: Training, is_kept_away: Callable[[str, Sequence[Any]], bool]) -> None:
    """Asks `is_kept_away(name, arguments)` where a root or a logarithm of what has a gradient is taken.

    Args:
        training: whose roots and logarithms these are.
        is_kept_away: whether what the function is taken of is kept away from 0.
    """
    torch = training.torch

    def made(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def taken(*arguments: Any, **options: Any) -> Any:
                if torch.is_grad_enabled() and is_steep(name, arguments) and is_kept_away(name, arguments):
                    given = arguments[0].clamp_min(LEAST) if name == LOG else arguments[0] + SMALL
                    return own(given, *arguments[1:], **options)
                return own(*arguments, **options)

            return taken

        return make

    for owner in (torch, torch.Tensor):
        for name in STEEP:
            if hasattr(owner, name):
                training.replace(owner, name, made(name))


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"away": f"{SAID} is taken of"} if anatomy.steep else {}


ROOTS_OF_ZERO = Intervention(
    "roots_of_zero",
    what=f"what has a gradient is kept away from zero: {SAID} is taken of",
    source="PyTorch forum and documentation of torch.autograd.detect_anomaly: gradients that are nan",
    levels=_levels,
    apply=lambda training, level: at_roots(training, lambda name, arguments: True),
    harmless=True,
    points=("not_finite",),
    place=lambda anatomy: anatomy.steep,
    cannot="what a module of torch, or a function such as torch.norm, does inside",
)
