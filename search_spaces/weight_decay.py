"""Weight decay: how much, and of which parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from backtrack.search_spaces import DECAY
from backtrack.task.intervention import AS_WRITTEN, Anatomy, Intervention, Training
from backtrack.vocabulary.factors import Categorical, Claim

WEIGHT_DECAY = Categorical(
    "weight_decay",
    [0.0, 0.001, 0.01],
    description="decay coefficient; coupled with the gradient, but for AdamW",
)

DECAY_SCOPE = Categorical(
    "decay_scope",
    ["everything", "matrices", "matrices_but_skipped"],
    when={"weight_decay": [0.001, 0.01]},
    description="what is decayed: every parameter, no biases and vectors, or also no embeddings",
    claims=(
        Claim(
            "biases and vectors are better left without decay",
            DECAY,
            level="matrices",
            against="everything",
            response="gain",
            expect="better",
        ),
    ),
)


DECAY_KIND = Categorical(
    "decay_kind",
    ["coupled", "decoupled"],
    when={"weight_decay": [0.001, 0.01], "optimiser": ["adam", "rmsprop", "sgd"]},
    description="decay added to the gradient (L2), or taken off the weights beside the update (as AdamW does)",
)


def decay_groups(model: nn.Module, config: Mapping[str, Any], skip: Collection[str] = ()) -> list[dict[str, Any]]:
    """Two parameter groups of `model`: decayed by `config["weight_decay"]`, and not decayed.

    `config["decay_scope"]` says which parameters are decayed:

    - `everything`: all of them;
    - `matrices`: none that is called a bias and none with one dimension (biases, gains of norm layers);
    - `matrices_but_skipped`: as before, and none whose name starts with an entry of `skip`.

    Args:
        model: every parameter that needs a gradient is in exactly one group.
        config: levels of the two factors above; the scope is absent where nothing is decayed.
        skip: prefixes of parameter names, e.g. `("embedding",)`.
    """
    value, scope = float(config.get("weight_decay", 0.0)), config.get("decay_scope", "everything")
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        vector = parameter.ndim <= 1 or "bias" in name.rsplit(".", 1)[-1]
        skipped = scope == "matrices_but_skipped" and name.startswith(tuple(skip))
        (free if scope != "everything" and (vector or skipped) else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": value}, {"params": free, "weight_decay": 0.0}]


def _levels(anatomy: Anatomy) -> dict[str, str]:
    decay = float(anatomy.optimiser.get("weight_decay", 0.0))
    if not decay:
        return {}
    return {"none": "weight_decay=0", "matrices": f"weight_decay={decay:g} of matrices, none of biases and vectors"}


def _change(training: Training, level: str) -> None:
    def change(optimiser: Any) -> None:
        for group in list(optimiser.param_groups):
            if level == "none":
                group["weight_decay"] = 0.0
                continue
            vectors = [weight for weight in group["params"] if weight.ndim < 2]
            group["params"] = [weight for weight in group["params"] if weight.ndim >= 2]
            optimiser.add_param_group({**group, "params": vectors, "weight_decay": 0.0})

    training.at_optimiser(change)


DECAY_OF_TRAINING = Intervention(
    "weight_decay",
    what="nothing decays, or matrices alone",
    source=DECAY,
    levels=_levels,
    apply=_change,
    harmless=True,
    patch=lambda source, level, anatomy: (
        source.with_keyword("weight_decay", lambda value: "0.0") if level == "none" else None
    ),
    tricks=_levels,
    claims=(
        Claim(
            "biases and vectors are better left without decay",
            DECAY,
            level="matrices",
            against=AS_WRITTEN,
            response="gain",
            expect="better",
        ),
    ),
    points=("constant_output", "changing_norms", "update_ratio_off"),
    place=lambda anatomy: str(anatomy.optimiser.get("place", "")),
)
