"""The MLflow view: read back through MLflow's own client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from backtrack import Categorical, SearchSpace
from backtrack.errors import TrackingError
from backtrack.records.directory import Records
from backtrack.views import mlflow as tracking
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import CurvePoint, RunResult

SPACE = SearchSpace((Categorical("optimiser", ["sgd", "adam"]),))


def trial(number: int, outcome: str = "ok", seeds: tuple[int, ...] = (0,)) -> FinishedTrial:
    curve = tuple(CurvePoint(step, float(step), "error", 1 / step, 0.1 * step) for step in range(1, 4))
    results = tuple(
        RunResult(
            seed, outcome, 0.3, 3, 1.0, 0.0, 100, 1.0, "cpu", error="trace" if outcome != "ok" else "", curve=curve
        )
        for seed in seeds
    )
    planned = PlannedTrial(f"screen-{number:05d}", "screen", SPACE.config({"optimiser": "adam"}), seeds)
    return FinishedTrial(planned, results, 1, "node", 1000.0 + number)


def begun(place: Path, study: str) -> Records:
    manifest = {
        "study": study, "factors": [describe_factor(factor) for factor in SPACE],
        "runs": 4, "seed": 0, "alpha": 0.05,
        "task": {"name": "toy", "metric": "error", "mode": "min"}, "stages": {"screen": 4},
    }  # fmt: skip
    return Records.create(place, SPACE, manifest)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return begun(tmp_path / "study", "abc123")


def client(records: Records) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri=tracking.tracking_uri(records))


def runs(records: Records) -> dict[str, mlflow.entities.Run]:
    own = client(records)
    experiment = own.get_experiment_by_name("toy")
    return {run.info.run_name: run for run in own.search_runs([experiment.experiment_id])}


def test_a_study_is_a_parent_with_a_child_for_every_trial(records: Records) -> None:
    records.append(trial(0))
    records.append(trial(1, "diverged"))
    records.append(trial(2, seeds=(5, 6)))
    records.write("report/summary.md", b"## the ranking")
    records.write("report/plots/a.png", b"png")
    assert tracking.sync(records) == 3
    found = runs(records)
    parent = found.pop("toy abc123")
    assert parent.data.tags["mlflow.note.content"] == "## the ranking"
    assert set(found) == {"screen-00000", "screen-00001", "screen-00002"}
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parent.info.run_id}
    first, failed, twice = (found[f"screen-0000{number}"] for number in range(3))
    assert first.data.params == {"optimiser": "adam", "seeds": "0"}
    assert (first.data.tags["stage"], first.data.tags["outcome"]) == ("screen", "ok")
    assert first.data.metrics["final_error"] == 0.3
    assert (first.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert failed.data.tags["error"] == "trace"
    history = client(records).get_metric_history(first.info.run_id, "error")
    assert [(point.step, round(point.value, 3)) for point in history] == [(1, 1.0), (2, 0.5), (3, 0.333)]
    assert {"error.seed5", "error.seed6"} <= set(twice.data.metrics)
    artifacts = client(records).list_artifacts(parent.info.run_id, "report")
    assert {artifact.path for artifact in artifacts} == {"report/summary.md", "report/plots"}


def test_a_second_pass_writes_what_is_missing_and_no_doubles(records: Records) -> None:
    records.append(trial(0))
    assert tracking.sync(records) == 1
    records.append(trial(1))
    assert tracking.sync(records) == 1
    assert tracking.sync(records) == 0
    assert len(runs(records)) == 3


def test_the_page_of_a_study_is_that_of_its_experiment(records: Records) -> None:
    assert tracking.page_of(records) == ""
    records.append(trial(0))
    tracking.sync(records)
    (own,) = [one for one in client(records).search_experiments() if one.name != "Default"]
    assert tracking.page_of(records).startswith(f"/#/experiments/{own.experiment_id}/runs")


def test_what_an_interrupted_writer_left_half_is_written_again(records: Records) -> None:
    records.append(trial(0))
    tracking.sync(records)
    own = client(records)
    run = runs(records)["screen-00000"]
    own.update_run(run.info.run_id, status="RUNNING")
    assert tracking.sync(records) == 1
    again = runs(records)
    assert len(again) == 2
    assert again["screen-00000"].info.run_id != run.info.run_id


def test_a_dead_server_is_an_error_that_says_what_to_do(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    records.append(trial(0))
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9 cannot be written.*backtrack sync"):
        tracking.sync(records)
    assert records.trials().num_rows == 1


def test_following_a_study_writes_everything_until_the_end(records: Records) -> None:
    records.append(trial(0))
    follower = tracking.follow(records)
    records.append(trial(1))
    assert follower.finish() == ""
    assert {"screen-00000", "screen-00001"} <= set(runs(records))


def test_studies_that_begin_at_once_share_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    studies = [begun(tmp_path / name, name) for name in ("one", "two", "three")]
    for study in studies:
        study.append(trial(0))
    followers = [tracking.follow(study) for study in studies]
    for follower in followers:
        # To all before any is waited for.
        follower._process.stdin.write(b"end\n")
        follower._process.stdin.flush()
    assert [follower.finish() for follower in followers] == ["", "", ""]
    (experiment,) = [one for one in client(studies[0]).search_experiments() if one.name == "toy"]
    parents = client(studies[0]).search_runs([experiment.experiment_id], "tags.`backtrack.parent` = 'true'")
    assert {run.data.tags["backtrack.study"] for run in parents} == {"one", "two", "three"}


def test_following_to_a_dead_server_ends_with_a_hint(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    records.append(trial(0))
    hint = tracking.follow(records).finish()
    assert "could not be written" in hint
    assert f"backtrack sync {records.location}" in hint


def test_a_follower_that_takes_too_long_leaves_no_process_and_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "PATIENCE_SECONDS", 0.2)
    log = tmp_path / "log"
    log.touch()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.PIPE)
    assert "took more than" in tracking.Follower(process, log, "studies/x").finish()
    assert process.returncode is not None, "it was waited for"
    assert not log.exists()
