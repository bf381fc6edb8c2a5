"""Several responses of one study: goals, limits, the Pareto front and its knee."""

from __future__ import annotations

import random

import numpy as np
import pytest
from offline import sweep_offline

from backtrack import Categorical, FunctionTask, Goal, Numeric, SpaceError, TaskError
from backtrack.evidence.analysis import analyse
from backtrack.evidence.pareto import front_of, knee_of, undominated
from backtrack.records.rows import trial_rows
from backtrack.vocabulary.goals import goal_from

LATENCY = Goal("latency", "min", limit=30.0)


def task(**more):
    def run(config, seed):
        draw = random.Random(f"{seed}{sorted(config.items())}")
        width = config["width"]
        slow = 8 if config["norm"] == "batch" else 0
        yield {"error": 3 / width + 0.01 * draw.gauss(0, 1), "latency": width / 4 + slow + draw.gauss(0, 1)}

    factors = [Numeric("width", 8, 256, log=True), Categorical("norm", ["none", "batch"])]
    return FunctionTask(name="mine", run=run, metric="error", mode="min", factors=factors, **more)


@pytest.fixture(scope="module")
def analysis():
    import pyarrow as pa

    from backtrack.records.rows import curve_rows

    own = task(goals=[LATENCY])
    done = sweep_offline(own, 60, 0, ["screen"])
    curves = pa.concat_tables([curve_rows(one) for one in done])
    return analyse(own.space, trial_rows(own.space, *done), curves, "error", "min", goals=own.goals)


def test_each_goal_is_ranked_like_the_metric(analysis):
    verdicts = {name: {e.factor.name: e.verdict for e in answer.factors} for name, answer in analysis.responses.items()}
    assert verdicts["gain"]["width"] == "active" and verdicts["gain"]["norm"] != "active"
    assert verdicts["latency"] == {"width": "active", "norm": "active"}
    assert verdicts["feasible"]["width"] == "active"
    assert analysis.responses["latency"].response.better == -1


def test_the_front_keeps_the_limit_and_has_one_knee(analysis):
    assert sum(one.knee for one in analysis.front) == 1
    errors = [one.values["error"][0] for one in analysis.front]
    slow = [one.values["latency"][0] for one in analysis.front]
    assert errors == sorted(errors) and slow == sorted(slow, reverse=True)
    assert max(slow) <= 30
    assert all(low < value < high for one in analysis.front for value, low, high in one.values.values())


def test_undominated_rows_by_hand():
    values = np.array([[1.0, 5.0], [3.0, 3.0], [2.0, 2.0], [5.0, 1.0], [3.0, 3.0]])
    # Equal rows beat each other in nothing.
    assert undominated(values).tolist() == [True, True, False, True, True]
    assert knee_of(values[[0, 1, 3]]) == 1


def test_runs_without_a_number_are_no_part_of_the_front():
    numbers = {"a": np.array([1.0, 2.0, np.nan]), "b": np.array([2.0, 1.0, 9.0])}
    found = front_of(["x", "y", "z"], [0, 0, 0], numbers, {"a": 1, "b": 1}, {"a": 0.1}, np.array([True, True, True]))
    assert [one.trial for one in found] == ["y", "x"]
    assert front_of(["x"], [0], {"a": np.array([1.0])}, {"a": 1}, {}, np.array([False])) == []


def test_goals_as_they_are_typed():
    assert goal_from("latency:min") == Goal("latency", "min")
    assert goal_from("recall >= .8") == Goal("recall", "max", 0.8)
    for wrong in ("latency", "latency=3", "latency:low", "<=3"):
        with pytest.raises(SpaceError, match="expected NAME:min"):
            goal_from(wrong)
    with pytest.raises(TaskError, match="expected other numbers than the metric"):
        task().with_goals([Goal("error")])
