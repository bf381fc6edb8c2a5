"""What listens and intervenes stands back in what is compiled: the same numbers, and no more graphs than alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from listened import Seen
from torch import nn
from torch.nn import functional
from torch.optim import optimizer
from torch.overrides import _get_current_function_mode

from backtrack.task.intervention import Anatomy
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.watch.listening.ears import Ears
from backtrack.watch.listening.standing_back import hold, replace, standing_back


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.drop, self.out = nn.Linear(6, 16), nn.Dropout(0.1), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.drop(torch.relu(self.hidden(x))))


def trained(kind: str) -> tuple[list[float], int]:
    """Losses and accuracies of a small training, and how many graphs torch made of it."""
    torch.manual_seed(0)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    x = torch.randn(192, 6)
    y = (x[:, 0] + x[:, 1] > 0).long()
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    model: Callable[..., Any] = net
    if kind in ("module", "full graph"):
        model = torch.compile(net, backend="eager", fullgraph=kind == "full graph")
    elif kind == "in place":
        net.compile(backend="eager")
    elif kind == "a layer":
        net.hidden = torch.compile(net.hidden, backend="eager")  # type: ignore[assignment]

    def loss_of(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(model(inputs), targets)

    if kind == "function":
        loss_of = torch.compile(loss_of, backend="eager", fullgraph=True)
    elif kind == "decorated":
        loss_of = torch.compile(backend="eager")(loss_of)
    step = torch.compile(optimiser.step, backend="eager") if kind == "step" else optimiser.step
    numbers = []
    for _ in range(2):
        net.train()
        for start in range(0, 192, 32):
            optimiser.zero_grad()
            loss = loss_of(x[start : start + 32], y[start : start + 32])
            loss.backward()
            step()
        net.eval()
        with torch.no_grad():
            numbers += [loss.item(), float((model(x).argmax(1) == y).float().mean())]
    return numbers, torch._dynamo.utils.counters["stats"]["unique_graphs"]


KINDS = ("module", "full graph", "in place", "a layer", "function", "decorated", "step")


@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_training_is_heard_as_it_is(kind: str) -> None:
    alone = trained(kind)
    seen = Seen()
    ears = Ears(torch, seen)
    ears.attach()
    try:
        assert trained(kind) == alone
    finally:
        ears.detach()
    assert not seen.findings
    assert [one.name for one in ears.heard.models] == ["Net"]
    assert ears.heard.steps == (0 if kind == "step" else 12)
    assert trained(kind) == alone


@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_training_is_looked_at_as_it_is(kind: str) -> None:
    alone = trained(kind)
    looked = Anatomist(torch)
    try:
        assert trained(kind) == alone
    finally:
        found = looked.conclude()
    assert found["anatomy"]["compiled"]
    assert found["anatomy"]["captured"] == (kind == "step")
    assert found["anatomy"]["modules"]["Net"] == 1


@pytest.mark.parametrize("kind", ["module", "in place"])
def test_a_change_around_a_compiled_model_is_made(kind: str) -> None:
    alone, graphs = trained(kind)
    training = apply_levels(
        torch, {"inputs": "standardised"}, Anatomy(inputs={"floats": True, "examples": 32, "batch": 32}).as_json()
    )
    try:
        changed, again = trained(kind)
    finally:
        training.end()
    assert changed != alone
    assert again == graphs


def test_the_training_after_a_compiled_one_is_looked_at_closely() -> None:
    for kind, looked in (("module", False), ("a layer", False), ("plain", True)):
        seen = Seen()
        ears = Ears(torch, seen)
        ears.attach()
        try:
            trained(kind)
        finally:
            ears.detach()
        assert ("symptom/dead_units" in seen.points) == looked, kind


class Pair:
    def __init__(self, first: int) -> None:
        self.first = first

    def both(self) -> int:
        return self.first + len(torch.zeros(3))


class Dropping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(functional.dropout(self.out(x), 0.1, self.training), torch.tensor([0]))


def test_scripts_and_traces_are_made_as_alone() -> None:
    own = torch.jit.script
    ears = Ears(torch, Seen())
    ears.attach()
    looked = Anatomist(torch)
    x, net = torch.ones(1, 2), Dropping().eval()
    try:
        assert torch.jit.script(Pair)(3).both() == 6
        ends = [torch.jit.script(net), torch.jit.trace(net, x), torch.fx.symbolic_trace(net)]
        ends.append(torch.export.export(net, (x,)).module())
        assert {round(one(x).item(), 5) for one in ends} == {round(net(x).item(), 5)}
    finally:
        found = looked.conclude()
        ears.detach()
    assert found["anatomy"]["compiled"]
    assert torch.jit.script is own


def test_what_torch_func_wraps_is_computed_as_alone() -> None:
    x, y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 1, 1, 0])

    def trained() -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))

        def loss_of(weights: dict[str, torch.Tensor], one: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            out = torch.func.functional_call(net, weights, (one[None],))
            return functional.cross_entropy(out, label[None])

        each = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))
        optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
        for _ in range(4):
            weights = {name: weight.detach() for name, weight in net.named_parameters()}
            single = each(weights, x, y)
            _, tangent = torch.func.jvp(lambda given: net(given), (x,), (torch.ones_like(x),))
            assert tangent.shape == (6, 2)
            for name, weight in net.named_parameters():
                weight.grad = single[name].mean(0)
            optimiser.step()
        with torch.no_grad():
            return [net(x), *net.parameters()]

    alone = trained()
    ears = Ears(torch, Seen())
    ears.attach()
    looked = Anatomist(torch)
    own = functional.cross_entropy
    try:
        heard = trained()
        assert functional.cross_entropy is own
    finally:
        looked.conclude()
        ears.detach()
    assert all(torch.equal(one, other) for one, other in zip(alone, heard, strict=True))
    assert not hasattr(torch.func.vmap, "__wrapped__")


def test_what_is_held_goes_and_comes_back() -> None:
    class Owner:
        value = 1

    class Heir(Owner):
        pass

    told: list[str] = []
    undo = [replace(Owner, "value", 2), replace(Heir, "value", 3)]
    undo.append(hold(lambda: told.append("on") or (lambda: told.append("off"))))  # type: ignore[func-returns-value]
    with standing_back():
        assert (Owner.value, Heir.value) == (1, 1)
        with standing_back():
            assert "value" not in vars(Heir)
        assert told == ["on", "off"]
    assert (Owner.value, Heir.value) == (2, 3)
    assert told == ["on", "off", "on"]
    for each in reversed(undo):
        each()
    assert (Owner.value, "value" in vars(Heir)) == (1, False)
    assert told == ["on", "off", "on", "off"]


def test_nothing_of_the_ears_is_on_while_torch_traces() -> None:
    own = functional.cross_entropy, torch.autograd.backward, nn.utils.clip_grad_norm_
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    ears = Ears(torch, Seen())
    ears.attach()
    try:
        for _ in range(2):
            optimiser.zero_grad()
            functional.cross_entropy(net(torch.randn(8, 6)), torch.zeros(8).long()).backward()
            optimiser.step()
        assert any(weight._post_accumulate_grad_hooks for weight in net.parameters())
        with standing_back():
            assert own == (functional.cross_entropy, torch.autograd.backward, nn.utils.clip_grad_norm_)
            assert not any(weight._post_accumulate_grad_hooks for weight in net.parameters())
            assert not torch.nn.modules.module._global_forward_pre_hooks
            assert not torch.nn.modules.module._global_forward_hooks
            assert not optimizer._global_optimizer_pre_hooks
            assert _get_current_function_mode() is None
        assert own[0] is not functional.cross_entropy
        assert any(weight._post_accumulate_grad_hooks for weight in net.parameters())
    finally:
        ears.detach()
    assert not any(weight._post_accumulate_grad_hooks for weight in net.parameters())


def test_what_is_undone_meanwhile_stays_off() -> None:
    class Owner:
        value = 1

    undo = replace(Owner, "value", 2)
    with standing_back():
        undo()
    assert Owner.value == 1
