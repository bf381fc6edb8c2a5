"""What reading an example changes in the rows that a dataset keeps: it is put back."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

from backtrack.search_spaces.dataset_items import at_items
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line
from backtrack.vocabulary.dataset_rows import MOST, NUMBERS

# Among an anatomy's calls: rows of a dataset that are changed where they are read; and what they are.
CHANGED, TENSOR, ARRAY = "rows changed as they are read: ", "tensor", "array"
COPIES = {TENSOR: "clone", ARRAY: "copy"}


def read_in_place(torch: Any, dataset: Any, index: Any, get: Callable[[], Any]) -> tuple[Any, list[tuple[Any, Any]]]:
    """An example, and the rows that were changed as it was read, each with what it was before.

    Args:
        torch: the module.
        dataset: whose example it is.
        index: a number; of anything else no row is known.
        get: reads it.
    """
    before = [(row, _copied(torch, row)) for row in _rows(torch, dataset, index)]
    item = get()
    return item, [(row, was) for row, was in before if not _is_same(torch, row, was)]


def _rows(torch: Any, dataset: Any, index: Any) -> Iterator[Any]:
    """What a dataset holds at an index, of columns and lists of rows; numbers by themselves are nobody's to change."""
    if not isinstance(index, int):
        return
    for value in list(getattr(dataset, "__dict__", {}).values()):
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
        for column in (value, *(inside if len(inside) <= MOST else ())):
            is_column = isinstance(column, (list, torch.Tensor)) or hasattr(column, "__array_interface__")
            shape = getattr(column, "shape", None)
            if is_column and shape != () and -len(column) <= index < len(column):
                row = column[index]
                if getattr(row, "shape", ()) and _are_numbers(torch, row):
                    yield row


def _are_numbers(torch: Any, row: Any) -> bool:
    if isinstance(row, torch.Tensor):
        return row.layout is torch.strided
    return hasattr(row, "__array_interface__") and row.dtype.kind in NUMBERS


def _copied(torch: Any, row: Any) -> Any:
    return row.clone() if isinstance(row, torch.Tensor) else copy.copy(row)


def _is_same(torch: Any, row: Any, was: Any) -> bool:
    now, before = torch.as_tensor(row), torch.as_tensor(was)
    # (What is no number equals itself here.)
    return bool(((now == before) | (before != before)).all())


def kind_of(torch: Any, row: Any) -> str:
    """Among an anatomy's calls: that such a row was changed."""
    return CHANGED + (TENSOR if isinstance(row, torch.Tensor) else ARRAY)


def _kinds(anatomy: Anatomy) -> list[str]:
    return [kind for kind in COPIES if anatomy.calls.get(CHANGED + kind)]


def _levels(anatomy: Anatomy) -> dict[str, str]:
    kinds, text = _kinds(anatomy), "a copy in the dataset's __getitem__, before it is changed: x[i].{}()"
    return {"kept": text.format(COPIES[kinds[0]])} if kinds else {}


def _apply(training: Training, level: str) -> None:
    torch: Any = training.torch

    def returned(dataset: Any, index: Any, get: Callable[[], Any]) -> Any:
        item, changed = read_in_place(torch, dataset, index, get)
        if not changed:
            return item
        # What was read lies where the row does.
        item = copy.deepcopy(item)
        for row, was in changed:
            row[...] = was
        return item

    at_items(training, returned)


def _taken(source: Source) -> list[ast.expr]:
    """What a file's datasets take out of what they hold, and then change in place."""
    found: list[ast.expr] = []
    for method in (one for one in source.nodes if isinstance(one, ast.FunctionDef) and one.name == "__getitem__"):
        inside = list(ast.walk(method))
        targets = [one.target for one in inside if isinstance(one, ast.AugAssign)]
        changed = {target.id for target in targets if isinstance(target, ast.Name)}
        for call in (one.func for one in inside if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)):
            if call.attr.endswith("_") and not call.attr.endswith("__") and isinstance(call.value, ast.Name):
                changed.add(call.value.id)
        found += [
            one.value
            for one in inside
            if isinstance(one, ast.Assign)
            and isinstance(one.value, ast.Subscript)
            and any(isinstance(to, ast.Name) and to.id in changed for to in one.targets)
        ]
    return found


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    found, kinds = _taken(source), _kinds(anatomy)
    if len(found) != 1 or len(kinds) != 1:
        return None
    return source.replaced(found[0], f"{source.segment(found[0])}.{COPIES[kinds[0]]}()")


STORED_ROWS = Intervention(
    "stored_rows",
    what="what reading an example changes in the rows that a dataset keeps is put back",
    source="PyTorch documentation of Tensor.view: in-place changes of a view are those of its base; PyTorch forum",
    levels=_levels,
    apply=_apply,
    harmless=True,
    place=lambda anatomy: first_line(anatomy.sources, _taken),
    patch=_patched,
    cannot="rows that are read by workers, by slices, or without a DataLoader",
)
