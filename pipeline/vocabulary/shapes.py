"""Shapes of tensors that broadcast, or change their axes, where they should not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

# Functions of torch and of tensors that compare two number by number.
EQUALITIES = ("eq", "ne", "__eq__", "__ne__")
DIFFERENCES = ("sub", "__sub__", "__rsub__")


def owners_of(torch: Any, names: Sequence[str]) -> list[tuple[Any, str]]:
    """Where these functions are, of tensors and of torch itself, as `(owner, name)`.

    Args:
        torch: the module.
        names: such as `EQUALITIES`; those with underscores are of tensors only.

    Example:
        >>> import torch
        >>> [name for owner, name in owners_of(torch, DIFFERENCES) if owner is torch]
        ['sub']
    """
    every = [(torch.Tensor, name) for name in names] + [(torch, name) for name in names if not name.startswith("_")]
    return [(owner, name) for owner, name in every if hasattr(owner, name)]


def shares_memory(values: Any, others: Iterable[Any]) -> bool:
    """Whether a tensor's numbers lie where those of one of these do, be they seen in another shape.

    Example:
        >>> import torch
        >>> outputs = torch.rand(8, 1)
        >>> shares_memory(outputs.data[:, 0], [outputs]), shares_memory(outputs + 1, [outputs])
        (True, False)
    """
    place = values.untyped_storage().data_ptr()
    return any(place == one.untyped_storage().data_ptr() for one in others)


def is_square(left: Any, right: Any) -> bool:
    """Whether a column (n, 1) meets a vector (n,), one of them with a gradient and the other without.

    Their difference is (n, n), and so is their product.

    Args:
        left, right: tensors that are about to be compared.
    """
    return left.requires_grad != right.requires_grad and _column_meets_vector(left, right)


def compares_all(left: Any, right: Any) -> bool:
    """Whether a column (n, 1) meets a vector (n,) of other numbers, neither of them with a gradient.

    Labels that are compared with themselves, all with all, are meant so.

    Args:
        left, right: what is about to be compared, of any kind.

    Example:
        >>> import torch
        >>> said, labels = torch.ones(4, 1), torch.ones(4)
        >>> compares_all(said, labels), compares_all(labels[:, None], labels), compares_all(said, 1.0)
        (True, False, False)
    """
    if not (hasattr(left, "untyped_storage") and hasattr(right, "untyped_storage")):
        return False
    if left.requires_grad or right.requires_grad or not _column_meets_vector(left, right):
        return False
    return bool(left.untyped_storage().data_ptr() != right.untyped_storage().data_ptr())


def _column_meets_vector(left: Any, right: Any) -> bool:
    if left.ndim + right.ndim != 3:
        return False
    column, vector = (left, right) if left.ndim == 2 else (right, left)
    return bool(vector.ndim == 1 and tuple(column.shape) == (len(vector), 1) and len(vector) > 1)


def exchanged_axes(before: Sequence[int], after: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that `permute` would take to get from one shape to another; empty where none is exchanged.

    `view` and `reshape` keep the order of all numbers: sizes that stand in another order afterwards are those of other
    axes, whose numbers are mixed. Axes of size 1 stand anywhere.

    Args:
        before, after: sizes.

    Returns:
        Places in `before` of the axes of more than one number, in the order of `after`.

    Example:
        >>> exchanged_axes((100, 12, 16, 3), (100, 3, 12, 16)), exchanged_axes((100, 48), (100, 6, 8))
        ((0, 3, 1, 2), ())
    """
    long = [place for place, size in enumerate(before) if size > 1]
    sizes, wanted = [before[place] for place in long], [size for size in after if size > 1]
    if sizes == wanted or sorted(sizes) != sorted(wanted):
        return ()
    order = []
    for size in wanted:
        place = next(one for one in long if before[one] == size and one not in order)
        order.append(place)
    return tuple(order)


def is_one_example(module: Any, given: Any) -> bool:
    """Whether a module gets a single example: a batch of one, or a row of as many numbers as its first matrix takes.

    Example:
        >>> import torch
        >>> [is_one_example(torch.nn.Linear(3, 2), given) for given in (torch.ones(3), torch.ones(1, 3), torch.ones(9))]
        [True, True, False]
    """
    if given.ndim != 1 or len(given) == 1 or not given.is_floating_point():
        return bool(given.ndim > 0 and len(given) == 1)
    first = next((weight for weight in module.parameters() if weight.ndim > 1), None)
    return first is not None and first.ndim == 2 and first.shape[1] == len(given)
