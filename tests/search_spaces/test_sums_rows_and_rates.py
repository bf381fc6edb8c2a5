"""Terms of a loss, rows, samplers, datasets and rates of groups: each is changed alone, and back at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler

from backtrack.search_spaces.loss_terms import terms_of
from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

DATA = torch.randn(24, 4, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(24) % 3


def looked(training: Callable[[], object]) -> Anatomy:
    anatomist = Anatomist(torch)
    training()
    return anatomy_from(anatomist.conclude()["anatomy"])


@contextmanager
def changed(name: str, level: str, anatomy: Anatomy) -> Iterator[None]:
    training = apply_levels(torch, {name: level}, anatomy.as_json())
    try:
        yield
    finally:
        training.end()


def gradient_of_three() -> torch.Tensor:
    """Of a loss of three terms, whose gradients are 1, 20 and -300."""
    weight = nn.Parameter(torch.ones(()))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        penalty = weight * 2
        loss = weight + 10 * penalty - 100 * (weight * 3)
        loss.backward()
        optimiser.step()
    assert weight.grad is not None
    return weight.grad


def test_a_term_of_a_loss_gives_no_gradient() -> None:
    anatomy = looked(gradient_of_three)
    levels = all_interventions()["loss_terms"].levels(anatomy)
    assert levels["without_3"] == "the loss without its third term (100 * (weight * 3)), or with less weight on it"
    for level, gradient in (("without_1", -280), ("without_2", -299), ("without_3", 21)):
        with changed("loss_terms", level, anatomy):
            assert gradient_of_three() == gradient
    assert gradient_of_three() == -279
    assert levels["weighted_alike"] == "each term with a weight of 1, and not 1, 20, 300"
    with changed("loss_terms", "weighted_alike", anatomy):
        assert gradient_of_three() == pytest.approx(1 + 1 - 1)
    assert {name for name in levels if name.startswith("negated_")} == {"negated_1", "negated_2", "negated_3"}
    for level, gradient in (("negated_1", -281), ("negated_2", -319), ("negated_3", 321)):
        with changed("loss_terms", level, anatomy):
            assert gradient_of_three() == gradient


def test_weights_that_are_not_far_apart_stay() -> None:
    def learn() -> None:
        weight = nn.Parameter(torch.ones(3))
        optimiser = torch.optim.SGD([weight], lr=0.1)
        # A weight for each number is no weight of the term.
        (weight.square().sum() / 2 + (weight.exp() * torch.tensor([1.0, 50.0, 900.0])).sum() * 0.25).backward()
        optimiser.step()

    assert "weighted_alike" not in all_interventions()["loss_terms"].levels(looked(learn))


@pytest.mark.parametrize(
    ("loss", "count"),
    [
        (lambda w: w.exp().sum(), 0),
        (lambda w: (w - 1.0).abs().mean(), 0),
        (lambda w: (w.exp() + w.square()).mean(), 2),
        (lambda w: -(w.exp().sum() - 0.1 * (w.sum() + w.prod())) / 3, 2),
        (lambda w: sum(w[k] for k in range(3)) + w.prod() + w.sum(), 0),
    ],
    ids=["one", "a difference to data", "sums by example", "a weighted sum in a sum", "many"],
)
def test_terms_are_found_behind_what_stands_around_a_sum(
    loss: Callable[[torch.Tensor], torch.Tensor], count: int
) -> None:
    assert len(terms_of(loss(torch.ones(3, requires_grad=True)))) == count


def of_sequences(batch_first: bool, turned: bool = False) -> torch.Tensor:
    """Gradients of a read-out over the steps of five sequences of three, by a loss of flat rows."""
    net = nn.Linear(4, 3)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    inputs = DATA[:15].reshape(5, 3, 4)
    targets = LABELS[:15].square().cumsum(0).remainder(3).reshape(5, 3)
    outputs = net(inputs if batch_first else inputs.transpose(0, 1).contiguous())
    rows = targets.t() if turned else targets
    functional.cross_entropy(outputs.reshape(-1, 3), rows.reshape(-1)).backward()
    assert net.weight.grad is not None
    return net.weight.grad


def test_rows_of_targets_are_put_into_the_order_of_outputs() -> None:
    right = of_sequences(batch_first=True)
    for wrong in (lambda: of_sequences(batch_first=False), lambda: of_sequences(batch_first=True, turned=True)):
        assert not torch.allclose(wrong(), right)
        anatomy = looked(wrong)
        assert all_interventions()["row_order"].levels(anatomy)
        with changed("row_order", "alike", anatomy):
            assert torch.allclose(wrong(), right)
            assert torch.allclose(of_sequences(batch_first=False, turned=True), right)
    assert not all_interventions()["row_order"].levels(looked(lambda: of_sequences(batch_first=True)))


def drawn(weights: torch.Tensor) -> list[int]:
    """Numbers of examples, as a loader with a sampler gives them."""
    generator = torch.Generator().manual_seed(0)
    sampler = WeightedRandomSampler(weights.tolist(), 400, generator=generator)
    return [int(x) for (batch,) in DataLoader(TensorDataset(torch.arange(4)), 40, sampler=sampler) for x in batch]


def test_a_weighted_sampler_draws_all_alike() -> None:
    weights = torch.tensor([1.0, 0.0, 0.0, 0.0])
    anatomy = looked(lambda: drawn(weights))
    assert set(drawn(weights)) == {0} and all_interventions()["sampling"].levels(anatomy)
    with changed("sampling", "alike", anatomy):
        assert min(drawn(weights).count(number) for number in range(4)) > 60
    assert set(drawn(weights)) == {0}
    assert not all_interventions()["sampling"].levels(looked(lambda: drawn(torch.ones(4))))


@pytest.mark.parametrize(
    ("given", "other", "rate"),
    [({"mode": "max"}, "min", 0.1), ({"mode": "min"}, "max", 0.0001), ({}, "max", 0.0001)],
    ids=["upwards", "downwards", "by default"],
)
def test_a_schedule_waits_for_a_plateau_in_the_other_direction(given: dict[str, str], other: str, rate: float) -> None:
    def rate_of_a_falling_loss() -> float:
        optimiser = torch.optim.SGD([nn.Parameter(torch.ones(()))], lr=0.1)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **given, patience=0)  # type: ignore[arg-type]
        for loss in (4.0, 3.0, 2.0, 1.0):
            schedule.step(loss)
        return float(optimiser.param_groups[0]["lr"])

    anatomy = looked(rate_of_a_falling_loss)
    assert list(all_interventions()["plateau_mode"].levels(anatomy)) == [other]
    own = rate_of_a_falling_loss()
    with changed("plateau_mode", other, anatomy):
        assert rate_of_a_falling_loss() == pytest.approx(rate)
    assert rate_of_a_falling_loss() == own != pytest.approx(rate)


class Coded(nn.Module):
    """Adds codes of places, of (places, 1, features) as a tutorial has them, or of (places, features)."""

    def __init__(self, flat: bool, right: bool = False) -> None:
        super().__init__()
        self.right, self.out = right, nn.Linear(4, 1)
        table = torch.randn(30, 4, generator=torch.Generator().manual_seed(2))
        self.register_buffer("table", table if flat else table[:, None])

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        if self.right:
            self.sum = lines + self.table[: lines.size(1)].reshape(1, -1, 4)
        else:
            self.sum = lines + self.table[: lines.size(0)].view(len(lines), 1, 4)
        return self.out(self.sum).sum(1)


@pytest.mark.parametrize("flat", [False, True], ids=["of a batch", "flat"])
def test_codes_of_places_are_added_to_the_steps(flat: bool) -> None:
    lines = torch.randn(5, 7, 4)

    def trained(right: bool = False) -> torch.Tensor:
        torch.manual_seed(0)
        net = Coded(flat, right)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            optimiser.zero_grad()
            net(lines).sum().backward()
            optimiser.step()
        return net.sum.detach()

    anatomy = looked(trained)
    assert list(all_interventions()["place_codes"].levels(anatomy)) == ["of_steps"]
    with changed("place_codes", "of_steps", anatomy):
        assert torch.equal(trained(), trained(right=True))
    assert not torch.equal(trained(), trained(right=True))
    assert not all_interventions()["place_codes"].levels(looked(lambda: trained(right=True)))


class Rows(Dataset[torch.Tensor]):
    """Eight rows, which are halved where they are read."""

    def __init__(self, held: str, copied: bool = False) -> None:
        rows = torch.ones(8, 3)
        self.held: Any = {"tensor": rows, "array": rows.numpy(), "list": [rows[i].clone() for i in range(8)]}[held]
        self.copied = copied

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> torch.Tensor:
        row = torch.as_tensor(self.held[index])
        if self.copied:
            row = row.clone()
        row /= 2
        return row


def test_rows_that_are_no_numbers_are_left_alone() -> None:
    class Named(Dataset[torch.Tensor]):
        def __init__(self) -> None:
            self.names = np.array([["one.png", "cat"], ["two.png", "dog"]])
            self.sparse = [torch.eye(3).to_sparse() for _ in range(2)]

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> torch.Tensor:
            return torch.tensor(len(self.names[index][1]))

    def read() -> int:
        return sum(int(batch.sum()) for batch in DataLoader(Named(), 2))

    anatomy = looked(read)
    assert not all_interventions()["stored_rows"].levels(anatomy)
    with changed("stored_rows", "kept", anatomy):
        assert read() == 6


@pytest.mark.parametrize("held", ["tensor", "array", "list"])
def test_rows_that_reading_changes_are_put_back(held: str) -> None:
    def last(copied: bool = False) -> float:
        loader = DataLoader(Rows(held, copied), 4)
        return [float(batch.max()) for _ in range(3) for batch in loader][-1]

    anatomy = looked(last)
    levels = all_interventions()["stored_rows"].levels(anatomy)
    assert list(levels) == ["kept"] and ("copy()" if held == "array" else "clone()") in levels["kept"]
    with changed("stored_rows", "kept", anatomy):
        assert last() == 0.5
    assert last() == 0.125
    assert not all_interventions()["stored_rows"].levels(looked(lambda: last(copied=True)))


class Columns(Dataset[torch.Tensor]):
    """Eight rows of two columns, of a length that is somebody's own."""

    def __init__(self, length: int) -> None:
        self.length, self.inputs, self.labels = length, torch.arange(8), torch.arange(8)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, place: int) -> torch.Tensor:
        return self.inputs[place]


def read(length: int) -> list[int]:
    return sorted(int(one) for batch in DataLoader(Columns(length), 2, shuffle=True) for one in batch)


def test_a_dataset_whose_length_is_too_short_is_read_to_its_end() -> None:
    anatomy = looked(lambda: read(2))
    assert read(2) == [0, 1] and all_interventions()["dataset_rows"].levels(anatomy)
    with changed("dataset_rows", "all", anatomy):
        assert read(2) == list(range(8))
        assert read(6) == list(range(6)), "one that is not far too short stays"
    assert read(2) == [0, 1]
    assert not all_interventions()["dataset_rows"].levels(looked(lambda: read(6)))


def moved(slow: float) -> tuple[bool, list[float]]:
    """Whether the first group moves, and the rates that are written afterwards."""
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3))
    groups = [{"params": net[0].parameters(), "lr": slow}, {"params": net[1].parameters(), "lr": 0.1}]
    optimiser = torch.optim.SGD(groups, lr=0.1)
    before = net[0].weight.detach().clone()
    for _ in range(2):
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    return not torch.equal(net[0].weight, before), [group["lr"] for group in optimiser.param_groups]


def test_a_group_without_a_rate_gets_that_of_the_others() -> None:
    assert moved(0.0) == (False, [0.0, 0.1])
    anatomy = looked(lambda: moved(0.0))
    with changed("group_rates", "alike", anatomy):
        assert moved(0.0) == (True, [0.0, 0.1])
    # A slower group, as fine-tuning has, is meant.
    assert not all_interventions()["group_rates"].levels(looked(lambda: moved(0.001)))


def ending_in_a_clamp() -> torch.Tensor:
    """Outputs of a net that ends in a ReLU, cut to probabilities."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1), nn.ReLU())
    with torch.no_grad():
        net[2].weight.mul_(6)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    for _ in range(2):
        optimiser.zero_grad()
        outputs = net(DATA).clamp(0, 1)
        functional.binary_cross_entropy(outputs, (LABELS[:, None] > 1).float()).backward()
        optimiser.step()
    return outputs.detach()


def test_a_sigmoid_stands_for_what_is_cut_twice() -> None:
    anatomy = looked(ending_in_a_clamp)
    levels = all_interventions()["last_activation"].levels(anatomy)
    assert levels == {"sigmoid": "sigmoid instead of relu and clamp at the end"}
    assert ending_in_a_clamp().min() == 0
    with changed("last_activation", "sigmoid", anatomy):
        outputs = ending_in_a_clamp()
    # Not all above a half, as behind a ReLU.
    assert 0 < outputs.min() < 0.4 and outputs.max() < 1


def let_loose(kind: type[torch.optim.Optimizer]) -> bool:
    """Whether a frozen layer moves that is let loose after two steps, and that no optimiser holds."""
    torch.manual_seed(0)
    body, head = nn.Linear(4, 3), nn.Linear(3, 3)
    net = nn.Sequential(body, head)
    body.requires_grad_(False)
    optimiser = kind(head.parameters(), lr=0.1)
    before = body.weight.detach().clone()
    for step in range(6):
        body.requires_grad_(step > 1)
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    assert len({id(weight) for group in optimiser.param_groups for weight in group["params"]}) in (2, 4)
    return not torch.equal(body.weight, before)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_a_layer_that_is_let_loose_later_learns(kind: type[torch.optim.Optimizer]) -> None:
    anatomy = looked(lambda: let_loose(kind))
    assert not let_loose(kind) and "all" in all_interventions()["trained_parameters"].levels(anatomy)
    with changed("trained_parameters", "all", anatomy):
        assert let_loose(kind)
    assert not let_loose(kind)
