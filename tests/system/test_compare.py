"""Two studies of the same question, through the commands."""

from __future__ import annotations

import json

import mlflow
import pytest
from typer.testing import CliRunner

from backtrack import Categorical, FunctionTask, Numeric, StudyError, compare, extend, merge, sweep
from backtrack.cli.main import app
from backtrack.records.directory import Records
from backtrack.views.mlflow import sync


def task(shift=0.0, turned=False):
    import random

    def run(config, seed):
        draw = random.Random(f"{seed}{sorted(config.items())}")
        high = config["norm"] == ("none" if turned else "batch")
        if config["norm"] == "none" and config["lr"] > 0.05:
            raise RuntimeError("it broke")
        yield {"error": shift + 0.4 * high + 0.1 * draw.gauss(0, 1) + 3 * config["dropout"]}

    factors = [
        Numeric("lr", 1e-4, 1e-1, log=True),
        Categorical("norm", ["none", "batch"]),
        Numeric("dropout", 0, 0.5),
    ]
    return FunctionTask(name="mine", run=run, metric="error", mode="min", chance=5.0, factors=factors)


def made(folder, name, seed, **kind):
    sweep(task(**kind), runs=72, directory=folder / name, seed=seed, stages=["screen"], here=True, track=False)
    return folder / name


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return made(tmp_path_factory.mktemp("studies"), "one", 0)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    return made(tmp_path_factory.mktemp("studies"), "shifted", 2, shift=0.3)


def test_what_differs_is_named_and_what_is_alike_is_not(one, shifted, tmp_path):
    same = made(tmp_path, "same", 1)
    found = compare(one, same)
    assert not [row for row in found.differences if row.verdict == "differs"]
    assert {"level", "effect", "rate", "rule"} <= {row.what for row in found.differences}
    level = next(row for row in compare(one, shifted).differences if row.what == "level")
    assert level.verdict == "differs" and level.low < 0.3 < level.high
    turned = compare(one, made(tmp_path, "turned", 3, turned=True)).differences
    assert [row.name for row in turned if row.verdict == "differs" and row.what == "effect"] == ["norm"]


def test_the_command_says_it_in_words(one, shifted):
    told = CliRunner().invoke(app, ["compare", str(one), str(shifted)], catch_exceptions=False).output
    assert told.startswith("They differ in: mean of what trained.") and "at most 5% of the comparisons" in told
    as_json = CliRunner().invoke(app, ["compare", str(one), str(shifted), "--json"], catch_exceptions=False).output
    assert json.loads(as_json)["common"] == ["lr", "norm", "dropout"]


def test_two_studies_become_one_with_a_block(one, shifted, tmp_path):
    both = merge(one, shifted, tmp_path / "both")
    assert both.trials.num_rows == 144 and both.curves.num_rows > 0
    verdicts = {row["factor"]: row["verdict"] for row in both.factors.to_pylist() if row["response"] == "gain"}
    assert verdicts["norm"] == verdicts["dropout"] == "active" and verdicts["lr"] != "active"
    # The shift of .3, three times the noise, is no noise: as blocks the studies take it out.
    noise = both.analysis.responses["gain"].noise
    assert noise < 0.15
    with pytest.raises(StudyError, match="joins the studies"):
        extend(tmp_path / "both", runs=10, here=True)


def test_a_merged_study_is_shown_in_mlflow(one, shifted, tmp_path):
    both = merge(one, shifted, tmp_path / "both")
    records = Records.open(both.directory)
    assert sync(records) == both.trials.num_rows == 144
    assert sync(records) == 0
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [found for found in client.search_experiments() if found.name == "mine"]
    # A parent run for the study.
    assert len(client.search_runs([experiment.experiment_id], max_results=500)) == 145


def test_other_questions_are_not_merged(one, tmp_path):
    other = task()
    sweep(other.with_fixed({"norm": "batch"}), 40, tmp_path / "other", stages=["screen"], here=True, track=False)
    with pytest.raises(StudyError, match=r"have other factors \(norm\)"):
        merge(one, tmp_path / "other", tmp_path / "both")
    assert compare(one, tmp_path / "other").only_first == ("norm",)
