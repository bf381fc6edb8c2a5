"""A loss by hand is left out where its labels can be read; whatever else is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack.task.intervention import Anatomy
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

ROWS = torch.randn(12, 4, generator=torch.Generator().manual_seed(1))
LABELS, BINARY = torch.arange(12) % 3, torch.arange(12) % 2
Loss = Callable[[torch.Tensor], torch.Tensor]


def focal(said: torch.Tensor) -> torch.Tensor:
    sure = said.squeeze(1).sigmoid()
    right = torch.where(BINARY == 1, sure, 1 - sure)
    return -(right**2 * right.log()).mean()


def entropy(said: torch.Tensor) -> torch.Tensor:
    y, sure = BINARY.float(), said[:, 0].sigmoid()
    return -(y * sure.log() + (1 - y) * (1 - sure).log()).sum()


def hinge(said: torch.Tensor) -> torch.Tensor:
    return (1 - (BINARY * 2 - 1) * said[:, 0]).clamp(min=0).mean()


def picked(said: torch.Tensor) -> torch.Tensor:
    return said.softmax(1)[torch.arange(12), LABELS].log().mean()


def gathered(said: torch.Tensor) -> torch.Tensor:
    return -said.log_softmax(1).gather(1, LABELS.unsqueeze(1)).sum()


def marked(said: torch.Tensor) -> torch.Tensor:
    return (said - functional.one_hot(LABELS, 3)).square().sum()


def smoothed(said: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        wanted = torch.full_like(said, 0.4).scatter_(1, LABELS.unsqueeze(1), 0.1)
    return -(wanted * said.log_softmax(1)).sum(1).mean()


def absolute(said: torch.Tensor) -> torch.Tensor:
    return (said.squeeze(1) - ROWS.sum(1)).abs().mean()


def gradients(loss: Loss, width: int, changed: bool, last: nn.Module | None = None, passes: int = 1) -> torch.Tensor:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, width), last or nn.Identity())
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    anatomy = Anatomy(by_hand="train.py:1", optimisers=[{"kind": "SGD"}])
    training = apply_levels(torch, {"own_loss": "standard"} if changed else {}, anatomy.as_json())
    try:
        for _ in range(2):
            optimiser.zero_grad()
            said = sum(net(ROWS) for _ in range(passes)) / passes
            loss(said).backward()
            found = torch.cat([one.grad.flatten() for one in net.parameters()])
            optimiser.step()
    finally:
        training.end()
    return found


def of_classes(said: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(said, LABELS)


def of_logs(said: torch.Tensor) -> torch.Tensor:
    return functional.nll_loss(said.log(), LABELS)


def of_two(said: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(said.squeeze(1), BINARY.float())


def of_numbers(said: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(said.squeeze(1), ROWS.sum(1))


@pytest.mark.parametrize(
    ("loss", "width", "standard"),
    [
        (focal, 1, of_two),
        (entropy, 1, of_two),
        (hinge, 1, of_two),
        (picked, 3, of_classes),
        (gathered, 3, of_classes),
        (marked, 3, of_classes),
        (smoothed, 3, of_classes),
        (absolute, 1, of_numbers),
    ],
)
def test_a_loss_by_hand_gives_place_to_one_of_torchs(loss: Loss, width: int, standard: Loss) -> None:
    expected = gradients(standard, width, changed=False)
    assert torch.allclose(gradients(loss, width, changed=True), expected, atol=1e-6)
    assert not torch.allclose(gradients(loss, width, changed=False), expected, atol=1e-3)


def test_probabilities_are_no_scores() -> None:
    def picked_of_them(said: torch.Tensor) -> torch.Tensor:
        return said[torch.arange(12), LABELS].mean()

    expected = gradients(of_logs, 3, changed=False, last=nn.Softmax(1))
    assert torch.allclose(gradients(picked_of_them, 3, changed=True, last=nn.Softmax(1)), expected, atol=1e-6)


def test_where_several_passes_make_a_step_nothing_is_changed() -> None:
    assert torch.equal(gradients(focal, 1, True, passes=2), gradients(focal, 1, False, passes=2))


def test_it_is_tried_where_a_loss_is_written_by_hand() -> None:
    def levels(loss: Loss, width: int, passes: int = 1) -> list[str]:
        anatomist = Anatomist(torch)
        gradients(loss, width, changed=False, passes=passes)
        seen = Anatomy(**anatomist.conclude()["anatomy"])
        return list(all_interventions()["own_loss"].levels(seen))

    assert levels(focal, 1) == ["standard"]
    assert not levels(of_classes, 3)
    assert not levels(focal, 1, passes=2)
