"""Studies with one planted defect each, and sound ones: does the examination find the defect, and nothing else?

    python benchmarks/planted/run_health.py [--studies 40] [--first 0] [--runs 160]

It prints a line a defect: in how many of the studies its own check flagged it, and which others did.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import optuna
from offline import analyse_offline, sweep_offline

from backtrack import Categorical, FunctionTask, Numeric, TrialFailed
from backtrack.evidence.health import Examined, Flag, examine
from backtrack.records.rows import trial_rows
from backtrack.trial.rehearsal import rehearse
from backtrack.vocabulary.plan import FinishedTrial

# Each defect, and the check that must flag it.
DEFECTS = {
    "edge": "edge_of_range",
    "few runs": "too_few_runs",
    "imbalance": "imbalance",
    "inert factor": "never_mattered",
    "seeds": "luck_of_seeds",
    "unexplained": "poor_prediction",
    "tails": "heavy_tails",
    "far runs": "few_runs_carry",
    "drift": "drift",
    "nodes": "drift",
    "region": "failing_region",
    "search": "search_against_screen",
    "symptoms": "symptoms_in_sound_runs",
    "idle seeds": "idle_seeds",
    "loose seeds": "loose_seeds",
}
SOUND = "sound"
# Run-to-run standard deviation.
NOISE = 0.3


def task(defect: str, seed: int) -> FunctionTask:
    """A black box in which every factor matters, with the defect where it is one of the training."""

    def run(config: dict[str, Any], luck: int) -> Iterator[dict[str, float]]:
        draw = random.Random(f"{seed}{luck}{sorted(config.items())}")
        x = math.log10(config["lr"]) + 2.5
        width = {8: 0.5, 16: 0.0, 32: 0.3}[config["width"]]
        value = 0.5 * x * x + {"sgd": 0.0, "adam": -0.5, "rmsprop": 0.4}[config["optimiser"]] + width
        value += (0.5 if config["norm"] == "batch" else 0.0) + 12.8 * (config["dropout"] - 0.25) ** 2
        deviate = draw.gauss(0, 1)
        if defect == "loose seeds":
            deviate = random.SystemRandom().gauss(0, 1)
        if defect == "edge":
            value -= 3 * x
        if defect == "inert factor":
            value -= width
        if defect == "tails":
            deviate /= abs(draw.gauss(0, 1)) ** 1.2
        if defect == "seeds":
            value += random.Random(f"s{seed}{luck}").gauss(0, 0.8)
        if defect == "unexplained":
            value = 0.1 * value + draw.gauss(0, 1)
        if defect == "region" and config["optimiser"] == "rmsprop":
            raise TrialFailed("diverged", "as planted")
        if defect == "far runs" and config["norm"] == "batch" and config["dropout"] < 0.05:
            value += 12
        yield {"loss": value + NOISE * deviate}

    factors = [
        Numeric("lr", 1e-4, 1e-1, log=True),
        Categorical("optimiser", ["sgd", "adam", "rmsprop"]),
        Categorical("norm", ["none", "batch"]),
        Numeric("dropout", 0, 0.5),
        Categorical("width", [8, 16, 32]),
    ]
    return FunctionTask(name="planted", run=run, metric="loss", mode="min", factors=factors)


def study(defect: str, seed: int, runs: int) -> tuple[FunctionTask, list[FinishedTrial]]:
    """A study with the defect."""
    made = task(defect, seed)
    done = sweep_offline(made, 24 if defect == "few runs" else runs, seed, ["screen", "search"])
    draw = np.random.default_rng(seed)
    out = []
    for place, trial in enumerate(sorted(done, key=lambda one: one.planned.trial)):
        if defect == "imbalance" and trial.planned.config["optimiser"] == "rmsprop" and draw.random() < 0.7:
            continue
        result = trial.results[0]
        value = result.value
        if value is not None:
            value += {"drift": place / len(done), "nodes": 0.5 * (place % 2)}.get(defect, 0.0)
            value -= 2.0 if defect == "search" and trial.planned.stage == "search" else 0.0
        shows = defect == "symptoms" and result.outcome == "ok" and draw.random() < 0.2
        changed = replace(result, value=value, symptoms=("dead_units",) if shows else ())
        out.append(replace(trial, results=(changed,), ended=float(place), node="ab"[place % 2]))
    if defect == "idle seeds":
        for trial in out[:6]:
            again = replace(trial.planned, trial=f"{trial.planned.trial}-again", seeds=(99,))
            out.append(replace(trial, planned=again, results=(replace(trial.results[0], seed=99),)))
    return made, out


def flags_of(defect: str, seed: int, runs: int) -> list[Flag]:
    """What an examination of one study finds."""
    made, done = study(defect, seed, runs)
    rehearsed = rehearse(made, [trial.planned for trial in done[:1]])
    examined = Examined(
        analyse_offline(made, done),
        trial_rows(made.space, *done),
        "loss",
        "min",
        rehearsed.differing,
    )
    return examine(examined)


def flagged(defect: str, seed: int, runs: int) -> list[str]:
    """The checks that flag one study."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    return [flag.name for flag in flags_of(defect, seed, runs)]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=160)
    asked = parser.parse_args()
    seeds = list(range(asked.first, asked.first + asked.studies))
    print("| planted | its check | flagged | others |\n|---|---|---|---|")
    with ProcessPoolExecutor() as pool:
        for defect in [SOUND, *DEFECTS]:
            count = len(seeds)
            found = list(pool.map(flagged, [defect] * count, seeds, [asked.runs] * count))
            own = DEFECTS.get(defect, "")
            hits = sum(own in flags if own else bool(flags) for flags in found)
            others = Counter(name for flags in found for name in flags if name != own)
            named = ", ".join(f"{name} {number}" for name, number in others.most_common())
            print(f"| {defect} | {own or 'any'} | {hits} of {count} | {named} |", flush=True)


if __name__ == "__main__":
    main()
