"""A single output whose largest is asked for: the threshold, and the edit."""

from __future__ import annotations

import pytest
import torch

from backtrack.search_spaces.largest_of_one import LARGEST_OF_ONE
from backtrack.task.intervention import Anatomy
from backtrack.task.patching import Source
from backtrack.trial.intervening.training import HookedTraining


@pytest.mark.parametrize(("loss", "yes"), [("binary_cross_entropy_with_logits", 3), ("binary_cross_entropy", 2)])
def test_the_threshold_is_where_the_loss_has_it(loss: str, yes: int) -> None:
    outputs = torch.tensor([[-1.0], [0.2], [0.6], [0.9]])
    anatomy = Anatomy(optimisers=[{}], losses=[{"name": loss}])
    (level,) = LARGEST_OF_ONE.levels(anatomy)
    training = HookedTraining(torch, anatomy)
    try:
        LARGEST_OF_ONE.apply(training, level)
        with torch.no_grad():
            answers = [outputs.argmax(1), torch.max(outputs, 1)[1], torch.argmax(outputs, dim=1, keepdim=True)]
            assert outputs.max(1).values.tolist() == outputs[:, 0].tolist()
            assert outputs.T.argmax(1).tolist() == [3]
        # What has a gradient is left alone.
        assert outputs.argmax(1).tolist() == [0, 0, 0, 0]
    finally:
        training.end()
    assert [int(one.sum()) for one in answers] == [yes] * 3
    assert [tuple(one.shape) for one in answers] == [(4,), (4,), (4, 1)]
    assert outputs.argmax(1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("p = net(x).argmax(dim=1)", "p = (net(x).squeeze(1) > 0).long()"),
        ("p = torch.argmax(out, -1)", "p = (out.squeeze(-1) > 0).long()"),
        ("_, p = torch.max(out.data, 1)", "p = (out.data.squeeze(1) > 0).long()"),
        ("best = max(best, 1)\np = a.argmax(1)", "best = max(best, 1)\np = (a.squeeze(1) > 0).long()"),
    ],
)
def test_the_edit(written: str, mended: str) -> None:
    assert LARGEST_OF_ONE.patch(Source(written, 1), "logit", Anatomy()) == mended


@pytest.mark.parametrize("written", ["a = max(b, 1)", "p = a.argmax(1) + b.argmax(1)", "v = a.max(1)[0]"])
def test_no_edit_where_it_is_not_known_what_was_meant(written: str) -> None:
    assert LARGEST_OF_ONE.patch(Source(written, 1), "logit", Anatomy()) is None
