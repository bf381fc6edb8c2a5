"""What is expected of a config again: the best of many is not told as good as it looked."""

from __future__ import annotations

import numpy as np
import pytest

from backtrack.evidence.frame import Floats
from backtrack.evidence.statistics.shrinkage import expected_means


def studies(configs: int, pair: float, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Columns, true means, observed means and runs of twelve factors, three of which matter; the noise is 1."""
    rng = np.random.default_rng(seed)
    columns = rng.choice([-1.0, 1.0], (configs, 12))
    truth = 2 * columns[:, 0] + 1.2 * columns[:, 1] + 0.6 * columns[:, 2] + pair * columns[:, 0] * columns[:, 3]
    runs = np.where(rng.random(configs) < 0.1, 3.0, 1.0)
    return columns, truth, truth + rng.normal(size=configs) / np.sqrt(runs), runs


@pytest.mark.parametrize(("configs", "pair"), [(24, 0.0), (60, 0.0), (60, 1.0)])
def test_the_best_of_many_is_told_without_its_luck(configs: int, pair: float) -> None:
    """The pick's own runs are half a noise too good or more; what is expected of it less than half as much."""
    expected, own, covered, worse = [], [], [], []
    for seed in range(120):
        columns, truth, means, runs = studies(configs, pair, seed)
        found = expected_means(columns, means, runs, 1.0)
        pick, luckiest = int(found.value.argmax()), int(means.argmax())
        expected.append(found.value[pick] - truth[pick])
        own.append(means[luckiest] - truth[luckiest])
        covered.append(abs(found.value[pick] - truth[pick]) < 1.96 * found.error[pick])
        worse.append(truth[luckiest] - truth[pick])
    assert np.mean(own) > 0.5
    assert abs(np.mean(expected)) < np.mean(own) / 2
    assert np.mean(covered) > 0.88
    # It is also at least as good a pick.
    assert np.mean(worse) < 0.05


def test_what_no_factor_explains_is_kept_where_runs_agree() -> None:
    """A config that stands out in each of many runs does so again."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(40, 3))
    means = rng.normal(size=40)
    means[7] = 6.0
    found = expected_means(columns, means, np.full(40, 25.0), noise=0.5)
    assert found.value[7] == pytest.approx(6.0, abs=0.1)


def test_without_columns_configs_are_shrunk_to_their_mean() -> None:
    means = np.array([0.0, 1.0, 2.0, 3.0])
    found = expected_means(np.zeros((4, 0)), means, np.ones(4), noise=1.0)
    assert means.mean() < found.value[3] < 3.0
    unknown = expected_means(np.zeros((4, 0)), means, np.ones(4), noise=float("nan"))
    assert unknown.value[3] == pytest.approx(2.25, abs=0.01)


def test_the_scale_of_a_response_changes_nothing() -> None:
    columns, _, means, runs = studies(24, 0.0, 0)
    once = expected_means(columns, means, runs, 1.0)
    again = expected_means(100 * columns, 1000 * means + 5, runs, 1000.0)
    assert again.value == pytest.approx(1000 * once.value + 5, rel=1e-3)
    assert again.error == pytest.approx(1000 * once.error, rel=1e-2)
