"""Memory of the device that a torch task uses: its peak, its limit, and what a training is likely to take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from backtrack.trial import limits
from backtrack.trial.limits import Limits

# Of its share of a GPU, what a training may fill: the rest is for the context of the process, and for the desktop.
FILLED = 0.9


def reset_device_peak(device: str) -> None:
    """Starts a new measurement on a CUDA device; also hands cached blocks of the trial before back."""
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def device_peak_memory(device: str) -> int:
    """Peak bytes since the reset: of the CUDA allocator, or of the process on a CPU."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return limits.peak_memory()


@contextmanager
def device_memory(device: str, limit: Limits) -> Iterator[None]:
    """Holds a training to its memory: on a CUDA device its allocator's, else the process's."""
    if torch.device(device).type != "cuda":
        with limits.process_memory(limit.memory):
            yield
        return
    # The allocator takes a device's number, and no bare "cuda".
    number = torch.device(device).index
    number = torch.cuda.current_device() if number is None else number
    total = torch.cuda.get_device_properties(number).total_memory
    torch.cuda.set_per_process_memory_fraction(memory_fraction(limit, total), number)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, number)


def memory_fraction(limit: Limits, total: int) -> float:
    """Of a device's `total` bytes, what the allocator may take: the lower of the share's and the user's limit."""
    shared = FILLED * limit.gpu_share if limit.gpu_share is not None else 1.0
    own = limit.memory / total if limit.memory is not None else 1.0
    return max(1e-6, min(1.0, shared, own))
