"""Each symptom: a training that must show it, and the same training without what is wrong, which must not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack import Categorical, FunctionTask, TorchTask
from backtrack.errors import TaskError
from backtrack.search_spaces.activations import Activation
from backtrack.task import Data
from backtrack.trial import run_replicate
from backtrack.vocabulary.result import CurvePoint
from backtrack.watch.symptoms import PREFIX, all_symptoms, symptoms_by_model, symptoms_in
from backtrack.watch.symptoms.symptom import Look
from backtrack.watch.watching import Watched, watching

torch.set_num_threads(1)
FEATURES = 16
# Of timed trainings: a step takes long beside what a busy machine adds to it.
WIDE = 16384


def vectors(options: Any) -> Data:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(600, FEATURES, generator=generator)
    targets = (inputs[:, :4].sum(1) > 0).long()
    return Data(inputs[:400], targets[:400], inputs[400:], targets[400:])


def noisy_labels(options: Any) -> Data:
    data = vectors(options)
    generator = torch.Generator().manual_seed(1)
    return Data(data.inputs, torch.randint(0, 2, (400,), generator=generator), data.valid_inputs, data.valid_targets)


def symbols(options: Any) -> Data:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 10, (600, 24), generator=generator)
    targets = (inputs[:, -1] > 4).long()
    return Data(inputs[:400], targets[:400], inputs[400:], targets[400:])


class Reader(nn.Module):
    """Reads symbols one after another and answers from the last state."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.cell = nn.RNN(8, 16, batch_first=True)
        with torch.no_grad():
            self.cell.weight_hh_l0.mul_(gain)
        self.readout = nn.Linear(16, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.readout(self.cell(self.embedding(inputs))[0][:, -1])


class SlowRows:
    """Inputs whose rows take a while to come."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: torch.Tensor) -> torch.Tensor:
        time.sleep(0.015)
        return self.rows[which]

    def to(self, device: str) -> SlowRows:
        return self


def slow(options: Any) -> Data:
    data = vectors(options)
    return Data(SlowRows(data.inputs), data.targets, data.valid_inputs, data.valid_targets)  # type: ignore[arg-type]


def scaled(model: nn.Module, name: str, by: float, shift: float = 0.0) -> nn.Module:
    with torch.no_grad():
        weight = model.get_parameter(name)
        weight.mul_(by).add_(shift)
    return model


def mlp(activation: nn.Module | None = None, width: int = 16) -> nn.Sequential:
    return nn.Sequential(nn.Linear(FEATURES, width), activation or nn.ReLU(), nn.Linear(width, 2))


class Slowed(nn.Module):
    """Its first forward pass takes long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.inner, self.seconds = mlp(width=WIDE), seconds

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            time.sleep(self.seconds)
            self.seconds = 0.0
        return self.inner(inputs)


@dataclass(frozen=True)
class Pair:
    """A bad and a good training: models (by level), and what both share."""

    bad: Callable[[], nn.Module]
    good: Callable[[], nn.Module]
    lr: tuple[float, float] = (0.1, 0.1)
    data: tuple[Callable[[Any], Data], Callable[[Any], Data]] = (vectors, vectors)
    epochs: int = 3
    momentum: float = 0.0
    decay: tuple[float, float] = (0.0, 0.0)


def deep(activation: type[nn.Module], scale: float) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(12):
        layers += [nn.Linear(FEATURES, FEATURES), activation()]
    model = nn.Sequential(*layers, nn.Linear(FEATURES, 2))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight, gain=scale)
    return model


def favoured(by: float) -> nn.Module:
    """Competing units, one of each pair with a head start."""
    model = nn.Sequential(
        nn.Linear(FEATURES, 16), Activation({"activation": "maxout", "group_size": 2}), nn.Linear(8, 2)
    )
    with torch.no_grad():
        model[0].bias[::2] += by
    return model


PAIRS = {
    "wrong_first_loss": Pair(lambda: scaled(mlp(), "2.weight", 40.0), mlp),
    "output_ignores_input": Pair(lambda: scaled(mlp(), "0.weight", 1e-4), mlp, lr=(1e-4, 0.1)),
    "vanishing_gradient": Pair(lambda: deep(nn.Sigmoid, 1.0), lambda: deep(nn.Tanh, 1.0)),
    "vanishing_over_time": Pair(lambda: Reader(0.1), lambda: Reader(1.7), data=(symbols, symbols)),
    "exploding_gradient": Pair(mlp, mlp, lr=(1e20, 0.1)),
    "update_ratio_off": Pair(mlp, mlp, lr=(1e-5, 0.1)),
    "dead_units": Pair(lambda: scaled(mlp(), "0.bias", 1.0, -20.0), mlp),
    "saturated_units": Pair(lambda: scaled(mlp(nn.Tanh()), "0.weight", 50.0), lambda: mlp(nn.Tanh())),
    "few_winners": Pair(lambda: favoured(30.0), lambda: favoured(0.0)),
    "collapsed_predictions": Pair(lambda: scaled(mlp(), "0.weight", 1e-4), mlp, lr=(1e-4, 0.1)),
    "changing_norms": Pair(lambda: Reader(1.0), lambda: Reader(1.0), data=(symbols, symbols), decay=(3.0, 0.0)),
    "oscillating_loss": Pair(mlp, mlp, lr=(5.0, 0.1), epochs=4, momentum=0.9),
    "overfitting": Pair(lambda: mlp(width=256), mlp, data=(noisy_labels, vectors), epochs=100, momentum=0.9),
    "starved_device": Pair(lambda: mlp(width=WIDE), lambda: mlp(width=WIDE), data=(slow, vectors)),
    "slow_first_call": Pair(lambda: Slowed(0.4), lambda: Slowed(0.0)),
}  # fmt: skip


def results(name: str) -> tuple[Any, Any]:
    pair = PAIRS[name]
    found = []
    for number, model in enumerate((pair.bad, pair.good)):
        task = TorchTask(
            name=f"{name}{number}",
            data=pair.data[number],
            model=lambda config, model=model: model(),
            loss=functional.cross_entropy,
            score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
            metric="accuracy",
            mode="max",
            epochs=pair.epochs,
            optimiser=lambda model, config, number=number: torch.optim.SGD(
                model.parameters(), pair.lr[number], momentum=pair.momentum, weight_decay=pair.decay[number]
            ),
            factors=[Categorical("nothing", ["a", "b"])],
        )
        # The first training of a process pays for torch's own start.
        run_replicate(task, task.space.config({"nothing": "a"}), 0)
        found.append(run_replicate(task, task.space.config({"nothing": "a"}), 0))
    return found[0], found[1]


@pytest.mark.parametrize("name", PAIRS)
def test_shown_by_the_bad_training_and_not_by_the_good_one(name: str) -> None:
    bad, good = results(name)
    assert name in bad.symptoms, [(p.step, p.value) for p in bad.curve if name in p.name]
    assert name not in good.symptoms, [(p.step, p.value) for p in good.curve if name in p.name]
    assert good.outcome == "ok"


# Of a plain loop that says nothing: not what is read from losses that a training says, nor what is told by a clock.
HEARD = [
    name
    for name in PAIRS
    if name not in {"wrong_first_loss", "oscillating_loss", "overfitting", "starved_device", "slow_first_call"}
]


def heard(name: str, number: int) -> Watched:
    """What is seen of a pair's training as a plain loop."""
    pair = PAIRS[name]
    torch.manual_seed(0)
    data, model = pair.data[number](None), (pair.bad, pair.good)[number]()
    optimiser = torch.optim.SGD(
        model.parameters(), pair.lr[number], momentum=pair.momentum, weight_decay=pair.decay[number]
    )
    with watching(quiet=True) as seen:
        for _ in range(pair.epochs):
            for index in torch.randperm(400).split(32):
                optimiser.zero_grad()
                functional.cross_entropy(model(data.inputs[index]), data.targets[index]).backward()
                optimiser.step()
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    return seen


@pytest.mark.parametrize("name", HEARD)
def test_a_plain_loop_shows_it_too(name: str) -> None:
    assert name in heard(name, 0).symptoms
    assert name not in heard(name, 1).symptoms


def test_every_model_of_a_training_is_measured() -> None:
    torch.manual_seed(0)
    data = vectors(None)
    actor, critic = mlp(), scaled(mlp(), "0.bias", 1.0, -20.0)
    optimisers = [torch.optim.SGD(model.parameters(), 0.1) for model in (actor, critic)]
    with watching(quiet=True) as seen:
        for _ in range(3):
            for index in torch.randperm(400).split(32):
                for model, optimiser in zip((actor, critic), optimisers, strict=True):
                    optimiser.zero_grad()
                    functional.cross_entropy(model(data.inputs[index]), data.targets[index]).backward()
                    optimiser.step()
    assert symptoms_by_model(seen.points)["dead_units"] == ("Sequential2",)
    assert "symptom dead_units (of Sequential2)" in str(seen)


def test_two_optimisers_of_one_model_answer_for_their_own_weights() -> None:
    torch.manual_seed(0)
    data, model = vectors(None), mlp()
    body, head = torch.optim.SGD(model[0].parameters(), 0.1), torch.optim.SGD(model[2].parameters(), 1e-6)
    with watching(quiet=True) as seen:
        for _ in range(3):
            for index in torch.randperm(400).split(32):
                model.zero_grad()
                functional.cross_entropy(model(data.inputs[index]), data.targets[index]).backward()
                body.step()
                head.step()
    assert symptoms_by_model(seen.points) == {"update_ratio_off": ("Sequential-2",)}


@pytest.mark.parametrize("names", [("loss", "valid_loss"), ("train_loss", "val_loss")])
def test_losses_are_read_by_the_names_that_people_give_them(names: tuple[str, str]) -> None:
    falling, rising = [2.0, 1.5, 1.0, 0.5], [2.0, 1.0, 1.2, 1.5]
    curve = [
        CurvePoint(step, float(step), name, value, 0.0)
        for name, values in zip(names, (falling, rising), strict=True)
        for step, value in enumerate(values)
    ]
    assert symptoms_in(curve) == ("overfitting",)


def test_negatives_without_a_loss() -> None:
    def run(config: dict[str, Any], seed: int) -> Iterator[dict[str, float]]:
        for epoch in range(4):
            yield {
                "mrr": 0.5,
                "active": 0.5 / (1 + config["easy"] * epoch * 10),
                "norm": 1 + config["easy"] * 6 * epoch,
            }

    task = FunctionTask(
        name="negatives",
        run=run,
        metric="mrr",
        mode="max",
        factors=[Categorical("easy", [0, 1]), Categorical("x", [1, 2])],
    )
    easy, hard = (run_replicate(task, task.space.config({"easy": level, "x": 1}), 0) for level in (1, 0))
    assert set(easy.symptoms) == {"no_active_negatives", "changing_norms"}
    assert hard.symptoms == ()


def test_every_symptom_is_tested_and_says_what_it_is() -> None:
    assert {symptom.name for symptom in all_symptoms()} == {*PAIRS, "no_active_negatives"}
    for symptom in all_symptoms():
        assert symptom.rule.format(threshold=symptom.threshold)
        assert symptom.measured and symptom.points_at and symptom.cost and symptom.source
        assert symptom.curve == PREFIX + symptom.name


def test_nothing_is_seen_in_nothing() -> None:
    assert symptoms_in(()) == ()
    for symptom in all_symptoms():
        for value in (float("nan"), 0.0):
            # Whatever is found in a broken curve, reading it must not fail.
            symptom.found({symptom.curve: [value], "loss": [value] * 8, "valid_loss": [value] * 3}, symptom.threshold)


def test_thresholds_are_the_users_choice() -> None:
    curve = [CurvePoint(1, 1.0, PREFIX + "dead_units", 0.6, 0.0)]
    assert "dead_units" not in symptoms_in(curve)
    assert "dead_units" in symptoms_in(curve, {"dead_units": 0.5})
    task = FunctionTask(
        name="t",
        run=lambda config, seed: iter([{"e": 1.0}]),
        metric="e",
        mode="min",
        factors=[Categorical("a", [1, 2])],
    )
    assert task.with_thresholds({"dead_units": "0.5"}).thresholds == {"dead_units": 0.5}
    with pytest.raises(TaskError, match="no symptom"):
        task.with_thresholds({"deaf_units": 0.5})
    with pytest.raises(TaskError, match="expected a number such as"):
        task.with_thresholds({"dead_units": "many"})


def test_watching_changes_no_number() -> None:
    pair = PAIRS["few_winners"]
    task = TorchTask(
        name="same", data=vectors, model=lambda config: pair.good(), loss=functional.cross_entropy,
        score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        metric="accuracy", mode="max", factors=[Categorical("nothing", ["a", "b"])],
    )  # fmt: skip
    config = task.space.config({"nothing": "a"})
    watched, blind = (run_replicate(task, config, 3, watched=on) for on in (True, False))
    plain = [(p.step, p.name, p.value) for p in watched.curve if not p.name.startswith(PREFIX)]
    assert plain == [(p.step, p.name, p.value) for p in blind.curve]
    assert len(watched.curve) > len(blind.curve)


def test_targets_that_a_loss_leaves_out_are_of_no_class() -> None:
    outputs, targets = torch.eye(4).repeat(2, 1), torch.tensor([0, 1, 2, 3, -100, -100, -100, -100])
    (at_look,) = (one.at_look for one in all_symptoms() if one.name == "collapsed_predictions")
    assert at_look is not None
    assert at_look(Look(outputs, targets, [])) == pytest.approx(1.0)
    assert at_look(Look(outputs, torch.full((8,), -100), [])) is None
