"""Levels as people give them: NumPy's values are fine, what cannot be a level is told."""

from __future__ import annotations

import numpy as np
import pytest

from backtrack import Categorical
from backtrack.errors import SpaceError
from backtrack.task.given_factors import factors_from, level_from


def test_numpy_values_are_levels() -> None:
    factor = Categorical("a", [np.bool_(True), np.bool_(False)])
    assert factor.levels == (True, False) and all(type(level) is bool for level in factor.levels)
    assert Categorical("b", list(np.array([1, 2]))).levels == (1, 2)


def test_nan_and_texts_without_end_are_refused() -> None:
    with pytest.raises(SpaceError, match="nan, which equals nothing"):
        Categorical("a", [float("nan"), 1.0])
    with pytest.raises(SpaceError, match="has 5000 characters"):
        Categorical("a", ["x" * 5000, "y"])


def test_factors_as_they_are_typed() -> None:
    factors, spelled = factors_from(
        ["lr=1e-4..1e-1:log:nuisance", "size=8..64", "opt=sgd,adam", "model.depth=2,4", "text='1',\"a,b\""]
    )
    lr, size, opt, depth, text = factors
    assert (lr.low, lr.high, lr.log, lr.role) == (1e-4, 1e-1, True, "nuisance")
    assert size.integer and not lr.integer
    assert opt.levels == ("sgd", "adam") and depth.levels == (2, 4) and text.levels == ("1", "a,b")
    assert spelled == {"model_depth": "model.depth"}
    assert [level_from(word) for word in ("true", "1", "1e-3", "none")] == [True, 1, 1e-3, "none"]


@pytest.mark.parametrize("given", ["lr", "lr=", "=1,2", "lr=a..b", "lr=1,2:log", "lr=1"])
def test_factors_that_cannot_be_read(given: str) -> None:
    with pytest.raises(SpaceError):
        factors_from([given])
