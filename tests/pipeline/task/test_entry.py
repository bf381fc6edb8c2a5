"""Commands that are Python after all: console scripts of this environment."""

import sys
from pathlib import Path

import pytest

from backtrack import Numeric, ScriptTask
from backtrack.task.command import program_of
from backtrack.task.entry import console_script, source_behind
from backtrack.trial import run_trial
from backtrack.vocabulary.config import Config

TRAINER = """
import argparse
import torch

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    x = torch.randn(64, 3)
    net = torch.nn.Linear(3, 1)
    optimiser = torch.optim.SGD(net.parameters(), lr=given.learning_rate)
    for step in range(12):
        loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
        loss.backward()
        optimiser.step()
        print(f"step {step} error {loss.item():.4f}")
"""
CONSOLE = """#!{interpreter}
import re
import sys
from strangers_trainer.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


def installed(folder: Path, interpreter: str, start: str = CONSOLE) -> Path:
    """A command `train-it`, as pip would install it."""
    package = folder / "strangers_trainer"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "main.py").write_text(TRAINER)
    command = folder / "train-it"
    command.write_text(start.replace("{interpreter}", interpreter))
    command.chmod(0o755)
    return command


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def task(**more: object) -> ScriptTask:
    lr = Numeric("learning_rate", 0.01, 0.1, log=True)
    return ScriptTask(name="its", command=["train-it"], metric="error", mode="min", factors=[lr], **more)


def test_a_console_script_of_this_environment_is_python(path: Path) -> None:
    command = installed(path, sys.executable)
    assert console_script("train-it") == command
    assert source_behind(command, "", path) == path / "strangers_trainer" / "main.py"
    program = program_of(task(), {"learning_rate": 0.05}, 3, path)
    assert (program.script, program.arguments) == (str(command), ("--learning-rate", "0.05", "--seed", "3"))


ELSEWHERE = ["/elsewhere/bin/python3", "/bin/sh", str(Path(sys.executable).parent / "perl")]


@pytest.mark.parametrize("interpreter", ELSEWHERE)
def test_a_command_of_another_environment_is_run_as_it_is(path: Path, interpreter: str) -> None:
    installed(path, interpreter)
    assert console_script("train-it") is None
    assert program_of(task(), {"learning_rate": 0.05}, 3, path).arguments[0] == "train-it"


def test_an_interpreter_whose_path_is_too_long_for_a_kernel_is_seen(path: Path) -> None:
    long = f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n"
    command = installed(path, "", long + CONSOLE.partition("\n")[2])
    assert console_script("train-it") == command


def test_a_module_shows_its_options(path: Path) -> None:
    installed(path, sys.executable)
    assert source_behind(None, "strangers_trainer.main", path) == path / "strangers_trainer" / "main.py"
    assert source_behind(None, "no.such.module", path) is None


def test_a_console_script_is_watched(path: Path) -> None:
    installed(path, sys.executable)
    (result,) = run_trial(task().within(path), Config({"learning_rate": 0.05}), [0])
    assert result.outcome == "ok" and len(result.curve) >= 12
    assert "gradients_never_cleared" in {found.check for found in result.checks}


def test_an_installed_program_is_the_users_own_and_its_libraries_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its packages lie where this environment's do not: in another that it reaches."""
    site = tmp_path / "lib" / "site-packages"
    site.mkdir(parents=True)
    (site / "strangers_library.py").write_text("def work(x):\n    raise ValueError('no')\n")
    monkeypatch.setenv("PATH", str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    installed(site, sys.executable)
    (site / "strangers_trainer" / "main.py").write_text(
        "import strangers_library\n\ndef main():\n    strangers_library.work(1)\n"
    )
    (result,) = run_trial(task().within(site), Config({"learning_rate": 0.05}), [0])
    assert result.error_place == f"{site}/strangers_trainer/main.py:4"
