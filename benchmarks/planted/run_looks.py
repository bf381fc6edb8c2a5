"""Studies that go on: does the error rate hold over all looks, and do looks spare runs?

    python benchmarks/planted/run_looks.py [--null 400] [--problems 40] [--first 41000] [--budget 240]

The first table: studies where nothing is true, begun with 60 runs and extended five times by 30, each with a look:
how many ever said of a factor or a pair that it is active. The second: planted problems, run until every question is
decided or cannot be within a budget, beside a sweep of the whole budget at once and one of as many runs as the looks
took: mean runs, recall and false discoveries of active factors.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import optuna
import pyarrow as pa
from offline import analyse_offline, sweep_offline
from problems import NOISE, draw
from score import Score, score

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.studied import analysis_of
from backtrack.records.rows import CURVES, curve_rows, trial_rows
from backtrack.running import here
from backtrack.running.engine import Work
from backtrack.running.further import Asked, Once, Until, open_budget
from backtrack.running.resources import Resources
from backtrack.stages import Sweep, next_plan, split_runs
from backtrack.stages.budget import first_runs
from backtrack.stages.extension import Extension
from backtrack.stages.search import build_study, make_sampler
from backtrack.task import FunctionTask
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.plan import FinishedTrial

STAGES = ["screen", "search", "confirm", "backtrack"]
# Of the null studies: runs at the start, of each extension, and how many extensions.
BEGIN, MORE, TIMES = 60, 30, 5


class Kept:
    """A study in memory, with what looks read of a study directory."""

    def __init__(self, task: FunctionTask, split: dict[str, int], seed: int, alpha: float = 0.05, **more: Any) -> None:
        self.task, self.space, self.seed = task, task.space, seed
        self.done: list[FinishedTrial] = []
        self.manifest: dict[str, Any] = {
            "task": {"metric": task.metric, "mode": task.mode},
            "stages": split,
            "alpha": alpha,
            "factors": [describe_factor(factor) for factor in task.space],
            **more,
        }

    def note(self, **fields: Any) -> None:
        """Sets fields of the manifest."""
        self.manifest = {**self.manifest, **fields}

    def trials(self) -> pa.Table:
        """Every run so far."""
        return trial_rows(self.space, *self.done)

    def curves(self) -> pa.Table:
        """Every number over time."""
        return pa.concat_tables([CURVES.empty_table(), *(curve_rows(one) for one in self.done)])

    def run(self, further: Once | Until | None) -> Analysis:
        """Runs what is planned, and what `further` adds; returns the last look."""

        def plan(running: Any) -> Any:
            while True:
                sweep = Sweep(
                    space=self.space,
                    runs=self.manifest["stages"],
                    seed=self.seed,
                    metric=self.task.metric,
                    mode=self.task.mode,
                    extensions=Extension.of(self.manifest),
                )
                found = next_plan(sweep, self.done, running)
                if found is not None or running or further is None or further(self, self.done) is None:  # type: ignore[arg-type]
                    return found

        here.execute(
            Work(
                task=self.task,
                next_plan=plan,
                record=self.done.append,
                search_study=lambda first: build_study(
                    optuna.storages.InMemoryStorage(),
                    self.space,
                    self.task.mode,
                    self.done,
                    make_sampler(self.seed),
                    first,
                ),
                resources=Resources(),
            )
        )
        return analysis_of(self)  # type: ignore[arg-type]


def null_study(seed: int) -> list[bool]:
    """Whether each look at a study where nothing is true has called anything active, so far."""
    _quiet()
    task = draw(seed, inert=True).task()
    study = Kept(task, split_runs(task.space, BEGIN, ["screen"]), seed)
    alarms = [_alarmed(study.run(None))]
    for _ in range(TIMES):
        alarms.append(alarms[-1] or _alarmed(study.run(Once(Asked(), MORE))))
    return alarms


def _alarmed(analysis: Analysis) -> bool:
    gain = analysis.responses["gain"]
    return any(one.verdict == "active" for one in (*gain.factors, *gain.interactions))


def planted(seed: int, budget: int) -> tuple[int, Score, Score, Score]:
    """Runs and score of a study that looks; the scores of the whole budget, and of as many runs, at once."""
    _quiet()
    problem = draw(seed)
    task = problem.task()
    first, more = first_runs(task.space, budget, "decided", None)
    study = Kept(task, split_runs(task.space, first, STAGES), seed, **more)
    looked = study.run(open_budget(study, Asked(), budget - first))  # type: ignore[arg-type]
    used = len(study.done)
    whole = analyse_offline(task, sweep_offline(task, budget, seed, STAGES))
    same = analyse_offline(task, sweep_offline(task, used, seed, STAGES))
    return used, score(problem, looked, NOISE), score(problem, whole, NOISE), score(problem, same, NOISE)


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def _total(scores: Sequence[Score]) -> str:
    empty = Score()
    total = sum(scores, replace(empty))
    recall, pairs = total.found / max(1, total.active), total.pairs_found / max(1, total.pairs)
    false = total.wrong / max(1, total.called)
    return f"{recall:.2f} | {pairs:.2f} | {false:.3f} | {total.rules_right / max(1, total.rules):.2f}"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=400)
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--first", type=int, default=41000)
    parser.add_argument("--budget", default="240")
    asked = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        if asked.null:
            found = list(pool.map(null_study, range(asked.first, asked.first + asked.null)))
            print(f"{asked.null} studies where nothing is true: share with a false verdict by each look")
            print("| runs | " + " | ".join(str(BEGIN + MORE * look) for look in range(TIMES + 1)) + " |")
            shares = [sum(one[look] for one in found) / asked.null for look in range(TIMES + 1)]
            print("| alarms | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)
        for budget in map(int, asked.budget.split(",")) if asked.problems else ():
            seeds = range(asked.first, asked.first + asked.problems)
            rows = list(pool.map(planted, seeds, repeat(budget)))
            runs = sum(row[0] for row in rows) / len(rows)
            print("| study | mean runs | recall | pair recall | false | cause exact |")
            print(f"| looks, at most {budget} | {runs:.0f} | {_total([row[1] for row in rows])} |")
            print(f"| {budget} at once | {budget} | {_total([row[2] for row in rows])} |")
            print(f"| as many at once | {runs:.0f} | {_total([row[3] for row in rows])} |", flush=True)


if __name__ == "__main__":
    main()
