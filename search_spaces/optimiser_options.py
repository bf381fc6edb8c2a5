"""Options that make another rule of an optimiser than it is known for: Adam's ε of 10, its β₂ of 0.1, `maximize`."""

from __future__ import annotations

import inspect
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.optimisers import are_exchanged

# Beyond these, what an adaptive rule divides by is no longer the size of its gradients.
USUAL_EPS, LEAST_BETA = 1e-3, 0.5
WITHOUT = "without_"


def unusual(optimiser: Any) -> list[str]:
    """The names of options at which an optimiser's rule is another than it is known for.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> unusual(torch.optim.Adam([weight], eps=10.0)), unusual(torch.optim.Adam([weight]))
        (['eps'], [])
    """
    group = optimiser.param_groups[0]
    betas = group.get("betas") or ()
    own = {
        "eps": float(group.get("eps") or 0.0) > USUAL_EPS,
        "betas": any(not LEAST_BETA <= float(beta) < 1 for beta in betas[1:]) or are_exchanged(betas),
        "alpha": "alpha" in group and not LEAST_BETA <= float(group["alpha"]) < 1,
        "maximize": bool(group.get("maximize")),
    }
    return [name for name, is_unusual in own.items() if is_unusual]


def usual_of(kind: type, name: str) -> Any:
    """What an optimiser of a class has where nobody gives an option; None where its signature does not say.

    Example:
        >>> import torch
        >>> usual_of(torch.optim.Adam, "eps")
        1e-08
    """
    parameter = inspect.signature(kind).parameters.get(name)
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {f"{WITHOUT}{name}": f"leave {name}=… of the optimiser out" for name in anatomy.optimiser.get("unusual", [])}


def _plain(training: Training, level: str) -> None:
    name = level.removeprefix(WITHOUT)

    def change(optimiser: Any) -> None:
        usual = usual_of(type(optimiser), name)
        for group in optimiser.param_groups:
            if name in group and usual is not None:
                group[name] = usual

    training.at_optimiser(change)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    import torch

    kind, name = getattr(torch.optim, str(anatomy.optimiser.get("kind")), None), level.removeprefix(WITHOUT)
    if kind is None:
        return None
    return source.with_keyword(name, lambda value: repr(usual_of(kind, name)))


OPTIMISER_OPTIONS = Intervention(
    "optimiser_options",
    what="an option that makes another rule of the optimiser is as torch has it by itself: ε, β, α, maximize",
    source="PyTorch documentation of torch.optim; Kingma & Ba, Adam (2015)",
    levels=_levels,
    apply=_plain,
    answers=("adaptive_rule",),
    points=("step_size", "update_ratio_off", "worse_than_chance"),
    place=lambda anatomy: str(anatomy.optimiser.get("place", "")),
    patch=_patched,
)
