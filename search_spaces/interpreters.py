"""Trainings in other Python interpreters, kept warm: one process for each interpreter and script."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from backtrack.errors import TrialFailed

# Of what a process wrote to its standard error, what a message shows.
SHOWN = 2000


class Interpreter:
    """A process of another Python that carries out one training after another.

    Args:
        interpreter: a Python.
        script: reads a spec as JSON from each line of its input, prints one JSON object of numbers a line, and an empty
            one at the end of each training.
        threads: that its libraries may use from their start on.
    """

    def __init__(self, interpreter: str, script: Path, threads: int) -> None:
        # A file rather than a pipe: nobody reads a pipe meanwhile, and a full one would stop the process for ever.
        self._said: IO[str] = tempfile.TemporaryFile("w+", prefix="backtrack-interpreter-")  # noqa: SIM115
        self._process = subprocess.Popen(
            [interpreter, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )

    @property
    def alive(self) -> bool:
        """Whether it can be asked for another training."""
        return self._process.poll() is None

    def run(self, spec: Mapping[str, Any]) -> Iterator[dict[str, float]]:
        """Passes on what a training reports.

        Raises:
            TrialFailed: "crashed" with the end of the process's standard error, where it ends instead.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        complete = False
        try:
            self._process.stdin.write(json.dumps(dict(spec)) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.startswith("{"):
                    numbers = json.loads(line)
                    if not numbers:
                        complete = True
                        return
                    yield numbers
            self._process.wait()
            raise TrialFailed("crashed", self._last_words())
        except BrokenPipeError:
            self._process.wait()
            raise TrialFailed("crashed", self._last_words()) from None
        finally:
            if not complete:
                # Left in the middle of a training (a time limit, a crash): the next one needs a process of its own.
                self.end()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> str:
        self._said.seek(0)
        return self._said.read()[-SHOWN:] or f"exit code {self._process.returncode}, without a word"


_warm: dict[tuple[str, Path, int], Interpreter] = {}


def run_in(interpreter: str, script: Path, spec: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """Runs a training of `script` in another interpreter and passes on what it reports; arguments as `Interpreter`.

    The process stays for the next training, since importing torch takes longer than most.

    Raises:
        TrialFailed: "crashed" with the end of the script's error output, where it ends with an error.
    """
    key = (interpreter, script, int(spec.get("threads", 1)))
    if key not in _warm or not _warm[key].alive:
        _warm[key] = Interpreter(*key)
    yield from _warm[key].run(spec)


@atexit.register
def _end_all() -> None:
    for process in _warm.values():
        process.end()
