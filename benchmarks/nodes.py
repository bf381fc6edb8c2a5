"""What a second node gains: the same sweep submitted to one Ray node and to two, on this machine, in one run.

    python benchmarks/nodes.py [--runs 80]

Each node has one CPU of its own to give, and real ones they share: two nodes cannot gain more than the machine has.
Prints trainings a second (first to last) and the time from `submit` to the first result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "system"))
from nodes import Nodes

from backtrack.records.directory import Records

WAITING = """
import time
from backtrack import Categorical, FunctionTask
def run(config, seed):
    for epoch in range(3):
        time.sleep({seconds} / 3)
        yield {{"error": 0.5 - 0.1 * epoch + 0.001 * seed}}
task = FunctionTask(name="waiting", run=run, metric="error", mode="min",
                    factors=[Categorical("a", [1, 2]), Categorical("b", [1, 2])])
"""
KINDS = {
    "nothing to do": ("waiting", 0.0),
    "half a second of waiting": ("waiting", 0.5),
    "digits (winners)": ("winners", None),
}


def measure(nodes: int, name: str, seconds: float | None, runs: int) -> tuple[float, float]:
    """(trainings a second, seconds from submission to the first result) on so many nodes of one CPU each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cluster = Nodes(folder)
        try:
            for _ in range(nodes):
                cluster.start(cpus=1)
            task = []
            if seconds is not None:
                (folder / "waiting.py").write_text(WAITING.format(seconds=seconds))
                task = ["--task", "waiting.py"]
            backtrack = [sys.executable, "-m", "backtrack"]
            where = ["--study", str(folder / "s"), "--address", cluster.address]
            options = ["--runs", str(runs), "--stages", "screen", "--no-mlflow", "--json"]
            command = [*backtrack, "submit", name, *task, *where, *options]
            started = time.time()
            done = subprocess.run(
                command, cwd=folder, env=cluster.environment, capture_output=True, text=True, check=True
            )
            job = json.loads(done.stdout)["job"]
            status = [sys.executable, "-m", "backtrack", "status", job, "--address", cluster.address, "--json"]
            while True:
                time.sleep(3)
                told = subprocess.run(
                    status, env=cluster.environment, capture_output=True, text=True, check=True
                ).stdout
                if json.loads(told)["status"] in ("SUCCEEDED", "FAILED", "STOPPED"):
                    break
            ends = sorted(Records.open(folder / "s").trials()["ended"].to_pylist())
            assert len(ends) == runs, told
            return (runs - 1) / (ends[-1] - ends[0]), ends[0] - started
        finally:
            cluster.close()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=80)
    arguments = parser.parse_args()
    print("| trainings | a second, one node | two nodes | ratio | submit to first result, one node | two nodes |")
    print("|---|---|---|---|---|---|")
    for kind, (name, seconds) in KINDS.items():
        (one, first_one), (two, first_two) = (measure(count, name, seconds, arguments.runs) for count in (1, 2))
        print(
            f"| {kind} | {one:.2f} | {two:.2f} | {two / one:.2f} | {first_one:.1f} s | {first_two:.1f} s |", flush=True
        )


if __name__ == "__main__":
    main()
