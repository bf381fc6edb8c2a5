"""Checks: rules that name what is wired wrongly, one file each. Adding one is adding a file here.

A file holds one subclass of `Check`. It looks at a training's first steps, and at a few later ones.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from backtrack.vocabulary.finding import UNUSUAL, WRONG, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard

__all__ = ["UNUSUAL", "WRONG", "Check", "Finding", "Heard", "all_checks"]


@cache
def all_checks() -> tuple[type[Check], ...]:
    """Every check that has a file here, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "check")
    found = []
    for name in names:
        module = importlib.import_module(f"{__name__}.{name}")
        found += [
            one
            for one in vars(module).values()
            if isinstance(one, type) and issubclass(one, Check) and one.__module__ == module.__name__
        ]
    return tuple(found)
