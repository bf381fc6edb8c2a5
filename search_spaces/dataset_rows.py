"""How many examples a dataset has: all of its rows, where its length says fewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.dataset_rows import rows_beyond

# Among an anatomy's calls: a DataLoader's dataset that holds more rows than its length says.
SHORT = "rows beyond a dataset's length"


def at_datasets(training: Training, given: Callable[[Any], None]) -> None:
    """Calls `given(dataset)` before each DataLoader is made."""

    def make(own: Any) -> Any:
        def __init__(loader: Any, *arguments: Any, **options: Any) -> None:
            given(arguments[0] if arguments else options.get("dataset"))
            own(loader, *arguments, **options)

        return __init__

    training.replace(training.torch.utils.data.DataLoader, "__init__", make)


def at_short(training: Training, lengthened: Callable[[Any], bool]) -> None:
    """Asks `lengthened(dataset)` of each that a DataLoader gets and whose length is too short: where yes, all is read.

    On the class: Python asks no single object for its length, and samplers ask it before each loop.
    """
    changed: set[type] = set()

    def counting(own: Callable[[Any], int]) -> Callable[[Any], int]:
        def __len__(dataset: Any) -> int:
            said = own(dataset)
            beyond = rows_beyond(dataset, said)
            return len(beyond[1][0]) if beyond is not None else said

        return __len__

    def given(data: Any) -> None:
        kind = type(data)
        if kind not in changed and rows_beyond(data) is not None and lengthened(data):
            changed.add(kind)
            training.replace(kind, "__len__", counting)

    at_datasets(training, given)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"all": "let the dataset's __len__ return how many rows it holds"} if anatomy.calls.get(SHORT) else {}


DATASET_ROWS = Intervention(
    "dataset_rows",
    what="a dataset of one's own has as many examples as its columns have rows, where its length says fewer than half",
    source="PyTorch documentation of torch.utils.data.Dataset: __len__ returns the size of the dataset",
    levels=_levels,
    apply=lambda training, level: at_short(training, lambda dataset: True),
    answers=("rows_never_read",),
    on_suspicion=True,
    cannot="datasets without two columns of one length, and loops that count to a length of their own",
)
