"""Limits of one training: wall time and memory, and how much memory it took."""

from __future__ import annotations

import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What a training may take.

    Args:
        seconds: of wall time, for each replicate; None for no limit.
        memory: bytes, of the GPU's allocator or of the process beyond what it had before; None for no limit.
        gpu_share: of a GPU's memory, where trainings share one; None for all of it.
    """

    seconds: float | None = None
    memory: int | None = None
    gpu_share: float | None = None


class DeviceLost(Exception):
    """The GPU failed under a training, and with it every further call of this process: it has to be started anew."""


class DeadlinePassed(BaseException):
    """The time limit of a training passed. Not an `Exception`, so that a task's `except Exception` lets it through."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raises `DeadlinePassed` inside the block once `seconds` have gone by, also in the middle of a call.

    Needs the main thread, where a process's signals arrive (a Ray worker runs its actor there); elsewhere it
    raises `RuntimeError` rather than silently not limiting anything. `None` is no limit.
    """
    if seconds is None:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a time limit needs the main thread; run the trial there or leave the limit out")

    def ring(signum: int, frame: Any) -> None:
        raise DeadlinePassed(f"the limit of {seconds:g} s passed")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def process_memory(limit: int | None) -> Iterator[None]:
    """Lets the process allocate `limit` bytes more than it has; beyond that allocation fails, as on a smaller machine.

    Counts private memory (`RLIMIT_DATA`, Linux): what a Ray worker shares with others does not count. Where the system
    has no such limit this raises `RuntimeError` rather than silently not limiting anything.
    """
    if limit is None:
        yield
        return
    status = Path("/proc/self/status")
    if not status.exists():
        raise RuntimeError("a memory limit on the CPU needs Linux; leave --max-memory out")
    used = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmData:"))
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def reset_peak_memory() -> None:
    """Starts a new measurement of the process's peak memory, where the system allows it (Linux)."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        try:
            switch.write_text("5")
        except OSError:
            # Some containers forbid it; the peak then covers the process's whole life, which `peak_memory` says.
            return


def peak_memory() -> int:
    """Peak resident bytes since `reset_peak_memory`, or of the process's life where that is not known."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
