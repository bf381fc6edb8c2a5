"""Commands as a user would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "backtrack"]

TASK = '''
"""A black box that trains in no time; the truth is known."""
import os, random, time
from backtrack import Categorical, Claim, FunctionTask, Numeric

def run(config, seed):
    log = os.environ.get("RUN_LOG")
    if log and "BACKTRACK_REHEARSAL" not in os.environ:
        with open(log, "a") as file:
            file.write(f"{sorted(config.items())} {seed}\\n")
    rng = random.Random(f"{sorted(config.items())} {seed}")
    dead = config["order"] == "forward" and config["readout"] == "last"
    for epoch in range(1, 6):
        time.sleep(float(os.environ.get("RUN_SECONDS", "0")) / 5)
        gain = 0.12 * epoch - 0.02 * epoch * (config["optimiser"] == "sgd")
        yield {"error": 1.0 if dead else 1.0 - gain + rng.gauss(0, 0.02)}

task = FunctionTask(
    name="toy", run=run, metric="error", mode="min", chance=1.0,
    factors=[
        Categorical("optimiser", ["sgd", "adam"], claims=[Claim("adam is better", "a post", "adam", "sgd")]),
        Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
        Categorical("order", ["forward", "reverse"]),
        Categorical("readout", ["last", "max", "mean"]),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
    ],
)
'''


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    file = tmp_path / "toy.py"
    file.write_text(TASK)
    return file


def backtrack(
    *arguments: object, folder: Path, timeout: float = 240, **environment: str
) -> subprocess.CompletedProcess:
    """Runs the command in `folder` and returns what it printed."""
    clean = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
