"""One driver a study: a lease with a heartbeat, in the study directory itself.

On a local or mounted disk the file is made by an operation that only one process can win. An object store has none:
whoever finds its own name there a moment after writing it has won. Either way the owner writes the time into it every
few seconds; a lease that has not been renewed for a while belongs to a dead driver, and is taken over. On the owner's
own machine that is known at once, since there is no such process any more.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from backtrack.errors import StudyError
from backtrack.records.directory import Records

LEASE = ".driver.json"
# Seconds between heartbeats; after which a silent owner counts as dead; that a writer to an object store waits before
# it looks whose name stands there; and whoever takes over a dead driver's lease on a disk.
HEARTBEAT, EXPIRY, SETTLE, MOMENT = 10.0, 60.0, 1.0, 0.2


@dataclass(frozen=True)
class Owner:
    """Who drives a study.

    Args:
        user, host, pid: of the driver's process.
        started: of the process, in the kernel's clock ticks, since process numbers are used again; 0 where unknown.
        token: made anew for every lease.
        renewed: seconds since 1970 of the last heartbeat.
    """

    user: str
    host: str
    pid: int
    started: int
    token: str
    renewed: float

    @property
    def alive(self) -> bool:
        """Whether the driver may still be at work."""
        if self.host == socket.gethostname() and _sees_processes_of(self):
            return _start_of(self.pid) == self.started
        return time.time() - self.renewed < EXPIRY


class Lease:
    """A study held by this process; see `driving`."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._stop = threading.Event()
        self._taken_over = False
        self._owner = Owner(
            user=_user(),
            host=socket.gethostname(),
            pid=os.getpid(),
            started=_start_of(os.getpid()),
            token=secrets.token_hex(8),
            renewed=0,
        )

    def take(self) -> None:
        """Takes the study.

        Raises:
            StudyError: where another driver has it.
        """
        for _ in range(3):
            if self._won() and self._still_mine():
                threading.Thread(target=self._beat, daemon=True).start()
                return
            found = owner_of(self._records)
            if found is not None and found.alive:
                raise StudyError(
                    f"the study {self._records.location} is driven by {found.user} on {found.host} (process "
                    f"{found.pid}); wait until it ends, or end that process, then go on with `backtrack resume "
                    f"{self._records.location}`"
                )
            if found is not None:
                self._records.remove(LEASE)
                self._taken_over = True
        raise StudyError(
            f"the study {self._records.location} has just been taken over by another driver; wait until that one ends"
        )

    def give_back(self) -> None:
        """Lets the next driver have it."""
        self._stop.set()
        found = owner_of(self._records)
        if found is not None and found.token == self._owner.token:
            self._records.remove(LEASE)
            self._records.remove_if_empty()

    def _won(self) -> bool:
        content = self._content()
        if self._records.create_file(LEASE, content):
            return True
        if self._records.local_path() is not None:
            return False
        found = owner_of(self._records)
        if found is not None:
            return False
        self._records.write(LEASE, content)
        time.sleep(SETTLE)
        found = owner_of(self._records)
        return found is not None and found.token == self._owner.token

    def _still_mine(self) -> bool:
        """Whether nobody took a dead driver's lease over at the same moment."""
        time.sleep(MOMENT if self._taken_over else 0)
        found = owner_of(self._records)
        return found is not None and found.token == self._owner.token

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                self._records.write(LEASE, self._content())
            except StudyError:
                # A full disk or a lost connection: the next record says so, and stops the sweep.
                continue

    def _content(self) -> bytes:
        return json.dumps({**asdict(self._owner), "renewed": time.time()}).encode()


@contextmanager
def driving(records: Records) -> Iterator[None]:
    """Holds a study for the block.

    Raises:
        StudyError: where another driver holds it; the message names it.
    """
    lease = Lease(records)
    lease.take()
    try:
        yield
    finally:
        lease.give_back()


def owner_of(records: Records) -> Owner | None:
    """Who holds a study, alive or dead; None where nobody does."""
    if not records.has(LEASE):
        return None
    try:
        return Owner(**json.loads(records.read(LEASE)))
    except (StudyError, ValueError, TypeError):
        # Given back meanwhile, or half written by somebody who was killed: nobody's.
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        return str(os.getuid())


def _sees_processes_of(owner: Owner) -> bool:
    """Whether this process numbers processes as the owner did: containers on one host do so by themselves."""
    return owner.started > 0 and Path("/proc/self/stat").exists()


def _start_of(pid: int) -> int:
    """When a process started, in clock ticks since the boot; 0 where there is none, or it cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[19])
