"""The example of a training over several workers, by Ray Train inside a trial (here two on the CPU)."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import backtrack

from backtrack import open_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "several_gpus.py"


@pytest.mark.cluster
@pytest.mark.slow
def test_a_trial_trains_over_two_workers(tmp_path: Path) -> None:
    options = ("--runs", 1, "--stages", "search", "--workers", 1, "--study", "s", "--no-mlflow", "--json")
    done = backtrack("sweep", "several_gpus", "--task", EXAMPLE, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "s")
    (row,) = study.trials.to_pylist()
    assert row["outcome"] in ("ok", "no_learning"), row["error"]
    points = study.curves.to_pylist()
    assert {point["value"] for point in points if point["name"] == "workers"} == {2.0}
    assert len([point for point in points if point["name"] == "error"]) == 4
