"""`backtrack why` for a config that never was in a study, and a sweep that is killed while it backtracks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import COMMAND, backtrack

from backtrack import Interrupted, load_task, open_study, why_config
from backtrack.records.directory import Records


def test_a_config_from_nothing(task_file: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"order": "forward", "readout": "last", "optimiser": "adam", "lr": 0.01}))
    asked = ("why", "--here", "--task", task_file, "--config", config)
    done = backtrack(*asked, "w", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ended in no_learning" in done.stdout
    assert "The smallest part of the difference that breaks it: order=forward and readout=last" in done.stdout, (
        done.stdout
    )
    assert "verified both ways" in done.stdout
    assert "Tried in it: " in done.stdout and "breaks it" in done.stdout
    assert "error of asked-00000: 1 1 1 1 1" in done.stdout
    runs = Records.open(tmp_path / "w").trials().num_rows
    again = backtrack(*asked, "w", "--json", folder=tmp_path)
    assert json.loads(again.stdout)["causes"] == [{"cause": ["order=forward", "readout=last"], "verified": True}]
    assert Records.open(tmp_path / "w").trials().num_rows == runs


def test_a_config_that_trains_is_said_to_train(task_file: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"order": "reverse"}))
    done = backtrack("why", "--here", "--task", task_file, "--config", config, folder=tmp_path)
    assert "did not fail: ok, ok, ok" in done.stdout, done.stderr
    for content, message in (
        ('{"ordre": "x"}', "does not vary"),
        ("[1]", "expected an object"),
        ("{", "expected JSON"),
    ):
        config.write_text(content)
        wrong = backtrack("why", "--task", task_file, "--config", config, folder=tmp_path)
        assert wrong.returncode == 2 and message in wrong.stderr, wrong.stderr
    assert "expected both" in backtrack("why", "--config", config, folder=tmp_path).stderr


def test_killed_while_it_backtracks_it_goes_on_and_repeats_nothing(task_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {**os.environ, "RUN_LOG": str(log), "RUN_SECONDS": "0.1"}
    command = [
        *COMMAND,
        "sweep",
        "toy",
        "--task",
        str(task_file),
        "--runs",
        "80",
        "--study",
        "s",
        "--no-mlflow",
        "--json",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    trials = tmp_path / "s" / "trials"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and len(list(trials.glob("backtrack-*.parquet"))) < 3:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = set(Records.open(tmp_path / "s").trials()["trial"].to_pylist())
    assert sum(name.startswith("backtrack") for name in before) >= 3
    done = backtrack("resume", "s", "--no-mlflow", "--json", folder=tmp_path, RUN_LOG=str(log), RUN_SECONDS="0.01")
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "s")
    names = study.trials["trial"].to_pylist()
    assert len(names) == len(set(names)) == 80
    assert before <= set(names)
    # Only what was running when the kill came may have been started twice.
    started = log.read_text().splitlines()
    assert len(started) - len(set(started)) <= 4
    assert {"cause": ["order=forward", "readout=last"], "verified": True} in [
        {key: row[key] for key in ("cause", "verified")} for row in study.causes.to_pylist()
    ]


def test_why_config_makes_no_more_runs_than_it_is_given(task_file: Path, tmp_path: Path) -> None:
    """`--runs 5` made 15."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"order": "forward", "readout": "last"}))
    done = backtrack("why", "--task", task_file, "--config", config, "--runs", 5, "s", folder=tmp_path)
    assert done.returncode == 2
    assert "5 runs are too few to ask about a config: 3 runs of the config and 12 of others" in done.stderr
    assert not (tmp_path / "s").exists()


def test_why_config_is_interrupted_in_a_sentence_and_goes_on(task_file: Path, tmp_path: Path) -> None:
    """Ctrl-C ended in StopIteration."""
    task, trained = load_task(str(task_file)), []

    def run(config, seed):
        trained.append(config)
        if len(trained) == 4:
            raise KeyboardInterrupt
        yield from task.run(config, seed)

    asked = replace(task, run=run)
    config = {"order": "forward", "readout": "last", "momentum": 0}
    with pytest.raises(Interrupted, match=r"3 runs are recorded in .*: the same command goes on"):
        why_config(asked, config, tmp_path / "s", here=True)
    story = why_config(asked, {**config, "momentum": 0.0}, tmp_path / "s", here=True)
    assert story.cause is not None and story.cause.verified, "0 and 0.0 are one config"
