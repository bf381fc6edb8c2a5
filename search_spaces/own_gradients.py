"""Autograd functions of a program's own: torch differentiates what they compute, as if they had no `backward`."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.places import is_own_class


class _Context:
    """Stands in for the context of an autograd function: what a forward pass leaves in it, nobody asks for.

    Args:
        arguments: of the function.
    """

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.needs_input_grad = tuple(bool(getattr(one, "requires_grad", False)) for one in arguments)
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Torch sees by itself what is written over."""

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """What has no gradient has none anyway."""

    def set_materialize_grads(self, value: bool) -> None:
        """Of a backward pass that is not its own any more."""


def _levels(anatomy: Anatomy) -> dict[str, str]:
    names = ", ".join(anatomy.own_gradients)
    whose = f"the backward() of {names}: what it returns is not the gradient of its forward()"
    return {"of_forward": f"mend {whose} (torch.autograd.gradcheck shows where)"} if names else {}


def _apply(training: Training, level: str) -> None:
    torch = training.torch
    functions = torch.autograd.Function

    def forward(kind: Any, *arguments: Any, **options: Any) -> Any:
        given = () if kind.setup_context is not functions.setup_context else (_Context(arguments),)
        try:
            return kind.forward(*given, *arguments, **options)
        except RuntimeError:
            # Torch refuses what loses a gradient (.numpy()), or writes over what has one: nothing to differentiate.
            return None

    def make(own: Any) -> Any:
        def apply(kind: Any, *arguments: Any, **options: Any) -> Any:
            if torch.is_grad_enabled() and is_own_class(kind):
                result = forward(kind, *arguments, **options)
                if any(getattr(one, "requires_grad", False) for one in _each(result)):
                    return result
            # What it computes has no gradient, as a step function or NumPy: its own is the only one.
            return own.__func__(kind, *arguments, **options)

        return classmethod(apply)

    training.replace(functions, "apply", make)


def _each(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


OWN_GRADIENTS = Intervention(
    "own_gradients",
    what="torch differentiates what the program's own autograd functions compute, in the place of their backward()",
    source="PyTorch documentation, Extending PyTorch; torch.autograd.gradcheck",
    levels=_levels,
    apply=_apply,
    inside=True,
    cannot="functions that compute with NumPy, or steps, whose own gradient is the only one",
)
