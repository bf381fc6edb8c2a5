"""`import backtrack`: every public name is what it says, wherever one stands and however often one asks."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import backtrack

SHADOWS = ("pipeline", "tasks", "search_spaces", "worker", "utils", "analysis", "backtrack_helpers")


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder whose modules have the names of our folders and files; each ends whoever imports it."""
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name}.py of the working folder was imported')")
    return tmp_path


def test_the_star_import_gives_each_public_name_in_a_crowded_folder(crowded: Path) -> None:
    code = "from backtrack import *\nimport backtrack\n" + "\n".join(
        f"from backtrack import {name}; first = {name}\n"
        f"from backtrack import {name}; assert first is {name} is backtrack.{name}"
        for name in backtrack.__all__
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=crowded, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_why_is_the_function_never_a_module() -> None:
    from backtrack import why

    importlib.import_module("backtrack.running.explaining")
    assert inspect.isfunction(why) and inspect.isfunction(backtrack.why)


def test_no_submodule_has_the_name_of_a_public_function() -> None:
    submodules = {module.name for module in pkgutil.iter_modules(backtrack.__path__)}
    assert not submodules & set(backtrack.__all__)
    assert not [name for name in backtrack.__all__ if isinstance(getattr(backtrack, name), types.ModuleType)]


def test_what_public_functions_take_return_and_raise_is_public() -> None:
    for name in backtrack.__all__:
        thing = getattr(backtrack, name)
        if not inspect.isfunction(thing):
            continue
        for annotation in (
            inspect.signature(thing).return_annotation,
            *(parameter.annotation for parameter in inspect.signature(thing).parameters.values()),
        ):
            for word in _words(str(annotation)):
                assert word in backtrack.__all__ or word in PLAIN, f"{name} speaks of {word}, which is not public"
        for raised in _raised(inspect.getdoc(thing) or ""):
            assert raised in backtrack.__all__, f"{name} raises {raised}, which is not public"


PLAIN = {"Path", "Sequence", "Callable", "Iterator", "Mapping", "Any", "None", "Records"}


def _words(annotation: str) -> list[str]:
    return re.findall(r"[A-Z]\w+", annotation)


def _raised(doc: str) -> list[str]:
    return re.findall(r"\b([A-Z]\w*(?:Error|Interrupted)|Interrupted)\b(?=[^\n]*:)", doc.partition("Raises:")[2])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'swep'"):
        backtrack.swep  # noqa: B018
    assert set(dir(backtrack)) == set(backtrack.__all__)


def test_importing_it_costs_nothing() -> None:
    code = "import sys, backtrack; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "ray", "optuna", "mlflow", "numpy", "pyarrow", "typer"} & set(done.stdout.split())


def test_command_and_python_have_the_same_defaults() -> None:
    """`why` took 60 runs from Python and 100 from the command."""
    from backtrack.cli.sweep_commands import resume, sweep, why

    for command, function in ((sweep, backtrack.sweep), (resume, backtrack.resume), (why, backtrack.why)):
        typed, own = inspect.signature(command).parameters, inspect.signature(function).parameters
        shared = (set(typed) & set(own)) - {"study", "trial", "task", "stages", "resources", "mlflow"}
        assert shared >= {"here"}
        for name in shared:
            assert typed[name].default == own[name].default, name
    assert inspect.signature(sweep).parameters["stages"].default == ",".join(
        inspect.signature(backtrack.sweep).parameters["stages"].default
    )
    assert (
        inspect.signature(why).parameters["runs"].default
        == inspect.signature(backtrack.why_config).parameters["runs"].default
    )


def test_python_dash_m_is_the_command(crowded: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backtrack", "tasks"], cwd=crowded, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "squirrel" in done.stdout, done.stderr
