"""What the documentation shows works: examples in docstrings, Python in the pages, and every command."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import rooms
import typer

import backtrack
from backtrack import FunctionTask, TorchTask
from backtrack.cli.main import app
from backtrack.trial import run_replicate

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("module", [name for name in rooms.modules() if not name.endswith("__main__")])
def test_the_examples_in_docstrings_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if ">>>" not in rooms.modules()[module].read_text():
        return
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(module), optionflags=FLAGS).failed == 0


def test_every_public_name_has_an_example() -> None:
    # Task is the two kinds of task, each with its own.
    documented = {name: inspect.getdoc(getattr(backtrack, name)) or "" for name in backtrack.__all__ if name != "Task"}
    assert [name for name, text in documented.items() if ">>>" not in text] == []


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line of a page, and of every task file's docstring, that calls `backtrack`."""
    files = [*PAGES, *sorted((ROOT / "examples").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.slurm"))]
    found = []
    for page in files:
        # A line that goes on, and what a script is given.
        text = page.read_text().replace("\\\n", " ").replace(' "$@"', "")
        for line in text.splitlines():
            match = re.match(r"^ {4,}((?:[A-Z_]+=\S+ )*backtrack .*)$", line)
            if match:
                found.append((page.name, match[1].partition(" #")[0].strip()))
    return found


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_in_the_pages_is_understood(page: str, command: str) -> None:
    words = shlex.split(command)
    while re.match(r"^[A-Z_]+=", words[0]):
        words.pop(0)
    _, name, *arguments = words
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert name in known, f"{page}: {command}"
    known[name].make_context(name, arguments, resilient_parsing=False)


def test_there_are_commands_to_understand() -> None:
    assert len(commands()) > 25


def python_blocks() -> list[tuple[str, str]]:
    return [
        (page.name, block)
        for page in PAGES
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]


def test_the_python_in_the_pages_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block after block; one that begins with a file's name is that file. Sweeps are short, and in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    own, swept = backtrack.sweep, []

    def sweep(*given, **named):
        call = inspect.signature(own).bind(*given, **named).arguments
        swept.append(call["task"].name)
        stages = {"runs": 30, "directory": tmp_path / f"study-{len(swept)}", "here": True, "track": False}
        return own(
            call["task"].with_options({"rows": 200}) if call["task"].name == "squirrel" else call["task"], **stages
        )

    monkeypatch.setattr("backtrack.running.sweeping.sweep", sweep)
    # The pages of tasks first: others show what one does with them.
    for page, block in sorted(python_blocks(), key=lambda block: block[0] != "tasks.md"):
        named = re.match(r"# (\w+\.py)\n", block)
        if named:
            (tmp_path / named[1]).write_text(block)
        shown: dict[str, object] = {}
        exec(compile(block, page, "exec"), shown)
        task = shown.get("task")
        if isinstance(task, (FunctionTask, TorchTask)):
            result = run_replicate(task, task.space.repair({}, {}), 0)
            assert result.outcome in ("ok", "no_learning"), f"{page}: {result.error}"
    assert sorted(swept) == ["mine", "squirrel"]


def test_help_texts_name_no_command_that_is_not_there() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for file in [*rooms.modules().values(), *PAGES]:
        for name in re.findall(r"`backtrack ([a-z]+)", file.read_text()):
            assert name in known, f"{file}: backtrack {name}"


def test_the_quick_help_is_quick_in_what_it_imports() -> None:
    code = "import sys; from backtrack.cli.main import app; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "ray", "optuna", "mlflow", "numpy", "pyarrow", "matplotlib"} & set(done.stdout.split())


def test_every_check_stands_in_its_page() -> None:
    from backtrack.watch.checks import all_checks

    page = (ROOT / "docs" / "checks.md").read_text()
    for check in all_checks():
        assert f"| `{check.name}`" in page
        assert check.looks_at in page


def test_every_intervention_stands_in_its_page() -> None:
    from backtrack.trial.intervening.catalogue import all_interventions

    page = (ROOT / "docs" / "checkup.md").read_text()
    for name, intervention in all_interventions().items():
        assert f"| `{name}` | {intervention.what}." in page, name


def test_the_page_on_health_names_every_check() -> None:
    from backtrack.evidence.health import health_checks

    page = (ROOT / "docs" / "health.md").read_text()
    for name, check in health_checks().items():
        assert f"| {name.replace('_', ' ')} | {check.ABOUT} |" in page, name
