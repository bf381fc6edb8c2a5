"""Codes of places that a model adds to its examples, and not to the steps of each."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line, in_forward
from backtrack.vocabulary.places import is_called_by_own

# Among an anatomy's calls: a table of places and features whose first rows are added to (batch, steps, features).
ADDED = "codes of places added to examples"
SUMS, PARTS = ("__add__", "__radd__", "__iadd__", "add", "add_"), 3


def at_codes(training: Training, turned: Callable[[], bool]) -> None:
    """Asks `turned()` where the first rows of a table are added to examples: where yes, they are added to the steps."""
    torch: Any = training.torch
    tables: dict[int, Any] = {}

    def look(model: Any) -> None:
        for part in model.modules():
            for held in (*part._buffers.values(), *part._parameters.values(), *vars(part).values()):
                is_table = isinstance(held, torch.Tensor) and held.is_floating_point() and 1 < held.ndim <= PARTS
                if is_table and (held.ndim < PARTS or held.shape[1] == 1):
                    tables[held.untyped_storage().data_ptr()] = held

    def make(own: Any) -> Any:
        def add(left: Any, right: Any, *rest: Any, **options: Any) -> Any:
            table = _table_of(torch, tables, left, right) if tables else None
            if table is not None and turned():
                right = table[: left.shape[1]].flatten(1)
            return own(left, right, *rest, **options)

        return add

    training.at_model(look)
    for name in SUMS:
        training.replace(torch.Tensor, name, make)


def _table_of(torch: Any, tables: dict[int, Any], left: Any, right: Any) -> Any:
    """The table whose first rows `right` are, one for each example of `left`; None where it is nothing of the kind."""
    both = isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)
    if not both or left.ndim != PARTS or tuple(right.shape) != (left.shape[0], 1, left.shape[2]) or left.shape[1] < 2:
        return None
    table = tables.get(right.untyped_storage().data_ptr())
    return table if table is not None and len(table) >= left.shape[1] and table.shape[-1] == left.shape[2] else None


def count_codes(training: Any) -> None:
    """Sees tables whose first rows are added to examples."""

    def seen() -> bool:
        if is_called_by_own():
            training.anatomy.count(ADDED)
        return False

    at_codes(training, seen)


def _cut(source: Source) -> list[ast.Subscript]:
    """What a file's forward methods cut by `x.size(0)`, `x.shape[0]` or `len(x)` from the first row on, and add.

    What is brought to another shape before it is added is no table of (places, 1, features).
    """
    added: list[ast.expr] = []
    for one in in_forward(source):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add):
            added += [one.left, one.right]
        elif isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Add):
            added.append(one.value)
    found = [one for one in added if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Slice)]
    cut = [one for one in found if one.slice.upper is not None and one.slice.lower is None]  # type: ignore[attr-defined]
    return [one for one in cut if _counts(source.segment(one.slice.upper)) is not None]  # type: ignore[attr-defined]


def _counts(bound: str) -> str | None:
    """How many steps there are, where a bound says how many examples; None where it says neither."""
    for examples, steps in ((".size(0)", ".size(1)"), (".shape[0]", ".shape[1]")):
        if bound.endswith(examples):
            return bound.removesuffix(examples) + steps
    return f"{bound[4:-1]}.size(1)" if bound.startswith("len(") and bound[4:-1].isidentifier() else None


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    found = _cut(source)
    if len(found) != 1:
        return None
    bound = _counts(source.segment(found[0].slice.upper))  # type: ignore[attr-defined]
    return source.replaced(found[0], f"{source.segment(found[0].value)}[:{bound}, 0]")


PLACE_CODES = Intervention(
    "place_codes",
    what="codes of places of which a model adds the first to the first example, and so on, are added to the steps",
    source="PyTorch's tutorial on sequence-to-sequence modelling: its codes are of (steps, batch, features)",
    levels=lambda anatomy: {"of_steps": "x + self.pe[:x.size(1), 0]"} if anatomy.calls.get(ADDED) else {},
    apply=lambda training, level: at_codes(training, lambda: True),
    on_suspicion=True,
    answers=("mixed_examples",),
    place=lambda anatomy: first_line(anatomy.sources, _cut),
    patch=_patched,
    cannot="tables of other shapes, and those that are moved to another device once the training runs",
)
