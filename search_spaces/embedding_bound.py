"""Embeddings without the bound that a program sets their norms: `nn.Embedding(…, max_norm=…)`."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training

BOUNDED = "embeddings bounded"


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"free": "leave max_norm=… of nn.Embedding out"} if anatomy.calls.get(BOUNDED) else {}


def is_bounded(module: Any) -> bool:
    """Whether a module renormalises the rows that it looks up.

    Example:
        >>> from torch import nn
        >>> is_bounded(nn.Embedding(3, 2, max_norm=1.0)), is_bounded(nn.Linear(3, 2))
        (True, False)
    """
    return getattr(module, "max_norm", None) is not None


def _freed(training: Training, level: str) -> None:
    def free(model: Any) -> None:
        for one in model.modules():
            if is_bounded(one):
                one.max_norm = None

    training.at_model(free)


EMBEDDING_BOUND = Intervention(
    "embedding_bound",
    what="rows of embeddings keep the norm that they are trained to: max_norm is None",
    source="PyTorch documentation of nn.Embedding: max_norm",
    levels=_levels,
    apply=_freed,
    cannot="torch.nn.functional.embedding with max_norm",
)
