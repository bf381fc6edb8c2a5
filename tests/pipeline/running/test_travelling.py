"""How a task reaches the processes that train it: what comes along, and what it is there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backtrack import Categorical, TaskError, load_task
from backtrack.running import travelling
from backtrack.running.travelling import pack, project_files

TASK = """
from pathlib import Path
from backtrack import Categorical, FunctionTask
from helper import scale
import shared.deep

WORDS = Path(__file__).with_name("words.txt").read_text().split()

def run(config, seed, options):
    from late import offset          # imported in the worker, at the first training
    yield {"error": scale * len(WORDS) + shared.deep.VALUE + offset + options["more"] + config["a"]}

task = FunctionTask(name="mine", run=run, metric="error", mode="min", defaults={"more": 0.0},
                    factors=[Categorical("a", [1, 2]), Categorical("b", [1, 2])])
"""

ELSEWHERE = """
import pickle, sys
from pathlib import Path
parcel = pickle.loads(Path(sys.argv[1]).read_bytes())
task = parcel.unpack()
print(next(iter(task.program({"a": 2, "b": 1}, 0)))["error"], task.fixed, task.thresholds)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, content in {
        "pyproject.toml": "",
        "shared/deep.py": "VALUE = 10.0",
        "experiments/mine.py": TASK,
        "experiments/helper.py": "scale = 100.0",
        "experiments/late.py": "offset = 1000.0",
        "experiments/words.txt": "one two three",
        ".git/config": "not code",
        ".venv/pyvenv.cfg": "",
        ".venv/lib.py": "",
        "studies/mine-1/manifest.json": "{}",
        "node_modules/x.py": "",
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


def unpacked_elsewhere(parcel: travelling.Parcel, folder: Path) -> str:
    """What another process makes of a parcel: on a machine where the project is not, if it was moved away before."""
    import pickle

    file = folder / "parcel"
    file.write_bytes(pickle.dumps(parcel))
    command = [sys.executable, "-P", "-c", ELSEWHERE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_defines_a_task_travels(project: Path, tmp_path: Path) -> None:
    task = load_task(str(project / "experiments" / "mine.py")).with_options({"more": 0.5}).with_fixed({"b": 1})
    task = task.with_thresholds({"dead_units": 0.4})
    alone, along = pack(task, everywhere=False), pack(task, everywhere=True)
    assert alone.project is not None and alone.project.contents is None and alone.pickled is None
    expected = "1312.5 {'b': 1} {'dead_units': 0.4}\n"
    assert unpacked_elsewhere(alone, tmp_path) == expected
    project.rename(tmp_path / "moved away")
    assert unpacked_elsewhere(along, tmp_path) == expected


def test_a_project_is_its_code_and_small_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(travelling, "LARGEST_FILE", 2000)
    (project / "experiments" / "big.bin").write_bytes(b"0" * 2001)
    file = project / "experiments" / "mine.py"
    assert {str(path) for path in project_files(file)} == {
        "pyproject.toml",
        "shared/deep.py",
        *(f"experiments/{name}" for name in ("mine.py", "helper.py", "late.py", "words.txt")),
    }
    monkeypatch.setattr(travelling, "LARGEST_PROJECT", 500)
    with pytest.raises(TaskError, match="move its data to where they can read it"):
        project_files(file)


def test_of_a_folder_that_is_no_project_only_what_lies_beside_travels(tmp_path: Path) -> None:
    for name in ("mine.py", "helper.py", "words.txt", "package/a.py", "downloads/film.avi"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = {str(path) for path in project_files(tmp_path / "mine.py")}
    assert found == {"mine.py", "helper.py", "words.txt", "package/a.py"}


def test_a_task_that_a_checkup_changes_travels_with_its_changes(project: Path) -> None:
    task = load_task(str(project / "experiments" / "mine.py"))
    # All of its own factors are fixed: its file alone would leave nothing to vary.
    changed = task.with_changes([Categorical("order", ["as_written", "shuffled"])], {}).with_fixed({"a": 1, "b": 2})
    assert pack(changed, everywhere=False).pickled is not None


def test_a_task_that_was_changed_in_python_travels_as_it_is(project: Path) -> None:
    task = load_task(str(project / "experiments" / "mine.py"))
    assert pack(task, everywhere=False).pickled is None
    other = replace(task, factors=[Categorical("a", [1, 2, 3]), Categorical("b", [1, 2])])
    assert pack(other, everywhere=False).pickled is not None
    assert pack(load_task("winners"), everywhere=False).project is None
