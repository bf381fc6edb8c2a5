"""Memory of the device that a torch task uses: its peak, its limit, and what a training is likely to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from pipeline.config import Config
from pipeline.task import TorchTask
from pipeline.training import limits
from pipeline.training.limits import Limits

# Of its share of a GPU, what a training may fill: the rest is for the context of the process, and for the desktop.
FILLED = 0.9
# A training that is only measured need not end.
MEASURE_SECONDS = 20.0


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
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(memory_fraction(limit, total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def memory_fraction(limit: Limits, total: int) -> float:
    """Of a device's `total` bytes, what the allocator may take: the lower of the share's and the user's limit."""
    shared = FILLED * limit.gpu_share if limit.gpu_share is not None else 1.0
    own = limit.memory / total if limit.memory is not None else 1.0
    return max(1e-6, min(1.0, shared, own))


def measured_share(task: TorchTask, configs: Sequence[Config]) -> float | None:
    """The largest share of a CUDA device's memory that trainings of these configs take; None where there is none.

    Args:
        task: its data stays on the device, and counts.
        configs: each is trained for `MEASURE_SECONDS` at most.
    """
    if not torch.cuda.is_available():
        return None
    from pipeline.training.trial import run_replicate

    peaks = [
        run_replicate(task, config, 0, device="cuda", limits=Limits(seconds=MEASURE_SECONDS)).peak_memory
        for config in configs
    ]
    return max(peaks) / torch.cuda.get_device_properties("cuda").total_memory
