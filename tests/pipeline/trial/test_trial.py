"""Real runs that must end in each outcome, and real runs that must not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from backtrack import Categorical, FunctionTask, TorchTask, TrialFailed
from backtrack.task import Data
from backtrack.trial import Limits, run_replicate, run_trial
from backtrack.trial.limits import DeviceLost
from backtrack.trial.memory import memory_fraction

WAYS = [
    "ok",
    "no_learning",
    "diverged",
    "collapsed",
    "crashed",
    "out_of_memory",
    "timed_out",
    "named",
    "unnamed",
    "no_metric",
    "never_yields",
]


def behave(config: dict, seed: int) -> Iterator[dict[str, float]]:
    way = config["way"]
    for step in range(8):
        if way == "crashed" and step == 2:
            raise ValueError("a bug of the user's")
        if way == "out_of_memory" and step == 2:
            raise MemoryError
        if way == "named" and step == 2:
            raise TrialFailed("diverged", "seen by the user's own check")
        if way == "unnamed" and step == 2:
            raise TrialFailed("exploded")
        if way == "timed_out" and step == 2:
            while True:
                time.sleep(0.01)
        if way == "no_metric":
            yield {"loss": 1.0}
        elif way == "never_yields":
            return
        elif way == "diverged":
            yield {"error": 1.0 if step < 4 else float("nan")}
        elif way == "no_learning":
            yield {"error": 1.0}
        elif way == "collapsed":
            yield {"error": 0.2 if step < 6 else 1.0}
        else:
            yield {"error": 1.0 / (step + 1), "extra": float(seed)}


TASK = FunctionTask(name="ways", run=behave, metric="error", mode="min", chance=1.0, factors=[Categorical("way", WAYS)])


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("ok", "ok"), ("no_learning", "no_learning"), ("diverged", "diverged"), ("collapsed", "collapsed"),
        ("crashed", "crashed"), ("out_of_memory", "out_of_memory"), ("timed_out", "timed_out"),
        ("named", "diverged"), ("unnamed", "crashed"), ("no_metric", "crashed"), ("never_yields", "crashed"),
    ],
)  # fmt: skip
def test_a_function_ends_in(way: str, expected: str) -> None:
    result = run_replicate(
        TASK, TASK.space.config({"way": way}), 3, limits=Limits(seconds=0.5 if way == "timed_out" else 20)
    )
    assert result.outcome == expected, result.error


def test_what_was_reported_before_the_end_is_kept() -> None:
    result = run_replicate(TASK, TASK.space.config({"way": "crashed"}), 0)
    assert [point.value for point in result.curve if point.name == "error"] == [1.0, 0.5]
    assert result.epochs == 2
    assert result.value == 0.5
    assert "a bug of the user's" in result.error
    assert "test_trial.py" in result.error


def test_errors_say_what_was_expected() -> None:
    assert (
        "has a number under its metric 'error'; they have loss"
        in run_replicate(TASK, TASK.space.config({"way": "no_metric"}), 0).error
    )
    assert "expected one of" in run_replicate(TASK, TASK.space.config({"way": "unnamed"}), 0).error


def test_replicates_keep_their_seeds_apart() -> None:
    results = run_trial(TASK, TASK.space.config({"way": "ok"}), [5, 6, 7])
    assert [result.seed for result in results] == [5, 6, 7]
    extras = [{point.value for point in result.curve if point.name == "extra"} for result in results]
    assert extras == [{5.0}, {6.0}, {7.0}]


# --- torch ----------------------------------------------------------------------------------------------------


def blobs(options: dict) -> Data:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(600, 2, generator=generator)
    targets = (inputs.sum(1) > 0).long()
    return Data(inputs[:400], targets[:400], inputs[400:], targets[400:])


class Exploding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.exp(100 * (inputs @ self.weight) ** 2)


def build(config: dict) -> nn.Module:
    if config["net"] == "good":
        return nn.Linear(2, 2)
    if config["net"] == "deaf":
        net = nn.Linear(2, 2)
        nn.init.zeros_(net.weight)
        net.weight.requires_grad_(False)
        return net
    if config["net"] == "greedy":
        torch.empty(10**15)
    if config["net"] == "broken":
        return nn.Linear(3, 2)
    return Exploding()


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    return float((outputs.argmax(1) == targets).float().mean())


TORCH = TorchTask(
    name="blobs",
    data=blobs,
    model=build,
    loss=nn.functional.cross_entropy,
    score=accuracy,
    metric="accuracy",
    mode="max",
    factors=[Categorical("net", ["good", "deaf", "greedy", "broken", "exploding"]), Categorical("lr", [0.05, 1e3])],
    epochs=3,
)


@pytest.mark.parametrize(
    ("net", "lr", "expected"),
    [
        ("good", 0.05, "ok"), ("deaf", 0.05, "no_learning"), ("greedy", 0.05, "out_of_memory"),
        ("broken", 0.05, "crashed"), ("exploding", 1e3, "diverged"),
    ],
)  # fmt: skip
def test_a_torch_training_ends_in(net: str, lr: float, expected: str) -> None:
    result = run_replicate(TORCH, TORCH.space.config({"net": net, "lr": lr}), 0)
    assert result.outcome == expected, (result.error, result.curve)


def test_curves_have_points_within_and_after_epochs() -> None:
    result = run_replicate(TORCH, TORCH.space.config({"net": "good", "lr": 0.05}), 0)
    losses = [point.epoch for point in result.curve if point.name == "loss"]
    assert len(losses) > 3 * 4
    assert any(epoch != int(epoch) for epoch in losses)
    assert [point.epoch for point in result.curve if point.name == "accuracy"] == [1, 2, 3]
    times = [point.seconds for point in result.curve]
    assert times == sorted(times)
    assert result.epochs == 3
    assert result.peak_memory > 10**6
    assert result.seconds > 0


def test_chance_is_measured_on_the_data() -> None:
    result = run_replicate(TORCH, TORCH.space.config({"net": "good", "lr": 0.05}), 0)
    targets = blobs({}).valid_targets
    shares = torch.bincount(targets) / len(targets)
    assert result.chance in (pytest.approx(float(shares[0])), pytest.approx(float(shares[1])))


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    config = TORCH.space.config({"net": "good", "lr": 0.05})
    first, again, other = (run_replicate(TORCH, config, seed) for seed in (1, 1, 2))
    # What the clock measured differs each time.
    timed = ("symptom/slow_first_call", "symptom/starved_device")
    numbers = [[point.value for point in result.curve if point.name not in timed] for result in (first, again, other)]
    assert numbers[0] == numbers[1] != numbers[2]


def hungry(config: dict, seed: int) -> Iterator[dict[str, float]]:
    yield {"error": 0.9}
    yield {"error": float(torch.ones(int(config["mb"]) * 1024**2 // 4).sum()) * 0 + 0.1}


HUNGRY = FunctionTask(
    name="hungry", run=hungry, metric="error", mode="min", chance=1.0, factors=[Categorical("mb", [16, 800])]
)


@pytest.mark.parametrize(("mb", "outcome"), [(16, "ok"), (800, "out_of_memory")])
def test_a_memory_limit_ends_the_training_and_not_the_process(mb: int, outcome: str) -> None:
    config = HUNGRY.space.config({"mb": mb})
    assert run_replicate(HUNGRY, config, 0, limits=Limits(memory=400 * 1024**2)).outcome == outcome
    # The limit ends with the training.
    assert run_replicate(HUNGRY, HUNGRY.space.config({"mb": 800}), 0).outcome == "ok"


def test_a_lost_device_is_the_machines_fault_and_not_a_result() -> None:
    def lost(config: dict, seed: int) -> Iterator[dict[str, float]]:
        yield {"error": 0.9}
        raise RuntimeError("CUDA error: unspecified launch failure")

    task = FunctionTask(name="lost", run=lost, metric="error", mode="min", factors=[Categorical("a", [1, 2])])
    with pytest.raises(DeviceLost, match="unspecified launch failure"):
        run_replicate(task, task.space.config({"a": 1}), 0)


def test_shares_of_a_gpu_may_not_take_each_others_memory() -> None:
    total = 4 * 1024**3
    assert memory_fraction(Limits(), total) == 1.0
    assert memory_fraction(Limits(gpu_share=0.5), total) == pytest.approx(0.45)
    assert memory_fraction(Limits(gpu_share=0.5, memory=1024**3), total) == pytest.approx(0.25)
    assert memory_fraction(Limits(memory=64 * 1024**3), total) == 1.0
