"""Starts a program for one run, with its children in a group of their own, and ends all of them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from backtrack.task.command import Program

# Name of the environment variable that marks every process of a run, also one that left its group.
MARK = "BACKTRACK_RUN"
# Seconds that a program may take to end after it was asked to.
GRACE = 3.0
# Seconds that a warm parent may take over its imports before a run starts without one.
PATIENCE = 120.0
# A pool of threads does not survive a fork; each child gets its own number of them.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass
class Running:
    """A started program.

    Args:
        process: its number.
        output, errors: file descriptors to read its two streams from.
        warm: the parent that forked it, or None.
        own: the process that was started plainly, or None.
        mark: that every process of the run has in its environment.
    """

    process: int
    output: int
    errors: int
    mark: str
    warm: WarmParent | None = None
    own: subprocess.Popen[bytes] | None = None
    waited: bool = False

    def wait(self) -> tuple[int, int]:
        """(exit status, peak resident bytes); a status below zero is a signal's number."""
        self.waited = True
        if self.warm is not None:
            ended = self.warm.answer()
            return int(ended["status"]), int(ended["memory"])
        assert self.own is not None
        status = self.own.wait()
        return status, 0

    def has_ended(self) -> bool:
        """Whether its own process has ended; processes that it started may go on."""
        if self.warm is not None:
            return self.warm.has_answered()
        assert self.own is not None
        return self.own.poll() is not None

    def close(self) -> None:
        """Ends it with all of its children, and leaves nothing behind for the next run of its parent."""
        self.end()
        os.close(self.output)
        os.close(self.errors)
        if not self.waited:
            try:
                self.wait()
            except (EOFError, OSError, ValueError):
                # A parent that does not answer any more is replaced by another.
                if self.warm is not None:
                    self.warm.close()

    def end(self) -> None:
        """Ends it with all of its children."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            left = self._left()
            if not left:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process, sign)
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(sign)
            if sign == signal.SIGTERM:
                until = time.monotonic() + GRACE
                while time.monotonic() < until and self._left():
                    time.sleep(0.02)

    def _left(self) -> list[psutil.Process]:
        """What runs of it: its group, its descendants, and what carries its mark."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                grouped = os.getpgid(process.pid) == self.process
                if grouped or process.environ().get(MARK) == self.mark:
                    found[process.pid] = process
        if self.warm is not None:
            found.pop(self.warm.process.pid, None)
        return list(found.values())


class WarmParent:
    """A Python with its imports done, kept for all runs of a worker (`backtrack.trial.warm`)."""

    def __init__(self, imports: Sequence[str], environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self.line = ours
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backtrack.trial.warm", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._buffer = b""
        self.line.settimeout(PATIENCE)
        self._send({"imports": list(imports)}, [])
        self.unsafe = str(self.answer()["safe"])
        self.line.settimeout(None)

    def fork(self, request: Mapping[str, Any], output: int, errors: int) -> int:
        """Starts a run and returns its process number."""
        try:
            self._send(request, [output, errors])
            return int(self.answer()["child"])
        except BaseException:
            # Whatever interrupts it here (a time limit, too) leaves an answer that would be taken for the next run's.
            self.close()
            raise

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            EOFError: where the parent ended.
        """
        while b"\n" not in self._buffer:
            part = self.line.recv(1 << 16)
            if not part:
                raise EOFError("the warm parent ended")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def has_answered(self) -> bool:
        """Whether an answer waits to be read."""
        return bool(self._buffer) or bool(select.select([self.line], [], [], 0)[0])

    def close(self) -> None:
        """Hangs up: it ends, and what it forked with it."""
        self.line.close()
        self.process.kill()
        self.process.wait()

    def _send(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        socket.send_fds(self.line, [json.dumps(request).encode()], list(descriptors))


# Of this process: the parent for a set of imports, or why there is none.
_warm: dict[tuple[str, ...], WarmParent | str] = {}


def warm_parent(imports: Sequence[str], environment: Mapping[str, str]) -> WarmParent | None:
    """The warm parent for these imports; None where none can be forked from."""
    key = tuple(imports)
    known = _warm.get(key)
    if isinstance(known, WarmParent) and known.process.poll() is None:
        return known
    if isinstance(known, str) or not hasattr(os, "fork") or sys.platform == "darwin":
        # On macOS system libraries do not survive a fork.
        return None
    for tried in (key, tuple(name for name in key if name.partition(".")[0] in ("torch", "numpy"))):
        try:
            parent = WarmParent(tried, environment)
        except (OSError, EOFError) as fault:
            _warm[key] = f"{type(fault).__name__}: {fault}"
            return None
        if not parent.unsafe:
            _warm[key] = parent
            return parent
        parent.close()
        _warm[key] = parent.unsafe
    return None


def start(
    program: Program,
    imports: Sequence[str],
    *,
    environment: Mapping[str, str],
    seed: int | None,
    memory: int | None,
    watched: bool,
    looked: Sequence[str] | None = None,
    mark: str,
) -> Running:
    """Starts a program.

    Args:
        program: what to run.
        imports: that a warm parent may have done for it.
        environment: whole, of the run.
        seed: that random numbers start from; None where the program takes its own.
        memory: bytes that it may take beyond what Python took; None for no limit.
        watched: whether a Python program is listened to.
        looked: files with further interventions, where it tells which apply to it; None where it does not.
        mark: of the run.

    Raises:
        OSError: where it cannot be started.
    """
    output, output_end = os.pipe()
    errors, errors_end = os.pipe()
    request = {
        "script": program.script,
        "module": program.module,
        "arguments": list(program.arguments),
        "constants": dict(program.constants),
        "directory": program.directory,
        "environment": dict(environment),
        "seed": seed,
        "memory": memory,
        "watched": watched,
        "looked": None if looked is None else list(looked),
        "changes": dict(program.changes),
        "shifted": program.shifted,
        "times": program.times,
        "stops": program.stops,
        "anatomy": dict(program.anatomy) if program.changes else {},
    }
    try:
        parent = warm_parent(imports, {**os.environ, **ONE_THREAD}) if program.is_python else None
        if parent is not None:
            child = parent.fork(request, output_end, errors_end)
            return Running(child, output, errors, mark, warm=parent)
        command: list[str] = list(program.arguments)
        if program.is_python:
            asked = (
                Path(tempfile.mkdtemp(prefix="backtrack-request-", dir=environment["BACKTRACK_RUN_DIR"]))
                / "request.json"
            )
            asked.write_text(json.dumps(request))
            command = [sys.executable, "-P", "-m", "backtrack.trial.launch", str(asked)]
        own = subprocess.Popen(
            command,
            cwd=program.directory or None,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output_end,
            stderr=errors_end,
            start_new_session=True,
        )
        return Running(own.pid, output, errors, mark, own=own)
    except BaseException:
        os.close(output)
        os.close(errors)
        raise
    finally:
        os.close(output_end)
        os.close(errors_end)
