"""What a dataset returns for an index: a copy of its own, or without the random changes that it makes."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from backtrack.search_spaces.dataset_rows import at_datasets
from backtrack.search_spaces.middle_draws import MiddleDraws
from backtrack.task.intervention import Anatomy, Intervention, Training

# Among an anatomy's calls: examples that lie where the one before lies, and examples that random numbers are drawn for.
SHARED, DRAWN = "examples in one place", "examples with random changes"


def at_items(training: Training, returned: Callable[[Any, Any, Callable[[], Any]], Any]) -> None:
    """Asks `returned(dataset, index, get)` for each example of a dataset of somebody's own; `get()` is the example.

    On the class: Python looks `__getitem__` up there.
    """
    data = training.torch.utils.data
    changed: set[type] = set()

    def getting(own: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def __getitem__(dataset: Any, index: Any) -> Any:
            return returned(dataset, index, lambda: own(dataset, index))

        return __getitem__

    def given(dataset: Any) -> None:
        for kind in {type(one) for one in _own_datasets(data, dataset)} - changed:
            changed.add(kind)
            training.replace(kind, "__getitem__", getting)

    at_datasets(training, given)


def _own_datasets(data: Any, given: Any) -> Iterator[Any]:
    """The datasets whose class is none of torch's, behind subsets and rows of them."""
    if isinstance(given, data.Subset):
        yield from _own_datasets(data, given.dataset)
    elif isinstance(given, data.ConcatDataset):
        for one in given.datasets:
            yield from _own_datasets(data, one)
    elif isinstance(given, data.Dataset) and not type(given).__module__.startswith("torch."):
        yield given


def shared_items(torch: Any) -> Callable[[Any], bool]:
    """Tells, of one example after another, whether something of it lies where the one before has it."""
    before: list[Any] = []

    def is_shared(item: Any) -> bool:
        # The tensors themselves are kept: the place of one that is gone is free for others.
        kept, before[:] = list(before), [one for one in _tensors_in(torch, item) if one.numel() > 1]
        return not {one.data_ptr() for one in kept}.isdisjoint(one.data_ptr() for one in before)

    return is_shared


def drawing_items(torch: Any) -> Callable[[Callable[[], Any]], tuple[Any, bool]]:
    """Gets an example, and tells whether random numbers were drawn for it."""
    import numpy

    def states() -> tuple[Any, ...]:
        _, keys, place, *_ = numpy.random.get_state()
        return torch.get_rng_state().numpy().tobytes(), random.getstate(), numpy.asarray(keys).tobytes(), place

    def got(get: Callable[[], Any]) -> tuple[Any, bool]:
        before = states()
        item = get()
        return item, states() != before

    return got


def _tensors_in(torch: Any, item: Any) -> list[Any]:
    parts = item.values() if isinstance(item, dict) else item if isinstance(item, (tuple, list)) else [item]
    arrays = [torch.as_tensor(one) if hasattr(one, "__array_interface__") else one for one in parts]
    return [one for one in arrays if isinstance(one, torch.Tensor)]


def _copied(training: Training, level: str) -> None:
    at_items(training, lambda dataset, index, get: copy.deepcopy(get()))


DATASET_ITEMS = Intervention(
    "dataset_items",
    what="a dataset of one's own returns a copy of each example, and not the one place that it writes all of them to",
    source="PyTorch documentation of default_collate: it stacks what the dataset returned for each index of a batch",
    levels=lambda anatomy: (
        {"copied": "return a copy in the dataset's __getitem__: x.clone()"} if anatomy.calls.get(SHARED) else {}
    ),
    apply=_copied,
    answers=("inputs",),
    on_suspicion=True,
    cannot="loaders that make a list of batches before the first step, and datasets that are read by workers",
)


def _varied(anatomy: Anatomy) -> dict[str, str]:
    drawn = bool(anatomy.calls.get(DRAWN))
    return {"none": "no random changes of the examples in the dataset's __getitem__"} if drawn else {}


def _unvaried(training: Training, level: str) -> None:
    middle = MiddleDraws(training.torch)

    def returned(dataset: Any, index: Any, get: Callable[[], Any]) -> Any:
        with middle:
            return get()

    at_items(training, returned)


AUGMENTATION = Intervention(
    "augmentation",
    what="what a dataset of one's own draws at random for an example is the middle of what it could draw: noise is 0, "
    "nothing that is as likely as not is done, crops are from the centre",
    source="Shorten & Khoshgoftaar, A survey on image data augmentation (2019): changes that do not keep the label",
    levels=_varied,
    apply=_unvaried,
    cannot="generators of the program's own, functions imported by their names, and what a loop changes itself",
)
