"""One training run of a script task: start it, read what it says, end it with all of its children."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backtrack.errors import TaskError
from backtrack.task.command import Program, program_of
from backtrack.task.first_imports import first_imports
from backtrack.task.script_task import ScriptTask
from backtrack.trial.limits import Limits
from backtrack.trial.processes import MARK, Running, start
from backtrack.trial.script_failed import ScriptFailed
from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.outcomes import judge
from backtrack.vocabulary.places import place_in
from backtrack.watch import channel
from backtrack.watch.printed import Printed, read_line, series_for
from backtrack.watch.recorder import Recorder

# Seconds of silence after which it is looked whether the program has ended.
SILENCE = 0.5
# Of the output: the first and the last so many bytes are kept.
KEPT_HEAD, KEPT_TAIL = 32 * 1024, 96 * 1024
# Of the errors, the last lines that say why a program ended.
LAST_LINES = 30
# Loss series whose last value tells that a training left the finite numbers.
LOSSES = ("loss", "train_loss")


def run_script(
    task: ScriptTask,
    levels: Mapping[str, Any],
    seed: int,
    recorder: Recorder,
    limits: Limits,
    watched: bool = True,
    any_metric: bool = False,
    looked: Sequence[str] | None = None,
) -> str:
    """Runs the program once and returns the outcome; what it says goes to the recorder as it comes.

    Args:
        task: what to run.
        levels: factor levels, composites opened.
        seed: of the run.
        recorder: receives every number, by the names that the program gives them, and the output.
        limits: the memory limit; the caller keeps the time.
        watched: whether a Python program's trainings are watched.
        any_metric: whether a program that never says its metric is fine.
        looked: files with further interventions, where a Python program tells which apply to it (`Recorder.anatomy`).

    Raises:
        ScriptFailed: where it ends with another status than 0.
        TaskError: where it cannot be started, or never says its metric.
    """
    recorder.chance = task.chance
    task = task.within(Path.cwd())
    folder = Path(tempfile.mkdtemp(prefix="backtrack-run-"))
    try:
        run = folder / "run"
        run.mkdir()
        program = program_of(task, levels, seed, run)
        heard = _Heard(task, recorder)
        status = _carried_out(task, program, seed, limits, watched, folder, heard, looked)
        recorder.output = heard.output
        _check_status(status, heard, program)
        return "ok" if any_metric else _judged(task, recorder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _carried_out(
    task: ScriptTask,
    program: Program,
    seed: int,
    limits: Limits,
    watched: bool,
    folder: Path,
    heard: _Heard,
    looked: Sequence[str] | None,
) -> int:
    """Runs a program to its end, whatever ends it, and returns its status."""
    mark, told = uuid.uuid4().hex, folder / "told.jsonl"
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        **program.environment,
        MARK: mark,
        channel.VARIABLE: str(told),
        # Offline, and in the run's own directory: a sweep makes hundreds of runs.
        "WANDB_MODE": os.environ.get("WANDB_MODE", "offline"),
        "WANDB_DIR": str(folder / "run"),
    }
    begins_in = task.script or task.console
    imports = first_imports(begins_in) if begins_in is not None else []
    own_seed = task.seed_argument or (task.seed_argument is None and task.own_seed is not None)
    try:
        running = start(
            program,
            imports,
            environment=environment,
            seed=None if own_seed else seed,
            memory=limits.memory,
            watched=watched,
            looked=looked,
            mark=mark,
        )
    except OSError as fault:
        raise TaskError(f"task {task.name!r}: {program.shown} cannot be started: {fault}") from fault
    begun = time.perf_counter()
    try:
        heard.listen(running, begun)
        status, heard.recorder.memory = running.wait()
        return status
    finally:
        heard.recorder.output = heard.output
        running.close()
        heard.add_told(told, begun)


class _Heard:
    """What a program said: numbers to the recorder, text within bounds.

    Args:
        task: whose metric is looked for.
        recorder: receives the numbers.
    """

    def __init__(self, task: ScriptTask, recorder: Recorder) -> None:
        self.task, self.recorder = task, recorder
        self.head, self.tail, self.dropped = b"", b"", 0
        self.errors = b""
        self.crash: dict[str, Any] | None = None
        self._rest = {0: b"", 1: b""}
        self._counts: dict[str, int] = {}
        self._epoch: float | None = None
        self._step: float | None = None

    @property
    def output(self) -> str:
        """Its two streams as they came, the middle left out where they are long."""
        middle = f"\n[… {self.dropped} bytes left out …]\n".encode() if self.dropped else b""
        return (self.head + middle + self.tail).decode(errors="replace")

    def listen(self, running: Running, begun: float) -> None:
        """Reads both streams until they are closed, or until the program has ended and what it left is silent."""
        names = {running.output: 0, running.errors: 1}
        open_ = [running.output, running.errors]
        while open_:
            ready, _, _ = select.select(open_, [], [], SILENCE)
            if not ready and running.has_ended():
                return
            for descriptor in ready:
                part = os.read(descriptor, 1 << 16)
                if not part:
                    open_.remove(descriptor)
                self._keep(part)
                self._read(names[descriptor], part, time.perf_counter() - begun)

    def add_told(self, file: Path, begun: float) -> None:
        """Adds what the training told over its channel."""
        started = time.time() - (time.perf_counter() - begun)
        for message in channel.told(file):
            self.recorder.train_seconds = max(0.0, message["time"] - started)
            if message["kind"] == "report":
                self._add(Printed(message["values"], epoch=message["at"]))
            elif message["kind"] == "point":
                self.recorder.point(message["step"], message["epoch"], message["name"], message["value"])
            elif message["kind"] == "crash":
                self.crash = message
            elif message["kind"] == "anatomy":
                self.recorder.anatomy = message["found"]
            elif message["kind"] == "device":
                self.recorder.device = message["name"]
            elif message["kind"] == "seen":
                self.recorder.seen.append(Finding(**message["found"]))
        self.recorder.train_seconds = time.perf_counter() - begun

    def _keep(self, part: bytes) -> None:
        room = KEPT_HEAD - len(self.head)
        self.head += part[:room] if room > 0 else b""
        rest = part[max(0, room) :]
        self.tail += rest
        if len(self.tail) > 2 * KEPT_TAIL:
            self.dropped += len(self.tail) - KEPT_TAIL
            self.tail = self.tail[-KEPT_TAIL:]

    def _read(self, stream: int, part: bytes, seconds: float) -> None:
        if stream == 1:
            self.errors = (self.errors + part)[-KEPT_TAIL:]
        text = self._rest[stream] + part
        *lines, rest = re.split(rb"[\r\n]+", text)
        if not part:
            lines, rest = [*lines, rest], b""
        self._rest[stream] = rest[-KEPT_TAIL:]
        self.recorder.train_seconds = seconds
        for line in lines:
            if line.strip():
                self._add(read_line(line.decode(errors="replace"), (self.task.metric,)))

    def _add(self, printed: Printed) -> None:
        if printed.epoch is not None:
            self._epoch = printed.epoch
        if printed.step is not None:
            self._step = printed.step
        for name, value in printed.values.items():
            number = self._counts[name] = self._counts.get(name, 0) + 1
            at = printed.epoch if printed.epoch is not None else self._epoch
            if at is None:
                at = printed.step if printed.step is not None else self._step
            self.recorder.point(number, float(number if at is None else at), name, value)
            self.recorder.epochs = max(self.recorder.epochs, number)


def _check_status(status: int, heard: _Heard, program: Program) -> None:
    """Raises where a program ended with a fault."""
    if status == 0:
        return
    text = heard.errors.decode(errors="replace").strip()
    if heard.crash is not None:
        raise ScriptFailed(heard.crash["outcome"], heard.crash["error"], heard.crash["place"])
    lines = text.splitlines()
    last = "\n".join(lines[-LAST_LINES:])
    ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    memory = "MemoryError" in last or "out of memory" in last.lower()
    outcome = "out_of_memory" if memory else "crashed"
    # The last line is the kind of a crash: nothing of the command, which differs from run to run.
    said = lines[-1] if lines else "no message"
    raise ScriptFailed(outcome, f"{last}\n{program.shown}\n{said} ({ended})", place_in(text))


def _judged(task: ScriptTask, recorder: Recorder) -> str:
    names = {point.name for point in recorder.curve}
    series = series_for(task.metric, {name for name in names if not name.startswith("symptom/")})
    if series is None:
        shown = ", ".join(sorted(name for name in names if "/" not in name)) or "no numbers"
        raise TaskError(
            f"task {task.name!r}: nothing that the program printed or reported is called {task.metric!r}; it has "
            f"{shown}. Name one of these, or let the program print `{task.metric}: 0.5`"
        )
    if series != task.metric:
        recorder.rename(series, task.metric)
    values = recorder.values(task.metric)
    losses = next((recorder.values(name) for name in LOSSES if name in names and name != task.metric), [])
    return judge(values, mode=task.mode, chance=task.chance, noise=task.noise, losses=losses)
