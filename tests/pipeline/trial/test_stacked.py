"""Replicates trained as one stacked model: the same numbers as alone, and a way back where that cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack import Categorical, TorchTask
from backtrack.task import Data, load_task
from backtrack.trial import run_replicate, run_trial
from backtrack.trial.loop import train_torch
from backtrack.trial.stacked import FasterWay, Stacked
from backtrack.trial.stacked_recurrent import NotStackable, make_batchable
from backtrack.vocabulary.config import Config
from backtrack.watch.recorder import Recorder

SEEDS = (0, 1, 2)
# Rounding of single numbers, grown over the steps of a short training.
NEAR = 2e-3


@pytest.fixture(params=[True, False], ids=["together", "apart"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """One of the two ways throughout, whichever is faster."""
    monkeypatch.setattr(FasterWay, "take", lambda self, call: call(request.param))
    return bool(request.param)


def small(name: str, **levels: Any) -> tuple[TorchTask, Config]:
    sizes = {
        "winners": {"rows": 96, "width": 8, "epochs": 2},
        "squirrel": {"rows": 96, "valid_rows": 50, "length": 12, "epochs": 2},
    }
    task = load_task(name).with_options(sizes[name])
    return task, task.space.repair(levels, {})


def same_curves(task: TorchTask, config: Config, near: float = NEAR) -> None:
    together = [Recorder() for _ in SEEDS]
    outcomes = train_torch(task, task.levels(config), SEEDS, together, "cpu")
    for seed, recorder, outcome in zip(SEEDS, together, outcomes, strict=True):
        alone = Recorder()
        assert train_torch(task, task.levels(config), [seed], [alone], "cpu") == [outcome]
        for name in ("loss", "valid_loss", task.metric):
            torch.testing.assert_close(
                torch.tensor(recorder.values(name)), torch.tensor(alone.values(name)), rtol=near, atol=near
            )
        assert {point.name for point in recorder.curve} == {point.name for point in alone.curve}


@pytest.mark.parametrize(
    ("net", "optimiser", "normalisation"),
    [("mlp", "sgd", "batch"), ("conv", "adam", "layer"), ("mlp", "adamw", "none"), ("conv", "rmsprop", "layer")],
)
def test_winners(net: str, optimiser: str, normalisation: str, way: bool) -> None:
    """With buffers, and with decay that leaves vectors out, decided on the unstacked shapes.

    Adam and RMSprop make a whole step of a gradient that is zero but for rounding, such as that of a bias before batch
    normalisation; only SGD can be compared there.
    """
    levels = {"net": net, "optimiser": optimiser, "lr": 0.003, "normalisation": normalisation}
    task, config = small("winners", **levels, weight_decay=0.01, decay_scope="matrices")
    assert config["decay_scope"] == "matrices"
    same_curves(task, config)


@pytest.mark.parametrize(
    ("cell", "order"), [("rnn", "forward"), ("gru", "forward"), ("lstm", "forward"), ("gru", "both")]
)
def test_squirrel(cell: str, order: str, way: bool) -> None:
    """Recurrent, with every replicate's gradient clipped by its own norm."""
    same_curves(*small("squirrel", cell=cell, order=order, clip=0.25, optimiser="adam", lr=0.003))


def test_lines_that_are_padded(way: bool) -> None:
    """The padding's row of the embedding gets no gradient, in any copy; read by its last state, it would."""
    task, config = small("squirrel", cell="rnn", order="forward", readout="last", optimiser="sgd", lr=0.003)
    same_curves(task.with_options({"length": 110}), config)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("more", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_recurrent_layers_are_torchs_own(kind: Callable[..., nn.RNNBase], more: Mapping[str, Any]) -> None:
    copies = 3
    layers = [kind(5, 7, batch_first=True, **more) for _ in range(copies)]
    inputs = torch.randn(4, 6, 5)
    names = [name for name, _ in layers[0].named_parameters()]
    weights = {name: torch.stack([layer.get_parameter(name) for layer in layers]).detach() for name in names}
    for weight in weights.values():
        weight.requires_grad_()
    template = kind(5, 7, batch_first=True, **more)
    make_batchable(template)
    states, last = torch.vmap(lambda own: torch.func.functional_call(template, own, (inputs,)))(weights)
    (states.square().sum() + (last[1] if kind is nn.LSTM else last).sum()).backward()
    for number, layer in enumerate(layers):
        own_states, own_last = layer(inputs)
        torch.testing.assert_close(states[number], own_states)
        (own_states.square().sum() + (own_last[1] if kind is nn.LSTM else own_last).sum()).backward()
        for name in names:
            gradient = weights[name].grad
            assert gradient is not None
            torch.testing.assert_close(gradient[number], layer.get_parameter(name).grad, rtol=1e-4, atol=1e-5)


def noise(options: Mapping[str, Any]) -> Data:
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 6, generator=draw)
    targets = (inputs[:, 0] > 0).long()
    return Data(inputs[:192], targets[:192], inputs[192:], targets[192:])


def task_of(model: Callable[[Mapping[str, Any]], nn.Module], **more: Any) -> TorchTask:
    return TorchTask(
        name=f"task{time.perf_counter_ns()}",
        data=noise,
        model=model,
        loss=functional.cross_entropy,
        score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        metric="accuracy",
        mode="max",
        factors=[Categorical("lr", [0.01, 0.1]), Categorical("width", [8, 16])],
        **more,
    )


class Net(nn.Module):
    def __init__(self, *middle: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), *middle, nn.Linear(8, 2))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.layers(inputs)


def test_a_replicate_that_diverges_leaves_its_neighbours_alone(way: bool) -> None:
    def model(levels: Mapping[str, Any]) -> nn.Module:
        net = Net()
        if torch.initial_seed() == 1:
            # Its loss overflows after the first update.
            net.layers[0].weight.data *= 1e38
        return net

    task = task_of(model)
    config = task.space.config({"lr": 0.01, "width": 8})
    recorders = [Recorder() for _ in SEEDS]
    outcomes = train_torch(task, task.levels(config), SEEDS, recorders, "cpu")
    assert outcomes[1] == "diverged" and "diverged" not in (outcomes[0], outcomes[2])
    for number in (0, 2):
        alone = run_replicate(task, config, SEEDS[number])
        assert alone.outcome == outcomes[number]
        assert recorders[number].values("accuracy")[-1] == pytest.approx(alone.value, abs=0.02)
    assert not recorders[1].values("accuracy")


class Scaled(nn.Module):
    """Has a parameter that is used only after a data-dependent decision."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * 2 if inputs.sum() > 0 else inputs


def unmarked(model: nn.Module, levels: Mapping[str, Any]) -> torch.optim.Optimizer:
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    optimiser.register_step_pre_hook(lambda optimiser, args, kwargs: None)
    return optimiser


CANNOT = {
    "draws of its own": (lambda levels: Net(nn.Dropout(0.5)), {}),
    "a decision by the data": (lambda levels: Net(Scaled()), {}),
    "another optimiser": (
        lambda levels: Net(),
        {"optimiser": lambda model, levels: torch.optim.Adagrad(model.parameters())},
    ),
    "a hook": (lambda levels: Net(), {"optimiser": unmarked}),
    "other shapes": (lambda levels: Net() if torch.initial_seed() else Net(nn.Linear(8, 8)), {}),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_stacked_is_trained_one_after_another(what: str) -> None:
    model, more = CANNOT[what]
    task = task_of(model, **more)
    config = task.space.config({"lr": 0.01, "width": 8})
    with pytest.raises(NotStackable):
        train_torch(task, task.levels(config), SEEDS, [Recorder() for _ in SEEDS], "cpu")
    together = run_trial(task, config, SEEDS)
    for result, seed in zip(together, SEEDS, strict=True):
        alone = run_replicate(task, config, seed)
        assert (result.seed, result.outcome, result.value) == (seed, alone.outcome, alone.value)


def test_a_bug_in_the_task_is_told_of_each_replicate() -> None:
    def model(levels: Mapping[str, Any]) -> nn.Module:
        if torch.initial_seed() == 2:
            raise ValueError("a bug of the user's")
        return Net()

    task = task_of(model)
    results = run_trial(task, task.space.config({"lr": 0.01, "width": 8}), SEEDS)
    assert [result.outcome for result in results].count("crashed") == 1
    assert "a bug of the user's" in results[2].error


def test_the_faster_way_is_taken() -> None:
    for slow in (True, False):
        way = FasterWay("steps")
        taken: list[bool] = []

        def call(together: bool, slow: bool = slow, taken: list[bool] = taken) -> torch.Tensor:
            taken.append(together)
            time.sleep(0.02 if together == slow else 0.001)
            return torch.zeros(1)

        for _ in range(10):
            way.take(call)
        assert way.together is not slow
        assert taken.count(slow) <= 2


def test_decay_groups_follow_the_unstacked_shapes() -> None:
    """A stacked bias has two dimensions; it is still a bias."""
    task, config = small("winners", weight_decay=0.01, decay_scope="matrices", optimiser="sgd")
    models = [task.model(task.levels(config)) for _ in SEEDS]
    stacked = Stacked(task, models, task.levels(config), "cpu")
    decayed = {id(p): group["weight_decay"] for group in stacked.optimiser.param_groups for p in group["params"]}
    for name, weight in models[0].named_parameters():
        assert (decayed[id(stacked.weights[name])] > 0) == (weight.ndim > 1), name
