"""The planted benchmark's own arithmetic: what docs/evidence.md reports is only as right as its scores."""

from __future__ import annotations

import numpy as np
import pytest
from problems import Condition, FailureRule, Problem, draw
from run import runs_for
from score import Ranking, hidden, ranked, true_range

from backtrack import Categorical, SearchSpace
from backtrack.stages.design import balanced_configs

SPACE = SearchSpace((Categorical("a", ["x", "y"]), Categorical("b", ["x", "y"]), Categorical("c", ["x", "y", "z"])))


def test_a_ranking_is_scored_by_its_first_k() -> None:
    assert ranked(["a", "b", "c", "d"], {"a", "b"}) == Ranking(asked=2, hits=2, inverted=0, problems=1)
    assert ranked(["a", "c", "b", "d"], {"a", "b"}) == Ranking(asked=2, hits=1, inverted=1, problems=1)
    # A factor that the tool does not rank is not asked of it.
    assert ranked(["c", "a"], {"a", "b"}) == Ranking(asked=1, hits=0, inverted=1, problems=1)
    assert ranked(["a", "c"], set()) == Ranking(asked=0, hits=0, inverted=0, problems=1)
    both = ranked(["a", "b"], {"a"}) + ranked(["a", "b"], {"b"})
    assert both == Ranking(asked=2, hits=1, inverted=1, problems=2)


def test_runs_for_a_recall_lie_between_the_measured_ones() -> None:
    measured = [(60, 0.5), (120, 0.7), (240, 0.9)]
    assert runs_for(0.8, measured) == f"{120 * 2**0.5:.0f}"
    assert runs_for(0.5, measured) == "at most 60"
    assert runs_for(0.95, measured) == "more than 240"


@pytest.mark.parametrize(
    ("conditions", "unseen"),
    [
        ([("a", "y")], True),
        ([("a", "x"), ("b", "x")], True),
        ([("c", "z")], False),
    ],
)
def test_an_interaction_without_four_training_combinations_is_hidden(conditions: list, unseen: bool) -> None:
    rule = FailureRule("diverged", tuple(Condition(name, "=", level) for name, level in conditions), 1.0)
    problem = Problem(0, SPACE, rules=(rule,))
    pair = ("a", "b") if len(conditions) == 2 else ("a", "c")
    assert hidden(problem, *pair) == unseen


def test_the_optimum_is_not_beaten_by_any_config_that_trains() -> None:
    for seed in range(15):
        problem = draw(seed)
        trains = [
            problem.mean(config)
            for config, _ in balanced_configs(problem.space, 200, seed)
            if not any(rule.holds(problem.space.expand(config)) for rule in problem.rules)
        ]
        # It counts curves with their exact optimum, everything else by enumeration.
        assert problem.best_mean() <= min(trains) + 1e-9


def test_the_true_range_is_that_of_the_level_means() -> None:
    problem = draw(3)
    configs = [config for config, _ in balanced_configs(problem.space, 4_000, 0)]
    values = np.array([problem.mean(config) for config in configs])
    for name, effects in problem.main.items():
        means = [values[[config.get(name) == level for config in configs]].mean() for level in effects]
        assert np.ptp(means) == pytest.approx(true_range(problem, name), abs=0.01)
