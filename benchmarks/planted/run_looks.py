"""Studies that go on: does the error rate hold over all looks, and do looks spare runs?

    python benchmarks/planted/run_looks.py [--null 400] [--problems 40] [--first 41000] [--budget 240]
                                           [--at-once 120,160,200,240]

The first table: studies where nothing is true, begun with 60 runs and extended five times by 30, each with a look:
how many ever said of a factor or a pair that it is active. The second: planted problems, run until every question is
decided or cannot be within a budget, beside sweeps of so many runs at once: mean runs, recall and false discoveries of
active factors, and how many runs at once reach the same recall.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise, repeat
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


def planted(seed: int, budget: int, at_once: Sequence[int]) -> tuple[int, Score, list[Score]]:
    """Runs and score of a study that looks; the scores of sweeps of so many runs at once."""
    _quiet()
    problem = draw(seed)
    task = problem.task()
    first, more = first_runs(task.space, budget, "decided", None)
    study = Kept(task, split_runs(task.space, first, STAGES), seed, **more)
    looked = study.run(open_budget(study, Asked(), budget - first))  # type: ignore[arg-type]
    fixed = [analyse_offline(task, sweep_offline(task, runs, seed, STAGES)) for runs in at_once]
    return len(study.done), score(problem, looked, NOISE), [score(problem, one, NOISE) for one in fixed]


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def _total(total: Score) -> str:
    recall, pairs = total.found / max(1, total.active), total.pairs_found / max(1, total.pairs)
    false = total.wrong / max(1, total.called)
    return f"{recall:.3f} | {pairs:.2f} | {false:.3f} | {total.rules_right / max(1, total.rules):.2f}"


def enough(runs: Sequence[int], scores: Sequence[Score]) -> int:
    """The fewest runs at once that find as many factors and pairs as the most: what only an oracle can stop at."""
    found = [score.found + score.pairs_found for score in scores]
    return next(count for count, one in zip(runs, found, strict=True) if one >= found[-1])


def runs_for(recall: float, runs: Sequence[int], recalls: Sequence[float]) -> float:
    """How many runs at once reach a recall: on the line between two that were tried; NaN beyond them.

    Example:
        >>> runs_for(0.9, [120, 240], [0.8, 1.0])
        180.0
    """
    for (fewer, low), (more, high) in pairwise(zip(runs, recalls, strict=True)):
        if low <= recall <= high and high > low:
            return fewer + (more - fewer) * (recall - low) / (high - low)
    return float("nan")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=400)
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--first", type=int, default=41000)
    parser.add_argument("--budget", default="240")
    parser.add_argument("--at-once", default="120,160,200,240")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    at_once = [int(one) for one in asked.at_once.split(",")]
    with ProcessPoolExecutor(asked.workers) as pool:
        if asked.null:
            found = list(pool.map(null_study, range(asked.first, asked.first + asked.null)))
            print(f"{asked.null} studies where nothing is true: share with a false verdict by each look")
            print("| runs | " + " | ".join(str(BEGIN + MORE * look) for look in range(TIMES + 1)) + " |")
            shares = [sum(one[look] for one in found) / asked.null for look in range(TIMES + 1)]
            print("| alarms | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)
        for budget in map(int, asked.budget.split(",")) if asked.problems else ():
            seeds = range(asked.first, asked.first + asked.problems)
            rows = []
            for row in pool.map(planted, seeds, repeat(budget), repeat(at_once)):
                rows.append(row)
                print_looks(budget, at_once, rows)


def print_looks(budget: int, at_once: Sequence[int], rows: Sequence[tuple[int, Score, list[Score]]]) -> None:
    """Prints what looks found beside sweeps at once, over the problems so far."""
    runs = sum(row[0] for row in rows) / len(rows)
    looked = sum((row[1] for row in rows), Score())
    fixed = [sum((row[2][number] for row in rows), Score()) for number in range(len(at_once))]
    print(f"\n{len(rows)} problems\n\n| study | mean runs | recall | pair recall | false | cause exact |")
    print("|---|---|---|---|---|---|")
    print(f"| looks, at most {budget} | {runs:.0f} | {_total(looked)} |")
    for number, one in zip(at_once, fixed, strict=True):
        print(f"| {number} at once | {number} | {_total(one)} |")
    ends = sum(enough(at_once, row[2]) for row in rows) / len(rows)
    print(f"\nStudies that end at the first of these sizes that finds what the largest does take {ends:.0f} runs.")
    same = runs_for(looked.found / looked.active, at_once, [one.found / one.active for one in fixed])
    print(f"\nThe same recall at once takes about {same:.0f} runs: ratio {runs / same:.2f}", flush=True)


if __name__ == "__main__":
    main()
