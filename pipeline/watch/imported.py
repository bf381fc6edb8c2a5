"""Does something once a module is imported, or at once where it is already."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Action = Callable[[Any], None]


def when_imported(name: str, action: Action) -> None:
    """Calls `action(module)` now, or right after the module's code has run.

    Args:
        name: of the module, with its packages.
        action: may change the module.
    """
    module = sys.modules.get(name)
    if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
        action(module)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _waiting.setdefault(name, []).append(action)


_waiting: dict[str, list[Action]] = {}


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the others find a module, and adds the actions to its loading."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            if isinstance(finder, _Finder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    _wrap(spec.loader, fullname)
                return spec
        return None


def _wrap(loader: Any, name: str) -> None:
    own = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        own(module)
        for action in _waiting.pop(name, []):
            action(module)

    loader.exec_module = exec_module
