"""What a sweep may use of the machines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """What a sweep may use.

    Args:
        workers: trainings side by side; None: as many as the CPUs (and GPU shares) allow.
        cpus_per_trial: CPU cores of each.
        gpus_per_trial: share of a GPU, or several; None: a share where there is a GPU and the task can use it.
        time_limit: seconds for each replicate, or None.
        address: of a running Ray cluster; None: this machine alone.
    """

    workers: int | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float | None = None
    time_limit: float | None = None
    address: str | None = None
