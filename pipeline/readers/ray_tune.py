"""Ray Tune results folders: a folder a trial, with `params.json` and `result.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from backtrack.readers.names import flat, number_from
from backtrack.readers.past_runs import ENDED, FAILED, RUNNING, PastRun, PastRuns

ORDER = 30
# What Tune itself writes beside the numbers of a training.
OWN = ("time_this_iter_s", "time_total_s", "time_since_restore", "timestamp", "pid", "iterations_since_restore",
       "training_iteration", "done", "node_ip", "hostname", "date", "trial_id", "should_checkpoint",
       "checkpoint_dir_name", "timesteps_total", "episodes_total", "warmup_time",
       "timesteps_since_restore")  # fmt: skip


def reads(source: str) -> bool:
    """Whether `source` is a folder with trials of Tune."""
    path = Path(source)
    return path.is_dir() and any(path.glob("**/params.json"))


def read(source: str, experiment: str | None = None) -> PastRuns:
    """The trials of a results folder, with the curves that they reported.

    Args:
        source: the experiment's folder, or one above it.
        experiment: the experiment's folder, where `source` holds several.
    """
    root = Path(source) / experiment if experiment else Path(source)
    runs = [_run(file.parent) for file in sorted(root.glob("**/params.json"))]
    return PastRuns("a Ray Tune results folder", source, runs)


def _run(folder: Path) -> PastRun:
    reports = _lines(folder / "result.json")
    settings = dict(flat(json.loads((folder / "params.json").read_text()), "/"))
    curves: dict[str, list[tuple[float, float]]] = {}
    for place, report in enumerate(reports):
        step = float(report.get("training_iteration", place + 1))
        for name, value in flat(report, "/"):
            number = number_from(value)
            if number is not None and name not in OWN and not name.startswith("config/"):
                curves.setdefault(name, []).append((step, number))
    last = reports[-1] if reports else {}
    error = folder / "error.txt"
    began = last.get("timestamp", 0) - float(last.get("time_total_s", 0)) if last else None
    state = FAILED if error.exists() else ENDED if last.get("done", bool(reports)) else RUNNING
    return PastRun(
        name=str(last.get("trial_id", folder.name)),
        settings=settings,
        numbers={name: points[-1][1] for name, points in curves.items()},
        state=state,
        curves={name: points for name, points in curves.items() if len(points) > 1},
        order=began,
        seconds=number_from(last.get("time_total_s")),
        error=error.read_text(errors="replace")[-4000:] if error.exists() else "",
    )


def _lines(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    found = []
    for line in file.read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            # The last line of a trial that was killed while it wrote.
            break
    return found
