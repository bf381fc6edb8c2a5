"""A new study: its directory, and the manifest that says what was asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtrack.records.directory import Records
from backtrack.records.manifest import describe_machine, describe_task, versions
from backtrack.task import Task
from backtrack.vocabulary.as_json import describe_factor


def make_study(
    task: Task,
    directory: str | Path,
    runs: int,
    stages: Mapping[str, int],
    seed: int,
    alpha: float,
    track: bool = True,
    **more: Any,
) -> Records:
    """A new study directory with its manifest; arguments as for `sweep`, `stages` with the runs of each.

    Args:
        more: further fields of the manifest.

    Raises:
        StudyError: where the place is taken or cannot be written.
    """
    manifest = {
        "study": secrets.token_hex(4),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "task": describe_task(task),
        "factors": [describe_factor(factor) for factor in task.space],
        "runs": runs,
        "stages": dict(stages),
        "seed": seed,
        "alpha": alpha,
        "tracked": track,
        "versions": versions(),
        "machine": describe_machine(),
        **more,
    }
    return Records.create(directory, task.space, manifest)
