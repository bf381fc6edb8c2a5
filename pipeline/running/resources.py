"""What a sweep may use of the machines, and how that is shared out between trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtrack.errors import ResourceError
from backtrack.vocabulary.factors import Categorical
from backtrack.vocabulary.machine import usable_cpus
from backtrack.vocabulary.space import SearchSpace

# With more trainings than this on one GPU, each waits for the others more than it trains.
TRIALS_PER_GPU = 4
# A training takes the memory that was measured, and this much more at most.
MEMORY_MARGIN = 1.5
UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}


@dataclass(frozen=True)
class Resources:
    """What a sweep may use.

    Args:
        workers: trainings side by side; None: as many as the CPUs (and GPU shares) allow. On a cluster that grows,
            as many as may wait for a machine.
        cpus_per_trial: CPU cores of each; None: see `cpus_of`.
        gpus_per_trial: share of a GPU, or several; None: a share where there is a GPU and the task can use it.
        time_limit: seconds for each replicate, or None.
        address: of a running Ray cluster; None: this machine alone.
        max_memory: bytes that each training may take, of the GPU or of the process; beyond it ends out_of_memory.

    Example:
        >>> Resources(workers=2, time_limit=600, max_memory=2 * 1024**3).gpus_per_trial is None
        True
    """

    workers: int | None = None
    cpus_per_trial: float | None = None
    gpus_per_trial: float | None = None
    time_limit: float | None = None
    address: str | None = None
    max_memory: int | None = None


@dataclass(frozen=True)
class Places:
    """How trainings are placed.

    Args:
        workers: trainings side by side.
        gpu_share: of a GPU for each; 0 for none.
        why: in words.
    """

    workers: int
    gpu_share: float
    why: str


def cpus_of(space: SearchSpace, fixed: Mapping[str, Any]) -> int:
    """CPU cores of each training where nobody says otherwise: one, or the most that a factor `threads` gives it.

    With two threads on a core that another training wants as well, each waits for the other, and a step takes ten
    times as long: nothing could be said of threads, nor of anything else that is about time.

    Args:
        space: the factors.
        fixed: levels that the sweep does not vary.
    """
    levels = [fixed.get("threads")]
    for factor in space:
        if factor.name == "threads" and isinstance(factor, Categorical):
            levels += factor.levels
    return max([level for level in levels if isinstance(level, int)], default=1)


def share_out(
    resources: Resources, cpus: float, gpus: float, *, wants_gpu: bool, memory_share: float | None = None
) -> Places:
    """Places for trainings.

    Args:
        resources: what was asked for.
        cpus, gpus: what there is.
        wants_gpu: whether the task can use a GPU.
        memory_share: of one GPU's memory, what a training was measured to take; None where it was not measured.

    Raises:
        ResourceError: where a training asks for more GPUs than there are.
    """
    by_cpu = max(1, int(cpus // (resources.cpus_per_trial or 1)))
    share, why = resources.gpus_per_trial, f"{by_cpu} by the CPU cores"
    grows = resources.address is not None and resources.workers is not None
    if share is None:
        share = 0.0
        if gpus > 0 and wants_gpu:
            fit = max(1, min(TRIALS_PER_GPU, -(-by_cpu // max(1, int(gpus)))))
            why = f"{fit} a GPU by the CPU cores, at most {TRIALS_PER_GPU}"
            if memory_share is not None:
                by_memory = max(1, int(1 / (MEMORY_MARGIN * memory_share))) if memory_share > 0 else fit
                if by_memory < fit:
                    fit, why = by_memory, f"{by_memory} a GPU by the memory that a training was measured to take"
            share = 1 / fit
    elif share:
        why = f"{share:g} GPU for each, as asked"
    if share > gpus and not grows:
        raise ResourceError(
            f"a trial asks for {share:g} GPUs and Ray sees {gpus:g}; lower --gpus-per-trial, or check with "
            "`backtrack doctor` that driver and torch see the device"
        )
    by_gpu = int(gpus / share + 1e-9) if share else by_cpu
    most = min(by_cpu, by_gpu)
    if resources.workers is not None:
        # On a cluster that grows, trainings that wait for a place are what makes it grow.
        workers = resources.workers if grows else min(resources.workers, most)
        why = f"{why}; {resources.workers} asked for"
    else:
        workers = most
    return Places(max(1, workers), share, why)


def workers_of(resources: Resources | None, here: bool) -> int:
    """How many trainings run side by side, about: one in this process, else as many as asked for, or as cores."""
    if here:
        return 1
    return (resources.workers if resources is not None else None) or usable_cpus()


def bytes_from(text: str) -> int:
    """A size such as `2GB`, `500 MiB` or `1073741824` in bytes (1 GB = 1024³ bytes, as GPUs are sold).

    Raises:
        ResourceError: where it cannot be read.
    """
    number = text.strip().rstrip("KMGiIBbkmg ")
    unit = text.strip()[len(number) :].strip().upper()
    try:
        size = float(number) * UNITS[unit]
    except (ValueError, KeyError):
        raise ResourceError(f"size {text!r}: expected a number with KB, MB or GB, such as 2GB") from None
    if size <= 0:
        raise ResourceError(f"size {text!r}: expected more than nothing")
    return int(size)
