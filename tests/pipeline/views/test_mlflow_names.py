from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrack import Categorical, FunctionTask, sweep
from backtrack.records.directory import Records
from backtrack.views.mlflow import sync
from backtrack.views.mlflow_names import from_mlflow, to_mlflow

HARD = ["acc@1", "a_x40_1", "../up", "a//b", "/root", ".", "", " ", "ünder", "f1 (macro)", "p<.05", "a/", "x=y"]


@pytest.mark.parametrize("name", HARD)
def test_hard_names_come_back(name: str) -> None:
    assert from_mlflow(to_mlflow(name)) == name


@given(st.text(max_size=20))
def test_every_name_comes_back(name: str) -> None:
    assert from_mlflow(to_mlflow(name)) == name


def test_ordinary_names_stay() -> None:
    for name in ("error", "mrr/food", "symptom/dead_units", "valid loss", "a.b-c"):
        assert to_mlflow(name) == name


def test_a_metric_called_acc_at_1_does_not_end_tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = [name for name in HARD if name.strip()]
    task = FunctionTask(
        name="box",
        run=lambda config, seed: iter([{"acc@1": 0.1 * epoch, **dict.fromkeys(names, 1.0)} for epoch in range(3)]),
        metric="acc@1",
        mode="max",
        factors=[Categorical("a", [1, 2]), Categorical("b", [1, 2])],
    )
    study = sweep(task, 4, tmp_path / "s", here=True, track=False, stages=["screen=4"], keep_going=True)
    assert sync(Records.open(study.directory)) == 4
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [one for one in client.search_experiments() if one.name == "box"]
    runs = client.search_runs([experiment.experiment_id], "tags.`backtrack.parent` = 'false'")
    assert len(runs) == 4
    for one in runs:
        assert {from_mlflow(name) for name in one.data.metrics} >= {*names, "final_acc@1"}
