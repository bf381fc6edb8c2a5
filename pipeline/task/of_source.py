"""Interventions on a script's source: what those share that change how long a program trains."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Names of the variable of a loop over epochs.
EPOCHS = ("epoch", "ep")


def tree_of(script: Path) -> ast.Module:
    """A script's source; an empty program where it cannot be read, or is no Python."""
    try:
        return ast.parse(script.read_bytes())
    except (OSError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


def range_of(loop: ast.For) -> ast.Call | None:
    """The `range(…)` that a loop goes through, itself or inside another call such as `tqdm`; None for any other loop.

    Example:
        >>> loop = ast.parse("for epoch in tqdm(range(5)):\\n    pass").body[0]
        >>> ast.unparse(range_of(loop))
        'range(5)'
    """
    call: ast.expr = loop.iter
    while isinstance(call, ast.Call) and call.args:
        if getattr(call.func, "id", "") in ("range", "trange"):
            return call
        call = call.args[0]
    return None


def described_of_source(
    name: str, what: str, level: str, text: str, patch: str, place: str = "", points: Sequence[str] = ()
) -> Mapping[str, Any]:
    """A repair of one level that changes a script's source, in the form of `Intervention.described`.

    Args:
        name: of the intervention.
        what: it does.
        level: its level.
        text: what a person would write.
        patch: that as a unified diff; empty where it is no edit of one line.
        place: `file:line`; empty where no line is meant.
        points: symptoms that point at it.
    """
    return {
        "name": name,
        "what": what,
        "levels": {level: text},
        "patches": {level: patch},
        "answers": [],
        "points": list(points),
        "kind": "repair",
        "place": place,
        "harmless": False,
        "size": 1,
        "tricks": {},
        "claims": [],
    }
