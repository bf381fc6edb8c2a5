"""Temporary folders, and the removal of those that a killed process left behind."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK = ".in_use"
# Seconds between the making of a folder and its lock, at the very most.
MOMENT = 60


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """A temporary folder for the block.

    Whoever uses one holds a lock in it. The kernel drops the lock with the process, however that ended, and whoever
    comes next removes the folder. A lock rather than a process number: containers share `/tmp` and number their own.

    Args:
        kind: what it is for; part of its name.
    """
    _remove_left_behind(kind)
    folder = Path(tempfile.mkdtemp(prefix=f"backtrack-{kind}-"))
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def for_this_process(kind: str) -> Path:
    """A temporary folder for the rest of this process, however it ends; `kind` as for `scratch`."""
    _remove_left_behind(kind)
    folder = Path(tempfile.mkdtemp(prefix=f"backtrack-{kind}-"))
    lock = (folder / LOCK).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)
    return folder


# Locks of this process: the kernel drops them with it.
_held: list[IO[str]] = []


def _remove_left_behind(kind: str) -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"backtrack-{kind}-*/{LOCK}"):
        try:
            if time.time() - lock.stat().st_mtime < MOMENT:
                continue
            with lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            # In use, somebody else's, or gone meanwhile: none of them is ours to remove.
            continue
