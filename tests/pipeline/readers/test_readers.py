"""The same runs in every format that is read."""

from __future__ import annotations

import json
import random
from pathlib import Path

import optuna
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from backtrack import DataError
from backtrack.readers import read_runs
from backtrack.readers.mapping import mapped
from backtrack.readers.past_runs import FAILED, PRUNED, RUNNING, TOLD_BEFOREHAND, TOLD_BY_RESULTS


def made(count: int = 24) -> list[dict[str, object]]:
    """Runs with two settings and a score."""
    draw = random.Random(3)
    return [
        {"optim.lr": 10 ** draw.uniform(-4, -1), "layers": draw.choice([1, 2, 4]), "score": draw.random()}
        for _ in range(count)
    ]


def as_csv(folder: Path, runs: list[dict[str, object]]) -> Path:
    file = folder / "runs.csv"
    pa.csv.write_csv(pa.Table.from_pylist(runs), file)
    return file


def as_parquet(folder: Path, runs: list[dict[str, object]]) -> Path:
    file = folder / "runs.parquet"
    pq.write_table(pa.Table.from_pylist(runs), file)
    return file


def as_lines(folder: Path, runs: list[dict[str, object]]) -> Path:
    file = folder / "runs.jsonl"
    file.write_text("".join(json.dumps(run) + "\n" for run in runs))
    return file


def as_optuna(folder: Path, runs: list[dict[str, object]]) -> Path:
    file = folder / "optuna.db"
    study = optuna.create_study(storage=f"sqlite:///{file}", direction="maximize")
    kinds = {
        "optim.lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        "layers": optuna.distributions.CategoricalDistribution([1, 2, 4]),
    }
    for run in runs:
        settings = {name: run[name] for name in kinds}
        study.add_trial(optuna.trial.create_trial(params=settings, distributions=kinds, value=run["score"]))
    return file


def as_tune(folder: Path, runs: list[dict[str, object]]) -> Path:
    for number, run in enumerate(runs):
        trial = folder / "tune" / f"train_{number:03d}"
        trial.mkdir(parents=True)
        (trial / "params.json").write_text(json.dumps({"optim": {"lr": run["optim.lr"]}, "layers": run["layers"]}))
        report = {"score": run["score"], "training_iteration": 1, "timestamp": 100 + number, "done": True}
        (trial / "result.json").write_text(json.dumps(report) + "\n")
    return folder / "tune"


def as_wandb(folder: Path, runs: list[dict[str, object]]) -> Path:
    for number, run in enumerate(runs):
        files = folder / "wandb" / f"run-{number:03d}" / "files"
        files.mkdir(parents=True)
        config = {
            "optim": {"value": {"lr": run["optim.lr"]}},
            "layers": {"value": run["layers"]},
            "_wandb": {"value": 1},
        }
        (files / "config.yaml").write_text(yaml.safe_dump(config))
        (files / "wandb-summary.json").write_text(json.dumps({"score": run["score"], "_timestamp": 100 + number}))
    return folder / "wandb"


def as_hydra(folder: Path, runs: list[dict[str, object]]) -> Path:
    for number, run in enumerate(runs):
        job = folder / "multirun" / str(number)
        (job / ".hydra").mkdir(parents=True)
        typed = [f"optim.lr={run['optim.lr']}", f"layers={run['layers']}"]
        (job / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(typed))
        (job / "train.log").write_text(f"[2026-01-01 10:00:00,000][train][INFO] - score: {run['score']}\n")
    return folder / "multirun"


@pytest.mark.parametrize("written", [as_csv, as_parquet, as_lines, as_optuna, as_tune, as_wandb, as_hydra])
def test_every_format_gives_the_same_runs(written, tmp_path):
    runs = made()
    found = mapped(read_runs(str(written(tmp_path, runs))), "score")
    lr = next(factor for factor in found.factors if factor.name == "optim_lr")
    layers = next(factor for factor in found.factors if factor.name == "layers")
    assert lr.log and tuple(layers.levels) == (1, 2, 4)
    assert [run.settings["layers"] for run in found.runs] == [run["layers"] for run in runs]
    assert [run.settings["optim_lr"] for run in found.runs] == pytest.approx([run["optim.lr"] for run in runs])
    assert [run.numbers["score"] for run in found.runs] == pytest.approx([run["score"] for run in runs])


def test_mlflow_gives_params_metrics_and_curves(tmp_path):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("mine")
    for number, status in enumerate(("FINISHED", "FAILED", "RUNNING")):
        run = client.create_run(experiment, start_time=1000 * number + 1000).info.run_id
        client.log_param(run, "lr", 0.1 * (number + 1))
        for step, value in enumerate((0.3, 0.2 + number)):
            client.log_metric(run, "loss", value, step=step)
        if status != "RUNNING":
            client.set_terminated(run, status, end_time=1000 * number + 3000)
    found = read_runs(str(tmp_path / "mlflow.db"))
    assert [run.state for run in found.runs] == ["ended", FAILED, RUNNING]
    assert found.runs[0].curves["loss"] == [(0.0, 0.3), (1.0, 0.2)]
    assert found.runs[0].seconds == 2.0
    with pytest.raises(DataError, match="no MLflow experiment 'other'; it has"):
        read_runs(str(tmp_path / "mlflow.db"), "other")


def test_optuna_tells_what_its_sampler_left(tmp_path):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=5)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(3):
            trial.report(x + step, step)
        if trial.number == 3:
            raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=9)
    study.ask()
    found = read_runs(str(tmp_path / "o.db"))
    assert found.mode == "min" and found.sampler == "TPE"
    assert [run.chosen_by for run in found.runs[:4]] == [TOLD_BEFOREHAND] * 4
    assert found.runs[8].chosen_by == TOLD_BY_RESULTS
    assert found.runs[3].state == PRUNED and found.runs[9].state == RUNNING
    assert [step for step, _ in found.runs[3].curves["value"]] == [0.0, 1.0, 2.0]


def test_a_grid_of_optuna_is_told(tmp_path):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.GridSampler({"x": [0.0, 0.5, 1.0]})
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", sampler=sampler)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    assert read_runs(str(tmp_path / "o.db")).sampler == "grid"


def test_an_export_by_its_columns(tmp_path):
    rows = [
        {"number": 1, "value": 0.2, "params_lr": 0.1, "state": "COMPLETE", "datetime_start": "2026-01-01 00:00:09"},
        {"number": 0, "value": None, "params_lr": 0.3, "state": "FAIL", "datetime_start": "2026-01-01 00:00:01"},
    ]
    found = read_runs(str(as_lines(tmp_path, rows)))
    assert found.told_apart and found.runs[0].settings == {"lr": 0.1}
    assert found.runs[0].numbers["value"] == 0.2
    assert found.runs[1].state == FAILED and found.runs[1].order < found.runs[0].order


def test_nothing_is_said_of_what_is_no_source(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    with pytest.raises(DataError, match="no reader knows this"):
        read_runs(str(other))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(DataError, match="holds no run"):
        read_runs(str(empty))
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{not json\n")
    with pytest.raises(DataError, match=r"cannot be read as \.jsonl"):
        read_runs(str(broken))
