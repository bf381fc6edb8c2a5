"""Every intervention that there is: one file of `search_spaces/` each, or beside the trick that it applies."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from backtrack.task.intervention import Intervention

FAMILIES = "backtrack.search_spaces"


@cache
def all_interventions() -> dict[str, Intervention]:
    """`{name: intervention}`, in alphabetical order."""
    found: dict[str, Intervention] = {}
    family = importlib.import_module(FAMILIES)
    for module in pkgutil.walk_packages(family.__path__, f"{FAMILIES}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Intervention):
                found[value.name] = value
    return dict(sorted(found.items()))
