"""Ray nodes of our own on this machine, with a token: started for a test, ended with it, nothing else touched."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

START_SECONDS = 90
# Ray's defaults for these are the same for every node of a machine.
PORTS = ("dashboard-agent-listen", "dashboard-agent-grpc", "metrics-export")


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


class Nodes:
    """A head and further nodes, each a process group of its own that can be killed by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.dashboard = free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "MLFLOW_"))},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.processes: list[subprocess.Popen] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.dashboard}"

    def start(self, cpus: int, gpus: int = 0, autoscaling: dict[str, Any] | None = None) -> subprocess.Popen:
        """One more node; the first is the head, which may start further ones by itself (Ray's fake provider)."""
        where = (
            [
                "--head", f"--port={self.port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={self.dashboard}",
                "--include-dashboard=true", f"--ray-client-server-port={free_port()}",
                # Ray lays sockets there, whose paths must be short.
                f"--temp-dir=/tmp/bt{self.port}",
            ]
            if not self.processes
            else [f"--address=127.0.0.1:{self.port}"]
        )  # fmt: skip
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", *where, f"--num-cpus={cpus}", f"--num-gpus={gpus}",
            "--node-ip-address=127.0.0.1", "--object-store-memory=150000000", "--block", "--disable-usage-stats",
            *(f"--{name}-port={free_port()}" for name in PORTS),
        ]  # fmt: skip
        environment = dict(self.environment)
        if autoscaling is not None:
            config = self.folder / "autoscaling.json"
            config.write_text(json.dumps(autoscaling))
            command.append(f"--autoscaling-config={config}")
            environment |= {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
        log = (self.folder / f"node{len(self.processes)}.log").open("w")
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.processes.append(process)
        if len(self.processes) == 1:
            self._until_it_answers(log.name)
        else:
            self._until_it_has_joined(process, Path(log.name))
        return process

    def ask(self, path: str) -> dict[str, Any]:
        """What the dashboard answers; costs next to nothing, unlike a command."""
        token = {"Authorization": f"Bearer {self.environment['RAY_AUTH_TOKEN']}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.address}{path}", headers=token), timeout=10
        ) as answer:
            return dict(json.load(answer))

    def _until_it_answers(self, log: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                self.ask("/api/version")
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        raise AssertionError(f"the head does not answer: {Path(log).read_text()[-2000:]}")

    @staticmethod
    def _until_it_has_joined(process: subprocess.Popen, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)

    @staticmethod
    def kill(process: subprocess.Popen, how: int = signal.SIGKILL) -> None:
        """Ends a node at once, with everything that it started."""
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return
        process.wait(timeout=60)

    def close(self) -> None:
        for process in reversed(self.processes):
            self.kill(process)
        for stray in _in_session(self.port):
            os.kill(stray, signal.SIGKILL)


def _in_session(port: int) -> list[int]:
    """Processes of this head's session that left their group (workers do), by its own folder in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"/tmp/bt{port}/".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            # It ended while we looked.
            continue
    return found
