"""Optuna storages: sqlite, a journal file, or any URL that Optuna opens."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from backtrack.errors import DataError
from backtrack.readers.past_runs import TOLD_BEFOREHAND, TOLD_BY_RESULTS, PastRun, PastRuns, Scale, state_of

ORDER = 10
# What samplers leave in a trial. The first ones choose by results.
BY_RESULTS = ("tpe:", "gp:", "cma:", "NSGAIISampler:", "NSGAIIISampler:", "nsga", "botorch:")
GRID, FIXED = "grid_id", "fixed_params"
JOURNAL = "op_code"


def reads(source: str) -> bool:
    """Whether `source` is an Optuna storage."""
    path = Path(source.removeprefix("sqlite:///"))
    if path.is_file() and path.suffix.lower() not in (".csv", ".parquet", ".jsonl", ".json"):
        return _is_journal(path) or {"studies", "trials", "trial_params"} <= sqlite_tables(path)
    return source.startswith(("mysql", "postgresql"))


def sqlite_tables(path: Path) -> set[str]:
    """The names of a sqlite file's tables; none where it is no such file."""
    with path.open("rb") as stream:
        if stream.read(15) != b"SQLite format 3":
            return set()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.Error:
        return set()
    finally:
        connection.close()


def _is_journal(path: Path) -> bool:
    with path.open("rb") as stream:
        first = stream.readline(4096)
    return JOURNAL.encode() in first


def read(source: str, experiment: str | None = None) -> PastRuns:
    """The trials of one study, with the ranges that they were drawn from, and what their sampler left in them.

    Args:
        source: a sqlite or journal file, or a storage's URL.
        experiment: the study's name, where there are several.

    Raises:
        DataError: where there is no such study.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = _storage(source)
    names = optuna.get_all_study_names(storage)
    if experiment is None and len(names) != 1:
        raise DataError(
            f"{source} holds {len(names)} Optuna studies; say which by --experiment: {', '.join(names[:12])}"
        )
    name = experiment or names[0]
    if name not in names:
        raise DataError(f"{source} holds no Optuna study {name!r}; it has {', '.join(names[:12])}")
    return past_runs_of(optuna.load_study(study_name=name, storage=storage), source)


def past_runs_of(study: Any, source: str) -> PastRuns:
    """The trials of an open study.

    Args:
        study: an `optuna.Study`.
        source: where it lies, for messages.
    """
    trials = study.get_trials(deepcopy=False)
    of_study = study._storage.get_study_system_attrs(study._study_id)
    sampler = _sampler(trials, of_study)
    single = len(study.directions) == 1
    return PastRuns(
        kind="an Optuna study",
        source=source,
        runs=[_run(trial, sampler) for trial in trials],
        metric="value" if single else "",
        mode={"MINIMIZE": "min", "MAXIMIZE": "max"}.get(study.directions[0].name, "") if single else "",
        scales={name: _scale(kind) for trial in trials for name, kind in trial.distributions.items()},
        sampler=sampler,
    )


def _storage(source: str) -> Any:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = Path(source.removeprefix("sqlite:///"))
    if path.is_file() and _is_journal(path):
        return JournalStorage(JournalFileBackend(str(path)))
    url = source if "://" in source else f"sqlite:///{path.resolve()}"
    return optuna.storages.RDBStorage(url)


def _sampler(trials: list[Any], of_study: dict[str, Any]) -> str:
    """What chose the trials, as far as they tell."""
    attributes = {name for trial in trials for name in trial.system_attrs}
    by_results = sorted({name.partition(":")[0] for name in attributes if name.startswith(BY_RESULTS)})
    if by_results:
        return by_results[0].removesuffix("Sampler").upper()
    if GRID in attributes:
        return "grid"
    return "quasi-random" if any(name.startswith("qmc:") for name in of_study) else ""


def _chosen_by(trial: Any, sampler: str) -> str:
    left = trial.system_attrs
    if FIXED in left or any(name.startswith(BY_RESULTS) and left[name] != 0 for name in left):
        # NSGA's first generation, number 0, is drawn at random.
        return TOLD_BY_RESULTS
    return TOLD_BEFOREHAND if sampler else ""


def _run(trial: Any, sampler: str) -> PastRun:
    import optuna

    values = trial.values or []
    numbers = {"value" if len(values) == 1 else f"value_{place}": float(value) for place, value in enumerate(values)}
    numbers |= {
        name: float(value)
        for name, value in trial.user_attrs.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    curve = sorted((float(step), float(value)) for step, value in trial.intermediate_values.items())
    state = state_of(trial.state.name)
    begun = trial.datetime_start
    error = str(trial.system_attrs.get("fail_reason", "")) if trial.state == optuna.trial.TrialState.FAIL else ""
    return PastRun(
        name=str(trial.number),
        settings=dict(trial.params),
        numbers=numbers,
        state=state,
        curves={"value": curve} if curve else {},
        order=begun.timestamp() if begun is not None else float(trial.number),
        seconds=trial.duration.total_seconds() if trial.duration is not None else None,
        error=error or str(trial.user_attrs.get("error", "")),
        chosen_by=_chosen_by(trial, sampler),
    )


def _scale(kind: Any) -> Scale:
    import optuna

    if isinstance(kind, optuna.distributions.CategoricalDistribution):
        return Scale(choices=tuple(kind.choices))
    whole = isinstance(kind, optuna.distributions.IntDistribution)
    return Scale(low=float(kind.low), high=float(kind.high), log=bool(kind.log), integer=whole)
