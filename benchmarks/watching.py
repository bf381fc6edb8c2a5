"""What listening costs: ten kinds of loop with and without it, side by side.

    python benchmarks/watching.py [--repeats 3] [--seconds 10 | --longer 10] [--programs benchmarks/gpu_programs]

Ten of the programs in `faults/healthy`, or each one of another folder. The programs train for a tenth of a second or
so, in which the first close looks are a large share; so each goes through as many epochs as take longer. The time is
the training's own: imports are left out, and of turns what comes before the optimiser is made.

With `--seconds` a training is heard for so many, in turns of a twentieth of a second with as many in which all that
listens stands back, in one process: so a machine whose speed drifts, by more than what is asked, slows both. The first
close looks are in turns that are heard. With `--longer` a training is that many times as long as its source says, and
processes of their own take turns with and without the ears; the smallest time of each counts. `--longer 1` shows what a
training as short costs. All of it takes a quarter of an hour, and needs an idle machine.
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

BEGIN = """
import runpy, sys, time
import torch, torch._dynamo, sklearn.datasets, sklearn.model_selection, sklearn.preprocessing
from backtrack.watch.listening.ears import Ears
from backtrack.watch.listening.standing_back import standing_back
from backtrack.watch.symptoms import all_symptoms

class Sink:
    def point(self, *given): pass
    def found(self, finding): pass

torch.set_num_threads(1)
all_symptoms()
ears = Ears(torch, Sink())
script, asked = sys.argv[1:3]
sys.argv = [script]
"""
# One run from its begin to its end, heard or not.
WHOLE = """
if asked == "heard":
    ears.attach()
begun = time.perf_counter()
runpy.run_path(script, run_name="__main__")
if asked == "heard":
    ears.detach()
print("SECONDS", time.perf_counter() - begun)
"""
# Turns of one run: how long a step takes in those that are not heard, and in those that are.
TURNS = """
TURN, WARM = 0.05, 50
enough = float(asked)
spent, steps = {True: 0.0, False: 0.0}, {True: 0, False: 0}

class Over(Exception): pass

class Turns:
    def __init__(self):
        self.warm, self.away = True, None

    def begin(self):
        self.steps, self.begun = 0, time.perf_counter()

    def step(self):
        now, heard = time.perf_counter(), self.away is None
        self.steps += 1
        if self.warm:
            # The first passes of a process take longer, heard or not.
            if self.steps == WARM:
                raise Over
            return
        if now - self.begun < TURN:
            return
        spent[heard] += now - self.begun
        steps[heard] += self.steps
        if heard:
            self.away = standing_back()
            self.away.__enter__()
        elif spent[True] >= enough:
            raise Over
        else:
            self.away.__exit__(None, None, None)
            self.away = None
        self.begin()

turns = Turns()

def counted(own):
    # Around torch's own hooks of a step, which are called while it goes through all of them.
    inner = torch.optim.Optimizer.profile_hook_step(own)

    def step(*arguments, **options):
        result = inner(*arguments, **options)
        turns.step()
        return result

    step.hooked = True
    return step

kinds = [kind for kind in vars(torch.optim).values() if isinstance(kind, type) and kind is not torch.optim.Optimizer]
for kind in kinds:
    if issubclass(kind, torch.optim.Optimizer):
        kind.step = counted(kind.step)
made = torch.optim.Optimizer.__init__

def begun(*arguments, **options):
    # What comes before is the program's own: its imports and its data.
    made(*arguments, **options)
    turns.begin()

torch.optim.Optimizer.__init__ = begun
for turns.warm in (True, False):
    if not turns.warm:
        now = time.perf_counter()
        ears.attach()
        spent[True] += time.perf_counter() - now
    try:
        runpy.run_path(script, run_name="__main__")
    except Over:
        pass
print("TURNS", *(spent[heard] / steps[heard] for heard in (False, True)))
"""


def told(script: Path, code: str, asked: str) -> list[float]:
    """The numbers in the last line that a run prints."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, str(script), asked],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return [float(number) for number in done.stdout.splitlines()[-1].split()[1:]]


def seconds(script: Path, heard: bool) -> float:
    """Of one run."""
    return told(script, WHOLE, "heard" if heard else "alone")[0]


def lengthened(script: Path, times: int, folder: Path) -> Path:
    """The program with a longer outermost loop."""
    found, count = LENGTH.subn(lambda loop: f"{loop[1]}{int(loop[2]) * times}", script.read_text(), count=1)
    if not count:
        raise SystemExit(f"{script}: no loop over epochs, steps or episodes was found")
    longer = folder / script.name
    longer.write_text(found)
    return longer


def by_turns(script: Path, folder: Path, given: float, repeats: int) -> tuple[float, float]:
    """How long a step takes alone, and heard; the medians over runs that are heard for `given` seconds each."""
    tried = seconds(lengthened(script, TRIED, folder), False)
    # Half of a run is not heard, and some are slower than what was tried.
    longer = lengthened(script, max(1, round(3 * TRIED * given / tried)), folder)
    pairs = sorted((told(longer, TURNS, str(given)) for _ in range(repeats)), key=lambda pair: pair[1] / pair[0])
    alone, heard = pairs[len(pairs) // 2]
    return alone, heard


def in_whole(script: Path, folder: Path, times: int, repeats: int) -> tuple[float, float]:
    """The smallest time of whole runs alone, and heard, of `times` as many epochs."""
    longer = lengthened(script, times, folder)
    pairs = [(seconds(longer, False), seconds(longer, True)) for _ in range(repeats)]
    alone, heard = (min(column) for column in zip(*pairs, strict=True))
    return alone, heard


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
    print(f"| program | {'seconds' if given.longer else 'milliseconds a step'} alone | listened to | more |")
    print("|---|---|---|---|")
    for script in programs:
        if given.longer:
            alone, heard = in_whole(script, folder, given.longer, given.repeats)
        else:
            alone, heard = (1000 * one for one in by_turns(script, folder, given.seconds, given.repeats))
        shares.append(heard / alone - 1)
        print(f"| {script.stem} | {alone:.3g} | {heard:.3g} | {shares[-1]:+.1%} |", flush=True)
    print(f"\nMedian over the programs: {statistics.median(shares):+.1%}")


if __name__ == "__main__":
    main()
