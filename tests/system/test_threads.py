"""Trainings that may take every core are not put beside each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from backtrack import Categorical, FunctionTask, sweep
from backtrack.vocabulary.machine import usable_cpus


def test_trainings_with_threads_do_not_share_their_cores(tmp_path: Path) -> None:
    def run(config: dict[str, Any], seed: int) -> Iterator[dict[str, float]]:
        started = time.time()
        time.sleep(0.3)
        (tmp_path / f"{started}").write_text(f"{time.time()}")
        yield {"error": 0.1 * seed}

    threads = (
        Categorical("threads", sorted({1, usable_cpus()})) if usable_cpus() > 1 else Categorical("threads", [1, 2])
    )
    task = FunctionTask("busy", run, "error", "min", [threads, Categorical("order", ["a", "b"])], chance=1.0)
    sweep(task, 8, tmp_path / "study", stages=["screen"], track=False)
    spans = sorted((float(file.name), float(file.read_text())) for file in tmp_path.glob("[0-9]*"))
    assert len(spans) == 10, "eight trainings, and the two trial runs before them"
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
