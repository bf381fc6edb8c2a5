"""What datasets return for an index: examples in one place, random changes, and both taken away."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy
import pytest
import torch
from test_sums_rows_and_rates import changed, looked
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from backtrack.search_spaces.middle_draws import MiddleDraws
from backtrack.task.intervention import Anatomy
from backtrack.trial.intervening.catalogue import all_interventions


class Buffered(Dataset[torch.Tensor]):
    """Numbers 0 to 7, written to one place, or each to its own."""

    def __init__(self, shared: bool) -> None:
        self.shared, self.buffer = shared, torch.zeros(2)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, place: int) -> torch.Tensor:
        return self.buffer.fill_(place) if self.shared else torch.full((2,), float(place))


def numbers(shared: bool) -> list[int]:
    return [int(one) for batch in DataLoader(Buffered(shared), 4) for one in batch[:, 0]]


def levels(name: str, anatomy: Anatomy) -> list[str]:
    return list(all_interventions()[name].levels(anatomy))


def test_examples_that_were_written_to_one_place_are_copied() -> None:
    anatomy = looked(lambda: numbers(shared=True))
    assert numbers(shared=True) == [3] * 4 + [7] * 4 and levels("dataset_items", anatomy) == ["copied"]
    with changed("dataset_items", "copied", anatomy):
        assert numbers(shared=True) == list(range(8))
    assert numbers(shared=True) == [3] * 4 + [7] * 4
    assert not levels("dataset_items", looked(lambda: numbers(shared=False)))


class Varied(Dataset[tuple[torch.Tensor, int]]):
    """Lines 0, 1, 2, 3 with what `change` makes of them."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.change = change

    def __len__(self) -> int:
        return 40

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.change(torch.arange(4.0)), place


CHANGES = {
    "flipped by torch": lambda line: line.flip(0) if torch.rand(1) < 0.5 else line,
    "flipped by random": lambda line: line.flip(0) if random.random() < 0.5 else line,
    "flipped by numpy": lambda line: line.flip(0) if numpy.random.rand() < 0.5 else line,
    "noise of torch": lambda line: line + torch.randn_like(line),
    "noise of numpy": lambda line: line + torch.from_numpy(numpy.random.normal(0, 2, 4)),
    "noise in place": lambda line: line + torch.empty(4).normal_(0, 3),
    "mixed up": lambda line: line[torch.randperm(4)],
    "moved": lambda line: line.roll(int(torch.randint(-3, 4, (1,)))),
}


def lines(data: Dataset[tuple[torch.Tensor, int]]) -> set[tuple[float, ...]]:
    return {tuple(line.tolist()) for batch, _ in DataLoader(data, 8, shuffle=True) for line in batch}


@pytest.mark.parametrize("name", CHANGES)
def test_examples_come_without_their_random_changes(name: str) -> None:
    data = Varied(CHANGES[name])
    anatomy = looked(lambda: lines(data))
    assert len(lines(data)) > 1 and levels("augmentation", anatomy) == ["none"]
    with changed("augmentation", "none", anatomy):
        assert lines(data) == lines(Subset(data, range(20))) == lines(ConcatDataset([data])) == {(0, 1, 2, 3)}
        # What the program draws elsewhere stays random.
        assert len(set(torch.rand(8).tolist())) == 8
    assert len(lines(data)) > 1


def test_a_dataset_that_asks_another_one_draws_nothing_either() -> None:
    inner = Varied(CHANGES["noise of torch"])
    outer = Varied(lambda line: inner[0][0] + torch.randn_like(line))
    with changed("augmentation", "none", looked(lambda: lines(ConcatDataset([outer, inner])))):
        assert lines(ConcatDataset([outer, inner])) == {(0, 1, 2, 3)}


def test_a_dataset_that_draws_nothing_has_no_random_changes() -> None:
    assert not levels("augmentation", looked(lambda: lines(Varied(lambda line: line))))


def test_the_middle_is_of_what_could_be_drawn() -> None:
    with MiddleDraws(torch):
        assert [int(torch.randint(2, high=7, size=(1,))), int(torch.randint(5, (1,)))] == [4, 2]
        assert [random.randint(0, 4), random.uniform(1, 2), random.gauss(3, 1)] == [2, 1.5, 3]
        assert [numpy.random.randint(5), numpy.random.uniform(2, 4)] == [2, 3.0]
        assert numpy.random.randint(2, 8, size=2).tolist() == [4, 4] and numpy.random.permutation(3).tolist() == [
            0,
            1,
            2,
        ]
        assert torch.bernoulli(torch.tensor([0.2, 0.8])).tolist() == [0, 1]


class Reader(nn.Module):
    """A cell over two steps, whose state goes on without its gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(1, 3)

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        state = line.new_zeros(len(line), 3)
        for step in range(2):
            state = self.cell(line[:, step : step + 1], state.data)
        return state


def gradient() -> torch.Tensor:
    torch.manual_seed(0)
    net = Reader()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(4, 2)).sum().backward()
    optimiser.step()
    return net.cell.weight_ih.grad.clone()


def test_the_data_of_what_was_computed_keep_their_gradient() -> None:
    anatomy = looked(gradient)
    before = gradient()
    assert all_interventions()["gradient_flow"].levels(anatomy) == {"kept": "leave .data out of the forward pass"}
    with changed("gradient_flow", "kept", anatomy):
        assert not torch.equal(gradient(), before)
        # Elsewhere `.data` is what it was, and may be written to.
        weight = nn.Parameter(torch.zeros(2))
        weight.data = (weight * 2 + 1).data
        assert not weight.data.requires_grad and weight.tolist() == [1, 1]
    assert torch.equal(gradient(), before)


def embedded() -> float:
    """The size of the row for 1, an embedding's padding, after two steps that read it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(4, 3, padding_idx=1), nn.Flatten(), nn.Linear(6, 2))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(torch.tensor([[1, 2], [3, 1]])), torch.tensor([0, 1])).backward()
        optimiser.step()
    return float(net[0].weight[1].detach().norm())


def test_an_embedding_learns_the_row_that_it_took_for_padding() -> None:
    anatomy = looked(embedded)
    assert embedded() == 0
    with changed("padding_index", "none", anatomy):
        assert embedded() > 0
