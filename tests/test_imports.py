"""Who may import what: the shape of the program as a table. A breach names the file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "search_spaces", "tasks")

# package: the only files (or folders) that may import it
ALLOWED = {
    "ray": ["pipeline/engine.py", "pipeline/cluster.py", "pipeline/starting.py", "pipeline/worker.py"],
    "mlflow": ["pipeline/tracking.py"],
    "torch": [
        "pipeline/training/",
        "search_spaces/",
        "tasks/",
        "pipeline/task.py",
        "pipeline/worker.py",
        "pipeline/doctor.py",
    ],
    "optuna": [
        "pipeline/stages/search.py",
        "pipeline/engine.py",
        "pipeline/sweeping.py",
        "pipeline/why.py",
        "pipeline/report/second_opinion.py",
    ],
    "statsmodels": ["pipeline/analysis/"],
    "matplotlib": [
        "pipeline/report/plots.py",
        "pipeline/report/claim_plot.py",
        "pipeline/report/reported_plot.py",
        "pipeline/report/drawing.py",
    ],
    "typer": ["pipeline/cli"],
}
# folder: packages of our own that it must not know
FORBIDDEN = {
    "pipeline/analysis/": ["pipeline.engine", "pipeline.tracking", "pipeline.training", "pipeline.stages"],
    "pipeline/stages/": ["pipeline.engine", "pipeline.tracking", "pipeline.training", "pipeline.report"],
    "pipeline/training/": ["pipeline.engine", "pipeline.tracking", "pipeline.stages", "pipeline.analysis"],
    "search_spaces/": ["pipeline.engine", "pipeline.tracking", "pipeline.training", "pipeline.stages", "tasks"],
    "tasks/": ["pipeline.engine", "pipeline.tracking", "pipeline.training", "pipeline.stages", "pipeline.analysis"],
    "pipeline/space.py": ["pipeline.plan", "pipeline.task", "pipeline.records"],
}


def files() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports(file: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_only_these_files_import(package: str) -> None:
    breaches = [
        file
        for file in files()
        if any(name.split(".")[0] == package for name in imports(file)) and not file.startswith(tuple(ALLOWED[package]))
    ]
    assert not breaches, f"{package} may be imported by {ALLOWED[package]} only, but is by {breaches}"


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_does_not_know(folder: str) -> None:
    for file in files():
        if file.startswith(folder):
            known = {n for n in imports(file) for f in FORBIDDEN[folder] if n == f or n.startswith(f + ".")}
            assert not known, f"{file} must not import {known}"


def test_the_table_is_not_empty_talk() -> None:
    """Each allowed importer does import its package, else the table has gone stale."""
    for package, allowed in ALLOWED.items():
        for place in allowed:
            users = [file for file in files() if file.startswith(place)]
            assert any(name.split(".")[0] == package for file in users for name in imports(file)), (package, place)


def test_no_file_grows_two_ideas() -> None:
    long = {file: n for file in files() if (n := len((ROOT / file).read_text().splitlines())) > 480}
    assert not long, f"split by idea: {long}"
