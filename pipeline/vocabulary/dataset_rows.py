"""The rows that a dataset holds, where its length says fewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# So many times as many rows as the length says: a window over a series takes away a few.
TIMES = 2
# Columns of one length that make rows: inputs and targets.
COLUMNS = 2
# Letters of numpy's kinds of numbers.
NUMBERS = "biuf"
# Values inside of a tuple, list or dict of columns, at most.
MOST = 64


def rows_beyond(dataset: Any, said: int | None = None) -> tuple[int, list[Any]] | None:
    """The length of a dataset of somebody's own, and its columns, where these are longer; None for any other.

    Args:
        dataset: any object with `__len__`; its attributes are looked at, and tuples, lists and dicts of columns.
        said: its length, where it was asked already.

    Returns:
        The length that it says, and tensors or arrays of equally many rows, at least twice as many.

    Example:
        >>> import numpy
        >>> class Table:
        ...     def __init__(self):
        ...         self.columns = {"x": numpy.zeros((50, 3)), "y": numpy.zeros(50)}
        ...     def __len__(self):
        ...         return len(self.columns)
        >>> length, columns = rows_beyond(Table())
        >>> length, [column.shape for column in columns]
        (2, [(50, 3), (50,)])
        >>> rows_beyond([1, 2]) is None
        True
    """
    said = length_of(dataset) if said is None else said
    by_rows = columns_by_rows(dataset)
    rows = max((rows for rows, columns in by_rows.items() if len(columns) >= COLUMNS), default=0)
    return (said, by_rows[rows]) if said and rows >= TIMES * said else None


def length_of(dataset: Any) -> int:
    """How many examples a dataset says that it has; 0 where it says nothing, as a stream does.

    Example:
        >>> length_of([1, 2]), length_of(iter([1, 2]))
        (2, 0)
    """
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return 0


def columns_by_rows(dataset: Any) -> dict[int, list[Any]]:
    """Tensors and arrays that a dataset holds, by how many rows they have.

    Example:
        >>> import numpy
        >>> class Table:
        ...     def __init__(self):
        ...         self.x, self.y = numpy.zeros((50, 3)), numpy.zeros(50)
        >>> {rows: len(columns) for rows, columns in columns_by_rows(Table()).items()}
        {50: 2}
    """
    by_rows: dict[int, list[Any]] = {}
    for column in _columns(dataset):
        by_rows.setdefault(len(column), []).append(column)
    return by_rows


def first_rows(column: Any, most: int) -> Any:
    """The first rows of a column, as a tensor.

    Example:
        >>> import numpy
        >>> first_rows(numpy.arange(5), 2).tolist()
        [0, 1]
    """
    import numpy
    import torch

    rows = column[:most]
    return rows if isinstance(rows, torch.Tensor) else torch.tensor(numpy.asarray(rows))


def _columns(dataset: Any) -> Iterator[Any]:
    for value in list(getattr(dataset, "__dict__", {}).values()):
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
        for one in (value, *(inside if len(inside) <= MOST else ())):
            shape, kind = getattr(one, "shape", None), getattr(one, "dtype", None)
            # Text has no numbers, and a table of several kinds has no kind; torch's kinds have no letter.
            if shape and hasattr(one, "__array__") and kind is not None and getattr(kind, "kind", "f") in NUMBERS:
                yield one
