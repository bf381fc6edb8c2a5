"""An output for each class, where one output was to hit their numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

# Four corners, numbered so that no line runs through them in order.
CORNERS = torch.tensor([[-2.0, -2.0], [2.0, 2.0], [-2.0, 2.0], [2.0, -2.0]])
NUMBERS = torch.arange(80) % 4
POINTS = CORNERS[NUMBERS] + torch.randn(80, 2, generator=torch.Generator().manual_seed(3)) * 0.3


def trained(steps: int = 150) -> tuple[nn.Module, torch.Tensor]:
    """A line with one output, and the share of corners that it is right about."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 1))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        functional.mse_loss(net(POINTS).squeeze(1), NUMBERS.float()).backward()
        optimiser.step()
    with torch.no_grad():
        return net, (net(POINTS).squeeze(1).round().long() == NUMBERS).float().mean()


def looked() -> Anatomy:
    anatomist = Anatomist(torch)
    trained(steps=3)
    return anatomy_from(anatomist.conclude()["anatomy"])


def test_classes_that_one_output_is_to_hit_are_learnt_by_one_each() -> None:
    anatomy = looked()
    assert all_interventions()["class_outputs"].levels(anatomy).keys() == {"one_each"}
    net, as_written = trained()
    names = [name for name, _ in net.named_parameters()]
    training = apply_levels(torch, {"class_outputs": "one_each"}, anatomy.as_json())
    try:
        changed, share = trained()
        assert set(changed(POINTS).flatten().tolist()) <= {0.0, 1.0, 2.0, 3.0}
    finally:
        training.end()
    assert as_written < 0.9 < share
    assert [name for name, _ in changed.named_parameters()] == names
    assert set(changed(POINTS).flatten().tolist()) - {0.0, 1.0, 2.0, 3.0}, "its own output again"
    assert torch.equal(trained()[1], as_written)


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ({"name": "mse_loss", "output": [8, 1], "whole": 0}, ""),
        ({"name": "mse_loss", "output": [8, 1], "whole": 2}, ""),
        ({"name": "mse_loss", "output": [8, 1], "whole": 4000}, ""),
        ({"name": "mse_loss", "output": [8, 5], "whole": 5}, ""),
        ({"name": "cross_entropy", "output": [8, 5], "whole": 5}, ""),
        ({"name": "mse_loss", "output": [8, 1], "whole": 5}, "sigmoid at 1"),
    ],
)
def test_other_losses_are_left_alone(loss: dict[str, object], last: str) -> None:
    assert not all_interventions()["class_outputs"].levels(Anatomy(losses=[loss], last=last))


@pytest.mark.parametrize(
    ("targets", "whole"),
    [(NUMBERS.float(), 4), (NUMBERS, 4), (NUMBERS + 0.5, 0), (NUMBERS - 1.0, 0), (NUMBERS / 0, 0), (NUMBERS > 1, 2)],
)
def test_how_many_classes_whole_numbers_may_be(targets: torch.Tensor, whole: int) -> None:
    anatomist = Anatomist(torch)
    net = nn.Sequential(nn.Linear(2, 1))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    for _ in range(2):
        functional.mse_loss(net(POINTS).squeeze(1), targets).backward()
        optimiser.step()
    assert anatomist.conclude()["anatomy"]["losses"][0]["whole"] == whole
