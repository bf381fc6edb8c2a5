"""Sweeps on two real Ray nodes with tokens: submitted from outside, a node killed, a study fetched, an S3 store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from conftest import backtrack
from nodes import Nodes, free_port

from backtrack import open_study
from backtrack.records.directory import Records

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(400)]

RUNS = 60
# Where it is not the runs that matter.
FEW = 24


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    cluster = Nodes(tmp_path_factory.mktemp("nodes"))
    try:
        cluster.start(cpus=1, gpus=1)
        cluster.start(cpus=1)
        yield cluster
    finally:
        cluster.close()


def run(nodes: Nodes, *arguments: object, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """The command as somebody outside of the cluster would run it, with its token."""
    return backtrack(*arguments, folder=folder, timeout=120, **{**nodes.environment, **environment})


def submitted(nodes: Nodes, task_file: Path, study: object, *more: object, runs: int = RUNS, **environment: str) -> str:
    where = ("--study", study, "--address", nodes.address)
    options = ("--task", task_file, *where, "--runs", runs, "--no-mlflow", "--json")
    done = run(nodes, "submit", "toy", *options, *more, folder=task_file.parent, **environment)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["job"])


def ended(nodes: Nodes, job: str, folder: Path, seconds: float = 240) -> dict:
    """What `backtrack status` says of the job once it has ended."""
    until(lambda: nodes.ask(f"/api/jobs/{job}")["status"] in ("SUCCEEDED", "FAILED", "STOPPED"), seconds, every=0.5)
    done = run(nodes, "status", job, "--address", nodes.address, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def until(condition, seconds: float = 120, every: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(every)


def last_lines(log: Path) -> list[str]:
    return log.read_text().splitlines()[-3:]


def process_of(line: str) -> int:
    """Id of the process that wrote this line of the log."""
    return int(line.rpartition(" ")[2])


def runs_on(node: subprocess.Popen, line: str) -> bool:
    """Whether the process that wrote this line of the log belongs to a node."""
    try:
        return node.pid in {parent.pid for parent in psutil.Process(process_of(line)).parents()}
    except psutil.NoSuchProcess:
        return False


def parts(study: Path) -> int:
    return len(list((study / "trials").glob("*.parquet")))


def slowed(task_file: Path, seconds: float) -> Path:
    """The same task with the time of a run written into it: no environment variable reaches a cluster's workers."""
    task_file.write_text(
        task_file.read_text().replace('os.environ.get("RUN_SECONDS", "0")', f'"{seconds}"').replace(
            'os.environ.get("RUN_LOG")', f'"{task_file.parent / "log"}"'
        )
    )  # fmt: skip
    return task_file


def complete(study: object, runs: int = RUNS) -> None:
    """Every run there, none twice."""
    names = open_study(str(study)).trials["trial"].to_pylist()
    assert len(names) == len(set(names)) == runs


def test_a_submitted_sweep_uses_both_nodes_and_a_fetched_study_is_the_same(
    nodes: Nodes, task_file: Path, tmp_path: Path
) -> None:
    # His project: neighbours that are used, one of them only in a training, and modules of our names that are not.
    (tmp_path / "neighbour.py").write_text("from utils import LIMIT\n")
    (tmp_path / "utils.py").write_text("LIMIT = 0.02\n")
    for name in ("pipeline", "tasks", "search_spaces", "worker", "analysis", "backtrack_helpers"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not meant')")
    text = slowed(task_file, 0.05).read_text()
    late = text.replace("    rng = ", "    import neighbour\n    rng = ", 1)
    task_file.write_text(late.replace("0.02)}", "neighbour.LIMIT)}"))
    study = tmp_path / "shared"
    job = submitted(nodes, task_file, study)
    until(lambda: study.exists() and parts(study) > 2)
    # A study can be looked at while it runs.
    assert run(nodes, "fetch", job, tmp_path / "early", "--address", nodes.address, folder=tmp_path).returncode == 0
    assert Records.open(tmp_path / "early").trials().num_rows >= 2
    state = ended(nodes, job, tmp_path)
    printed = run(nodes, "logs", job, "--address", nodes.address, folder=tmp_path).stdout
    assert state["status"] == "SUCCEEDED", printed[-9000:]
    assert (state["recorded"], state["planned"], state["task"]) == (RUNS, RUNS, "toy")
    assert '"event"' in printed
    complete(study)
    assert not any(open_study(study).trials["error"].to_pylist())
    again = run(nodes, "fetch", job, tmp_path / "early", "--address", nodes.address, folder=tmp_path)
    assert again.returncode == 0, again.stderr
    here, there = open_study(tmp_path / "early"), open_study(study)
    assert here.trials.equals(there.trials) and here.curves.equals(there.curves)
    for name in ("factors", "levels", "interactions", "causes", "claims"):
        assert getattr(here, name).equals(getattr(there, name)), name


def test_a_node_dies_half_way_and_nothing_is_lost_or_double(nodes: Nodes, task_file: Path, tmp_path: Path) -> None:
    # From the eleventh run on, runs wait for the blow: however slowly the node's worker starts, it is hit at work.
    log, blow = tmp_path / "log", tmp_path / "blow"
    grown = f"os.path.exists({str(log)!r}) and os.path.getsize({str(log)!r}) > 1500"
    until_hit = f"while {grown} and not os.path.exists({str(blow)!r}): time.sleep(0.1)"
    text = slowed(task_file, 0.3).read_text().replace("{seed}", "{seed} {os.getpid()}", 1)
    task_file.write_text(text.replace("    rng = ", f"    {until_hit}\n    rng = ", 1))
    study = tmp_path / "s"
    doomed = nodes.start(cpus=1)
    job = submitted(nodes, task_file, study)
    until(lambda: log.exists() and parts(study) > 5 and any(runs_on(doomed, line) for line in last_lines(log)))
    (hit,) = {process_of(line) for line in last_lines(log) if runs_on(doomed, line)}
    nodes.kill(doomed)
    # A worker outlives its node for a moment, in which it could still end its run and report it.
    until(lambda: not psutil.pid_exists(hit))
    blow.touch()
    state = ended(nodes, job, tmp_path)
    printed = run(nodes, "logs", job, "--address", nodes.address, folder=tmp_path).stdout
    assert state["status"] == "SUCCEEDED", printed[-9000:]
    complete(study)
    trials = open_study(study).trials
    assert set(trials["outcome"].to_pylist()) <= {"ok", "no_learning"}, set(trials["error"].to_pylist())
    # What ran on the node was started again, and its attempt counted.
    started = Counter(line.rpartition(" ")[0] for line in log.read_text().splitlines())
    assert max(trials["attempt"].to_pylist()) == 2
    assert sum(count - 1 for count in started.values()) <= 2


def test_stopped_and_submitted_again_and_its_driver_killed_it_goes_on(
    nodes: Nodes, task_file: Path, tmp_path: Path
) -> None:
    slowed(task_file, 0.5)
    study = tmp_path / "s"
    job = submitted(nodes, task_file, study)
    until(lambda: study.exists() and parts(study) > 8)
    assert run(nodes, "stop", job, "--address", nodes.address, folder=tmp_path).returncode == 0
    assert ended(nodes, job, tmp_path)["status"] == "STOPPED"
    before = Records.open(study).trials()["trial"].to_pylist()
    assert 8 < len(before) < RUNS
    recorded = parts(study)
    again = submitted(nodes, task_file, study)
    until(lambda: parts(study) > recorded)
    drivers = [p for p in psutil.process_iter(["cmdline"]) if str(study) in (p.info["cmdline"] or [])]
    assert len(drivers) == 1
    drivers[0].send_signal(signal.SIGKILL)
    state = ended(nodes, again, tmp_path)
    printed = run(nodes, "logs", again, "--address", nodes.address, folder=tmp_path).stdout
    assert state["status"] == "SUCCEEDED", printed[-9000:]
    assert "attempt 2: resume" in printed
    complete(study)
    assert set(before) <= set(Records.open(study).trials()["trial"].to_pylist())


def test_shares_of_a_gpu_pack_and_never_exceed_it(nodes: Nodes, task_file: Path, tmp_path: Path) -> None:
    """The head has one (logical) GPU: with halves two trainings share it, although two CPUs and more would be free."""
    spans = f'"BACKTRACK_REHEARSAL" in os.environ or open("{tmp_path}/spans", "a").write'
    begin = f"    {spans}('+' + os.environ.get('CUDA_VISIBLE_DEVICES', '') + '\\n')\n    rng = random"
    end = f"        if epoch == 5:\n            {spans}('-\\n')\n\ntask ="
    task_file.write_text(task_file.read_text().replace("    rng = random", begin, 1).replace("\ntask =", end, 1))
    slowed(task_file, 0.2)
    job = submitted(nodes, task_file, tmp_path / "s", "--gpus-per-trial", "0.5", "--cpus-per-trial", "0.25", runs=FEW)
    assert ended(nodes, job, tmp_path)["status"] == "SUCCEEDED"
    complete(tmp_path / "s", FEW)
    running = most = 0
    devices = set()
    for line in (tmp_path / "spans").read_text().splitlines():
        running += 1 if line[0] == "+" else -1
        most = max(most, running)
        devices |= {line[1:]} if line[0] == "+" else set()
    assert most == 2
    assert devices == {"0"}


def test_a_study_in_an_object_store(nodes: Nodes, task_file: Path, tmp_path: Path) -> None:
    port = free_port()
    keys = {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        make = (
            "import boto3, time\n"
            "for _ in range(60):\n"
            "    try:\n        boto3.client('s3').create_bucket(Bucket='sweeps'); break\n"
            "    except Exception: time.sleep(0.5)\n"
        )
        subprocess.run([sys.executable, "-c", make], env={**os.environ, **keys}, check=True, timeout=90)
        job = submitted(nodes, task_file, "s3://sweeps/one", runs=FEW, **keys)
        state = ended(nodes, job, tmp_path)
        printed = run(nodes, "logs", job, "--address", nodes.address, folder=tmp_path).stdout
        assert state["status"] == "SUCCEEDED", printed[-9000:]
        # The keys reached the driver, and nobody else's eyes.
        details = run(nodes, "status", job, "--address", nodes.address, "--json", folder=tmp_path).stdout
        assert "very-secret" not in printed + details
        done = run(nodes, "fetch", job, tmp_path / "copy", "--address", nodes.address, folder=tmp_path, **keys)
        assert done.returncode == 0, done.stderr
        complete(tmp_path / "copy", FEW)
        shown = backtrack("report", "copy", "--json", folder=tmp_path)
        assert shown.returncode == 0, shown.stderr
        resumed = run(nodes, "report", "s3://sweeps/one", "--json", folder=tmp_path, **keys)
        assert resumed.returncode == 0, resumed.stderr
    finally:
        os.killpg(server.pid, signal.SIGKILL)


def test_the_tracking_servers_address_and_token_reach_the_driver_and_nobody_else(
    nodes: Nodes, task_file: Path, tmp_path: Path
) -> None:
    asked: list[str | None] = []

    class Tracking(BaseHTTPRequestHandler):
        """A tracking server that knows nothing: the sweep has to end well without it."""

        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tracking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        where = ("--study", tmp_path / "s", "--address", nodes.address)
        secret = {
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{server.server_port}", "MLFLOW_TRACKING_TOKEN": "a-secret-token"
        }  # fmt: skip
        task = ("toy", "--task", slowed(task_file, 0), "--runs", FEW, "--json")
        done = run(nodes, "submit", *task, *where, folder=tmp_path, **secret)
        assert done.returncode == 0, done.stderr
        job = json.loads(done.stdout)["job"]
        assert ended(nodes, job, tmp_path)["status"] == "SUCCEEDED"
        assert set(asked) == {"Bearer a-secret-token"}
        said = [run(nodes, *what, "--address", nodes.address, folder=tmp_path).stdout for what in
                (("logs", job), ("status", job, "--json"))]  # fmt: skip
        assert "a-secret-token" not in "".join(said) + json.dumps(nodes.ask(f"/api/jobs/{job}"))
        complete(tmp_path / "s", FEW)
    finally:
        server.shutdown()


def test_faults_are_said_before_anything_runs(nodes: Nodes, task_file: Path, tmp_path: Path) -> None:
    base = ("submit", "toy", "--task", task_file, "--address", nodes.address)
    for more, message in (
        (("--study", "here"), "share"),
        (("--study", tmp_path / "s", "--runs", "2"), "more runs than"),
        (("--study", tmp_path / "s", "--fix", "optimiser=lion"), "lion"),
        (("--study", tmp_path / "s", "--pass", "NOT_SET_ANYWHERE"), "not set here"),
        (("--study", tmp_path / "s", "--data", tmp_path / "none.parquet"), "no option"),
    ):
        done = run(nodes, *base, *more, folder=tmp_path)
        assert done.returncode == 2 and message in done.stderr, (more, done.stderr)
    for command in (("status", "nojob"), ("logs", "nojob"), ("stop", "nojob"), ("fetch", "nojob", "x")):
        done = run(nodes, *command, "--address", nodes.address, folder=tmp_path)
        assert done.returncode == 2 and "nojob" in done.stderr, done.stderr
    locked_out = run(nodes, "status", "job", "--address", nodes.address, folder=tmp_path, RAY_AUTH_TOKEN="0" * 64)
    assert locked_out.returncode == 2 and "token" in locked_out.stderr, locked_out.stderr
