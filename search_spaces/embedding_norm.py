"""Embeddings inside a ball of radius one, in place of weight decay."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces import OPPOSITE
from backtrack.task.intervention import AS_WRITTEN, TRICK, Anatomy, Intervention, Training
from backtrack.vocabulary.factors import Claim

EMBEDDINGS = ("Embedding", "EmbeddingBag")


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return (
        {"ball": "rows of embeddings brought back to norm 1 after each step, without decay"}
        if anatomy.has(*EMBEDDINGS)
        else {}
    )


def _apply(training: Training, level: str) -> None:
    weights: list[Any] = []
    own: dict[int, list[float]] = {}

    def seen(model: Any) -> None:
        weights.extend(one.weight for one in model.modules() if type(one).__name__ in EMBEDDINGS)

    def before(optimiser: Any) -> None:
        own[id(optimiser)] = [group.get("weight_decay", 0.0) for group in optimiser.param_groups]
        for group in optimiser.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0

    def after(optimiser: Any) -> None:
        for group, decay in zip(optimiser.param_groups, own[id(optimiser)], strict=True):
            if "weight_decay" in group:
                group["weight_decay"] = decay
        with training.torch.no_grad():
            for weight in weights:
                weight.div_(weight.norm(dim=1, keepdim=True).clamp_min(1.0))

    training.at_model(seen)
    training.at_step(before, after)


EMBEDDING_NORM = Intervention(
    "embedding_norm",
    what="w ← w / max(1, ‖w‖) for each row of an embedding after each step, and nothing decays",
    source=OPPOSITE,
    levels=lambda anatomy: {},
    apply=_apply,
    kind=TRICK,
    tricks=_levels,
    claims=(
        Claim("bounding the norm learns better than L2 decay, which keeps shrinking", OPPOSITE, level="ball",
              against=AS_WRITTEN),
    ),
)  # fmt: skip
