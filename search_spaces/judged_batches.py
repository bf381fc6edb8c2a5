"""Sizes of the batches that a net is judged by: those that it trains on, where single examples lose what tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source

# Loaders of so few examples a batch, beside one of so many.
FEW, MANY = 2, 8


def at_sizes(training: Training, size_of: Callable[[Any, bool], int]) -> None:
    """Asks `size_of(loader, gradients)` for the size of a DataLoader's batches, each time that it is gone through.

    Args:
        training: whose loaders; those that get their batches from somebody's own sampler are left alone.
        size_of: 0 leaves the size as it is; `gradients` says whether these are enabled then.
    """
    torch: Any = training.torch
    batches = torch.utils.data.BatchSampler

    def make(own: Any) -> Any:
        def __iter__(loader: Any) -> Any:
            sampler = loader.batch_sampler
            size = size_of(loader, torch.is_grad_enabled()) if type(sampler) is batches else 0
            if size:
                sampler.batch_size = size
            return own(loader)

        return __iter__

    training.replace(torch.utils.data.DataLoader, "__iter__", make)


def _largest(anatomy: Anatomy) -> int:
    return max((int(one["batch_size"] or 0) for one in anatomy.loaders), default=0)


def _single(anatomy: Anatomy) -> str:
    """Where the loader of the fewest examples a batch is made; empty where none has few."""
    few = [one for one in anatomy.loaders if 0 < int(one["batch_size"] or 0) <= FEW]
    return str(few[0]["place"]) if few and _largest(anatomy) >= MANY else ""


def _levels(anatomy: Anatomy) -> dict[str, str]:
    size = f"batch_size={_largest(anatomy)} for the loader that it is judged by, too"
    return {"as_trained": size} if _single(anatomy) else {}


def _apply(training: Training, level: str) -> None:
    size = _largest(training.anatomy)

    def judged(loader: Any, gradients: bool) -> int:
        # None of a loader that was given its batches.
        few = loader.batch_size is not None and loader.batch_size <= FEW
        return size if few and not gradients else 0

    at_sizes(training, judged)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    return source.with_keyword("batch_size", lambda value: str(_largest(anatomy)))


JUDGED_BATCHES = Intervention(
    "judged_batches",
    what="a net that is judged by one or two examples at a time is judged by batches of the size that it trains on",
    source="Ioffe & Szegedy, Batch normalization (2015), 3.1: what an example gets may not depend on its batch",
    levels=_levels,
    apply=_apply,
    on_suspicion=True,
    answers=("validation_inputs",),
    points=("batch_statistics", "batch_norm_gap", "wrong_mode"),
    place=_single,
    patch=_patched,
    cannot="loaders with a sampler of batches of their own, or that are gone through with gradients enabled",
)
