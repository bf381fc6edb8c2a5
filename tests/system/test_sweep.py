"""One whole sweep through real Ray, Optuna and MLflow, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import pyarrow.parquet as pq
import pytest
from conftest import TASK, backtrack

from backtrack import Categorical, Composite, FunctionTask, Resources, load_task, open_study, sweep

# Enough that backtracking leaves some over.
RUNS = 120
REPORT = {
    "factors.parquet": "response factor rank effect low high unit p_adjusted verdict runs runs_to_decide best_level",
    "levels.parquet": "response factor level mean low high runs",
    "interactions.parquet": "response factor_a factor_b effect low high p_adjusted verdict",
    "causes.parquet": "outcome cause share fails_with fails_without flips verified",
    "claims.parquet": "claim source factor contrast effect low high verdict",
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "toy.py").write_text(TASK)
    done = backtrack("sweep", "toy", "--task", "toy.py", "--runs", RUNS, "--study", "s", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_it_prints_ranking_and_where_to_look(swept) -> None:
    _, printed = swept
    assert "order=forward and readout=last" in printed
    assert "s/report/report.html" in printed
    assert "backtrack ui s" in printed
    assert "failure: what makes trainings fail" in printed


def test_every_training_run_is_recorded(swept) -> None:
    folder, _ = swept
    trials = pq.read_table(folder / "s" / "trials").to_pylist()
    stages = json.loads((folder / "s" / "manifest.json").read_text())["stages"]
    assert len(trials) == sum(stages.values()) == RUNS
    found = {stage: sum(row["stage"] == stage for row in trials) for stage in stages}
    extended = sum(row["trial"].startswith("extension") for row in trials)
    # What backtracking leaves over makes the screen larger: it is too little to confirm anything.
    assert {**found, "screen": found["screen"] - extended, "backtrack": found["backtrack"] + extended} == stages
    assert {row["outcome"] for row in trials} == {"ok", "no_learning"}
    assert all((row["config.momentum"] is None) == (row["config.optimiser"] == "adam") for row in trials)
    curves = pq.read_table(folder / "s" / "curves")
    assert curves.num_rows == RUNS * 5


def test_the_report_has_the_tables_of_the_design(swept) -> None:
    folder, _ = swept
    for name, columns in REPORT.items():
        assert set(columns.split()) <= set(pq.read_table(folder / "s" / "report" / name).column_names), name
    best = json.loads((folder / "s" / "report" / "best.json").read_text())
    assert {"config", "value", "interval", "trial"} <= set(best)


def test_it_names_what_is_true(swept) -> None:
    folder, _ = swept
    study = open_study(folder / "s")
    (cause,) = study.causes.to_pylist()
    assert cause["cause"] == ["order=forward", "readout=last"]
    assert cause["verified"]
    # Three each way, and more where a further seed of the study had not been tried.
    assert cause["flips"] >= 6
    gain = [row for row in study.factors.to_pylist() if row["response"] == "gain"]
    assert [row["factor"] for row in gain if row["verdict"] == "active"] == ["optimiser"]
    assert study.claims["verdict"].to_pylist() == ["supported"]
    best = study.best
    assert best is not None
    assert best["config"]["optimiser"] == "adam"


def test_the_search_saw_the_screen_and_failures_as_bad_values(swept) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    folder, _ = swept
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(str(folder / "s" / "optuna" / "journal.log")))
    study = optuna.load_study(study_name="search", storage=storage)
    trials = open_study(folder / "s").trials.to_pylist()
    assert len(study.trials) == RUNS
    assert {trial.state.name for trial in study.trials} == {"COMPLETE"}
    assert any(row["trial"].startswith("extension") for row in trials)
    assert sum(trial.value > 1.0 for trial in study.trials) == sum(row["outcome"] != "ok" for row in trials)
    searched = [row for row in trials if row["stage"] == "search"]
    screened = [row for row in trials if row["stage"] == "screen"]

    def share(rows: list) -> float:
        return sum(row["outcome"] != "ok" for row in rows) / len(rows)

    assert share(searched) < share(screened)


def test_mlflow_has_parent_children_curves_and_the_report(swept) -> None:
    folder, _ = swept
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("toy")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == RUNS
    assert "order=forward and readout=last" in parent.data.tags["mlflow.note.content"]
    assert parent.info.status == "FINISHED"
    assert {"report/report.html", "report/plots"} <= {
        artifact.path for artifact in client.list_artifacts(parent.info.run_id, "report")
    }
    child = next(run for run in children if run.info.run_name == "screen-00003")
    assert len(client.get_metric_history(child.info.run_id, "error")) == 5
    assert set(child.data.params) >= {"optimiser", "order", "readout", "lr", "seeds"}


def test_reporting_again_gives_the_same_bytes(swept) -> None:
    folder, _ = swept
    report = folder / "s" / "report"
    before = {file.relative_to(report): file.read_bytes() for file in report.rglob("*") if file.is_file()}
    done = backtrack("report", "s", folder=folder)
    assert done.returncode == 0, done.stderr
    after = {file.relative_to(report): file.read_bytes() for file in report.rglob("*") if file.is_file()}
    assert before == after


def test_the_page_is_self_contained(swept) -> None:
    folder, _ = swept
    page = (folder / "s" / "report" / "report.html").read_text()
    for loaded in ('src="http', 'href="http', "src='http", "@import", "url("):
        assert loaded not in page
    assert "screen-00003" in page


def test_syncing_again_writes_no_doubles(swept) -> None:
    folder, _ = swept
    done = backtrack("sync", "s", folder=folder)
    assert done.stdout.startswith("0 trials written"), done.stdout + done.stderr


def test_a_complete_study_resumes_to_nothing(swept) -> None:
    folder, _ = swept
    log = folder / "log"
    done = backtrack("resume", "s", "--no-mlflow", folder=folder, RUN_LOG=str(log))
    assert done.returncode == 0, done.stderr
    assert not log.exists()


def test_python_is_the_commands_twin(tmp_path: Path, task_file: Path) -> None:
    """The same task, budget and seed from Python plan the same screen."""
    task = load_task("toy", task_file)
    study = sweep(
        task, runs=24, directory=tmp_path / "s", seed=0, stages=["screen"], resources=Resources(workers=2), track=False
    )
    done = backtrack(
        "sweep", "toy", "--task", task_file, "--runs", 24, "--study", "c", "--stages", "screen", "--no-mlflow",
        "--workers", 2, "--json", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["event"] for event in events} >= {"planned", "started", "run", "result"}
    columns = ["trial", "seed", "config_hash", "outcome", "value"]
    again = open_study(tmp_path / "c").trials.select(columns)
    assert study.trials.select(columns).equals(again)
    assert events[-1]["factors"] == json.loads(json.dumps(open_study(tmp_path / "c").factors.to_pylist()))


def test_why_tells_a_failed_trials_story_and_repeats_nothing(swept) -> None:
    folder, _ = swept
    study = open_study(folder / "s")
    failed = next(row for row in study.trials.to_pylist() if row["outcome"] != "ok" and row["stage"] == "screen")
    done = backtrack("why", "s", failed["trial"], "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["causes"] == [{"cause": told["causes"][0]["cause"], "verified": True}]
    assert set(told["causes"][0]["cause"]) <= {"order=forward", "readout=last"}
    before = len(open_study(folder / "s").trials)
    again = backtrack("why", "s", failed["trial"], folder=folder)
    assert "0 runs made now" in again.stdout
    assert len(open_study(folder / "s").trials) == before
    known = backtrack("why", "s", folder=folder)
    assert "Verified" in known.stdout
    wrong = backtrack("why", "s", "screen-99999", folder=folder)
    assert wrong.returncode != 0
    assert "has no trial" in wrong.stderr


def test_mixtures_of_components_after_a_search_do_not_end_the_sweep(tmp_path: Path) -> None:
    """Backtracking runs configs that the search could not have picked; its study must not choke on them."""

    def run(config, seed):
        dead = config["init.a"] == "y" and config["init.c"] == "y"
        for epoch in range(1, 4):
            yield {"error": 1.0 if dead else 1 - 0.2 * epoch + 0.001 * (seed % 7)}

    parts = {"a": ("x", "y"), "b": ("x", "y"), "c": ("x", "y")}
    init = Composite("init", levels={
        name: {part: values[place] for part, values in parts.items()} for place, name in enumerate(("plain", "fancy"))
    })  # fmt: skip
    others = [Categorical(name, ["0", "1", "2"]) for name in "pqr"]
    task = FunctionTask(name="box", run=run, metric="error", mode="min", chance=1.0, factors=[init, *others])
    study = sweep(task, runs=120, directory=tmp_path / "s", seed=0, resources=Resources(workers=2), track=False)
    assert study.trials.num_rows == 120
    tried = {row["config.init"] for row in study.trials.to_pylist()}
    assert tried - {"plain", "fancy"}, "components were opened"
    stages = set(study.trials["stage"].to_pylist())
    assert "search" in stages and "backtrack" in stages
    (cause,) = study.causes.to_pylist()
    assert sorted(cause["cause"]) == ["init.a=y", "init.c=y"] and cause["verified"]
