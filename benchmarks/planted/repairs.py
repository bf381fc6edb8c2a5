"""Random repairs of failing configs: what chance names as a cause, with as many trainings as backtracking."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from offline import sweep_offline
from problems import Problem
from score import Counts

from backtrack.stages import split_runs
from backtrack.trial import run_replicate
from backtrack.vocabulary.factors import Numeric


@dataclass
class Repairs(Counts):
    """What random repairs name, over problems with a failure rule.

    Args:
        problems: with a rule, and a config in the screen that failed.
        tried, mended: trainings of a failing config with one level changed, and how many of them trained.
        first_right: problems in which the factor whose change mended most often is one of a rule's.
        exact: problems in which the factors whose change mended twice or more are just those of the dominant rule.
    """

    problems: int = 0
    tried: int = 0
    mended: int = 0
    first_right: int = 0
    exact: int = 0


def repair_at_random(problem: Problem, runs: int, stages: list[str]) -> Repairs:
    """Changes one factor at random in failing configs of the screen, with the runs that backtracking would have.

    Args:
        problem: with a failure rule.
        runs: of the whole sweep, divided as a sweep divides them.
        stages: of the sweep.
    """
    task = problem.task()
    budget = split_runs(task.space, runs, stages)["backtrack"]
    screen = sweep_offline(task, runs - budget, problem.seed, {"screen": runs - budget})
    failing = [trial.planned for trial in screen if trial.results[0].outcome != "ok"]
    if not failing:
        return Repairs()
    rng = np.random.default_rng([problem.seed, runs, 5])
    mends: Counter[str] = Counter()
    for _ in range(budget):
        broken = failing[int(rng.integers(len(failing)))]
        factor = task.space[str(rng.choice(sorted(broken.config)))]
        if isinstance(factor, Numeric):
            level = factor.at(float(rng.random()))
        else:
            others = [own for own in factor.levels if own != broken.config[factor.name]]
            level = others[int(rng.integers(len(others)))]
        changed = task.space.repair({**broken.config, factor.name: level}, broken.config)
        mends[factor.name] += run_replicate(task, changed, broken.seeds[0]).outcome == "ok"
    dominant = {condition.factor.split(".")[0] for condition in problem.rules[0].conditions}
    named = mends.most_common(1)[0][0]
    return Repairs(
        problems=1,
        tried=budget,
        mended=mends.total(),
        first_right=int(named in problem.failing),
        exact=int({name for name, count in mends.items() if count > 1} == dominant),
    )
