"""Sizes of batches: of those that a net trains on, and of those that it is judged by."""

from __future__ import annotations

import torch
from test_sums_rows_and_rates import changed, looked
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

from backtrack.task.intervention import Anatomy
from backtrack.trial.intervening.catalogue import all_interventions

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
DATA = TensorDataset(X, (X[:, 0] > 0).long())


def sizes(judged: int = 1) -> tuple[set[int], set[int], int]:
    """Of the batches that are trained on, of those that are judged, and the length of the loader that trains."""
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    train = DataLoader(DATA, batch_size=10, shuffle=True)
    test = DataLoader(DATA, judged)
    # Batches that somebody gives stay as they are.
    kinds = [BatchSampler, type("Own", (BatchSampler,), {})]
    own = [DataLoader(DATA, batch_sampler=kind(SequentialSampler(DATA), 2, False)) for kind in kinds]
    trained, asked = set(), set()
    for x, y in train:
        trained.add(len(x))
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        asked |= {len(net(x)) for x, _ in test}
        assert all({len(x) for x, _ in one} == {2} for one in own)
    return trained, asked, len(train)


def test_what_is_judged_one_by_one_is_judged_by_batches() -> None:
    anatomy = looked(sizes)
    asked = all_interventions()["judged_batches"]
    assert asked.levels(anatomy) == {"as_trained": "batch_size=10 for the loader that it is judged by, too"}
    assert not asked.levels(Anatomy(loaders=[{"batch_size": 10, "place": ""}, {"batch_size": 4, "place": ""}]))
    with changed("judged_batches", "as_trained", anatomy):
        assert sizes() == ({10}, {10}, 4)
        assert sizes(judged=4) == ({10}, {4}, 4)
    assert sizes() == ({10}, {1}, 4)


def test_batches_of_another_size_are_those_that_train() -> None:
    anatomy = looked(sizes)
    with changed("batch_size", "x4", anatomy):
        assert sizes() == ({40}, {1}, 1)
    with changed("batch_size", "x0.25", anatomy):
        assert sizes(judged=8) == ({2}, {8}, 20)
    assert sizes() == ({10}, {1}, 4)
