"""Tasks without factors: a checkup needs none, and a sweep says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from backtrack import FunctionTask, ScriptTask, TorchTask, sweep
from backtrack.errors import SpaceError
from backtrack.running.explaining import why_config


def black_box() -> FunctionTask:
    def run(config: dict[str, object], seed: int) -> Iterator[dict[str, float]]:
        yield {"error": 1.0}

    return FunctionTask(name="mine", run=run, metric="error", mode="min")


def script() -> ScriptTask:
    return ScriptTask(name="mine", command=["python", "-c", "print('error: 1')"], metric="error", mode="min")


def network() -> TorchTask:
    x = torch.randn(20, 3)
    return TorchTask(
        name="mine",
        data=lambda options: ((x, x[:, 0]), (x, x[:, 0])),
        model=lambda config: nn.Linear(3, 1),
        loss=nn.functional.mse_loss,
        score=lambda outputs, targets: 0.0,
        metric="error",
        mode="min",
    )


@pytest.mark.parametrize("made", [black_box, script, network])
def test_a_sweep_of_a_task_without_factors_says_what_to_do(made, tmp_path: Path) -> None:
    task = made()
    assert task.with_fixed({}).space.factors == ()
    with pytest.raises(SpaceError, match=r"no factors, .*--tricks.*backtrack checkup"):
        sweep(task, 24, tmp_path / "study", here=True)
    with pytest.raises(SpaceError, match="no factors"):
        why_config(task, {}, tmp_path / "study", here=True)
    assert not (tmp_path / "study").exists()
