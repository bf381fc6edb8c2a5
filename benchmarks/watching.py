"""What listening costs: ten kinds of loop with and without it, side by side.

    python benchmarks/watching.py [--repeats 3] [--seconds 10 | --longer 10] [--programs benchmarks/gpu_programs]

Ten of the programs in `faults/healthy`, or each one of another folder, run in processes of their own, in turns with and
without the ears; the time is their own, imports left out. The programs train for a tenth of a second or so, in which
the first close looks are a large share. So each goes through as many epochs as take about `--seconds`, or `--longer`
times those that its source says; `--longer 1` shows what a training as short costs. All of it takes a quarter of an
hour, and needs an idle machine.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HEALTHY = Path(__file__).parent / "faults" / "healthy"
# Of each kind of loop one.
KINDS = (
    *("cnn_digits", "gan_ring", "graph_nodes", "lstm_words", "mlp_digits"),
    *("regression_table", "reinforce_line", "siamese_pairs", "transformer_sums", "vae_digits"),
)
# Seconds that a training takes, where nothing else is asked.
SECONDS = 10.0
# Times as long as written, from which on a training tells how long it takes.
TRIED = 10
# The outermost loop of a program.
LENGTH = re.compile(
    r"(for (?:epoch|step|episode|it) in range\((?:\d+, )?|\"--epochs\", type=int, default=|epochs = |train\(\w+, \w+, )"
    r"(\d+)(?=[,)\n])"
)

TIMED = """
import runpy, sys, time
import torch, torch._dynamo, sklearn.datasets, sklearn.model_selection, sklearn.preprocessing
torch.set_num_threads(1)
script, heard = sys.argv[1], sys.argv[2] == "heard"
sys.argv = [script]
if heard:
    from backtrack.watch.listening.ears import Ears

    class Sink:
        def point(self, *given): pass
        def found(self, finding): pass

    ears = Ears(torch, Sink())
    ears.attach()
begun = time.perf_counter()
runpy.run_path(script, run_name="__main__")
if heard:
    ears.detach()
print("SECONDS", time.perf_counter() - begun)
"""


def seconds(script: Path, heard: bool) -> float:
    """Of one run."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(script), "heard" if heard else "alone"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return float(done.stdout.rpartition("SECONDS ")[2])


def lengthened(script: Path, times: int, folder: Path) -> Path:
    """The program with a longer outermost loop."""
    found, count = LENGTH.subn(lambda loop: f"{loop[1]}{int(loop[2]) * times}", script.read_text(), count=1)
    if not count:
        raise SystemExit(f"{script}: no loop over epochs, steps or episodes was found")
    longer = folder / script.name
    longer.write_text(found)
    return longer


def main() -> None:
    """Prints the share of time that listening takes, for each program, and the median over them."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--repeats", type=int, default=3)
    length = arguments.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=SECONDS)
    length.add_argument("--longer", type=int)
    arguments.add_argument("--programs", type=Path)
    given = arguments.parse_args()
    programs = sorted(given.programs.glob("*.py")) if given.programs else [HEALTHY / f"{name}.py" for name in KINDS]
    folder = Path(tempfile.mkdtemp())
    shares = []
    print("| program | seconds alone | listened to | more |")
    print("|---|---|---|---|")
    for script in programs:
        times = given.longer
        if times is None:
            # A short one tells little of a long one's length.
            tried = lengthened(script, TRIED, folder)
            times = max(1, round(TRIED * given.seconds / seconds(tried, False)))
        longer = lengthened(script, times, folder)
        pairs = [(seconds(longer, False), seconds(longer, True)) for _ in range(given.repeats)]
        alone, heard = (min(column) for column in zip(*pairs, strict=True))
        shares.append(heard / alone - 1)
        print(f"| {script.stem} | {alone:.2f} | {heard:.2f} | {shares[-1]:+.1%} |", flush=True)
    print(f"\nMedian over the programs: {statistics.median(shares):+.1%}")


if __name__ == "__main__":
    main()
