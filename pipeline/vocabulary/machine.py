"""What the machine that this process runs on lets it use."""

from __future__ import annotations

import os


def usable_cpus() -> int:
    """CPU cores that this process may use: a container or a batch system may grant fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
