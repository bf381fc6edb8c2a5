"""What a process keeps of a task's data and of its chance is that task's own."""

from __future__ import annotations

import torch
from torch import nn

from backtrack import Categorical, Data, TorchTask
from backtrack.trial import loop, run_replicate


def task(rows: int, share: float) -> TorchTask:
    def data(options):
        inputs = torch.randn(rows, 3, generator=torch.Generator().manual_seed(rows))
        targets = (torch.arange(rows) < share * rows).long()
        return Data(inputs, targets, inputs, targets)

    return TorchTask(
        name="mine",
        data=data,
        model=lambda config: nn.Linear(3, 2),
        loss=nn.functional.cross_entropy,
        score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        metric="accuracy",
        mode="max",
        factors=[Categorical("a", [1, 2])],
        epochs=1,
    )


def test_a_second_task_of_the_same_name_gets_its_own_data_and_chance() -> None:
    results = [
        run_replicate(one, one.space.config({"a": 1}), 0) for one in (task(64, 0.5), task(128, 0.75), task(64, 0.9))
    ]
    assert [round(result.chance or 0, 1) for result in results] == [0.5, 0.8, 0.9]


def test_only_a_few_data_sets_are_kept() -> None:
    for rows in range(40, 80, 4):
        one = task(rows, 0.5)
        run_replicate(one, one.space.config({"a": 1}), 0)
    assert len(loop._data) <= loop.MOST_KEPT
