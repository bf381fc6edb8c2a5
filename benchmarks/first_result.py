"""Seconds from typing `backtrack sweep` to the first recorded result, for one or more installations in turn.

    python benchmarks/first_result.py [--tries 3] [--task squirrel] [--command PATH/TO/backtrack ...]

A command of another installation (an older version, another environment) stands beside this one's: both are measured
in turn in one run, so that a busy machine slows both. The time ends when the study directory holds its first row.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A result that takes longer than this is none.
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.05


def first_result(command: str, task: list[str]) -> float:
    """Seconds until the first row of a sweep of `task` is on disk; the sweep is then interrupted.

    Raises:
        SystemExit: where it ends, or takes too long, without one.
    """
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        start = time.perf_counter()
        sweep = subprocess.Popen(
            [command, "sweep", *task, "--runs", "40", "--stages", "screen", "--study", str(study), "--no-mlflow"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": "120"},
        )
        try:
            while not any(study.glob("trials/*.parquet")):
                if sweep.poll() is not None or time.perf_counter() - start > PATIENCE_SECONDS:
                    raise SystemExit(f"{command} sweep {' '.join(task)} gave no result")
                time.sleep(POLL_SECONDS)
            return time.perf_counter() - start
        finally:
            sweep.send_signal(signal.SIGINT)
            try:
                sweep.wait(timeout=60)
            except subprocess.TimeoutExpired:
                sweep.kill()
                sweep.wait()


def main() -> None:
    """Measures each command in turn and prints their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--task", nargs="+", default=["squirrel"], help="as after `backtrack sweep`")
    parser.add_argument("--command", action="append", help="of an installation; default: this one's")
    arguments = parser.parse_args()
    commands = arguments.command or [str(Path(sys.executable).with_name("backtrack"))]
    seconds: dict[str, list[float]] = {command: [] for command in commands}
    for _ in range(arguments.tries):
        for command in commands:
            seconds[command].append(first_result(command, arguments.task))
    for command, taken in seconds.items():
        every = ", ".join(f"{one:.1f}" for one in taken)
        print(
            f"{statistics.median(taken):6.1f} s to the first result of {' '.join(arguments.task)} ({every})  {command}"
        )


if __name__ == "__main__":
    main()
