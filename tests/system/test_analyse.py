"""Runs that exist, through the command."""

from __future__ import annotations

import csv
import json
import random

import optuna
import pytest
from typer.testing import CliRunner

from backtrack.cli.main import app


def typed(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def drawn(file, runs=90):
    """A table of random runs: lr matters, lbfgs with dropout over .25 crashes."""
    draw = random.Random(1)
    rows = []
    for _ in range(runs):
        lr, dropout = 10 ** draw.uniform(-4, 0), draw.uniform(0, 0.5)
        optimizer = draw.choice(["sgd", "adam", "lbfgs"])
        crashed = optimizer == "lbfgs" and dropout > 0.25
        loss = "" if crashed else 0.5 + abs(draw.gauss(0, 0.05)) + (0.4 if lr > 0.01 else 0.0)
        row = {"lr": lr, "optimizer": optimizer, "dropout": dropout, "width": draw.choice([16, 32, 64])}
        rows.append({**row, "status": "crashed" if crashed else "finished", "loss": loss})
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_a_table_of_random_runs_gets_verdicts(tmp_path):
    file = drawn(tmp_path / "runs.csv")
    told = typed("analyse", file, "--metric", "loss", "--mode", "min", "--study", tmp_path / "study")
    assert "chosen    beforehand" in told and "factor    lr: " in told
    result = json.loads(
        typed("analyse", file, "--metric", "loss", "--mode", "min", "--study", tmp_path / "again", "--json")
    )
    verdicts = {row["factor"]: row["verdict"] for row in result["factors"] if row["response"] == "gain"}
    assert verdicts["lr"] == "active" and verdicts["width"] != "active"
    assert any("optimizer=lbfgs" in part for cause in result["causes"] for part in cause["cause"])
    assert "existed already" in (tmp_path / "study/report/report.html").read_text()
    assert not any(cause["verified"] for cause in result["causes"])


@pytest.fixture
def searched(tmp_path):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", sampler=optuna.samplers.TPESampler(seed=0))
    draw = random.Random(0)

    def objective(trial):
        lr, dropout = trial.suggest_float("lr", 1e-4, 1, log=True), trial.suggest_float("dropout", 0, 0.5)
        shuffle = trial.suggest_categorical("shuffle", [True, False])
        return (0.4 if lr > 0.01 else 0.0) + (0.0 if shuffle else 0.3) + 0.05 * draw.gauss(0, 1) + 0 * dropout

    study.optimize(objective, n_trials=60)
    return tmp_path / "o.db"


def test_runs_that_results_chose_get_no_verdict(searched, tmp_path):
    told = typed("analyse", searched, "--study", tmp_path / "study", "--next", "24")
    assert "by results: TPE" in told and "which is no verdict" in told
    found = json.loads(typed("report", tmp_path / "study", "--json"))
    verdicts = {(row["response"], row["factor"]): row["verdict"] for row in found["factors"]}
    assert verdicts["gain", "lr"] == "goes with" and "active" not in verdicts.values()
    with (tmp_path / "study/report/next.csv").open() as stream:
        plan = list(csv.DictReader(stream))
    assert len(plan) == 24 and len({row["lr"] for row in plan}) > 12
    assert len({row["dropout"] for row in plan}) == 1


TASK = """
import random
from backtrack import Categorical, FunctionTask, Numeric

def run(config, seed):
    draw = random.Random(f"{seed}{sorted(config.items())}")
    high = (0.4 if config["lr"] > 0.01 else 0.0) + (0.0 if config["shuffle"] else 0.3)
    yield {"value": high + 0.05 * draw.gauss(0, 1)}

task = FunctionTask(name="mine", run=run, metric="value", mode="min", chance=3.0, factors=[
    Numeric("lr", 1e-4, 1, log=True), Numeric("dropout", 0, 0.5), Categorical("shuffle", [True, False])])
"""


def test_a_sweep_asks_what_past_runs_suggest(searched, tmp_path):
    typed("analyse", searched, "--study", tmp_path / "study")
    (tmp_path / "mine.py").write_text(TASK)
    where = ["--study", tmp_path / "sweep", "--here", "--no-mlflow", "--runs", "48", "--json"]
    told = typed("sweep", tmp_path / "mine.py", "--from", tmp_path / "study", *where)
    found = json.loads(told.splitlines()[-1])
    verdicts = {row["factor"]: row["verdict"] for row in found["factors"] if row["response"] == "gain"}
    assert verdicts == {"lr": "active", "shuffle": "active"}


def test_factors_that_always_change_together_are_said_to(tmp_path):
    draw = random.Random(0)
    rows = []
    for _ in range(70):
        side = draw.choice([0, 1])
        own = {"batch": [16, 64][side], "workers": [2, 8][side], "dropout": draw.choice([0, 0.5])}
        rows.append({**own, "loss": 0.3 * side + draw.gauss(0, 0.1)})
    file = tmp_path / "runs.csv"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    where = ["--metric", "loss", "--mode", "min", "--study", tmp_path / "study", "--next", "24"]
    told = " ".join(typed("analyse", file, *where).split())
    assert "batch or workers changes the gain" in told and "nobody can tell which" in told
    assert "batch and workers take runs that vary them apart" in told
    with (tmp_path / "study/report/next.csv").open() as stream:
        plan = [(row["batch"], row["workers"]) for row in csv.DictReader(stream)]
    assert len(set(plan)) == 4
