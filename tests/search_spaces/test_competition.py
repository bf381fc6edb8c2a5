"""Competing units and negatives, against closed forms, slow loops and library twins."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import nn

from backtrack.search_spaces.activations import (
    ACTIVATION,
    GROUP_SIZE,
    NORMALISATION,
    activate,
    maxout,
    normaliser,
    widths,
    winners,
)
from backtrack.search_spaces.negatives import NEGATIVES, POOL, choose, draw_negatives, project, restrict, sampled_loss


@pytest.mark.parametrize("group_size", GROUP_SIZE.levels)
def test_winners_are_those_of_a_direct_loop(group_size: int) -> None:
    units = torch.randn(5, 16, 3).round(decimals=0)  # rounded, so that there are ties
    expected = torch.zeros_like(units)
    for b in range(5):
        for start in range(0, 16, group_size):
            for t in range(3):
                best = max(units[b, start : start + group_size, t].tolist())
                for i in range(start, start + group_size):
                    if units[b, i, t] >= best:
                        expected[b, i, t] = units[b, i, t]
    assert torch.equal(winners(units, group_size), expected)


def test_ties_survive_and_losers_pass_no_gradient() -> None:
    units = torch.tensor([[1.0, 1.0, -2.0, -3.0]], requires_grad=True)
    found = winners(units, 2)
    assert found.tolist() == [[1.0, 1.0, -2.0, 0.0]]
    found.sum().backward()
    assert units.grad is not None
    assert units.grad.tolist() == [[1.0, 1.0, 1.0, 0.0]]


def test_maxout_divides_the_width_and_winners_keep_it() -> None:
    units = torch.randn(4, 12)
    assert maxout(units, 4).shape == (4, 3)
    assert winners(units, 4).shape == (4, 12)
    assert torch.equal(maxout(units, 4), units.view(4, 3, 4).max(2).values)
    assert widths({"activation": "maxout", "group_size": 4}, 64) == (64, 16)
    assert widths({"activation": "maxout_wide", "group_size": 4}, 64) == (256, 64)
    with pytest.raises(ValueError, match="cannot be divided"):
        winners(units, 5)


def test_every_activation_is_another() -> None:
    units = torch.randn(4, 16)
    found = [activate(units, {"activation": kind, "group_size": 4}) for kind in ("relu", "tanh", "winners", "maxout")]
    assert len({tuple(values.flatten().tolist()) for values in found}) == 4
    with pytest.raises(ValueError, match="not known"):
        activate(units, {"activation": "swish"})
    assert set(ACTIVATION.levels) == {"relu", "tanh", "winners", "maxout", "maxout_wide"}


@pytest.mark.parametrize("kind", NORMALISATION.levels)
@pytest.mark.parametrize("pixels", [0, 8])
def test_normalised_units_have_mean_zero_and_variance_one(kind: str, pixels: int) -> None:
    units = 3 + 2 * torch.randn(64, 6, *([pixels, pixels] if pixels else []))
    found = normaliser(str(kind), 6, pixels)(units)
    assert found.shape == units.shape
    assert (found.mean().item() == pytest.approx(0, abs=1e-4)) == (kind != "none")


COUNTS = torch.tensor([40, 30, 20, 10, 5, 5])
TOPICS = torch.tensor([0, 0, 1, 1, 1, 2])
TARGETS = torch.tensor([0, 2, 5, 3] * 500)


def drawn(how: str, number: int = 20) -> torch.Tensor:
    return draw_negatives(how, number, TARGETS, COUNTS, TOPICS, torch.Generator().manual_seed(0))


def chi_square(found: torch.Tensor, shares: torch.Tensor) -> float:
    observed = torch.bincount(found.flatten(), minlength=len(shares)).numpy()
    expected = (shares.double() / shares.double().sum()).numpy() * observed.sum()
    return float(stats.chisquare(observed[expected > 0], expected[expected > 0]).pvalue)


def test_negatives_have_the_distribution_that_they_promise() -> None:
    assert chi_square(drawn("uniform"), torch.ones(6)) > 0.001
    assert chi_square(drawn("unigram"), COUNTS.double() ** 0.75) > 0.001
    assert chi_square(drawn("unigram"), COUNTS.double()) < 0.001
    third = TARGETS == 2
    assert chi_square(drawn("same_topic")[third] - 2, torch.ones(3)) > 0.001
    assert chi_square(drawn("other_topic")[third], torch.tensor([1.0, 1, 0, 0, 0, 1])) > 0.001


def test_topics_are_kept_or_avoided() -> None:
    own = TOPICS[TARGETS][:, None]
    assert (TOPICS[drawn("same_topic")] == own).all()
    assert (TOPICS[drawn("other_topic")] != own).all()


def test_in_batch_negatives_are_other_examples_targets() -> None:
    targets = torch.arange(50)
    found = draw_negatives("in_batch", 7, targets, torch.ones(50), torch.zeros(50).long(), torch.Generator())
    assert (found != targets[:, None]).all()
    with pytest.raises(ValueError, match="not known"):
        drawn("friends")
    assert len(NEGATIVES.levels) == 7


def test_hard_mining_is_brute_force() -> None:
    assert drawn("hard").shape == (len(TARGETS), POOL)
    torch.manual_seed(0)
    scores, positive = torch.randn(200, 30), torch.randn(200, 1) - 1
    wrong = torch.rand(200, 30) > 0.2
    hard = choose("hard", 3, positive, scores, wrong)
    semi = choose("semi_hard", 3, positive, scores, wrong)
    for row in range(200):
        allowed = [(float(scores[row, i]), i) for i in range(30) if wrong[row, i]]
        assert set(hard[row].tolist()) == {i for _, i in sorted(allowed, reverse=True)[:3]}
        below = sorted([pair for pair in allowed if pair[0] < float(positive[row])], reverse=True)
        above = sorted(pair for pair in allowed if pair[0] >= float(positive[row]))
        assert set(semi[row].tolist()) == {i for _, i in (below + above)[:3]}


def test_triplet_is_that_of_torch() -> None:
    anchor, positive, negative = torch.randn(8, 5), torch.randn(8, 5), torch.randn(8, 1, 5)
    ours, active = sampled_loss("triplet", 1.0, anchor, positive, negative, torch.ones(8, 1, dtype=torch.bool))
    theirs = nn.TripletMarginLoss(margin=1.0, reduction="none")(anchor, positive, negative[:, 0])
    torch.testing.assert_close(ours, theirs.mean())
    assert float(active) == pytest.approx(float((theirs > 0).float().mean()))


def test_margin_and_logistic_are_their_formulas() -> None:
    anchor, positive, negative = torch.randn(8, 5), torch.randn(8, 5), torch.randn(8, 3, 5)
    wrong = torch.rand(8, 3) > 0.3
    margin, logistic = 0.0, 0.0
    for row in range(8):
        right = float(anchor[row] @ positive[row])
        logistic += float(-nn.functional.logsigmoid(torch.tensor(right)))
        for k in range(3):
            other = float(anchor[row] @ negative[row, k])
            if wrong[row, k]:
                margin += max(0.0, 0.2 - right + other)
                logistic += float(-nn.functional.logsigmoid(torch.tensor(-other)))
    found = sampled_loss("margin", 0.2, anchor, positive, negative, wrong)[0]
    assert float(found) == pytest.approx(margin / 8, rel=1e-4)
    found = sampled_loss("logistic", 0.0, anchor, positive, negative, wrong)[0]
    assert float(found) == pytest.approx(logistic / 8, rel=1e-4)


def test_norms_are_bounded_or_one() -> None:
    weights = torch.cat([torch.randn(10, 4) * 3, torch.full((1, 4), 0.1)])
    assert torch.allclose(restrict(weights, {"norm": "sphere"}).norm(dim=1), torch.ones(11))
    assert restrict(weights, {"norm": "free"}) is weights
    small = weights[-1].clone()
    project(weights)
    assert weights.norm(dim=1).max() <= 1 + 1e-6
    assert torch.equal(weights[-1], small)
