"""What a study's manifest says about its task, its software and its machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from backtrack.task import ScriptTask, Task, TorchTask
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.goals import described_goals

PACKAGES = ("backtrack-sweep", "torch", "ray", "optuna", "mlflow", "pyarrow", "numpy", "scipy")


def describe_task(task: Task) -> dict[str, Any]:
    """The task as the manifest keeps it: where it is found again, and what was set for it.

    Args:
        task: the task; one that was made in Python has no source, and has to be given again to `resume`.
    """
    source = "object"
    held = [describe_factor(factor) for factor in task.factors if factor.name in task.fixed]
    if task.source is not None:
        source = str(task.source.file) if task.source.file is not None else "builtin"
    elif isinstance(task, ScriptTask):
        source = "script"
    return {
        "name": task.name,
        "kind": kind_of(task),
        "source": source,
        "sha256": digest_of(task),
        "options": {"epochs": task.epochs, **task.options} if isinstance(task, TorchTask) else dict(task.options),
        "fixed": dict(task.fixed),
        "thresholds": dict(task.thresholds),
        "metric": task.metric,
        "unit": getattr(task, "unit", "epoch"),
        "mode": task.mode,
        "description": task.description,
        **(
            {"changes": {"names": list(task.changes.names), "anatomy": dict(task.changes.anatomy)}}
            if task.changes.names
            else {}
        ),
        **({"goals": described_goals(task.goals)} if task.goals else {}),
        **({"script": task.described(), "held": held} if isinstance(task, ScriptTask) else {}),
    }


def digest_of(task: Task) -> str:
    """Hash of the file that says what is trained: the task file, or the script; empty where there is none."""
    if isinstance(task, ScriptTask):
        return task.digest
    return task.source.digest if task.source is not None else ""


def kind_of(task: Task) -> str:
    """torch, script or function."""
    return "torch" if isinstance(task, TorchTask) else "script" if isinstance(task, ScriptTask) else "function"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide results, and the git commit of the working directory."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    found["git"] = _git_commit()
    return found


def describe_machine() -> dict[str, Any]:
    """The driver's machine: where it is, and what it has."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "processor": _processor(),
    }


def _git_commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
