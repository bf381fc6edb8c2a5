from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from backtrack.evidence.statistics.multiple import holm


# Few examples: statsmodels collects garbage in each call, a second of it where the whole suite is loaded.
@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert list(holm(p_values)) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_holm_by_hand() -> None:
    assert list(holm([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert list(holm([])) == []


def test_weighted_holm_by_hand() -> None:
    # Ordered by p / w: 0.01 / 0.5, then 0.02 / 0.25, then 0.03 / 0.25; shares left 1, 0.5, 0.25.
    assert list(holm([0.02, 0.01, 0.03], [0.25, 0.5, 0.25])) == pytest.approx([0.04, 0.02, 0.04])
    assert list(holm([0.3, 0.4], [2, 2])) == pytest.approx(list(holm([0.3, 0.4])))
