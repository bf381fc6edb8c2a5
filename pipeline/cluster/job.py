"""What a cluster's job runs: a sweep, and `resume` where its process died. Started by `backtrack submit`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import backtrack
from backtrack.running.scratch import for_this_process

# The arguments, in the job's working directory.
ASKED = "backtrack-job.json"
# Exit codes that another attempt would only repeat: done, and a fault of what was asked (3 is one of the machines).
FINAL = (0, 2)
PAUSE_SECONDS = 5.0
# Options of `sweep` that `resume` takes as well.
SHARED = ("--task", "--workers", "--cpus-per-trial", "--gpus-per-trial", "--time-limit", "--max-memory")
SHARED_FLAGS = ("--no-mlflow", "--keep-going")


def main() -> int:
    """Runs the sweep to its end, in at most so many attempts as were asked for; returns the exit code."""
    asked = json.loads(Path(ASKED).read_text())
    folder = kept_folder()
    environment = driver_environment(asked["environment"])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), environment.get("PYTHONPATH"))))
    # The study may lie where only the travelling credentials lead.
    os.environ.update(asked["environment"])
    code = 1
    for attempt in range(1, int(asked["attempts"]) + 1):
        command = command_for(asked)
        print(f"backtrack job, attempt {attempt}: {' '.join(command[:2])}", flush=True)
        driver = [sys.executable, "-P", "-m", "backtrack", *command]
        code = subprocess.run(driver, env=environment, cwd=folder / "job", check=False).returncode
        if code in FINAL:
            return code
        print(f"backtrack job: the driver ended with {code}; its finished runs are recorded", flush=True)
        time.sleep(PAUSE_SECONDS)
    return code


def kept_folder() -> Path:
    """A folder of this process's own with the job's files and this package.

    Ray removes those that it unpacked once it counts no user of them, and it counts wrongly where a driver was killed:
    the next one then stands in a folder that is gone.
    """
    folder = for_this_process("job")
    shutil.copytree(".", folder / "job")
    shutil.copytree(Path(backtrack.__file__).parent, folder / "backtrack")
    return folder


def driver_environment(travelled: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with what travelled from outside.

    The address is the one that Ray gave this job: "auto" would be any Ray that runs on the machine, such as a
    sweep of somebody else's.
    """
    own = {name: value for name, value in os.environ.items() if name == "RAY_ADDRESS"}
    return {**os.environ, **travelled, **own, "BACKTRACK_TRACE": "1"}


def command_for(asked: Mapping[str, Any]) -> list[str]:
    """`sweep`, or `resume` where the study is there already."""
    from backtrack.records.directory import Records

    if Records(asked["study"]).has("manifest.json"):
        return ["resume", asked["study"], *shared_options(asked["sweep"]), "--json"]
    return ["sweep", *asked["sweep"], "--json"]


def shared_options(arguments: Sequence[str]) -> list[str]:
    """The options of a sweep that `resume` understands too, with their values."""
    kept: list[str] = []
    for place, argument in enumerate(arguments):
        name = argument.partition("=")[0]
        if name in SHARED_FLAGS:
            kept.append(argument)
        elif name in SHARED:
            kept += [argument] if "=" in argument else list(arguments[place : place + 2])
    return kept


if __name__ == "__main__":
    sys.exit(main())
