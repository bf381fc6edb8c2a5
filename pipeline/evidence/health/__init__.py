"""A study judges itself: one check a file. Adding one is adding a file here.

A file holds `ABOUT`, a line that says what is looked at, and `look(examined)`, which returns a `Flag` or None.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from backtrack.evidence.health.examined import Examined, Flag

__all__ = ["Examined", "Flag", "examine", "health_checks"]


@cache
def health_checks() -> dict[str, ModuleType]:
    """Every check by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "examined")
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def examine(examined: Examined) -> list[Flag]:
    """What is wrong with a study, or to be known of it; empty where it is sound."""
    found = [check.look(examined) for check in health_checks().values()]
    return [flag for flag in found if flag is not None]
