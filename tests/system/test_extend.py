"""Studies that go on, through the commands."""

from __future__ import annotations

import json
import shutil
import time

import pytest
from typer.testing import CliRunner

from backtrack import PlanError, Progress, StudyError, extend, open_study, resume, sweep
from backtrack.cli.main import app
from backtrack.task import load_task

TASK = """
import random
from backtrack import Categorical, FunctionTask, Numeric

def run(config, seed):
    draw = random.Random(f"{seed}{sorted(config.items())}")
    if config["optimiser"] == "lbfgs" and config["dropout"] > 0.25:
        raise RuntimeError("needs a closure")
    yield {"error": (0.3 if config["lr"] > 0.01 else 0.0) + 0.05 * draw.gauss(0, 1)}

task = FunctionTask(name="mine", run=run, metric="error", mode="min", chance=3.0, factors=[
    Numeric("lr", 1e-4, 1, log=True), Numeric("dropout", 0, 0.5), Categorical("optimiser", ["sgd", "adam", "lbfgs"])])
"""


@pytest.fixture
def task(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(TASK)
    return load_task(str(file))


def test_more_runs_for_a_complete_study(task, tmp_path):
    study = sweep(task, runs=40, directory=tmp_path / "study", here=True, track=False)
    assert study.trials.num_rows == 40
    verified = [cause["verified"] for cause in study.causes.to_pylist()]
    longer = extend(tmp_path / "study", runs=50, here=True)
    assert longer.trials.num_rows == 90
    one = longer.records.manifest["extensions"][0]
    assert one["runs"] == one["evidence"] + one["flips"] == 50
    assert any(cause["verified"] for cause in longer.causes.to_pylist()) or not verified
    # Nothing is left to resume; a second extension is another look.
    assert resume(tmp_path / "study", here=True).trials.num_rows == 90
    assert extend(tmp_path / "study", runs=10, here=True).trials.num_rows == 100


def test_failures_that_only_an_extension_shows_get_their_cause(tmp_path, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text(
        TASK.replace("import random\n", "import os, random\n")
        .replace(
            'if config["optimiser"] == "lbfgs" and config["dropout"] > 0.25:',
            'if os.environ.get("FULL") and config["optimiser"] == "lbfgs":',
        )
        .replace('0.3 if config["lr"] > 0.01 else 0.0', "1.0")
    )
    study = sweep(load_task(str(file)), runs=40, directory=tmp_path / "study", here=True, track=False)
    assert not study.causes.num_rows and not any(study.trials["error"].to_pylist())
    # A disk that has run full since, say.
    monkeypatch.setenv("FULL", "1")
    longer = extend(tmp_path / "study", runs=60, here=True)
    assert longer.trials.num_rows == 100
    assert longer.records.manifest["extensions"][0]["flips"] == 15
    (cause,) = longer.causes.to_pylist()
    assert cause["verified"] and "optimiser=lbfgs" in str(cause)


def test_a_study_stops_by_itself(task, tmp_path):
    study = sweep(task, runs=200, directory=tmp_path / "study", until="decided", here=True, track=False)
    assert 80 <= study.trials.num_rows < 200
    lr = next(row for row in study.factors.to_pylist() if (row["response"], row["factor"]) == ("gain", "lr"))
    assert lr["verdict"] == "active"
    assert study.records.manifest["open"]["used"] == study.trials.num_rows - 80


def test_a_budget_that_was_not_used_up_ends_with_its_study(task, tmp_path):
    rows = sweep(task, runs=200, directory=tmp_path / "study", until="decided", here=True, track=False).trials.num_rows
    assert extend(tmp_path / "study", runs=8, here=True).trials.num_rows == rows + 8
    # Without that, it would look again with what was left of the 200.
    assert resume(tmp_path / "study", here=True).trials.num_rows == rows + 8


def test_time_instead_of_runs(task, tmp_path, monkeypatch):
    class Clock:
        """Five seconds pass with each run that is recorded."""

        strftime, gmtime = staticmethod(time.strftime), staticmethod(time.gmtime)

        @staticmethod
        def monotonic() -> float:
            return 5.0 * len(list((tmp_path / "study" / "trials").glob("*.parquet")))

    monkeypatch.setattr("backtrack.running.sweeping.time", Clock)
    monkeypatch.setattr("backtrack.running.further.time", Clock)
    monkeypatch.setattr("backtrack.running.further.pace_of", lambda finished, workers: 5.0)
    study = sweep(task, directory=tmp_path / "study", hours=600 / 3600, here=True, track=False)
    # 120 runs fit; part of the time is kept for the report, and the last runs are not begun.
    assert study.complete and 100 <= study.trials.num_rows <= 120
    extensions = study.records.manifest["extensions"]
    assert len(extensions) > 1 and extensions[0]["spent"] == 0.8 and extensions[-1]["spent"] == 0.9


def test_what_cannot_be_is_said_beforehand(task, tmp_path):
    sweep(task, runs=24, directory=tmp_path / "study", here=True, track=False)
    with pytest.raises(PlanError, match="either runs or hours"):
        extend(tmp_path / "study")
    with pytest.raises(PlanError, match="no factor 'lrr'; it has lr, dropout, optimiser"):
        extend(tmp_path / "study", runs=10, ask=["lrr"])
    (tmp_path / "mine.py").write_text(TASK + "\n# another line\n")
    with pytest.raises(StudyError, match="has changed since"):
        extend(tmp_path / "study", runs=10, here=True)
    blocked = extend(tmp_path / "study", runs=10, as_block=True, here=True)
    seeds = {row["part"]: set() for row in blocked.trials.to_pylist()}
    for row in blocked.trials.to_pylist():
        seeds[row["part"]].add(row["seed"])
    assert not seeds["more"] & seeds["design"]


def test_the_report_prints_the_command(task, tmp_path):
    sweep(task, runs=40, directory=tmp_path / "study", here=True, track=False)
    told = CliRunner().invoke(app, ["report", str(tmp_path / "study")]).output
    assert "backtrack extend" in told
    done = CliRunner().invoke(
        app,
        ["extend", str(tmp_path / "study"), "--runs", "12", "--ask", "lr", "--here", "--json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.splitlines()[-1])["complete"]
    assert open_study(tmp_path / "study").trials.num_rows == 52


NORM = 'Categorical("norm", ["none", "batch"], was="none"), '


def test_the_question_may_change(task, tmp_path):
    file = tmp_path / "mine.py"
    sweep(task, runs=48, directory=tmp_path / "study", here=True, track=False, stages=["screen", "backtrack"])
    changed = TASK.replace("factors=[", f"factors=[{NORM}").replace(
        '["sgd", "adam", "lbfgs"]', '["sgd", "adam", "lion"]'
    )
    changed = changed.replace("1e-4, 1, log=True", "1e-3, 1, log=True")
    file.write_text(changed.replace("0.05 * draw", "0.2 * (config['norm'] == 'batch') + 0.05 * draw"))
    told: list[str] = []

    class Told(Progress):
        def stage(self, message: str) -> None:
            told.append(message)

    with pytest.raises(StudyError, match="has changed since"):
        extend(tmp_path / "study", runs=10, here=True)
    longer = extend(tmp_path / "study", runs=40, same_training=True, here=True, progress=Told())
    text = " ".join(told)
    assert "norm is new: the runs so far count at none" in text and "optimiser has new levels: lion" in text
    assert "lr has a narrower range, 0.001 to 1; runs outside of it are left out" in text
    rows = longer.trials.to_pylist()
    # What the extension drew afresh, and what it asked about a cause that these runs show, varies the new factor.
    old = [row for row in rows if row["stage"] == "screen" and row["part"] != "more"]
    assert old and {row["config.norm"] for row in old} == {"none"}
    assert all(row["config.lr"] >= 1e-3 and row["config.optimiser"] != "lbfgs" for row in rows)
    assert {row["config.optimiser"] for row in rows if row["part"] == "more"} == {"sgd", "adam", "lion"}
    norm = next(row for row in longer.factors.to_pylist() if (row["response"], row["factor"]) == ("gain", "norm"))
    assert norm["verdict"] == "active"
    # The files keep every run.
    assert f"{len(old)} of 48 runs still belong" in text and resume(
        tmp_path / "study", here=True
    ).trials.num_rows == len(rows)


def test_a_factor_may_be_held(task, tmp_path):
    sweep(task, runs=40, directory=tmp_path / "study", here=True, track=False, stages=["screen"])
    held = task.with_fixed({"optimiser": "adam"})
    longer = extend(tmp_path / "study", runs=20, task=held, here=True)
    assert "config.optimiser" not in longer.trials.column_names
    assert 30 < longer.trials.num_rows < 40
    with pytest.raises(StudyError, match="say which level its runs so far had"):
        extend(tmp_path / "study", runs=20, task=task, here=True)


def test_a_copied_study_finds_its_task_beside_it(task, tmp_path):
    sweep(task, runs=24, directory=tmp_path / "here" / "study", here=True, track=False, stages=["screen"])
    away = tmp_path / "away"
    shutil.copytree(tmp_path / "here" / "study", away / "study")
    shutil.move(tmp_path / "mine.py", away / "mine.py")
    assert extend(away / "study", runs=8, here=True).trials.num_rows == 32
