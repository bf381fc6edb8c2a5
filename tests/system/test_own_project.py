"""A user's project: from his folder, beside modules of our names, editable and from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import backtrack

from backtrack import open_study

ROOT = Path(__file__).parents[2]
TASK = """
from backtrack import Categorical, FunctionTask, Numeric
from helper import scale
import utils, tasks, pipeline.layers

def run(config, seed):
    from worker import steps
    for epoch in range(steps):
        yield {"error": 1.0 - scale * epoch * (1 + config["lr"])}

task = FunctionTask(name="mine", run=run, metric="error", mode="min", chance=1.0, factors=[
    Categorical("a", ["x", "y"]), Categorical("b", [1, 2, 3]), Numeric("lr", 0.001, 0.1, log=True, role="nuisance")])
"""


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    folder = tmp_path / "his project"
    (folder / "pipeline").mkdir(parents=True)
    for name, content in {
        "mine.py": TASK,
        "helper.py": "scale = 0.1",
        "worker.py": "steps = 4",
        "utils.py": "own = True",
        "tasks.py": "own = True",
        "search_spaces.py": "raise RuntimeError('not meant')",
        "analysis.py": "raise RuntimeError('not meant')",
        "backtrack_helpers.py": "raise RuntimeError('not meant')",
        "pipeline/__init__.py": "own = True",
        "pipeline/layers.py": "own = True",
    }.items():
        (folder / name).write_text(content)
    return folder


def test_forty_of_forty_runs_from_his_own_folder_and_from_another(crowded: Path, tmp_path: Path) -> None:
    for folder, file, *options in ((crowded, "mine.py"), (tmp_path, crowded / "mine.py", "--no-mlflow")):
        study = folder / "study"
        done = backtrack("sweep", file, "--runs", 40, "--study", study, *options, folder=folder)
        assert done.returncode == 0, done.stderr
        assert open_study(study).trials["outcome"].to_pylist() == ["ok"] * 40, done.stdout
    resumed = backtrack("resume", tmp_path / "study", folder="/")
    assert resumed.returncode == 0, resumed.stderr


def test_what_no_worker_can_load_is_no_result(crowded: Path) -> None:
    """It imports in the driver, and not in a worker: nothing is trained, and the same command can be given again."""
    (crowded / "helper.py").write_text(
        "import sys\nif 'default_worker' in sys.argv[0]:\n    import not_in_workers\nscale = 0.1\n"
    )
    done = backtrack("sweep", "mine.py", "--runs", 40, "--study", "s", folder=crowded)
    assert done.returncode == 2, done.stdout
    assert "no worker can load the task 'mine', so nothing was trained" in done.stderr
    assert "No module named 'not_in_workers'" in done.stderr and "helper.py:3" in done.stderr
    assert not (crowded / "s").exists()


def test_a_worker_that_dies_while_it_imports_says_its_last_words(crowded: Path) -> None:
    (crowded / "helper.py").write_text(
        "import os, sys\nif 'default_worker' in sys.argv[0]:\n"
        "    os.write(2, b'licence server: refused')\n    os._exit(7)\nscale = 0.1\n"
    )
    done = backtrack("sweep", "mine.py", "--runs", 40, "--study", "s", folder=crowded)
    assert done.returncode == 2, done.stdout
    assert "the process ended while it imported it, or at its first trial run: licence server: refused" in done.stderr


@pytest.mark.slow
def test_from_a_wheel_in_an_environment_of_its_own(crowded: Path, tmp_path: Path) -> None:
    """Nothing but `backtrack` goes into site-packages; the third-party packages are those of this environment."""
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)]
    subprocess.run([*build, "--wheel-dir", str(wheels)], check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert {path.name for path in target.iterdir() if not path.name.endswith(".dist-info")} <= {"backtrack", "bin"}
    # The target comes before the editable installation; -P keeps the working folder off the path, as the script does.
    environment = {**os.environ, "PYTHONPATH": str(target)}
    where = [sys.executable, "-P", "-c", "import backtrack; print(backtrack.__file__)"]
    found = subprocess.run(where, capture_output=True, text=True, env=environment, check=True).stdout
    assert found.startswith(str(target))
    command = [
        sys.executable,
        "-P",
        "-m",
        "backtrack",
        "sweep",
        "mine.py",
        "--runs",
        "40",
        "--study",
        "s",
        "--no-mlflow",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=crowded, check=False)
    assert done.returncode == 0, done.stderr
    assert open_study(crowded / "s").trials["outcome"].to_pylist() == ["ok"] * 40
