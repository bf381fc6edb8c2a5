"""Task files as people have them: with neighbours, in packages, in projects whose names are those of our folders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtrack import TaskError, load_task
from backtrack.task.project import project_root

TASK = """
from backtrack import Categorical, FunctionTask
{imports}

def run(config, seed):
    yield {{"error": {value}}}

{variable} = FunctionTask(name="{name}", run=run, metric="error", mode="min", factors=[Categorical("a", [1, 2])])
"""
OWN = ("pipeline", "tasks", "utils", "worker", "search_spaces", "analysis")


@pytest.fixture(autouse=True)
def own_import_state() -> Iterator[None]:
    """What a test imports from its project is forgotten after it."""
    path, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - known:
        if name.split(".")[0] in (*OWN, "helper", "package") or name.startswith("backtrack_task"):
            del sys.modules[name]


def value_of(file: Path) -> float:
    task = load_task(file=file)
    return float(next(iter(task.run({"a": 1}, 0)))["error"])  # type: ignore[union-attr]


def text(imports: str = "", value: str = "1.0", name: str = "mine", variable: str = "task") -> str:
    return TASK.format(imports=imports, value=value, name=name, variable=variable)


def write(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def test_the_name_is_optional(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", text())
    for task in (load_task(str(file)), load_task("mine", file), load_task(None, file)):
        assert task.name == "mine" and task.source is not None and task.source.file == file
    with pytest.raises(TaskError, match="holds the task 'mine', but 'other' was asked for"):
        load_task("other", file)
    with pytest.raises(TaskError, match="no task was named"):
        load_task()
    with pytest.raises(TaskError, match="does not exist"):
        load_task("nowhere.py")


def test_of_several_tasks_one_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", text(variable="first") + text(variable="second", name="yours"))
    assert load_task("yours", file).name == "yours"
    with pytest.raises(TaskError, match="holds the tasks mine, yours; say which"):
        load_task(None, file)


def test_a_users_own_pipeline_tasks_utils_and_worker_are_his_own(tmp_path: Path) -> None:
    write(tmp_path / "pipeline" / "__init__.py", "VALUE = 1")
    for number, name in enumerate(OWN[1:], start=2):
        write(tmp_path / f"{name}.py", f"VALUE = {number}")
    content = text(f"import {', '.join(OWN)}", " + ".join(f"{name}.VALUE" for name in OWN))
    assert value_of(write(tmp_path / "mine.py", content)) == 21
    assert load_task("squirrel").name == "squirrel", "ours are still ours"


def test_neighbours_above_up_to_the_projects_root_can_be_imported(tmp_path: Path) -> None:
    write(tmp_path / "project" / "pyproject.toml", "")
    write(tmp_path / "project" / "package" / "deep.py", "VALUE = 3.0")
    write(tmp_path / "helper.py", "VALUE = 'outside of the project'")
    write(tmp_path / "project" / "experiments" / "helper.py", "VALUE = 4.0")
    content = text("import helper, package.deep", "helper.VALUE + package.deep.VALUE")
    file = write(tmp_path / "project" / "experiments" / "mine.py", content)
    assert project_root(file) == tmp_path / "project"
    assert value_of(file) == 7.0


def test_a_task_file_in_a_package_may_import_relatively(tmp_path: Path) -> None:
    for folder in ("package", "package/inner"):
        write(tmp_path / folder / "__init__.py", "")
    write(tmp_path / "package" / "helper.py", "VALUE = 5.0")
    write(tmp_path / "setup.py", "")
    assert (
        value_of(write(tmp_path / "package" / "inner" / "mine.py", text("from ..helper import VALUE", "VALUE"))) == 5.0
    )


def test_two_projects_in_one_process_keep_their_own_helpers(tmp_path: Path) -> None:
    for number, project in enumerate(("one", "two"), start=1):
        write(tmp_path / project / "helper.py", f"VALUE = {number}.0")
        write(tmp_path / project / "mine.py", text("import helper", "helper.VALUE"))
    assert [value_of(tmp_path / project / "mine.py") for project in ("one", "two", "one")] == [1.0, 2.0, 1.0]


def test_argparse_when_imported_is_said_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["backtrack"])
    lines = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', required=True)\n"
    file = write(tmp_path / "mine.py", text(f"{lines}parser.parse_args()"))
    with pytest.raises(TaskError, match=r"ends the process.*required: --lr.*mine\.py:6.*under `if __name__"):
        load_task(str(file))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import not_there", r"ModuleNotFoundError: No module named 'not_there' .*mine\.py:3"),
        ("1 / 0", r"ZeroDivisionError: division by zero .*mine\.py:3"),
        ("def (:", r"SyntaxError.*mine\.py:3"),
        ("import sys; sys.exit(3)", r"ends the process when it is imported: exit code 3 .*mine\.py:3"),
    ],
)
def test_what_does_not_run_is_said_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        load_task(str(write(tmp_path / "mine.py", text(line))))


def test_a_fault_in_a_neighbour_is_placed_there(tmp_path: Path) -> None:
    write(tmp_path / "helper.py", "\n\nraise RuntimeError('no licence')")
    with pytest.raises(TaskError, match=r"no licence .*helper\.py:3"):
        load_task(str(write(tmp_path / "mine.py", text("import helper"))))
