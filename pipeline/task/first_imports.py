"""Which installed packages a Python program imports first: read from its source, nothing is run."""

from __future__ import annotations

import ast
import importlib.util
import sys
from functools import cache
from pathlib import Path

# Modules of the program's own project are read as far as this; they are never imported.
MOST_MODULES = 40


def first_imports(script: Path) -> list[str]:
    """Modules of installed packages that a script and its neighbours import, in order.

    Args:
        script: a Python file.
    """
    return list(_first_imports(script, script.stat().st_mtime_ns if script.exists() else 0))


@cache
def _first_imports(script: Path, changed: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting: list[Path] = [script]
    seen: set[Path] = set()
    while waiting and len(seen) < MOST_MODULES:
        file = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        for name in _imported(file):
            neighbour = _neighbour(script.parent, name)
            if neighbour is not None:
                waiting.append(neighbour)
            elif _is_installed(name.partition(".")[0]):
                found[name] = None
    if any(name.partition(".")[0] == "torch" for name in found):
        # torch imports it at the first step of any optimiser, which takes half a second.
        found["torch._dynamo"] = None
    return tuple(found)


def _imported(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_text(errors="replace"))
    except (SyntaxError, OSError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names


def _neighbour(folder: Path, name: str) -> Path | None:
    path = folder / name.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _is_installed(package: str) -> bool:
    if package in sys.stdlib_module_names or package == "backtrack":
        return False
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    return (
        spec is not None
        and spec.origin is not None
        and ("site-packages" in spec.origin or "dist-packages" in spec.origin)
    )
