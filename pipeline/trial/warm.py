"""A Python that has its imports done, and forks a child for each run: `python -P -m backtrack.trial.warm`.

A fresh Python that imports torch takes two to five seconds; a fork takes milliseconds. The parent never computes and
never touches a GPU, since neither threads nor a CUDA context survive a fork; it says so where an import did.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

# Imported by every child, so that they need not.
import backtrack.trial.launch
import backtrack.watch.listening


def main(descriptor: int) -> None:
    """Answers requests until the other side hangs up.

    A request is one line of JSON with two file descriptors (for the child's output and its errors). The first is a list
    of modules to import; its answer says whether this process may be forked. Every other is a run; its answers are the
    child's process number and, at its end, its status and peak memory.
    """
    line = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, 1 << 20, 2)
        if not message:
            return
        request = json.loads(message)
        if "imports" in request:
            _answer(line, {"safe": _import(request["imports"])})
            continue
        child = os.fork()
        if child == 0:
            line.close()
            _become(request, descriptors)
        for one in descriptors:
            os.close(one)
        _answer(line, {"child": child})
        _answer(line, _waited(child, line))


def _import(names: list[str]) -> str:
    """Imports modules; empty where a fork is still safe, else why it is not."""
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w") as nothing:
        sys.stdout = sys.stderr = nothing
        try:
            for name in names:
                try:
                    importlib.import_module(name)
                except Exception:
                    # The program's own import will say why, in its own output.
                    continue
        finally:
            sys.stdout, sys.stderr = before
    torch = sys.modules.get("torch")
    if torch is not None:
        # The first optimiser of a process imports torch's tracer, which takes .7 seconds.
        importlib.import_module("torch._dynamo")
        importlib.import_module("backtrack.watch.listening.ears").import_all()
        importlib.import_module("backtrack.trial.intervening.catalogue").all_interventions()
    if torch is not None and torch.cuda.is_initialized():
        return "an import initialised CUDA"
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.exists() else 1
    return "" if threads == 1 else f"an import started {threads - 1} threads"


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Turns this forked child into a run; never returns."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False, errors="replace")
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="replace")
        os.environ.clear()
        os.environ.update(request["environment"])
        if request["memory"]:
            used = int(next(row.split()[1] for row in Path("/proc/self/status").read_text().splitlines()
                            if row.startswith("VmData:"))) * 1024  # fmt: skip
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (used + request["memory"], hard))
        _set_threads()
        status = backtrack.trial.launch.run_program(request)
        sys.stdout.flush()
    except BaseException as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
    finally:
        # Not sys.exit: the parent's own frames and exit handlers are not the program's.
        os._exit(status)


def _set_threads() -> None:
    """Gives torch and NumPy the threads that they would have had in a Python of their own."""
    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    if threads == 1:
        return
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads, user_api="blas")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _waited(child: int, line: socket.socket) -> dict[str, Any]:
    """The child's status and peak memory; ends it where the other side hangs up."""
    ended: int | None = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    while True:
        watched: list[Any] = [line] if ended is None else [line, ended]
        ready, _, _ = select.select(watched, [], [], None if ended is not None else 0.01)
        if line in ready and not line.recv(1, socket.MSG_PEEK):
            os.killpg(child, signal.SIGKILL)
            os._exit(0)
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            if ended is not None:
                os.close(ended)
            scale = 1 if sys.platform == "darwin" else 1024
            return {"status": os.waitstatus_to_exitcode(status), "memory": usage.ru_maxrss * scale}


def _answer(line: socket.socket, fields: dict[str, Any]) -> None:
    line.sendall(json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
