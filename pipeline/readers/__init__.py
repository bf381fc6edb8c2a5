"""Runs that exist: one reader a file. Adding a reader is adding a file here.

A reader's file holds `reads(source)`, which says whether a source is its kind, and `read(source, experiment)`, which
gives its runs as `PastRuns`. `ORDER` says when it is asked: the lower, the earlier.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from backtrack.errors import DataError
from backtrack.readers.past_runs import PastRun, PastRuns, Scale

__all__ = ["PastRun", "PastRuns", "Scale", "read_runs"]

# What is no reader.
_OTHERS = ("past_runs", "mapping", "as_rows", "names", "scales")


@cache
def _readers() -> tuple[ModuleType, ...]:
    """Every reader, in the order in which they are asked."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _OTHERS)
    found = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted(found, key=lambda reader: int(reader.ORDER)))


def read_runs(source: str, experiment: str | None = None) -> PastRuns:
    """The runs that a file, folder or storage holds.

    Args:
        source: a path, or a storage's URL such as `sqlite:///study.db`.
        experiment: which of its studies or experiments, where it holds several.

    Raises:
        DataError: where nothing is there, no reader knows it, or it holds no run.

    Example:
        >>> read_runs("nowhere.csv")
        Traceback (most recent call last):
        ...
        backtrack.errors.DataError: nowhere.csv does not exist; expected a file, folder or storage with runs
    """
    if "://" not in source and not Path(source).exists():
        raise DataError(f"{source} does not exist; expected a file, folder or storage with runs")
    for reader in _readers():
        if reader.reads(source):
            found: PastRuns = reader.read(source, experiment)
            if not found.runs:
                raise DataError(f"{source} ({found.kind}) holds no run; expected at least one")
            return found
    raise DataError(
        f"{source}: no reader knows this; expected a table of runs (.csv, .parquet, .jsonl), an Optuna storage, an "
        "MLflow store, a Ray Tune results folder, a W&B export, or a Hydra multirun folder"
    )
