"""Where the search keeps what it knows: an Optuna study beside the records, made anew from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backtrack.records.directory import Records
from backtrack.task import Task
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import FinishedTrial

if TYPE_CHECKING:
    import optuna


def search_study(
    task: Task, records: Records, finished: Sequence[FinishedTrial], spare: Path, seed: int, first: Sequence[Config]
) -> optuna.Study:
    """The search's study, on a journal file inside the study directory (or a local copy of a remote one).

    Args:
        task: whose space is searched.
        records: of the study.
        finished: its trials so far, which the search learns from.
        spare: a local folder for the journal of a remote study.
        seed: of the sampler.
        first: configs that are asked first.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from backtrack.stages.search import build_study, make_sampler

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    root = records.local_path()
    folder = (root or spare) / "optuna"
    folder.mkdir(exist_ok=True)
    journal = folder / "journal.log"
    # The records are the truth; what an interrupted driver left here is made anew from them.
    journal.unlink(missing_ok=True)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return build_study(storage, task.space, task.mode, finished, make_sampler(seed), first)
