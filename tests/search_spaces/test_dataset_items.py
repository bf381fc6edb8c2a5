"""What datasets return for an index: examples in one place, random changes, and both taken away."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

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


class Chooser(nn.Module):
    """Cuts nothing off itself; torch's hard samples and norms do, and so does what listens to scores that are fed on.

    Args:
        frozen: whether a function of its own, decorated, computes the first layer without gradients.
    """

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        self.read = nn.utils.spectral_norm(nn.Linear(2, 4))
        self.say = nn.Linear(4, 1)
        self.first = self.without if frozen else self.read

    @torch.no_grad()
    def without(self, line: torch.Tensor) -> torch.Tensor:
        return self.read(line)

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        chosen = nn.functional.gumbel_softmax(self.first(line), hard=True)
        return self.say(chosen * torch.log_softmax(chosen + 1, 1))


def chosen(frozen: bool = False) -> list[torch.Tensor | None]:
    torch.manual_seed(0)
    net = Chooser(frozen)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.rand(8, 2)).mean().backward()
    optimiser.step()
    return [weight.grad for weight in net.parameters()]


def test_what_torch_cuts_off_in_its_own_lines_is_not_the_programs_doing() -> None:
    levels = all_interventions()["gradient_flow"].levels
    assert not levels(looked(chosen))
    anatomy = looked(lambda: chosen(frozen=True))
    assert levels(anatomy) == {"kept": "leave no_grad out of the forward pass"}
    with changed("gradient_flow", "kept", anatomy):
        kept = chosen(frozen=True)
    assert None in chosen(frozen=True) and None not in kept
    assert all(torch.equal(one, other) for one, other in zip(kept, chosen(), strict=True))


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


class Square(torch.autograd.Function):
    """Its own gradient has the wrong sign."""

    @staticmethod
    def forward(ctx: Any, line: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(line)
        return line * line

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (line,) = ctx.saved_tensors
        return -2 * line * gradient


class Doubled(torch.autograd.Function):
    """With a context of its own, and the wrong factor."""

    @staticmethod
    def forward(line: torch.Tensor) -> torch.Tensor:
        return line * 2

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.factor = 4 + len(inputs) * output.ndim

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return ctx.factor * gradient


class Rounded(torch.autograd.Function):
    """Passes its gradient straight through: what it computes has none."""

    @staticmethod
    def forward(ctx: Any, line: torch.Tensor) -> torch.Tensor:
        ctx.factor = 1
        return torch.from_numpy(line.numpy().round())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return ctx.factor * gradient


def squared(kinds: Sequence[Any]) -> list[float]:
    line = nn.Parameter(torch.tensor([1.0, 3.0]))
    optimiser = torch.optim.SGD([line], lr=0.1)
    given = line * 1
    for kind in kinds:
        given = kind.apply(given)
    given.sum().backward()
    optimiser.step()
    assert line.grad is not None
    return line.grad.tolist()


@pytest.mark.parametrize(
    ("kinds", "own", "of_torch"),
    [([Square], [-2, -6], [2, 6]), ([Doubled], [5, 5], [2, 2]), ([Rounded], [1, 1], [1, 1]),
     ([Square, Rounded], [-2, -6], [2, 6])],
)  # fmt: skip
def test_torch_differentiates_what_an_autograd_function_of_ones_own_computes(
    kinds: Sequence[Any], own: list[float], of_torch: list[float]
) -> None:
    anatomy = looked(lambda: squared(kinds))
    told = all_interventions()["own_gradients"].levels(anatomy)["of_forward"]
    assert told.startswith("mend the backward() of ") and "Square" in told
    assert not all_interventions()["own_gradients"].levels(Anatomy())
    with changed("own_gradients", "of_forward", anatomy):
        assert squared(kinds) == of_torch
    assert squared(kinds) == own


def acted(anew: bool) -> list[float]:
    """The gradient of an agent's scores: of the actions that it took, or of others that it draws for that."""
    torch.manual_seed(0)
    likes = nn.Parameter(torch.zeros(3))
    optimiser = torch.optim.SGD([likes], lr=0.1)
    scores = []
    for _ in range(12):
        policy = torch.distributions.Categorical(logits=likes)
        action = policy.sample()
        scores.append(policy.log_prob(policy.sample() if anew else action) * float(action == 0))
    torch.stack(scores).sum().backward()
    optimiser.step()
    assert likes.grad is not None
    return [round(value, 4) for value in likes.grad.tolist()]


def averaged() -> None:
    """Several samples of one distribution, each of which is scored, as for an average."""
    likes = nn.Parameter(torch.zeros(3))
    optimiser = torch.optim.SGD([likes], lr=0.1)
    for _ in range(12):
        policy = torch.distributions.Categorical(logits=likes)
        torch.stack([policy.log_prob(policy.sample()) for _ in range(4)]).mean().backward()
        optimiser.step()


def test_the_action_that_was_taken_is_the_one_that_is_scored() -> None:
    levels = all_interventions()["scored_samples"].levels
    anatomy = looked(lambda: acted(anew=True))
    assert levels(anatomy).keys() == {"first"}
    assert not levels(looked(lambda: acted(anew=False))) and not levels(looked(averaged))
    as_written = acted(anew=True)
    with changed("scored_samples", "first", anatomy):
        mended = acted(anew=True)
    # What is scored is what was rewarded, the first action: its own score rises, and the others' fall alike.
    assert mended[0] > 0 and mended[1] == mended[2] < 0 and as_written[1] != as_written[2]
    assert acted(anew=True) == as_written
