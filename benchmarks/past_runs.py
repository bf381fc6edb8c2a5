"""Runs that exist as judges of `analyse`: is what it says of them true, and does it see how they were chosen?

    python benchmarks/past_runs.py [--tpe 100] [--runs 60] [--data DIRECTORY]

The first table: studies of Optuna's samplers on a random response, where nothing is true: for how many it was seen
how they were chosen, with the marks that samplers leave and without, and in how many anything got a verdict. The
second, with --data (docs/evidence.md says where the table comes from): the random-forest runs of 92 data sets, N drawn
at random of each: in how many they are taken for what they are, recall of factors with more than 5 % of the variance,
inert ones (under 1 %) among those called active, and the seconds that one took.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import repeat
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import optuna
from real_tables import ACTIVE, INERT, Table, shares_of, tables_of

from backtrack.evidence.analysis import Analysis, analyse
from backtrack.evidence.choosing import BEFOREHAND
from backtrack.evidence.effects.relevance import NEGLIGIBLE_OF_PAST
from backtrack.readers import PastRuns
from backtrack.readers.as_rows import as_trials
from backtrack.readers.optuna import past_runs_of
from backtrack.readers.past_runs import PastRun
from backtrack.records.rows import CURVES, trial_rows
from backtrack.running.analysing import Read, read_as
from backtrack.vocabulary.space import SearchSpace

SAMPLERS = ("TPE", "TPE alone", "NSGA-II", "random", "quasi-random")


def sampler_of(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """One of Optuna's samplers."""
    made = {
        "TPE": lambda: optuna.samplers.TPESampler(seed=seed),
        "TPE alone": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=False),
        "NSGA-II": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "quasi-random": lambda: optuna.samplers.QMCSampler(seed=seed),
    }
    return made[name]()


def null_study(sampler: str, seed: int, runs: int, marks: bool) -> PastRuns:
    """A study where nothing is true: three to eight settings, a random response."""
    draw = np.random.default_rng(seed)
    kinds = [(f"x{number}", int(draw.integers(0, 4))) for number in range(int(draw.integers(3, 9)))]
    study = optuna.create_study(sampler=sampler_of(sampler, seed))

    def objective(trial: optuna.Trial) -> float:
        for name, kind in kinds:
            if kind == 0:
                trial.suggest_float(name, 1e-4, 1e-1, log=True)
            elif kind == 1:
                trial.suggest_float(name, 0.0, 1.0)
            else:
                trial.suggest_categorical(name, ["a", "b", "c", "d"][: kind + 1])
        return float(draw.normal())

    study.optimize(objective, n_trials=runs)
    past = past_runs_of(study, "a benchmark")
    if marks:
        return past
    return replace(past, sampler="", runs=[replace(run, chosen_by="") for run in past.runs])


def judged(found: Read) -> Analysis:
    """The analysis of runs that were read."""
    runs = found.mapped.runs
    fair = range(len(runs)) if found.choice.chosen == BEFOREHAND else range(found.startup)
    space = SearchSpace(found.mapped.factors)
    trials = trial_rows(space, *as_trials(found.mapped, found.mode, None, fair))
    return analyse(space, trials, CURVES.empty_table(), found.mapped.metric, found.mode, least=NEGLIGIBLE_OF_PAST)


def verdicts(sampler: str, seed: int, runs: int, marks: bool) -> tuple[str, bool]:
    """How a null study was found to be chosen, and whether anything got a verdict."""
    _quiet()
    found = read_as(null_study(sampler, seed, runs, marks), None, None)
    answers = judged(found).responses.values()
    active = any(one.verdict == "active" for answer in answers for one in (*answer.factors, *answer.interactions))
    return found.choice.chosen, active


def of_table(table: Table, runs: int, seed: int) -> tuple[bool, int, int, int, int, float]:
    """Of one data set: chosen beforehand?, active, found, called, inert called, seconds."""
    _quiet()
    shares = _shares(table.name, table)
    keep = np.random.default_rng([seed, runs]).permutation(len(table.values))[:runs]
    some = table.rows(keep)
    past = PastRuns(
        "a table",
        table.name,
        [
            PastRun(str(n), {**dict(c), "score": v})
            for n, (c, v) in enumerate(zip(some.configs, some.values, strict=True))
        ],
        told_apart=False,
    )
    started = time.perf_counter()
    found = read_as(past, "score", "max")
    analysis = judged(found)
    took = time.perf_counter() - started
    called = {e.factor.name for e in analysis.responses["gain"].factors if e.verdict == "active"}
    active = {name for name, share in shares.items() if share > ACTIVE}
    inert = {name for name, share in shares.items() if share < INERT}
    return found.choice.chosen == BEFOREHAND, len(active), len(active & called), len(called), len(inert & called), took


_known: dict[str, dict[str, float]] = {}


def _shares(name: str, table: Table) -> dict[str, float]:
    if name not in _known:
        _known[name] = shares_of(table)
    return _known[name]


@cache
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tpe", type=int, default=100)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default="60,120,240")
    asked = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        print(f"| {asked.tpe} null studies of {asked.runs} runs | marks | chosen | with a verdict |\n|---|---|---|---|")
        for sampler in SAMPLERS if asked.tpe else ():
            for marks in (True, False) if sampler in ("TPE", "NSGA-II") else (False,):
                seeds = range(asked.first, asked.first + asked.tpe)
                rows = list(pool.map(verdicts, repeat(sampler), seeds, repeat(asked.runs), repeat(marks)))
                chosen = ", ".join(f"{how} {count}" for how, count in Counter(how for how, _ in rows).most_common())
                print(
                    f"| {sampler} | {'kept' if marks else 'none'} | {chosen} | {sum(a for _, a in rows)} |", flush=True
                )
        if asked.data is not None:
            tables = tables_of(asked.data / "random_forest.parquet", "task_id", "predictive_accuracy")
            print("\n| runs | taken for random | recall | inert among called | seconds |\n|---|---|---|---|---|")
            for runs in map(int, asked.sizes.split(",")):
                rows = list(pool.map(of_table, tables, repeat(runs), repeat(1), chunksize=8))
                random, active, hits, called, inert = (sum(row[place] for row in rows) for place in range(5))
                took = np.median([row[5] for row in rows])
                cells = f"{random} of {len(rows)} | {hits / active:.2f} | {inert / max(1, called):.3f} | {took:.1f}"
                print(f"| {runs} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
