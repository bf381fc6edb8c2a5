"""The two engines held against each other: the same plans, the same records."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from conftest import backtrack

from backtrack import Resources, Study, load_task, open_study, sweep

# What two machines, or two runs on one, may differ in.
TIMES = {"seconds", "warmup_seconds", "peak_memory", "ended", "node", "symptoms"}


def compared(study: Study) -> tuple[pa.Table, pa.Table]:
    trials, curves = study.trials, study.curves
    columns = [name for name in trials.column_names if name not in TIMES]
    names = curves.filter(pa.compute.invert(pa.compute.is_in(curves["name"], pa.array(TIMED))))
    return trials.select(columns), names.drop_columns(["seconds"])


TIMED = ["symptom/slow_first_call", "symptom/starved_device"]


@pytest.mark.slow
def test_squirrel_here_and_on_ray_have_equal_records(tmp_path: Path) -> None:
    # A fourteenth of the lines, for time; with all of them it holds as well.
    small = ("--runs", 20, "--set", "rows=300", "--set", "valid_rows=150", "--no-mlflow")
    for name, options in (("here", ["--here"]), ("ray", [])):
        done = backtrack("sweep", "squirrel", *small, "--study", name, *options, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    studies = [open_study(tmp_path / name) for name in ("here", "ray")]
    assert [study.trials.num_rows for study in studies] == [20, 20]
    # All stages, but the search: what it suggests rests on the results so far, and two workers are two at a time.
    here, ray = ([_without_search(table) for table in compared(study)] for study in studies)
    assert here[0].num_rows == 19
    assert here[0].equals(ray[0])
    assert here[1].equals(ray[1])


def _without_search(table: pa.Table) -> pa.Table:
    return table.filter(pa.compute.invert(pa.compute.starts_with(table["trial"], "search-")))


def test_every_stage_of_a_black_box_has_equal_records(tmp_path: Path, task_file: Path) -> None:
    """All stages, but the search: there each trial sees the results so far, and two workers are two at a time."""
    task = load_task(str(task_file))
    stages = ["screen=60", "confirm=30", "claims=10", "backtrack=40"]
    here = sweep(task, 140, tmp_path / "here", stages=stages, here=True, track=False)
    ray = sweep(task, 140, tmp_path / "ray", stages=stages, resources=Resources(workers=2), track=False)
    assert {row["part"] for row in here.trials.to_pylist()} >= {"design", "pair", "flip", "probe"}
    assert compared(here)[0].equals(compared(ray)[0])
    for name in ("factors", "levels", "interactions", "causes", "claims"):
        assert here.table(name).equals(ray.table(name)) or name in ("factors", "levels", "interactions"), name
    both = [study.causes.to_pylist() for study in (here, ray)]
    assert both[0] == both[1] and both[0][0]["verified"]
