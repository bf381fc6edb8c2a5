"""How long a plain training's first step takes, and how long it waits for its batches."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from backtrack.watch.listening.clock import ENOUGH, Clock
from backtrack.watch.listening.ears import Ears
from backtrack.watch.listening.patches import on_fetching, on_loading
from tests.pipeline.watch.listened import Seen

FIRST, STARVED = "symptom/slow_first_call", "symptom/starved_device"
SECONDS = 0.01
# Fetches and beginnings that are told of.
MOST = 8


class Late(Dataset):
    """Each example takes its time."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, number: int) -> torch.Tensor:
        time.sleep(SECONDS)
        return torch.ones(3)


class Slowed(nn.Module):
    """Its first pass takes long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.layer, self.seconds = nn.Linear(256, 256), seconds

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        self.seconds = 0.0
        return self.layer(inputs)


def trained(model: nn.Module, steps: int = 4) -> Seen:
    """A plain loop, listened to."""
    seen = Seen()
    ears = Ears(torch, seen)
    ears.attach()
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        model(torch.randn(8, 256)).square().mean().backward()
        optimiser.step()
    ears.detach()
    return seen


def test_the_first_step_is_held_against_steps_that_are_looked_at_as_closely() -> None:
    trained(Slowed(0.0))  # a process's own first call
    ((plain,), (slow,)) = (trained(Slowed(seconds)).points[FIRST] for seconds in (0.0, 2.0))
    assert slow > 5 * plain


def test_a_training_of_two_steps_says_nothing() -> None:
    assert FIRST not in trained(Slowed(0.0), steps=2).points


def waiting(device: str, epoch: int, seconds: float = 1.0, fetch: float = 0.75) -> Seen:
    """Steps of `seconds` each, of which they wait `fetch` for a batch; each epoch begins with a long wait."""
    seen, time_now = Seen(), [0.0]
    clock = Clock(seen, now=lambda: time_now[0])
    clock.begin()
    for number in range(1, 3 * ENOUGH + 1):
        if number % epoch == 0:
            clock.iterate()
            time_now[0] += 1000.0
            clock.fetch(1000.0)
        clock.fetch(fetch)
        time_now[0] += seconds
        clock.end(number, close=number <= 3 or number == 3 * ENOUGH, device=device)
    return seen


@pytest.mark.parametrize("epoch", [5, 1000])
def test_a_device_that_waits_for_its_batches_within_an_epoch(epoch: int) -> None:
    (share,) = waiting("cuda", epoch).points[STARVED]
    assert share == pytest.approx(0.75, abs=0.03)


def test_a_processor_does_not_wait_for_what_it_fetches_itself() -> None:
    assert STARVED not in waiting("cpu", 1000).points


def test_too_few_steps_say_nothing_of_waiting() -> None:
    # Each step begins an epoch.
    assert STARVED not in waiting("cuda", 1).points


@pytest.fixture
def heard() -> Iterator[list[float]]:
    """Seconds of each fetch, behind a 0 for each beginning."""
    told: list[float] = []
    loading = on_loading(torch, lambda *_: None, lambda loader: told.append(0.0))

    def fetched(seconds: float) -> bool:
        told.append(seconds)
        return len(told) < MOST

    undo = [*on_fetching(torch, fetched), *loading]
    yield told
    for one in undo:
        one()


def test_what_a_loader_takes_is_heard_no_longer_than_somebody_asks(heard: list[float]) -> None:
    for _ in range(MOST):
        for _ in DataLoader(Late(), batch_size=3):
            pass
    # The beginnings are heard on.
    assert [one > 0 for one in heard] == ([False, True, True] * MOST)[:MOST] + [False] * (len(heard) - MOST)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_loader_takes_is_heard(heard: list[float], workers: int) -> None:
    for _ in range(2):
        for _ in DataLoader(Late(), batch_size=3, num_workers=workers):
            pass
    # The beginning, and two batches.
    epoch = len(heard) // 2
    assert epoch == 3 and heard[0] == heard[epoch] == 0.0
    if not workers:
        assert min(heard[1:3]) >= 3 * SECONDS > 0
