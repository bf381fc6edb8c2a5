from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from backtrack.evidence.statistics.linear import Contrast, contrast, effective_runs, fit, independent, interaction, wald


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    columns = np.hstack([np.ones((80, 1)), rng.normal(size=(80, 4))])
    return columns, columns @ [1, 0.5, 0, 0, -1] + rng.normal(size=80) * (1 + 2 * (columns[:, 1] > 0))


def test_errors_are_those_of_statsmodels(data) -> None:
    columns, response = data
    ours, theirs = fit(columns, response), sm.OLS(response, columns).fit(cov_type="HC2")
    assert ours.beta == pytest.approx(theirs.params)
    assert ours.cov == pytest.approx(theirs.cov_params())
    assert ours.dof == 75
    assert ours.assuming_even_noise().cov == pytest.approx(sm.OLS(response, columns).fit().cov_params())
    signs = (response > 0).astype(float)
    assert fit(columns, signs).cov == pytest.approx(sm.OLS(signs, columns).fit(cov_type="HC3").cov_params())


def test_wald_is_statsmodels_f_test_with_fewer_degrees_of_freedom(data) -> None:
    columns, response = data
    ours, theirs = fit(columns, response), sm.OLS(response, columns).fit(cov_type="HC2", use_t=True)
    tested = theirs.f_test(np.eye(5)[[1, 2]])
    freedom = effective_runs(ours.influence[[1, 2]])
    assert freedom < 80
    p = wald(ours.beta[[1, 2]], ours.cov[np.ix_([1, 2], [1, 2])], ours.influence[[1, 2]])
    assert p == pytest.approx(float(stats.f.sf(tested.fvalue * (freedom - 1) / freedom, 2, freedom - 1)))


def test_effective_runs_by_hand() -> None:
    assert effective_runs(np.ones((1, 40))) == pytest.approx(40)
    assert effective_runs(np.array([[1.0] * 10 + [0.0] * 30])) == pytest.approx(10)
    assert effective_runs(np.array([[1.0, -1, 0, 0], [0, 0, 2, 2]])) == pytest.approx(2)


def test_contrast_is_statsmodels_t_test(data) -> None:
    columns, response = data
    weights = np.array([0, 1, 0, 0, -1.0])
    for ours, kind in ((fit(columns, response), "HC2"), (fit(columns, response).assuming_even_noise(), "nonrobust")):
        theirs = sm.OLS(response, columns).fit(cov_type=kind, use_t=True).t_test(weights)
        found = contrast(weights, ours)
        assert found.estimate == pytest.approx(float(theirs.effect[0]))
        assert found.error == pytest.approx(float(theirs.sd[0, 0]))
    # Even noise: the residuals' degrees of freedom, so interval and p-value are those of statsmodels too.
    assert found.interval() == pytest.approx(tuple(theirs.conf_int()[0]))
    assert found.p == pytest.approx(float(theirs.pvalue))


def test_a_contrast_has_the_degrees_of_freedom_of_the_runs_that_decide_it(data) -> None:
    columns, response = data
    model = fit(columns, response)
    weights = np.array([0, 1, 0, 0, 0.0])
    assert contrast(weights, model).dof == pytest.approx(effective_runs(model.influence[[1]]))
    assert contrast(weights, model).dof < model.dof
    low, high = contrast(weights, model).interval(0.9)
    reach = stats.t.ppf(0.95, contrast(weights, model).dof) * np.sqrt(model.cov[1, 1])
    assert (low, high) == pytest.approx((model.beta[1] - reach, model.beta[1] + reach))


@pytest.mark.parametrize("spread", [(1, 1, 1), (3, 1, 1), (1, 1, 4)])
def test_intervals_hold_the_truth_as_often_as_they_say(spread: tuple[float, ...]) -> None:
    """Levels of 15, 20 and 45 runs, their noise even or not: 93 to 97 % of the 95 % intervals."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [15, 20, 45])
    columns = np.hstack([np.ones((80, 1)), np.eye(3)[group][:, :2] - np.eye(3)[group][:, [2]]])
    held = []
    for _ in range(2000):
        model = fit(columns, rng.normal(size=80) * np.array(spread)[group])
        low, high = contrast(np.array([0, 1.0, -1.0]), model).interval()
        held.append(low <= 0 <= high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_added_columns_get_what_a_whole_fit_gives_them(data) -> None:
    columns, response = data
    extra = columns[:, [1]] * columns[:, [2, 3]]
    added = interaction(extra, fit(columns, response))
    whole = fit(np.hstack([columns, extra]), response)
    assert added.beta == pytest.approx(whole.beta[5:])
    assert added.cov == pytest.approx(whole.cov[5:, 5:])
    assert added.dof == whole.dof
    assert added.influence == pytest.approx(whole.influence[5:])


def test_columns_inside_the_model_get_nothing(data) -> None:
    columns, response = data
    added = interaction(columns[:, [1, 2]] + columns[:, [3, 4]], fit(columns, response))
    assert np.isnan(added.beta).all()


def test_independent_drops_combinations() -> None:
    columns = np.array([[1, 1, 2, 0], [1, 2, 3, 0], [1, 3, 4, 0], [1, 5, 6, 1.0]])
    assert independent(columns) == [0, 1, 3]


def test_an_exact_fit_tests_no_rounding_errors() -> None:
    columns = np.hstack([np.ones((20, 1)), np.random.default_rng(0).normal(size=(20, 2))])
    exact = fit(columns, columns @ [0.3, 0.7, 0.0])
    assert wald(exact.beta[[1]], exact.cov[[1]][:, [1]], exact.influence[[1]]) == 0.0
    assert wald(exact.beta[[2]], exact.cov[[2]][:, [2]], exact.influence[[2]]) == 1.0


def test_the_error_rate_holds_when_noise_differs_by_level() -> None:
    """An inert factor over groups of unequal size and noise: 5 % alarms, where ordinary errors give more."""
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], [12, 16, 32])
    columns = np.hstack([np.ones((60, 1)), np.eye(3)[group][:, :2] - np.eye(3)[group][:, [2]]])
    robust, plain = [], []
    for _ in range(3000):
        response = rng.normal(size=60) * np.array([4.0, 2.0, 0.5])[group]
        model = fit(columns, response)
        robust.append(wald(model.beta[1:], model.cov[1:, 1:], model.influence[1:]) < 0.05)
        ordinary = model.beta[1:] @ np.linalg.inv(model.plain[1:, 1:]) @ model.beta[1:] / 2 / model.sd**2
        plain.append(stats.f.sf(ordinary, 2, model.dof) < 0.05)
    assert np.mean(robust) < 0.07
    assert np.mean(plain) > 0.09


def test_a_difference_without_any_noise_is_certain_one_way() -> None:
    """It divided by zero."""
    assert [Contrast(estimate, 0.0, 5.0).p_above for estimate in (0.3, 0.0, -0.3)] == [0.0, 1.0, 1.0]
