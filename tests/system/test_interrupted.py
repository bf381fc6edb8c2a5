"""Sweeps that are ended half-way go on, and nothing is run twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import COMMAND, backtrack

from backtrack import load_task, open_study

RUNS = 44


def start(task_file: Path, folder: Path, log: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, "sweep", "toy", "--task", str(task_file), "--runs", str(RUNS), "--study", "s", "--no-mlflow"],
        cwd=folder,
        env={**os.environ, "RUN_LOG": str(log), "RUN_SECONDS": "0.3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(folder: Path, count: int) -> None:
    parts = folder / "s" / "trials"
    end = time.monotonic() + 90
    while not parts.exists() or len(list(parts.glob("*.parquet"))) < count:
        assert time.monotonic() < end, "no trial finished in time"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("end", "after"), [("kill", 30), ("interrupt", 10)])
def test_resume_repeats_no_finished_run(end: str, after: int, task_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start(task_file, tmp_path, log)
    try:
        wait_for(tmp_path, after)
    finally:
        os.kill(process.pid, signal.SIGKILL if end == "kill" else signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    if end == "interrupt":
        assert process.returncode == 130, printed
        assert "backtrack resume s" in printed
    # Workers may live on for a moment after their driver was killed.
    time.sleep(3)
    recorded = open_study(tmp_path / "s").trials.to_pylist()
    assert after <= len(recorded) < RUNS
    started_before = Counter(log.read_text().splitlines())
    log.unlink()
    done = backtrack("resume", "s", "--no-mlflow", folder=tmp_path, RUN_LOG=str(log))
    assert done.returncode == 0, done.stdout + done.stderr
    trials = open_study(tmp_path / "s").trials.to_pylist()
    assert len({row["trial"] for row in trials}) == len(trials) == RUNS
    again = Counter(log.read_text().splitlines())
    assert sum(again.values()) == RUNS - len(recorded)
    # Only what was running when it ended was begun twice: at most one for each worker.
    assert sum((started_before & again).values()) <= 2 * len(os.sched_getaffinity(0))
    kept = {row["trial"]: row for row in trials}
    assert all(kept[row["trial"]] == row for row in recorded)


def test_threads_that_another_machine_lacks_do_not_keep_a_study_from_going_on(tmp_path: Path) -> None:
    """The space of a study is what its manifest says: the task `runtime` offers the threads that this machine has."""
    # Compiling a net takes longer than all the rest.
    compiles = "compile" in {factor.name for factor in load_task("runtime").space}
    done = backtrack(
        "sweep", "runtime", "--runs", 12, "--stages", "screen=12", "--study", "s", "--set", "rows=400",
        "--set", "epochs=2", "--no-mlflow", "--here", *(("--fix", "compile=off") if compiles else ()), folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = tmp_path / "s" / "manifest.json"
    content = json.loads(manifest.read_text())
    (threads,) = [fields for fields in content["factors"] if fields["name"] == "threads"]
    threads["levels"] = [*threads["levels"], 64]
    manifest.write_text(json.dumps(content))
    again = backtrack("resume", "s", "--here", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert not (tmp_path / "mlflow.db").exists(), "resume remembers --no-mlflow"


def test_a_second_driver_is_refused_while_the_first_one_runs(task_file: Path, tmp_path: Path) -> None:
    first = subprocess.Popen(
        [*COMMAND, "sweep", str(task_file), "--runs", "24", "--study", "s", "--no-mlflow"],
        # It is at work for as long as the two take that are refused.
        cwd=tmp_path, env={**os.environ, "RUN_SECONDS": "3"}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            if (tmp_path / "s" / "trials").exists():
                break
            time.sleep(0.1)
        for command in (["resume", "s"], ["sweep", task_file, "--runs", 24, "--study", "s"]):
            second = backtrack(*command, folder=tmp_path)
            assert second.returncode == 2 and f"(process {first.pid})" in second.stderr, second.stderr
    finally:
        first.kill()
        first.wait()
    done = backtrack("resume", "s", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert open_study(tmp_path / "s").trials.num_rows == 24
