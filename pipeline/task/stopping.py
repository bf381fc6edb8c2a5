"""Where a program leaves its loop over epochs early, and how it is let go on to its end."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from backtrack.task.of_source import EPOCHS, described_of_source, range_of, tree_of
from backtrack.task.patching import name_of, source_at, suggested

if TYPE_CHECKING:
    from backtrack.task.script_task import ScriptTask

# Name of the factor, and its level.
STOPPING, OFF = "early_stopping", "off"
# What a training calls in each of its steps, and a word in the names of functions that train.
STEPS, WORD = ("backward", "step"), "train"
# How often a loop goes on: one over epochs comes to its end; where a range is just large, what leaves it is its end.
MOST = 1000
_gone_on: Counter[int] = Counter()


def breaks_of(tree: ast.Module) -> list[ast.Break]:
    """Each `break` that leaves a loop over a range that trains, and stands in no other loop: an episode's end is none.

    Example:
        >>> tree = ast.parse("for e in range(9):\\n    train(net)\\n    if e > 3:\\n        break")
        >>> [one.lineno for one in breaks_of(tree)]
        [4]
    """
    return [one for loop in _outermost(tree) if _trains(loop) for one in _own_breaks(loop.body)]


def unstopped(tree: ast.Module) -> ast.Module:
    """A program that leaves none of these loops before it has gone on `MOST` times."""
    return ast.fix_missing_locations(_Unstopped(breaks_of(tree)).visit(tree))


class _Unstopped(ast.NodeTransformer):
    def __init__(self, breaks: list[ast.Break]) -> None:
        self._breaks = breaks

    def visit_Break(self, node: ast.Break) -> ast.stmt:
        if not any(node is one for one in self._breaks):
            return node
        asked = f"__import__({__name__!r}, fromlist=['goes_on']).goes_on({node.lineno})"
        test = ast.parse(f"not {asked}", mode="eval").body
        return ast.copy_location(ast.If(test=test, body=[node], orelse=[]), node)


def goes_on(line: int) -> bool:
    """Whether a loop goes on at its `break` at a line; a changed program asks."""
    _gone_on[line] += 1
    return _gone_on[line] <= MOST


def _outermost(node: ast.AST) -> Iterator[ast.For]:
    """The loops over a range that stand in no other loop of the same function, or in one over folds or seeds.

    Others might never end.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.For):
            repeated = any(_is_over_epochs(one) for one in ast.walk(child) if one is not child)
            if repeated and not any(_own_breaks(child.body)):
                yield from _outermost(child)
            elif range_of(child) is not None:
                yield child
        elif not isinstance(child, ast.While | ast.AsyncFor):
            yield from _outermost(child)


def _is_over_epochs(node: ast.AST) -> bool:
    return isinstance(node, ast.For) and getattr(node.target, "id", "") in EPOCHS and range_of(node) is not None


def _trains(loop: ast.For) -> bool:
    names = [name_of(one) for one in ast.walk(loop) if isinstance(one, ast.Call)]
    return any(name in STEPS or WORD in name.lower() for name in names)


def _own_breaks(body: list[ast.stmt]) -> Iterator[ast.Break]:
    """Those that end the loop whose body this is, and no loop in it."""
    for node in body:
        if isinstance(node, ast.Break):
            yield node
        elif not isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _own_breaks(getattr(node, part, []))
            for branch in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
                yield from _own_breaks(branch.body)


def described_stopping(task: ScriptTask) -> Mapping[str, Any] | None:
    """Going on, as an intervention in the form of `Intervention.described`; None where nothing stops early."""
    breaks = breaks_of(tree_of(task.script)) if task.script is not None else []
    if not breaks:
        return None
    place = f"{task.script}:{breaks[0].lineno}"
    source = source_at(place)
    return described_of_source(
        STOPPING,
        "the loop that trains goes on to its end: what would leave it early does not",
        OFF,
        "leave this break out, or look at what it waits for: which way is better, and for how long",
        suggested(place, source, source.replaced(breaks[0], "pass")) if source is not None else "",
        place,
    )
