"""Numbers that stand for what is missing, among those that do not."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from backtrack.vocabulary.codes import Code, Filling, code_in

LUCK = torch.Generator().manual_seed(0)
TABLE = torch.randn(200, 5, generator=LUCK)
SOME = torch.rand(200, 5, generator=LUCK) < 0.06


@pytest.mark.parametrize("code", [-999.0, 1e6])
def test_a_code_is_found_in_whatever_features_have_it(code: float) -> None:
    rows = TABLE * torch.tensor([1.0, 1.0, 40.0, 1.0, 1.0]) + torch.tensor([0.0, 5.0, 0.0, 0.0, 0.0])
    marked = SOME & torch.tensor([True, False, True, True, False])
    found = code_in(rows.masked_fill(marked, code))
    assert found is not None and (found.value, found.count) == (code, int(marked.sum()))
    others = rows[:, [0, 2, 3]][~marked[:, [0, 2, 3]]]
    assert (found.low, found.high) == (float(others.min()), float(others.max()))


@pytest.mark.parametrize(
    "rows",
    [
        TABLE,
        functional.one_hot(torch.arange(200) % 5).float(),
        torch.poisson(TABLE.exp(), generator=LUCK),
        TABLE.clamp(max=0),
        # A single outlier, and most of a feature.
        torch.cat([TABLE, torch.tensor([[0.0, -999, 0, 0, 0]])]),
        TABLE.masked_fill(torch.rand(200, 5, generator=LUCK) < 0.7, -999.0),
        TABLE.exp() * 1000,
        TABLE[:, None],
        TABLE[:0],
    ],
    ids=["normal", "one hot", "counts", "cut off", "an outlier", "most are missing", "skewed", "lines", "empty"],
)
def test_what_is_no_code_is_none(rows: torch.Tensor) -> None:
    assert code_in(rows) is None


def test_a_code_becomes_the_mean_of_what_was_learnt_from() -> None:
    filling = Filling(-9.0)
    first = filling.filled(torch.tensor([[1.0, -9.0], [3.0, 4.0]]), learns=True)
    assert first.tolist() == [[1, 4], [3, 4]]
    assert filling.filled(torch.tensor([[-9.0, 100.0]]), learns=False).tolist() == [[2, 100]]
    assert filling.filled(torch.tensor([[-9.0, 100.0]]), learns=True).tolist() == [[2, 100]]
    assert filling.filled(torch.tensor([[5.0, -9.0]]), learns=False).tolist() == [[5, 52]]
    assert isinstance(code_in(TABLE.masked_fill(SOME, -999)), Code)
