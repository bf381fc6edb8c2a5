"""Sweeps that are ended half-way go on, and nothing is run twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import COMMAND, backtrack

from backtrack import open_study

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
@pytest.mark.parametrize(("end", "after"), [("kill", 8), ("kill", 36), ("interrupt", 10)])
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
