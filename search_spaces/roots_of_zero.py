"""Roots and logarithms that keep away from zero, where their slope is infinite and a gradient of 0 is no number."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of
from backtrack.vocabulary.steep import LEAST, LOG, POWERS, SMALL, STEEP, is_steep

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


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """`(x + 1e-9).sqrt()`; powers that are written `x ** 0.5` stay for a person."""
    calls = [one for one in source.calls(*STEEP) if name_of(one) not in POWERS or _is_root(one)]
    if len(calls) != 1:
        return None
    (call,) = calls
    # `torch.sqrt(x)` has what it is taken of as argument, `x.sqrt()` before its name.
    is_method = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") != "torch"
    given = call.func.value if is_method else call.args[0] if call.args else None  # type: ignore[attr-defined]
    if given is None:
        return None
    if name_of(call) == LOG:
        return source.replaced(given, f"{source.operand(given)}.clamp_min({LEAST:g})")
    written = source.segment(given)
    return source.replaced(given, f"({written} + {SMALL:g})" if is_method else f"{written} + {SMALL:g}")


def _is_root(power: ast.Call) -> bool:
    exponent = getattr(power.args[-1], "value", None) if power.args else None
    return isinstance(exponent, float) and 0 < exponent < 1


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
    patch=_patched,
    cannot="what a module of torch, or a function such as torch.norm, does inside",
)
