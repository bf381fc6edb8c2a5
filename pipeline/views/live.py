"""What a person sees while a sweep runs: one live view in a terminal, plain lines or JSON elsewhere."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections import Counter
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.progress import Outline, Progress

PLAIN_EVERY_SECONDS = 15.0


class Tally(Progress):
    """Counts what happens; its subclasses show it."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.outline: Outline | None = None
        self.runs: dict[str, int] = {}
        self.before = 0
        self.done = 0
        self.outcomes: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()
        self.best: tuple[float, str] | None = None
        self.suspicion = ""
        self.checks: list[str] = []
        self.workers = 0
        self.device = ""
        self.note = "starting workers"
        self._trained_from = time.monotonic()

    @property
    def total(self) -> int:
        """Planned training runs."""
        return sum(self.runs.values())

    def planned(self, outline: Outline) -> None:
        self.outline, self.runs = outline, dict(outline.runs)
        for trial in outline.recorded:
            self._count(trial)
        self.before = self.done

    def started(self, workers: int, device: str) -> None:
        self.workers, self.device, self.note = workers, device, ""
        self._trained_from = time.monotonic()

    def finished(self, trial: FinishedTrial) -> None:
        self._count(trial)

    def suspects(self, sentence: str) -> None:
        self.suspicion = sentence

    def checked(self, sentence: str) -> None:
        self.checks.append(sentence)

    def stage(self, message: str) -> None:
        self.note = message

    def extended(self, runs: int, why: str) -> None:
        self.runs["more"] = self.runs.get("more", 0) + runs
        self.note = why

    def left(self) -> float | None:
        """Seconds that the rest may take, from the pace so far; None before there is one."""
        own = self.done - self.before
        if own < 3:
            return None
        return (time.monotonic() - self._trained_from) / own * max(0, self.total - self.done)

    def _count(self, trial: FinishedTrial) -> None:
        self.stages[trial.planned.stage] += len(trial.results)
        for result in trial.results:
            self.done += 1
            self.outcomes[result.outcome] += 1
            if result.outcome == "ok" and result.value is not None:
                self._compare(result.value, trial.planned.trial)

    def _compare(self, value: float, trial: str) -> None:
        assert self.outline is not None
        sign = 1 if self.outline.mode == "max" else -1
        if self.best is None or sign * value > sign * self.best[0]:
            self.best = (value, trial)


class LiveView(Tally):
    """One view that is redrawn in place: progress, outcomes, time left, current best, current suspicion."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._live = Live(self._render(), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._live.stop()

    def tick(self, running: int) -> None:
        self._live.update(self._render())

    def finished(self, trial: FinishedTrial) -> None:
        super().finished(trial)
        self._live.update(self._render())

    def stage(self, message: str) -> None:
        super().stage(message)
        self._live.update(self._render())

    def _render(self) -> Group:
        name = self.outline.task if self.outline else ""
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(name, style="bold"),
            ProgressBar(total=max(1, self.total), completed=self.done, width=36),
            Text(f"{self.done}/{self.total} runs"),
            Text(self.note or f"{_duration(self.left())} left", style="dim"),
        )
        grid = Table.grid(padding=(0, 2))
        stages = "  ".join(f"{stage} {self.stages[stage]}/{runs}" for stage, runs in self.runs.items())
        grid.add_row("stages", stages + (f"   ({_workers(self.workers)}, {self.device})" if self.workers else ""))
        outcomes = Text("  ").join(
            Text(f"{outcome} {count}", style="green" if outcome == "ok" else "red")
            for outcome, count in self.outcomes.most_common()
        )
        grid.add_row("outcomes", outcomes if self.outcomes else Text("-", style="dim"))
        grid.add_row("best so far", f"{self.best[0]:.4g}  ({self.best[1]})" if self.best else Text("-", style="dim"))
        grid.add_row("suspicion", Text(self.suspicion or "-", style="" if self.suspicion else "dim"))
        for number, sentence in enumerate(self.checks[:3]):
            grid.add_row("checks" if number == 0 else "", Text(sentence, style="red"))
        return Group(head, grid)


class PlainLines(Tally):
    """A line now and then, for logs; or one JSON object a line with `as_json`."""

    def __init__(self, as_json: bool = False) -> None:
        super().__init__()
        self.as_json = as_json
        self._shown = time.monotonic()

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(self, *fault: object) -> None:
        return None

    def planned(self, outline: Outline) -> None:
        super().planned(outline)
        if self.as_json:
            self._json("planned", study=outline.directory, runs=self.runs, recorded=self.done)
        else:
            stages = ", ".join(f"{stage} {count}" for stage, count in self.runs.items())
            recorded = f", {self.done} of them recorded already" if self.done else ""
            self._say(f"study {shlex.quote(outline.directory)}: {self.total} training runs ({stages}){recorded}")

    def extended(self, runs: int, why: str) -> None:
        super().extended(runs, why)
        if self.as_json:
            self._json("extended", runs=runs, why=why)
        else:
            self._say(f"{runs} more runs: {why}")

    def started(self, workers: int, device: str) -> None:
        super().started(workers, device)
        if self.as_json:
            self._json("started", workers=workers, device=device)
        else:
            self._say(f"{_workers(workers)} on {device}")

    def finished(self, trial: FinishedTrial) -> None:
        super().finished(trial)
        if self.as_json:
            for result in trial.results:
                self._json(
                    "run",
                    trial=trial.planned.trial,
                    seed=result.seed,
                    outcome=result.outcome,
                    value=result.value,
                    done=self.done,
                    total=self.total,
                )
        elif time.monotonic() - self._shown > PLAIN_EVERY_SECONDS or self.done == self.total:
            self._shown = time.monotonic()
            outcomes = ", ".join(f"{outcome} {count}" for outcome, count in self.outcomes.most_common())
            best = f", best {self.best[0]:.4g}" if self.best else ""
            self._say(f"{self.done}/{self.total} runs, {_duration(self.left())} left: {outcomes}{best}")

    def checked(self, sentence: str) -> None:
        super().checked(sentence)
        if self.as_json:
            self._json("check", message=sentence)
        else:
            self._say(f"check: {sentence}")

    def stage(self, message: str) -> None:
        super().stage(message)
        if self.as_json:
            self._json("stage", message=message)
        else:
            self._say(message)

    def _json(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), flush=True)

    def _say(self, line: str) -> None:
        print(line, flush=True)


def view_for(console: Console, as_json: bool, redrawn: bool = True) -> LiveView | PlainLines:
    """The view that fits: live in a terminal (where it may be `redrawn`), lines in a log, JSON where asked."""
    if as_json or not redrawn or not console.is_terminal or not sys.stdout.isatty():
        return PlainLines(as_json)
    return LiveView(console)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown time"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
