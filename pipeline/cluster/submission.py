"""Sweeps on a cluster: handed over to Ray's job submission, watched, stopped, fetched.

The job runs `backtrack.cluster.job` on the cluster's head: the sweep, and where its process dies, `resume`. This
machine may be switched off meanwhile; all that it needs later is the job's id, or the place of the study.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ray.job_submission import JobDetails, JobSubmissionClient

import backtrack.search_spaces
import backtrack.tasks
from backtrack.cluster.job import ASKED
from backtrack.errors import BacktrackError, ClusterError, StudyError
from backtrack.running.travelling import project_files
from backtrack.task.project import PROJECT_MARK, project_root

# Names of environment variables whose values travel to the job's driver (and to no worker): where MLflow's server is
# and how one logs in there, and how one reaches an object store.
TRAVELLING = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)
# Folders of the job's package: this package, and the project of the user's task.
OWN_PACKAGE, PROJECT = "backtrack", "project"
# Data files beyond this do not travel with a job.
MOST_DATA_BYTES = 200 * 1024**2
# What Ray says of a job while none of its nodes is ready; how often it is asked again, and seconds in between.
NOT_YET, TRIES, PAUSE = "No available agent to submit job", 30, 2.0


@dataclass(frozen=True)
class Submission:
    """A sweep for a cluster.

    Args:
        task: its name.
        study: where the study goes: a URI, or an absolute path that every node has mounted.
        options: further arguments of `backtrack sweep`.
        task_file: of a user's task; its project travels along.
        data: a local data file that travels along, or a URI that workers read themselves.
        attempts: how often the driver may be started, the first time included.
        environment: names of further environment variables whose values travel to the driver.
    """

    task: str
    study: str
    options: Sequence[str] = ()
    task_file: Path | None = None
    data: str | None = None
    attempts: int = 3
    environment: Sequence[str] = ()


def _once_there_is_an_agent(ask: Callable[[], str]) -> str:
    """Hands a job over; a cluster that has just started answers before anything on it can take one."""
    for _ in range(TRIES):
        try:
            return ask()
        except RuntimeError as fault:
            if NOT_YET not in str(fault):
                raise
            time.sleep(PAUSE)
    return ask()


def submit(submission: Submission, address: str | None = None) -> str:
    """Hands a sweep over to a cluster and returns its job id at once.

    Args:
        submission: what to run.
        address: of the cluster's dashboard, `http://host:8265`; default: `RAY_API_SERVER_ADDRESS` or `RAY_ADDRESS`.

    Raises:
        ClusterError: where the cluster cannot be reached or refuses the token.
        StudyError: where the study's place would be on one node only.
    """
    if "://" not in submission.study and not Path(submission.study).is_absolute():
        raise StudyError(
            f"study {submission.study}: a job's study needs a place that this machine and the cluster's nodes share; "
            "expected a URI (s3://bucket/prefix, gs://…, hdfs://…) or an absolute path on a mounted disk"
        )
    client = _client(address)
    with tempfile.TemporaryDirectory(prefix="backtrack-job-") as folder:
        job_folder, package = Path(folder) / "job", Path(folder) / OWN_PACKAGE
        job_folder.mkdir()
        pack(submission, job_folder)
        copy_package(package)
        try:
            job = _once_there_is_an_agent(
                lambda: client.submit_job(
                    entrypoint=f"{_python()} -P -m backtrack.cluster.job",
                    runtime_env={"working_dir": str(job_folder), "py_modules": [str(package)]},
                    metadata={"backtrack.task": submission.task, "backtrack.study": submission.study},
                )
            )
        except Exception as fault:
            raise ClusterError(f"the cluster at {_shown(address)} did not accept the job: {_line(fault)}") from fault
    return job


def pack(submission: Submission, folder: Path) -> None:
    """Fills `folder` with what travels: the arguments, the project of the user's task, a local data file.

    Values of environment variables travel in this package: they appear neither in the job's description nor in its
    log or process list. Whoever may read the cluster's storage of packages can read them.
    """
    arguments = [submission.task, "--study", submission.study, *submission.options]
    if submission.task_file is not None:
        arguments += ["--task", _packed_project(submission.task_file, folder / PROJECT)]
    if submission.data is not None:
        if "://" in submission.data:
            arguments += ["--data", submission.data]
        else:
            arguments += ["--data", _packed_data(Path(submission.data), folder)]
    values = {name: os.environ[name] for name in (*TRAVELLING, *submission.environment) if name in os.environ}
    missing = [name for name in submission.environment if name not in os.environ]
    if missing:
        raise ClusterError(f"--pass {missing[0]}: this variable is not set here; set it, or leave the option out")
    asked = {
        "sweep": arguments,
        "study": submission.study,
        "attempts": submission.attempts,
        "environment": values,
    }
    (folder / ASKED).write_text(json.dumps(asked))


def copy_package(target: Path) -> None:
    """Copies this package to `target`, from wherever its parts are installed.

    In a checkout the parts lie in three folders, which only the installation puts under one name.
    """
    for name, place in (
        ("", Path(backtrack.__file__).parent),
        ("search_spaces", Path(backtrack.search_spaces.__file__).parent),
        ("tasks", Path(backtrack.tasks.__file__).parent),
    ):
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(place, target / name, ignore=ignored, dirs_exist_ok=True)


def _packed_project(task_file: Path, folder: Path) -> str:
    """Copies a task file's project; returns where the file then is, relative to the job's folder."""
    root = project_root(task_file)
    for name in project_files(task_file):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    # What marked it may not have travelled.
    (folder / PROJECT_MARK).touch()
    return str(Path(folder.name) / task_file.resolve().relative_to(root))


def _packed_data(data: Path, folder: Path) -> str:
    if not data.is_file():
        raise StudyError(f"--data {data}: expected a file of this machine, or a URI that the cluster's nodes can read")
    size = data.stat().st_size
    if size > MOST_DATA_BYTES:
        raise StudyError(
            f"--data {data} has {size / 1024**2:.0f} MiB; files up to {MOST_DATA_BYTES // 1024**2} MiB travel with the "
            "job; put it where the nodes can read it and give its URI"
        )
    (folder / "data").mkdir()
    shutil.copy(data, folder / "data")
    return f"data/{data.name}"


@dataclass(frozen=True)
class JobState:
    """What is known of a job.

    Args:
        job: its id.
        status: Ray's word: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        message: Ray's sentence about it.
        task, study: what it runs, and where the study is.
        recorded, planned: training runs so far, and in all; None where the study cannot be read from here (yet).
        outcomes: `{outcome: runs}` of those recorded.
    """

    job: str
    status: str
    message: str
    task: str
    study: str
    recorded: int | None
    planned: int | None
    outcomes: Mapping[str, int]


def status(job: str, address: str | None = None) -> JobState:
    """The state of a job, and of its study as far as this machine can read it.

    Raises:
        ClusterError: where the cluster cannot be reached or has no such job.
    """
    details = _details(_client(address), job, address)
    metadata = details.metadata or {}
    study = metadata.get("backtrack.study", "")
    recorded, planned, outcomes = _progress(study)
    return JobState(
        job=job,
        status=str(details.status),
        message=details.message or "",
        task=metadata.get("backtrack.task", ""),
        study=study,
        recorded=recorded,
        planned=planned,
        outcomes=outcomes,
    )


def _progress(study: str) -> tuple[int | None, int | None, dict[str, int]]:
    from backtrack.records.directory import Records

    try:
        records = Records.open(study)
        counted = records.trials()["outcome"].value_counts().to_pylist()
    except (BacktrackError, OSError):
        # Not there yet, or on storage that only the cluster can reach: the job's own state is told all the same.
        return None, None, {}
    outcomes = {row["values"]: row["counts"] for row in counted}
    return sum(outcomes.values()), int(records.manifest["runs"]), outcomes


def logs(job: str, address: str | None = None, follow: bool = False) -> Iterator[str]:
    """What the job has printed, in pieces; with `follow` also what it still prints, until it ends."""
    client = _client(address)
    _details(client, job, address)
    if not follow:
        yield client.get_job_logs(job)
        return
    import asyncio

    pieces = client.tail_job_logs(job)
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(anext(pieces))
            except StopAsyncIteration:
                return
    finally:
        loop.close()


def stop(job: str, address: str | None = None) -> None:
    """Asks the job to end; what had finished is recorded, and `backtrack resume` or a new job goes on with it."""
    client = _client(address)
    _details(client, job, address)
    client.stop_job(job)


def fetch(source: str, directory: str | Path, address: str | None = None) -> str:
    """Copies a study to this machine.

    Args:
        source: a job id, or the place of a study.
        directory: where to; a copy of the same study that lies there is brought up to date.
        address: of the cluster, for a job id.

    Returns:
        Where the study came from.

    Raises:
        StudyError: where there is no study, or another one lies in `directory`.
    """
    from backtrack.records.directory import Records

    study = source
    if "://" not in source and not Path(source).exists():
        study = (_details(_client(address), source, address).metadata or {}).get("backtrack.study", "")
    Records.open(study).copy_to(directory)
    return study


def _details(client: JobSubmissionClient, job: str, address: str | None) -> JobDetails:
    try:
        return client.get_job_info(job)
    except Exception as fault:
        raise ClusterError(f"the cluster at {_shown(address)} does not know job {job}: {_line(fault)}") from fault


def _client(address: str | None) -> JobSubmissionClient:
    logging.getLogger("ray").setLevel(logging.WARNING)
    try:
        return JobSubmissionClient(_target(address))
    except Exception as fault:
        raise ClusterError(
            f"no cluster answers at {_shown(address)}: {_line(fault)}. Give the address of a Ray dashboard such as "
            "http://127.0.0.1:8265. If the cluster asks for a token, set RAY_AUTH_MODE=token and put the token into "
            "RAY_AUTH_TOKEN or ~/.ray/auth_token"
        ) from fault


def _target(address: str | None) -> str | None:
    return address or os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS")


def _shown(address: str | None) -> str:
    return _target(address) or "http://127.0.0.1:8265 (no --address given)"


def _line(fault: BaseException) -> str:
    lines = [line for line in str(fault).strip().splitlines() if line.strip()]
    return lines[0][:300] if lines else type(fault).__name__


def _python() -> str:
    """The interpreter's name on the cluster: the one of this machine may not exist there."""
    return os.environ.get("BACKTRACK_CLUSTER_PYTHON", "python")
