"""Torch tasks in the form that people have them: loaders, batches of any structure, schedulers, accumulation."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from backtrack import Categorical, Loaders, Numeric, TorchTask
from backtrack.trial import run_replicate, run_trial

X = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + X[:, 1] > 0).long()


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    return float((outputs.argmax(1) == targets).float().mean())


def task(**fields: object) -> TorchTask:
    given: dict[str, object] = {
        "name": "net",
        "data": lambda options: Loaders(
            TensorDataset(X[:200], Y[:200]), DataLoader(TensorDataset(X[200:], Y[200:]), 50)
        ),
        "model": lambda config: nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2)),
        "loss": nn.functional.cross_entropy,
        "score": accuracy,
        "metric": "accuracy",
        "mode": "max",
        "factors": [Numeric("lr", 1e-3, 1e-1, log=True), Categorical("batch_size", [16, 32])],
        "epochs": 3,
    }
    return TorchTask(**{**given, **fields})  # type: ignore[arg-type]


def run(asked: TorchTask, seed: int = 0, **levels: object):  # type: ignore[no-untyped-def]
    known = {factor.name for factor in asked.space}
    config = {"lr": 0.02, "batch_size": 16, **levels}
    return run_replicate(asked, asked.space.config({name: config[name] for name in config if name in known}), seed)


def test_datasets_and_loaders_train_and_chance_is_a_control() -> None:
    result = run(task())
    assert result.outcome == "ok", result.error
    assert result.value > 0.85
    assert 0.3 < result.chance < 0.7
    assert [point.epoch for point in result.curve if point.name == "accuracy"] == [1.0, 2.0, 3.0]
    assert run(task(chance=0.5)).chance == 0.5


def test_the_same_seed_gives_the_same_run_and_replicates_are_apart() -> None:
    asked = task(chance=0.5)
    first, again, other = run(asked, 3), run(asked, 3), run(asked, 4)
    losses = [[point.value for point in one.curve if point.name == "loss"] for one in (first, again, other)]
    assert losses[0] == losses[1] != losses[2]
    assert [one.seed for one in run_trial(asked, asked.space.config({"lr": 0.02, "batch_size": 16}), [1, 2])] == [1, 2]


class Dicts(Dataset):
    def __len__(self) -> int:
        return 200

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        return {"image": X[place], "label": Y[place]}


Pair = namedtuple("Pair", "x y")


class Named(Dicts):
    def __getitem__(self, place: int) -> Pair:  # type: ignore[override]
        return Pair(X[place], Y[place])


@pytest.mark.parametrize(("data", "part"), [(Dicts(), "image"), (Named(), 0)])
def test_batches_of_any_structure_and_outputs_of_any(data: Dataset, part: object) -> None:  # type: ignore[type-arg]
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.inner(x), "norm": x.norm()}

    def targets(batch):  # type: ignore[no-untyped-def]
        return batch["label"] if isinstance(batch, dict) else batch.y

    asked = task(
        data=lambda options: Loaders(data, data),
        model=lambda config: Net(),
        forward=lambda model, batch: model(batch[part]),
        loss=lambda outputs, batch, config: nn.functional.cross_entropy(outputs["logits"], targets(batch)),
        score=lambda outputs, batch, config: {
            "accuracy": accuracy(outputs["logits"], targets(batch)),
            "norm": float(outputs["norm"]),
        },
    )
    result = run(asked)
    assert result.outcome == "ok", result.error
    assert {"accuracy", "norm", "valid_loss", "loss"} <= {point.name for point in result.curve}


def test_scheduler_accumulation_validation_and_stop() -> None:
    rates: list[float] = []

    def scheduler(optimiser, config, steps):  # type: ignore[no-untyped-def]
        assert steps == 7  # 13 batches of 16, two an update
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rates.append(step) or 1 / (1 + step))

    asked = task(
        scheduler=scheduler,
        scheduler_every="step",
        accumulate=lambda config: 2,
        validate_every=5,
        stop=lambda values: len(values) >= 6,
        chance=0.5,
        epochs=9,
    )
    result = run(asked)
    assert result.outcome == "ok", result.error
    assert result.epochs == 2
    assert max(rates) == 14
    steps = [point.step for point in result.curve if point.name == "accuracy"]
    assert steps == [5, 10, 13, 15, 20, 25, 26]


def test_data_may_depend_on_the_config() -> None:
    def data(options, config):  # type: ignore[no-untyped-def]
        rows = 50 if config["size"] == "small" else 200
        both = TensorDataset(X[:rows], Y[:rows])
        return Loaders(both, both)

    asked = task(data=data, factors=[Categorical("size", ["small", "large"])], chance=0.5)
    steps = [max(point.step for point in run(asked, size=size).curve) for size in ("small", "large")]
    assert steps == [6, 21]


def test_what_has_no_targets_is_told() -> None:
    asked = task(data=lambda options: Loaders(DataLoader(X, 20), DataLoader(X, 20)))
    result = run(asked)
    assert result.outcome == "crashed"
    assert "has no targets; expected (inputs, targets), a dict" in result.error


def test_a_training_that_leaves_the_finite_numbers_diverged() -> None:
    asked = task(loss=lambda outputs, targets: nn.functional.cross_entropy(outputs, targets) * float("nan"), chance=0.5)
    assert run(asked).outcome == "diverged"


def test_checks_and_symptoms_see_it() -> None:
    asked = task(model=lambda config: nn.Sequential(nn.Linear(6, 2), nn.Softmax(1)), chance=0.5)
    result = run(asked)
    assert "loss_input" in {found.check for found in result.checks}
    assert any(point.name.startswith("symptom/") for point in result.curve)
