"""Every intervention that there is: one file of `search_spaces/` each, or beside the trick that it applies."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from backtrack.errors import TaskError
from backtrack.task.intervention import Intervention

FAMILIES = "backtrack.search_spaces"


@cache
def all_interventions(files: tuple[str, ...] = ()) -> dict[str, Intervention]:
    """`{name: intervention}`, in alphabetical order.

    Args:
        files: Python files with further ones.

    Raises:
        TaskError: for a file that cannot be loaded, or has none.
    """
    found: dict[str, Intervention] = {}
    family = importlib.import_module(FAMILIES)
    for module in pkgutil.walk_packages(family.__path__, f"{FAMILIES}."):
        found |= _interventions_in(importlib.import_module(module.name))
    for file in files:
        own = _interventions_in(_loaded(Path(file)))
        if not own:
            raise TaskError(f"{file} has no Intervention; expected one at its top, such as mine = Intervention(…)")
        found |= own
    return dict(sorted(found.items()))


def _interventions_in(module: ModuleType) -> dict[str, Intervention]:
    return {value.name: value for value in vars(module).values() if isinstance(value, Intervention)}


def _loaded(file: Path) -> ModuleType:
    name = f"backtrack_intervention_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise TaskError(f"{file} does not exist, or is no Python file; expected a file with an Intervention")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        raise TaskError(f"{file} cannot be loaded: {type(fault).__name__}: {fault}") from fault
    return module
