"""The error rate of a study that is looked at again and again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from backtrack.evidence.looking import FIRST_SHARE, look_of, next_share
from backtrack.evidence.statistics.looks import nominal_levels


def test_levels_are_those_of_the_literature():
    # Pocock's spending of .05 over five equal looks in proportion to time (Lan and DeMets 1983): all near .01 to .025.
    levels = nominal_levels([1, 2, 3, 4, 5], [0.01, 0.02, 0.03, 0.04, 0.05])
    assert levels[0] == 0.01 and levels == sorted(levels)
    # O'Brien and Fleming's boundaries for two equal looks: 2.797 and 1.977.
    spent = [2 * stats.norm.sf(2.797), 0.05]
    assert stats.norm.isf(nominal_levels([1, 2], spent)[1] / 2) == pytest.approx(1.977, abs=0.003)


def test_the_rate_holds_over_looks_of_any_size():
    draw = np.random.default_rng(0)
    runs, spent = [60, 70, 150, 300], [0.04, 0.045, 0.0475, 0.05]
    levels = nominal_levels(runs, spent)
    steps = np.sqrt(np.diff([0, *runs])) * draw.normal(size=(200_000, 4))
    z = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(runs)
    beyond = z > stats.norm.isf(np.array(levels) / 2)
    for look in range(4):
        assert beyond[:, : look + 1].any(axis=1).mean() == pytest.approx(spent[look], abs=0.0015)


def test_a_look_that_may_spend_nothing_rejects_nothing():
    assert nominal_levels([60, 90, 120], [0.04, 0.04, 0.05])[1] < 1e-9


def manifest(*extensions, **more):
    return {"alpha": 0.05, "factors": [{}] * 6, "extensions": list(extensions), **more}


def test_a_study_that_is_not_extended_keeps_a_fifth_for_later():
    look = look_of(manifest())
    assert look.number == 1 and look.alpha == pytest.approx(FIRST_SHARE * 0.05)
    assert next_share(manifest()) == pytest.approx((1 + FIRST_SHARE) / 2)


def test_an_extension_has_a_level_of_its_own_and_leaves_what_was_decided():
    one = {"from": 60, "evidence": 60, "spent": 0.9, "active": {"gain": [["lr"], ["a", "b"]]}}
    look = look_of(manifest(one))
    assert look.number == 2 and 0.005 < look.alpha < 0.01
    assert look.decided == {"gain": (("lr",), ("a", "b"))}
    two = {"from": 120, "evidence": 60, "spent": 0.95, "active": {}}
    assert look_of(manifest(one, two)).alpha < look.alpha


def test_looks_at_few_runs_give_nothing_to_those_that_follow():
    one = {"from": 60, "evidence": 30, "spent": 0.9, "active": {}, "few": True}
    two = {"from": 90, "evidence": 30, "spent": 0.95, "active": {}, "few": False}
    # By the union bound the second look may use up a tenth of the rate, and no more.
    assert look_of(manifest(one)).alpha == pytest.approx(0.1 * 0.05)
    # What the third shares with the second counts again: it has more than a twentieth, and less than both together.
    assert 0.05 * 0.05 < look_of(manifest(one, two)).alpha < 0.15 * 0.05
    assert look_of(manifest(one, two)).alpha < look_of(manifest({**one, "few": False}, two)).alpha
    # As long as runs are few, each look has its own part.
    assert look_of(manifest(one, {**two, "few": True})).alpha == pytest.approx(0.05 * 0.05)
