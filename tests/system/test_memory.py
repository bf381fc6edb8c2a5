"""A small device: trainings that need more memory than they may take end as out_of_memory, and the sweep goes on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from conftest import backtrack

from backtrack import open_study

HUNGRY = """
import numpy
from backtrack import Categorical, FunctionTask

def run(config, seed):
    for epoch in range(3):
        yield {"error": 0.5 + 0.0 * numpy.ones(int(config["mb"]) * 131072).sum() - 0.1 * epoch + 0.01 * seed}

task = FunctionTask(name="hungry", run=run, metric="error", mode="min", chance=1.0,
                    factors=[Categorical("mb", [8, 900]), Categorical("x", [1, 2])])
"""


def test_the_sweep_goes_on_and_the_cause_is_the_size(tmp_path: Path) -> None:
    (tmp_path / "hungry.py").write_text(HUNGRY)
    options = ("--runs", 24, "--stages", "screen", "--study", "s", "--no-mlflow", "--json")
    done = backtrack("sweep", "hungry", "--task", "hungry.py", "--max-memory", "400MB", *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "s")
    rows = study.trials.to_pylist()
    ended = Counter((row["config.mb"], row["outcome"]) for row in rows)
    # Once the screen's first part has shown the cause, the rest of it keeps away from there.
    assert set(ended) == {(8, "ok"), (900, "out_of_memory")} and sum(ended.values()) == 24
    assert ended[900, "out_of_memory"] >= 6
    assert {row["attempt"] for row in rows} == {1}
    assert study.causes.to_pylist()[0]["cause"] == ["mb=900"]
