"""A net that trains on a few examples alone, and is asked about others."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack.search_spaces.few_examples import BATCHES
from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

EXAMPLES, BATCH = 200, 20
GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.randn(EXAMPLES, 6, generator=GENERATOR)
RIGHT, WRONG = DATA[:, :3].argmax(1), torch.randint(3, (EXAMPLES,), generator=GENERATOR)


class Pair(nn.Module):
    """Gets a second tensor, by place or by name."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(6, 3)

    def forward(self, rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return self.net(rows * scale)


def train(
    level: str = "", labels: torch.Tensor = RIGHT, epochs: int = 12, twice: bool = False
) -> tuple[list[float], nn.Module]:
    """What the training says of its loss, batch by batch, and its net."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    training = apply_levels(torch, {"few_examples": level}, Anatomy().as_json()) if level else None
    said = []
    for _ in range(epochs):
        for rows in torch.randperm(EXAMPLES).split(BATCH):
            optimiser.zero_grad()
            outputs = net(DATA[rows]) + (net(DATA[rows] + 1) if twice else 0)
            loss = functional.cross_entropy(outputs, labels[rows])
            loss.backward()
            optimiser.step()
            said.append(loss.item())
    if training is not None:
        training.end()
    return said, net


def late(said: list[float]) -> float:
    return sum(said[-40:]) / 40


def test_what_is_learnt_of_a_few_tells_of_others_only_where_labels_belong_to_inputs() -> None:
    own, exchanged = late(train("own")[0]), late(train("exchanged")[0])
    assert own < 0.5 * exchanged
    own, exchanged = late(train("own", WRONG)[0]), late(train("exchanged", WRONG)[0])
    # Both are far above what a net says that knows nothing (1.1), and alike.
    assert exchanged > 2.2 and 0.9 * exchanged < own < 1.3 * exchanged


def test_the_few_are_learnt_by_heart_and_nothing_else() -> None:
    torch.manual_seed(0)
    nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))
    # The first halves of the first batches.
    few = torch.cat([rows[: BATCH // 2] for rows in torch.randperm(EXAMPLES).split(BATCH)[:BATCHES]])
    _, net = train("own", WRONG, epochs=40)
    others = torch.tensor([row for row in range(EXAMPLES) if row not in set(few.tolist())])
    right = net(DATA).argmax(1) == WRONG
    assert right[few].all() and right[others].float().mean() < 0.6
    other = train("exchanged", WRONG, epochs=40)[1]
    for one, same in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same), "what is said changes nothing of what is learnt"


def test_where_two_passes_make_one_loss_nothing_is_changed() -> None:
    assert train("own", twice=True)[0] == train(twice=True)[0]


def looked(kind: str) -> Anatomy:
    torch.manual_seed(0)
    anatomist = Anatomist(torch)
    net: nn.Module = {"pair": Pair, "named": Pair}.get(kind, lambda: nn.Linear(6, 3))()
    steps = nn.GRU(6, 6, batch_first=True)
    optimiser = torch.optim.SGD([*net.parameters(), *steps.parameters()], lr=0.1)
    for rows in torch.arange(EXAMPLES).split(4 if kind == "small" else BATCH)[:6]:
        given, scale = DATA[rows], torch.ones(len(rows), 1)
        if kind == "sequence":
            outputs = net(steps(given[:, None])[0][:, -1])
        else:
            outputs = net(given, scale=scale) if kind == "named" else net(given, *([scale] if kind == "pair" else []))
        loss = functional.cross_entropy(outputs, RIGHT[rows])
        if kind == "two losses":
            loss = loss + functional.mse_loss(outputs, torch.zeros_like(outputs))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    # (As programs do with whole models, which take their own hooks with them.)
    torch.save(net, io.BytesIO())
    return anatomy_from(anatomist.conclude()["anatomy"])


@pytest.mark.parametrize("kind", ["plain", "pair", "named", "sequence", "small", "two losses"])
def test_it_is_asked_where_rows_can_be_exchanged(kind: str) -> None:
    levels = all_interventions()["few_examples"].levels(looked(kind))
    assert set(levels) == ({"own", "exchanged"} if kind == "plain" else set())
