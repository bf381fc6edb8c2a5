"""Peak memory on the device that a torch task uses."""

from __future__ import annotations

import torch

from pipeline.training import limits


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
