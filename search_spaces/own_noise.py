"""Random numbers that a program's own modules draw as they train: a dropout or a noise by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.places import is_own_class

# Among an anatomy's calls: draws inside the forward pass of one of its own modules that is in training mode.
DRAWN = "noise in forward"
# Functions of torch, and methods, that draw.
FUNCTIONS = ("rand", "rand_like", "randn", "randn_like", "bernoulli", "normal")
METHODS = ("bernoulli_", "uniform_", "normal_", "bernoulli")


def at_noise(training: Training, drawn: Callable[[Any], None]) -> None:
    """Calls `drawn(module)` where one of the program's own modules draws random numbers in training mode."""
    torch: Any = training.torch
    on: Any = training

    def make(own: Any) -> Any:
        def draw(*arguments: Any, **options: Any) -> Any:
            module = on.module
            if module is not None and module.training and is_own_class(type(module)):
                drawn(module)
            return own(*arguments, **options)

        return draw

    for name in FUNCTIONS:
        training.replace(torch, name, make)
    for name in METHODS:
        training.replace(torch.Tensor, name, make)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    said = "the random numbers of its own modules left out in training, as in evaluation mode, or fewer of them"
    return {"as_judged": said} if anatomy.calls.get(DRAWN) else {}


def _apply(training: Training, level: str) -> None:
    drawing: set[int] = set()
    judged: list[Any] = []

    def before(model: Any, given: Any) -> Any:
        for module in model.modules():
            if id(module) in drawing and module.training:
                judged.append(module)
                module.training = False
        return given

    def after(model: Any, result: Any) -> Any:
        for module in judged:
            module.training = True
        judged.clear()
        return result

    # The first pass says which they are; from the second on they are in evaluation mode, each alone.
    at_noise(training, lambda module: drawing.add(id(module)))
    training.at_forward(before, after)


OWN_NOISE = Intervention(
    "own_noise",
    what="modules of the program's own that draw random numbers compute as in evaluation mode, from the second pass on",
    source="Srivastava et al., Dropout (2014); PyTorch documentation of Module.eval",
    levels=_levels,
    apply=_apply,
    inside=True,
    points=("dropout", "constant_output", "output_ignores_input"),
    cannot="noise that is drawn in evaluation mode too",
)
