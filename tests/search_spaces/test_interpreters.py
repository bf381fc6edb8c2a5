"""Trainings in other interpreters: kept warm, and never stuck."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backtrack import TrialFailed
from backtrack.search_spaces import interpreters
from backtrack.search_spaces.interpreters import run_in

SCRIPT = """
import json, os, sys
for line in sys.stdin:
    spec = json.loads(line)
    sys.stderr.write("w" * spec.get("noise", 0))
    if spec.get("crash"):
        raise RuntimeError("no such device")
    for epoch in range(3):
        print("a library says something")
        print(json.dumps({"error": 1 / (epoch + 1), "pid": os.getpid()}), flush=True)
    print("{}", flush=True)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    return file


def test_a_process_that_writes_much_to_its_standard_error_is_not_stuck(script: Path) -> None:
    """A pipe holds 64 KiB; nobody reads it while the training runs."""
    assert len(list(run_in(sys.executable, script, {"noise": 300_000}))) == 3


def test_one_process_carries_out_one_training_after_another(script: Path) -> None:
    pids = {report["pid"] for _ in range(3) for report in run_in(sys.executable, script, {})}
    assert len(pids) == 1
    other = {report["pid"] for report in run_in(sys.executable, script, {"threads": 2})}
    assert not pids & other, "libraries read their number of threads when they start"


def test_a_crash_says_why_and_the_next_training_has_a_new_process(script: Path) -> None:
    (first,) = {report["pid"] for report in run_in(sys.executable, script, {})}
    with pytest.raises(TrialFailed) as failed:
        list(run_in(sys.executable, script, {"crash": True}))
    assert failed.value.outcome == "crashed" and "RuntimeError: no such device" in failed.value.message
    assert {report["pid"] for report in run_in(sys.executable, script, {})} != {first}


def test_a_training_that_is_left_in_the_middle_leaves_nothing_to_the_next(script: Path) -> None:
    unfinished = run_in(sys.executable, script, {})
    next(unfinished)
    unfinished.close()
    assert [round(report["error"], 2) for report in run_in(sys.executable, script, {})] == [1.0, 0.5, 0.33]


@pytest.fixture(autouse=True)
def nothing_stays() -> None:
    yield
    interpreters._end_all()
    interpreters._warm.clear()
