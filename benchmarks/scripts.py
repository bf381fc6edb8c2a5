"""What a run of a script costs beyond its own work: started from a warm parent, and as a Python of its own.

    python benchmarks/scripts.py [--runs 10]

The script imports torch and trains for a moment; it measures its own work. Both ways are timed in turn, in one run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from backtrack import Categorical, ScriptTask
from backtrack.trial import run_trial
from backtrack.vocabulary.config import Config

SCRIPT = """
import time
begun = time.perf_counter()
import sys, torch
from torch import nn
imported = time.perf_counter()
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
opt = torch.optim.Adam(net.parameters())
x, y = torch.randn(512, 20), torch.randint(0, 2, (512,))
for step in range(200):
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
print(f"loss: {loss.item():.4f}, own_seconds: {time.perf_counter() - imported:.4f}")
"""


def main() -> None:
    """Prints the median seconds beyond the script's own work, for both ways."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=10)
    runs = arguments.parse_args().runs
    warm, cold = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        task = ScriptTask(
            name="timed",
            command=[str(script)],
            metric="loss",
            mode="min",
            factors=[Categorical("unused", ["a", "b"])],
            arguments="{unused}",
        ).within(Path(folder))
        config = Config({"unused": "a"})
        run_trial(task, config, [0])
        for seed in range(runs):
            begun = time.perf_counter()
            (result,) = run_trial(task, config, [seed])
            own = [point.value for point in result.curve if point.name == "own_seconds"][-1]
            warm.append(time.perf_counter() - begun - own)
            begun = time.perf_counter()
            told = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout
            cold.append(time.perf_counter() - begun - float(told.rpartition("own_seconds: ")[2]))
    print("| started | seconds beyond its own work, median | slowest |")
    print("|---|---|---|")
    for name, seconds in (("from a warm parent (imports done)", warm), ("as a Python of its own", cold)):
        print(f"| {name} | {statistics.median(seconds):.3f} | {max(seconds):.3f} |")


if __name__ == "__main__":
    main()
