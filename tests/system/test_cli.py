"""Help, lists, and bad input: a clear error before any trial starts."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import COMMAND, backtrack

# What takes a second or more to import, or leads to what does; and modules that a help text may take in all.
HEAVY = {"torch", "ray", "mlflow", "optuna", "pyarrow", "numpy", "scipy", "pandas", "sklearn", "matplotlib"}
MODULES = 450


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "backtrack", "--help"], check=True, capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "backtrack.cli" in imported and not {name.partition(".")[0] for name in imported} & HEAVY
    # Counted and not timed: a busy machine takes twice as long.
    assert len(imported) < MODULES


@pytest.mark.parametrize("command", ["sweep", "resume", "report", "ui", "tasks", "factors", "sync"])
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = backtrack(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_tasks_and_factors(tmp_path: Path) -> None:
    assert "squirrel" in backtrack("tasks", folder=tmp_path).stdout
    plain = backtrack("factors", "squirrel", folder=tmp_path).stdout
    assert "init: default, heuristic, orthogonal   [scientific]" in plain
    assert "When the ML devil is a cute squirrel" in plain
    assert "when weight_decay is 0.001 or 0.01" in plain
    lines = backtrack("factors", "squirrel", "--json", folder=tmp_path).stdout.splitlines()
    assert {"init", "order", "lr"} <= {json.loads(line)["name"] for line in lines}


BAD_TASKS = {
    "raises": ("1 / 0", "does not run: ZeroDivisionError"),
    "syntax": ("def run(:", "does not run: SyntaxError"),
    "none": ("x = 1", "exposes no task"),
    "space": (
        "from backtrack import *\ntask = FunctionTask(name='t', run=print, metric='e', mode='min', "
        "factors=[Categorical('a', ['x'])])",
        "two or more",
    ),
    "mode": (
        "from backtrack import *\ntask = FunctionTask(name='t', run=print, metric='e', mode='down', "
        "factors=[Categorical('a', ['x', 'y'])])",
        "expected 'min'",
    ),
    "name": (
        "from backtrack import *\ntask = FunctionTask(name='other', run=print, metric='e', mode='min', "
        "factors=[Categorical('a', ['x', 'y'])])",
        "use the task's own name",
    ),
}


@pytest.mark.parametrize("case", BAD_TASKS)
def test_a_broken_task_file_is_refused(case: str, tmp_path: Path) -> None:
    content, message = BAD_TASKS[case]
    (tmp_path / "t.py").write_text(content)
    done = backtrack("sweep", "t", "--task", "t.py", "--study", "s", folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "squirel"], "known: "),
        (["sweep", "squirrel", "--runs", "5"], "expected more runs than factors"),
        (["sweep", "squirrel", "--runs", "0"], "positive number"),
        (["sweep", "squirrel", "--stages", "screen,serch"], "expected some of"),
        (["sweep", "squirrel", "--set", "rows"], "expected NAME=VALUE"),
        (["sweep", "squirrel", "--set", "rowz=3"], "it has"),
        (["sweep", "squirrel", "--data", "none.parquet"], "does not exist"),
        (["resume", "nowhere"], "holds no study"),
        (["report", "nowhere"], "holds no study"),
        (["sync", "nowhere"], "holds no study"),
        (["ui", "nowhere"], "there is no mlflow.db"),
        (["factors", "squirrel", "--task", "none.py"], "does not exist"),
    ],
)
def test_bad_input_is_one_paragraph(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = backtrack(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_trace(tmp_path: Path) -> None:
    done = backtrack("--debug", "report", "nowhere", folder=tmp_path)
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_a_study_directory_is_not_taken_over(tmp_path: Path, task_file: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.tex").write_text("mine")
    done = backtrack("sweep", "toy", "--task", task_file, "--study", "s", folder=tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert (tmp_path / "s" / "thesis.tex").read_text() == "mine"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m backtrack` and the installed script do the same."""
    script = Path(sys.executable).parent / "backtrack"
    said = [
        subprocess.run([*command, "tasks"], capture_output=True, text=True, cwd=tmp_path, check=True).stdout
        for command in (COMMAND, [str(script)])
    ]
    assert said[0] == said[1] and "squirrel" in said[0]


def test_claims_are_listed_with_their_source(tmp_path: Path) -> None:
    done = backtrack("claims", "--json", folder=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["task"] for row in rows} >= {"squirrel", "winners", "opposite"}
    assert all(row["source"] and row["contrast"] and row["claim"] for row in rows)


def test_fix_holds_a_factor_in_every_run(tmp_path: Path, task_file: Path) -> None:
    done = backtrack("sweep", task_file, "--here", "--fix", "optimiser=adam", "--runs", 20, "--study", "s",
                     "--stages", "screen", "--no-mlflow", folder=tmp_path, RUN_LOG=str(tmp_path / "log"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 20
    assert all("('optimiser', 'adam')" in line and "momentum" not in line for line in lines)
    done = backtrack("sweep", "toy", "--task", task_file, "--fix", "optimiser=lion", folder=tmp_path)
    assert done.returncode != 0
    assert "no level" in done.stderr


def test_the_ui_ends_with_its_command(tmp_path: Path) -> None:
    """Whoever ends `backtrack ui`, by whatever signal, leaves no server behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "mlflow.db").touch()
    command = [sys.executable, "-m", "backtrack", "ui", str(tmp_path), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        _wait(lambda: _answers(port), 90)
        server.terminate()
        server.wait(30)
    _wait(lambda: not _answers(port), 30)


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.2)


@pytest.mark.parametrize(
    "arguments", [["--debug", "sweep", "nope"], ["sweep", "nope", "--debug"], ["sweep", "--debug", "nope"]]
)
def test_debug_shows_the_trace_wherever_it_stands(tmp_path: Path, arguments: list[str]) -> None:
    done = backtrack(*arguments, folder=tmp_path)
    assert done.returncode == 1 and "Traceback" in done.stderr and "there is no task 'nope'" in done.stderr
    assert "Traceback" not in backtrack("sweep", "nope", folder=tmp_path).stderr
