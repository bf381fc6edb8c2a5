"""Roots and logarithms that keep away from zero, where their slope is infinite and a gradient of 0 is no number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.steep import STEEP, zeros_in

# What is added to their argument.
SMALL = 1e-9


def at_zeros(training: Training, is_kept_away: Callable[[str], bool]) -> None:
    """Asks `is_kept_away(name)` where a root or a logarithm of zeros that have a gradient is taken.

    Args:
        training: whose roots and logarithms these are.
        is_kept_away: whether `SMALL` is added to what the function is taken of.
    """
    torch = training.torch

    def made(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def taken(*arguments: Any, **options: Any) -> Any:
                if torch.is_grad_enabled() and zeros_in(name, arguments) and is_kept_away(name):
                    return own(arguments[0] + SMALL, *arguments[1:], **options)
                return own(*arguments, **options)

            return taken

        return make

    for owner in (torch, torch.Tensor):
        for name in STEEP:
            if hasattr(owner, name):
                training.replace(owner, name, made(name))


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"away": f"x + {SMALL:g} in what the root or the logarithm is taken of"} if anatomy.steep else {}


ROOTS_OF_ZERO = Intervention(
    "roots_of_zero",
    what=f"roots and logarithms of zeros that have a gradient are taken of x + {SMALL:g}",
    source="PyTorch forum and documentation of torch.autograd.detect_anomaly: gradients that are nan",
    levels=_levels,
    apply=lambda training, level: at_zeros(training, lambda name: True),
    harmless=True,
    points=("not_finite",),
    place=lambda anatomy: anatomy.steep,
    cannot="what a module of torch, or a function such as torch.norm, does inside",
)
