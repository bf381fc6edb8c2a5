"""Hydra multirun folders: a folder a job, with `.hydra/overrides.yaml`, a log, and what the program wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from backtrack.readers.names import number_from
from backtrack.readers.past_runs import ENDED, FAILED, PastRun, PastRuns
from backtrack.watch.printed import read_line

ORDER = 25
# Hydra's own sweeper runs every combination that was typed.
SWEEPERS = {"BasicSweeper": "grid"}
# In front of what a program logs: `[2026-01-01 10:00:00,000][train][INFO] - `.
PREFIX = re.compile(r"^(?:\[[^\]]*\])+\s*-?\s*")
# Of a log, so much is read.
MOST_LOG = 4_000_000


def reads(source: str) -> bool:
    """Whether `source` is a folder with jobs of Hydra."""
    return Path(source).is_dir() and any(Path(source).glob("**/.hydra/overrides.yaml"))


def read(source: str, experiment: str | None = None) -> PastRuns:
    """The jobs of a multirun: overrides are settings; numbers come from JSON files and the log of each job.

    Args:
        source: the multirun's folder, or one above it.
        experiment: a folder inside `source`, where that holds several.
    """
    root = Path(source) / experiment if experiment else Path(source)
    jobs = sorted((file.parents[1] for file in root.glob("**/.hydra/overrides.yaml")), key=_place)
    sweepers = {_sweeper(job) for job in jobs}
    told = SWEEPERS.get(sweepers.pop(), "") if len(sweepers) == 1 else ""
    return PastRuns("a Hydra multirun", source, [_run(job, place) for place, job in enumerate(jobs)], sampler=told)


def _place(job: Path) -> tuple[str, int, str]:
    """Jobs in the order in which Hydra numbers them."""
    return str(job.parent), int(job.name) if job.name.isdecimal() else -1, job.name


def _sweeper(job: Path) -> str:
    file = job / ".hydra" / "hydra.yaml"
    if not file.exists():
        return ""
    found: Any = yaml.safe_load(file.read_text()) or {}
    target = str(found.get("hydra", {}).get("sweeper", {}).get("_target_", ""))
    return target.rpartition(".")[2]


def _run(job: Path, place: int) -> PastRun:
    typed = yaml.safe_load((job / ".hydra" / "overrides.yaml").read_text()) or []
    settings: dict[str, object] = {}
    for override in typed:
        name, sign, value = str(override).partition("=")
        if sign:
            settings[name.lstrip("+~")] = yaml.safe_load(value) if value else ""
    curves, died = _log(job)
    numbers = {name: points[-1][1] for name, points in curves.items()} | _files(job)
    return PastRun(
        name=str(job.name),
        settings=settings,
        numbers=numbers,
        state=FAILED if died or not numbers else ENDED,
        curves={name: points for name, points in curves.items() if len(points) > 1},
        order=float(place),
        error=died,
    )


def _log(job: Path) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """Numbers over time that a job's log shows, and the last line of its trace where it died."""
    curves: dict[str, list[tuple[float, float]]] = {}
    died = ""
    for file in sorted(job.glob("*.log")):
        lines = file.read_text(errors="replace")[-MOST_LOG:].splitlines()
        for line in lines:
            printed = read_line(PREFIX.sub("", line))
            for name, value in printed.values.items():
                points = curves.setdefault(name, [])
                step = printed.epoch if printed.epoch is not None else printed.step
                points.append((float(len(points)) if step is None else step, value))
        if any(line.startswith("Traceback (most recent call last)") for line in lines):
            died = next(line for line in reversed(lines) if line.strip())
    return curves, died


def _files(job: Path) -> dict[str, float]:
    """Numbers of the JSON files that a job wrote."""
    found: dict[str, float] = {}
    for file in sorted(job.glob("*.json")):
        try:
            content = json.loads(file.read_text())
        except ValueError:
            continue
        if isinstance(content, dict):
            found |= {name: number for name, value in content.items() if (number := number_from(value)) is not None}
    return found
