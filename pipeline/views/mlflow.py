"""The MLflow view of a study. The only file that knows MLflow.

A view, never the truth: it is written from the records by a process of its own that follows the study directory, so
that a slow or dead tracking server never holds up a sweep, and `backtrack sync` writes later what is missing.
Every run carries its study and trial as tags, by which a second pass knows what is there already.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from backtrack.errors import BacktrackError, StudyError, TrackingError
from backtrack.records.directory import Records
from backtrack.views.mlflow_names import to_mlflow
from backtrack.vocabulary.config import label

STUDY_TAG = "backtrack.study"
TRIAL_TAG = "backtrack.trial"
PARENT_TAG = "backtrack.parent"
# How often a following process looks for new trials.
POLL_SECONDS = 5.0
# After the sweep has ended: how long the view may take for what is left before the driver stops waiting.
PATIENCE_SECONDS = 120.0
# MLflow takes at most this many metrics in one call.
BATCH = 1000
SQLITE = "sqlite:///"


def tracking_uri(records: Records) -> str:
    """Where the runs go: `MLFLOW_TRACKING_URI`, or an sqlite store beside the study.

    Raises:
        TrackingError: where the study is not on this machine and no server is named.
    """
    named = os.environ.get("MLFLOW_TRACKING_URI")
    if named:
        return named
    root = records.local_path()
    if root is None:
        raise TrackingError(f"{records.location} is not on this machine: set MLFLOW_TRACKING_URI to a tracking server")
    return f"{SQLITE}{root.parent / 'mlflow.db'}"


def page_of(records: Records) -> str:
    """Where MLflow's UI shows the runs of a study's task, as a path on its server; empty where it has none.

    Raises:
        TrackingError: where the store cannot be read.
    """
    try:
        found = _client(records).get_experiment_by_name(_experiment_name(records))
    except Exception as fault:
        raise TrackingError(
            f"MLflow at {tracking_uri(records)} cannot be read: {str(fault).splitlines()[0]}; mend the server, or "
            "unset MLFLOW_TRACKING_URI to see the store beside the study"
        ) from fault
    # Without the query the UI shows its pages for language models.
    return f"/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning" if found is not None else ""


class Follower:
    """A process that copies finished trials to MLflow while the sweep goes on."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, location: str) -> None:
        self._process = process
        self._log = log
        self._location = location

    def finish(self) -> str:
        """Tells it that the sweep has ended, and waits until everything is written.

        Returns:
            What the user should know, where it could not be done; else an empty text.
        """
        hint = f"everything is recorded; `backtrack sync {self._location}` writes what is missing"
        try:
            self._process.communicate(b"end\n", timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._log.unlink(missing_ok=True)
            return f"MLflow took more than {PATIENCE_SECONDS:.0f} s; {hint}"
        except BrokenPipeError:
            self._process.wait()
        problem = self._log.read_text(errors="replace").strip().splitlines()
        self._log.unlink(missing_ok=True)
        if self._process.returncode:
            return f"MLflow could not be written ({problem[-1] if problem else 'no reason given'}); {hint}"
        return ""


def follow(records: Records) -> Follower:
    """Starts the process that follows a study; it takes a low priority, since training goes first."""
    descriptor, name = tempfile.mkstemp(prefix="backtrack-mlflow-", suffix=".log")
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backtrack.views.mlflow", records.location],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal is for the sweep; this process still has to write what had finished.
            start_new_session=True,
        )
    return Follower(process, Path(name), records.location)


def sync(records: Records, client: Any = None) -> int:
    """Writes to MLflow what is not there yet: trials, and the report where there is one.

    Args:
        records: the study.
        client: an `MlflowClient`; default: of `tracking_uri`.

    Returns:
        How many trials were written.

    Raises:
        TrackingError: where the store cannot be reached or written.
    """
    try:
        view = _View(records, client or _client(records))
        written = view.write_trials()
        view.write_report()
    except BacktrackError:
        raise
    except Exception as fault:
        raise TrackingError(
            f"MLflow at {tracking_uri(records)} cannot be written: {str(fault).splitlines()[0]}. "
            f"Nothing is lost; mend the server and run `backtrack sync {records.location}`"
        ) from fault
    return written


def _client(records: Records) -> Any:
    logging.getLogger("alembic").setLevel(logging.ERROR)
    os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
    # A dead server must be known to be dead within seconds, not after MLflow's default of many minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri = tracking_uri(records)
    with _alone(uri):
        # The first one of a new store makes its tables.
        return mlflow.MlflowClient(tracking_uri=uri)


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """One process at a time is in the block, of those that have this store beside their studies.

    MLflow does not lock a new store: of two studies that begin at once, both made its tables, and nobody could open it
    from then on.
    """
    store = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or not os.access(store.parent, os.W_OK):
        yield
        return
    with FileLock(f"{store}.lock", timeout=PATIENCE_SECONDS):
        yield


def _experiment_name(records: Records) -> str:
    """Studies of one task lie in one experiment, where the UI can compare their runs."""
    return str(records.manifest["task"]["name"])


class _View:
    """One study in one MLflow store."""

    def __init__(self, records: Records, client: Any) -> None:
        self.records = records
        self.client = client
        self.manifest = records.manifest
        self.experiment = self._experiment()
        self.parent = self._parent()
        self.seen_parts: set[str] = set()
        self.known = self._known()

    def _experiment(self) -> str:
        with _alone(tracking_uri(self.records)):
            return self._found_or_made(_experiment_name(self.records))

    def _found_or_made(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        root = self.records.local_path()
        beside = (
            None if os.environ.get("MLFLOW_TRACKING_URI") or root is None else (root.parent / "mlartifacts").as_uri()
        )
        made = str(self.client.create_experiment(name, artifact_location=beside))
        # Without it the UI greets with its pages for language models.
        self.client.set_experiment_tag(made, "mlflow.experimentKind", "custom_model_development")
        return made

    def _parent(self) -> str:
        study = self.manifest["study"]
        found = self.client.search_runs(
            [self.experiment], f"tags.`{STUDY_TAG}` = '{study}' and tags.`{PARENT_TAG}` = 'true'", max_results=1
        )
        if found:
            return str(found[0].info.run_id)
        tags = {STUDY_TAG: study, PARENT_TAG: "true", "backtrack.directory": self.records.location}
        run = self.client.create_run(self.experiment, run_name=f"{self.manifest['task']['name']} {study}", tags=tags)
        self._log(
            run.info.run_id,
            params={
                "task": self.manifest["task"]["name"],
                "runs": self.manifest["runs"],
                "seed": self.manifest["seed"],
                "alpha": self.manifest["alpha"],
                **{f"stage.{stage}": runs for stage, runs in self.manifest["stages"].items()},
            },
        )
        return str(run.info.run_id)

    def _known(self) -> set[str]:
        """Trials that are there whole; what an interrupted writer left half-written is deleted."""
        known: set[str] = set()
        token = None
        query = f"tags.`{STUDY_TAG}` = '{self.manifest['study']}' and tags.`{PARENT_TAG}` = 'false'"
        while True:
            page = self.client.search_runs([self.experiment], query, max_results=1000, page_token=token)
            for run in page:
                if run.info.status == "RUNNING":
                    self.client.delete_run(run.info.run_id)
                else:
                    known.add(run.data.tags[TRIAL_TAG])
            token = page.token
            if not token:
                return known

    def write_trials(self) -> int:
        """Writes the finished trials that are not there yet; returns how many."""
        parts = set(self.records.part_names())
        fresh = parts - self.seen_parts
        if not fresh:
            return 0
        rows: dict[str, list[dict[str, Any]]] = {}
        # Only what is new is read: a pass over a growing study must not cost more and more.
        for row in self.records.trials(fresh).to_pylist():
            if row["trial"] not in self.known:
                rows.setdefault(row["trial"], []).append(row)
        curves = self._curves(set(rows), fresh) if rows else {}
        for trial, replicates in rows.items():
            self._write_trial(trial, replicates, curves.get(trial, []))
            self.known.add(trial)
        self.seen_parts = parts
        return len(rows)

    def _curves(self, trials: set[str], parts: set[str]) -> dict[str, list[dict[str, Any]]]:
        """The curves of `trials`; parts bear the names they have in `trials/`, unless one was just compacted."""
        grouped: dict[str, list[dict[str, Any]]] = {}
        for point in self.records.curves(parts).to_pylist():
            if point["trial"] in trials:
                grouped.setdefault(point["trial"], []).append(point)
        missing = trials - set(grouped)
        for point in self.records.curves().to_pylist() if missing else ():
            if point["trial"] in missing:
                grouped.setdefault(point["trial"], []).append(point)
        return grouped

    def _write_trial(self, trial: str, rows: list[dict[str, Any]], points: Iterable[Mapping[str, Any]]) -> None:
        first = rows[0]
        errors = {"error": "\n".join(row["error"] for row in rows if row["error"])[-4000:]}
        started = int((first["ended"] - sum(row["seconds"] + row["warmup_seconds"] for row in rows)) * 1000)
        run = self.client.create_run(
            self.experiment,
            start_time=started,
            run_name=trial,
            tags={
                "mlflow.parentRunId": self.parent,
                STUDY_TAG: self.manifest["study"],
                PARENT_TAG: "false",
                TRIAL_TAG: trial,
                "stage": first["stage"],
                "outcome": ", ".join(dict.fromkeys(row["outcome"] for row in rows)),
                "symptoms": ", ".join(sorted({symptom for row in rows for symptom in row["symptoms"]})),
                "checks": ", ".join(sorted({check for row in rows for check in row["checks"]})),
                "attempt": str(first["attempt"]),
                "node": first["node"],
                "device": first["device"],
                **errors,
            },
        )
        several = len(rows) > 1
        metrics = []
        for point in points:
            name = f"{point['name']}.seed{point['seed']}" if several else point["name"]
            metrics.append((name, point["value"], started + int(point["seconds"] * 1000), point["step"]))
        at_end = int(first["ended"] * 1000)
        for row in rows:
            suffix = f".seed{row['seed']}" if several else ""
            for name in ("value", "seconds", "warmup_seconds", "peak_memory", "epochs"):
                if row[name] is not None:
                    key = f"final_{self.manifest['task']['metric']}" if name == "value" else name
                    metrics.append((key + suffix, float(row[name]), at_end, 0))
        params = {name.removeprefix("config."): label(first[name]) for name in first if name.startswith("config.")}
        self._log(
            run.info.run_id,
            params={
                **{name: level for name, level in params.items() if level != "-"},
                "seeds": " ".join(str(row["seed"]) for row in rows),
            },
            metrics=metrics,
        )
        self.client.set_terminated(
            run.info.run_id, "FINISHED" if all(row["outcome"] == "ok" for row in rows) else "FAILED", end_time=at_end
        )

    def write_report(self) -> None:
        """The report: its folder as artifacts, the ranking as the parent run's description."""
        names = self.records.files("report")
        if not names:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                target = Path(folder) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.records.read(f"report/{name}"))
            self.client.log_artifacts(self.parent, folder, "report")
        if self.records.has("report/summary.md"):
            self.client.set_tag(self.parent, "mlflow.note.content", self.records.read("report/summary.md").decode())
        if self.records.has("report/best.json"):
            best = json.loads(self.records.read("report/best.json"))
            if best:
                metric = f"best_{self.manifest['task']['metric']}"
                self._log(self.parent, metrics=[(metric, best["value"], int(time.time() * 1000), 0)])
        self.client.set_terminated(self.parent)

    def _log(
        self,
        run: str,
        params: Mapping[str, Any] | None = None,
        metrics: list[tuple[str, float, int, int]] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param

        values = [Metric(to_mlflow(name), *rest) for name, *rest in metrics or []]
        texts = [Param(to_mlflow(name), str(value)) for name, value in (params or {}).items()]
        self.client.log_batch(run, metrics=values[:BATCH], params=texts)
        for start in range(BATCH, len(values), BATCH):
            self.client.log_batch(run, metrics=values[start : start + BATCH])


def _follow_here(location: str) -> None:
    """What the following process does: write new trials until its input says that the sweep has ended."""
    import select

    records = Records.open(location)
    view = None
    while True:
        ended = bool(select.select([sys.stdin], [], [], POLL_SECONDS)[0])
        if not ended and not records.part_names():
            continue
        view = view or _View(records, _client(records))
        view.write_trials()
        if ended:
            view.write_report()
            return


def main() -> None:
    """Entry point of the following process."""
    parser = argparse.ArgumentParser(description="copies a study's finished trials to MLflow until stdin ends")
    parser.add_argument("study")
    os.nice(10)
    try:
        _follow_here(parser.parse_args().study)
    except (StudyError, TrackingError) as fault:
        raise SystemExit(str(fault)) from fault
    except Exception as fault:
        # Of a database's error the last line is a link.
        raise SystemExit(f"{type(fault).__name__}: {str(fault).splitlines()[0] if str(fault) else ''}") from fault


if __name__ == "__main__":
    main()
