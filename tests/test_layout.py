"""The shape of the program: rooms that import one way only, and who may reach what. A breach names the path."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
import rooms

ROOT = Path(__file__).parents[1]

# outside package: the only modules (or rooms) that may reach it when they are imported, whatever lies between
MAY_REACH = {
    "ray": {
        "backtrack.running.on_ray",
        "backtrack.running.tune_side",
        "backtrack.running.tune_patches",
        "backtrack.running.worker",
        "backtrack.cluster.submission",
    },
    "mlflow": set(),
    "torch": {
        "backtrack.trial",
        "backtrack.watch.instruments",
        "backtrack.watch.listening.symptoms",
        "backtrack.watch.listening.arithmetic",
        "backtrack.watch.watches",
        "backtrack.tasks",
        "backtrack.search_spaces",
    },
    "optuna": {
        "backtrack.stages.search",
        "backtrack.running.here",
        "backtrack.running.on_ray",
        "backtrack.running.tune_side",
        "backtrack.running.reporting",
        "backtrack.views.report",
    },
    "matplotlib": {
        "backtrack.views.plots",
        "backtrack.views.report",
        "backtrack.running.reporting",
    },
    "typer": {"backtrack.cli", "backtrack.__main__"},
    "jinja2": {"backtrack.views.report", "backtrack.running.reporting"},
    "rich": {"backtrack.views.live", "backtrack.views.terminal", "backtrack.views.comparison"},
}
# outside package: the only files that may import it themselves, also inside functions
IMPORTERS = {
    "ray": {
        "backtrack.running.on_ray",
        "backtrack.running.tune_side",
        "backtrack.running.tune_patches",
        "backtrack.running.worker",
        "backtrack.running.travelling",
        "backtrack.cluster.submission",
    },
    "mlflow": {"backtrack.views.mlflow", "backtrack.readers.mlflow"},
    "statsmodels": set(),
}
LONGEST_FILE, LONGEST_FUNCTION = 480, 60


@pytest.mark.parametrize("package", MAY_REACH)
def test_who_reaches_an_outside_package(package: str) -> None:
    for module in rooms.modules():
        way = rooms.path_to(module, package)
        allowed = any(module == name or module.startswith(f"{name}.") for name in MAY_REACH[package])
        assert not way or allowed, f"{module} must not reach {package}, but does: {' -> '.join(way)}"


@pytest.mark.parametrize("package", MAY_REACH)
def test_the_table_is_not_empty_talk(package: str) -> None:
    for name in MAY_REACH[package]:
        reached = [module for module in rooms.modules() if module == name or module.startswith(f"{name}.")]
        assert any(rooms.path_to(module, package) for module in reached), f"{name} does not reach {package} any more"


@pytest.mark.parametrize("package", IMPORTERS)
def test_who_imports_an_outside_package(package: str) -> None:
    found = {
        module
        for module in rooms.modules()
        if any(name.split(".")[0] == package for name in rooms.imports(module, lazy=True))
    }
    assert found == IMPORTERS[package]


def test_no_room_imports_one_behind_it() -> None:
    assert rooms.climbs() == []


def test_no_circle() -> None:
    assert rooms.circles() == []


def test_every_room_is_on_the_map() -> None:
    found = {rooms.room_of(module) for module in rooms.modules()}
    assert found == {*rooms.ROOMS, "the door", "errors", "__main__", "search_spaces", "tasks"}
    assert len(rooms.ROOMS) <= 13
    assert rooms.table() in (ROOT / "docs" / "architecture.md").read_text(), "python docs/rooms.py makes the table"


def test_tricks_and_tasks_know_nothing_of_what_runs_them() -> None:
    known = {"errors", "vocabulary", "task", "search_spaces", "the door"}
    for module in rooms.modules():
        if rooms.room_of(module) in ("search_spaces", "tasks"):
            used = {rooms.room_of(name) for name in rooms.imports(module, lazy=True) if name in rooms.modules()}
            own = {"tasks"} if rooms.room_of(module) == "tasks" else set()
            assert used <= known | own, module


def test_every_package_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {name for name, file in rooms.modules().items() if file.name == "__init__.py"}
    assert sorted(listed) == sorted(there)


def test_no_file_grows_two_ideas() -> None:
    long = {
        name: n for name, file in rooms.modules().items() if (n := len(file.read_text().splitlines())) > LONGEST_FILE
    }
    assert not long, f"split by idea: {long}"


def test_no_function_grows_two_steps() -> None:
    long = {name: lines for name, lines in rooms.functions().items() if lines > LONGEST_FUNCTION}
    assert not long, f"name the steps of: {long}"


def test_results_with_more_than_five_fields_are_built_by_keyword() -> None:
    wide = rooms.wide_values()
    assert wide, "there are some"
    positional = [
        f"{module}:{node.lineno} {node.func.id}"
        for module, file in rooms.modules().items()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in wide
        and (len(node.args) > 5 or any(isinstance(argument, ast.Starred) for argument in node.args))
    ]
    assert positional == []
