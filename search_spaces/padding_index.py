"""Embeddings without the row that they take for padding: `nn.Embedding(…, padding_idx=…)`."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training


def _levels(anatomy: Anatomy) -> dict[str, str]:
    there = anatomy.has("Embedding", "EmbeddingBag")
    return {"none": "leave padding_idx=… of nn.Embedding out, or give it the padding's id"} if there else {}


def _learnt(training: Training, level: str) -> None:
    torch: Any = training.torch

    def learn(model: Any) -> None:
        for one in model.modules():
            index = getattr(one, "padding_idx", None)
            if index is None:
                continue
            one.padding_idx = None
            with torch.no_grad():
                if not one.weight[index].any():
                    # It began at zero, as the padding's row does, and is drawn as the others are.
                    one.weight[index].normal_(0.0, float(one.weight.std()))

    training.at_model(learn)


PADDING_INDEX = Intervention(
    "padding_index",
    what="embeddings have no row that is left out and never learns: padding_idx is None",
    source="PyTorch documentation of nn.Embedding: padding_idx",
    levels=_levels,
    apply=_learnt,
    inside=True,
    answers=("padding_index",),
    on_suspicion=True,
    cannot="torch.nn.functional.embedding with padding_idx",
)
