"""MLflow experiments: a sqlite store, a server, or a folder of runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from backtrack.errors import DataError
from backtrack.readers.names import number_from
from backtrack.readers.optuna import sqlite_tables
from backtrack.readers.past_runs import PastRun, PastRuns, state_of

ORDER = 20
# The runs of one page.
PAGE = 1000
# The runs whose curves are read: one question to the store each.
MOST_CURVES = 2000


def reads(source: str) -> bool:
    """Whether `source` is an MLflow store."""
    if source.startswith(("http://", "https://")):
        return True
    path = Path(source.removeprefix("sqlite:///"))
    if path.is_file():
        return {"experiments", "runs", "latest_metrics"} <= sqlite_tables(path)
    return path.is_dir() and any(path.glob("*/meta.yaml"))


def read(source: str, experiment: str | None = None) -> PastRuns:
    """The runs of one experiment: parameters are settings, metrics are numbers with their curves.

    Args:
        source: a sqlite file, a server's address, or a folder (`mlruns`).
        experiment: its name, where there are several with runs.

    Raises:
        DataError: where the store cannot be read, or there is no such experiment.
    """
    client, runs = _runs(source, experiment)
    parents = {run.data.tags.get("mlflow.parentRunId") for run in runs}
    # A parent groups its children; it is no run itself where it has no parameters.
    runs = [run for run in runs if run.info.run_id not in parents or run.data.params]
    past = [_run(client, run, len(runs) <= MOST_CURVES) for run in runs]
    return PastRuns("an MLflow experiment", source, past)


def _runs(source: str, experiment: str | None) -> tuple[Any, list[Any]]:
    # MLflow's own switches: a folder of runs is in maintenance mode, and it reports who uses it.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow.entities import ViewType
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    path = Path(source.removeprefix("sqlite:///"))
    address = (
        source if "://" in source else f"sqlite:///{path.resolve()}" if path.is_file() else path.resolve().as_uri()
    )
    try:
        client = MlflowClient(tracking_uri=address)
        known = {one.name: one.experiment_id for one in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)}
        if experiment is not None and experiment not in known:
            raise DataError(f"{source} has no MLflow experiment {experiment!r}; it has {', '.join(sorted(known)[:12])}")
        asked = [experiment] if experiment is not None else sorted(known)
        found = {name: _all_of(client, known[name]) for name in asked}
    except MlflowException as fault:
        raise DataError(f"{source} cannot be read as an MLflow store: {str(fault).splitlines()[0]}") from fault
    used = {name: runs for name, runs in found.items() if runs}
    if len(used) > 1:
        named = ", ".join(sorted(used)[:12])
        raise DataError(f"{source} holds {len(used)} MLflow experiments with runs; say which by --experiment: {named}")
    return client, next(iter(used.values()), [])


def _all_of(client: Any, experiment_id: str) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], max_results=PAGE, page_token=token, order_by=["attributes.start_time ASC"]
        )
        found += page
        token = page.token
        if not token:
            return found


def _run(client: Any, run: Any, with_curves: bool) -> PastRun:
    info, data = run.info, run.data
    curves = {}
    for name in data.metrics if with_curves else ():
        points = [(float(point.step), float(point.value)) for point in client.get_metric_history(info.run_id, name)]
        if len(points) > 1:
            curves[name] = sorted(points)
    took = (info.end_time - info.start_time) / 1000 if info.end_time and info.start_time else None
    return PastRun(
        name=data.tags.get("mlflow.runName", info.run_id),
        settings=dict(data.params),
        numbers={name: number for name, value in data.metrics.items() if (number := number_from(value)) is not None},
        state=state_of(data.tags.get("outcome") or info.status),
        curves=curves,
        order=info.start_time / 1000 if info.start_time else None,
        seconds=took,
        error=data.tags.get("error", ""),
    )
