"""W&B exports: the folder `wandb` that runs leave beside a script. (A table exported from its page is a table.)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from backtrack.readers.names import flat, number_from
from backtrack.readers.past_runs import ENDED, FAILED, PastRun, PastRuns

ORDER = 40


def reads(source: str) -> bool:
    """Whether `source` is a folder with runs of W&B."""
    return bool(_folders(Path(source))) if Path(source).is_dir() else False


def _folders(root: Path) -> list[Path]:
    return sorted(file.parent for file in root.glob("**/files/config.yaml"))


def read(source: str, experiment: str | None = None) -> PastRuns:
    """The runs whose configs and summaries lie in the folder.

    Args:
        source: the folder.
        experiment: not used.
    """
    runs = [_run(folder, place) for place, folder in enumerate(_folders(Path(source)))]
    return PastRuns("a W&B folder", source, runs)


def _run(folder: Path, place: int) -> PastRun:
    config = yaml.safe_load((folder / "config.yaml").read_text()) or {}
    own = {
        str(key): entry["value"] if isinstance(entry, Mapping) and "value" in entry else entry
        for key, entry in config.items()
        if not str(key).startswith(("_", "wandb"))
    }
    settings = dict(flat(own, "."))
    file = folder / "wandb-summary.json"
    summary: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    numbers = {
        name: number
        for name, value in summary.items()
        if not name.startswith("_") and (number := number_from(value)) is not None
    }
    return PastRun(
        name=folder.parent.name,
        settings=settings,
        numbers=numbers,
        # A run that ended without a summary has died.
        state=ENDED if numbers else FAILED,
        order=number_from(summary.get("_timestamp")) or float(place),
        seconds=number_from(summary.get("_runtime")),
    )
