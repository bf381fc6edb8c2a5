"""Implementations against closed forms and slow twins."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backtrack.search_spaces.initialisation import INIT, fill, initialise
from backtrack.search_spaces.optimisers import OPTIMISER, make_optimiser
from backtrack.search_spaces.reading_order import ORDER, arrange
from backtrack.search_spaces.recurrent import CELL, READOUT, make_cell, read_out
from backtrack.search_spaces.weight_decay import DECAY_SCOPE, decay_groups


def test_uniform_fills_the_range_and_nothing_else() -> None:
    weight = torch.empty(200, 100)
    fill(weight, "uniform")
    assert weight.abs().max() <= 0.1
    assert weight.mean().abs() < 0.002
    assert weight.std() == pytest.approx(0.2 / 12**0.5, rel=0.02)


@pytest.mark.parametrize("cell", CELL.levels)
@pytest.mark.parametrize("both", [False, True])
def test_every_recurrent_block_is_orthogonal(cell: str, both: bool) -> None:
    layer = make_cell(str(cell), 8, 16, both)
    config = {f"init.{name}": value for name, value in INIT.parts("heuristic").items()}
    embedding, readout = nn.Embedding(10, 8, padding_idx=0), nn.Linear(16, 2)
    biases = {name: value.clone() for name, value in layer.named_parameters() if "bias" in name}
    initialise(config, embedding, layer, readout)
    size = layer.hidden_size
    for name, weight in layer.named_parameters():
        if name.startswith("weight_hh"):
            for block in weight.split(size):
                torch.testing.assert_close(block @ block.T, torch.eye(size), atol=1e-5, rtol=0)
        elif name.startswith("weight_ih"):
            assert weight.abs().max() <= 0.1
        else:
            assert torch.equal(weight, biases[name])
    assert embedding.weight[0].abs().sum() == 0
    assert embedding.weight[1:].abs().max() <= 0.1
    assert readout.weight.abs().max() <= 0.1


@pytest.mark.parametrize("component", INIT.components)
def test_each_component_changes_its_own_weights_only(component: str) -> None:
    def weights(level: str) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        modules = nn.Embedding(10, 8, padding_idx=0), make_cell("lstm", 8, 16, False), nn.Linear(16, 2)
        initialise({f"init.{name}": value for name, value in INIT.parts(level).items()}, *modules)
        return {
            f"{kind}.{name}": value
            for kind, module in zip(("embedding", "cell", "readout"), modules, strict=True)
            for name, value in module.named_parameters()
        }

    parts = dict.fromkeys(INIT.components, "default")
    parts[component] = INIT.parts("heuristic")[component]
    default, changed = weights("default"), weights(INIT.mixture(parts))
    owner = {"embedding": "embedding.weight", "input": "cell.weight_ih_l0", "recurrent": "cell.weight_hh_l0",
             "readout": "readout.weight"}  # fmt: skip
    assert {name for name in default if not torch.equal(default[name], changed[name])} == {owner[component]}


def test_every_component_has_the_framework_and_the_posts_values() -> None:
    for component in INIT.components:
        assert {"default", "uniform"} <= set(INIT.choices(component))
    assert {"orthogonal"} <= set(INIT.choices("input")) & set(INIT.choices("recurrent")) & set(INIT.choices("readout"))


def test_default_leaves_the_frameworks_weights() -> None:
    torch.manual_seed(0)
    expected = nn.Linear(4, 3).weight
    torch.manual_seed(0)
    layer = nn.Linear(4, 3)
    fill(layer.weight, "default")
    assert torch.equal(layer.weight, expected)


def model() -> nn.Module:
    net = nn.Sequential()
    net.add_module("embedding", nn.Embedding(5, 4))
    net.add_module("linear", nn.Linear(4, 3))
    net.add_module("norm", nn.LayerNorm(3))
    return net


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("everything", {"embedding.weight", "linear.weight", "linear.bias", "norm.weight", "norm.bias"}),
        ("matrices", {"embedding.weight", "linear.weight"}),
        ("matrices_but_skipped", {"linear.weight"}),
    ],
)
def test_decay_reaches_what_the_scope_names(scope: str, expected: set[str]) -> None:
    assert scope in DECAY_SCOPE.levels
    net = model()
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    decayed, free = decay_groups(net, {"weight_decay": 0.1, "decay_scope": scope}, skip=("embedding",))
    assert {names[id(parameter)] for parameter in decayed["params"]} == expected
    assert {names[id(parameter)] for parameter in free["params"]} == set(names.values()) - expected
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize("name", OPTIMISER.levels)
def test_optimisers_are_those_they_are_called(name: str) -> None:
    """Two steps on a quadratic, with the update rules written out."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = make_optimiser(str(name), [{"params": [weight], "weight_decay": 0.1}], {"lr": 0.01})
    theta = torch.tensor([1.0, -2.0])
    first, second = torch.zeros(2), torch.zeros(2)
    for step in (1, 2):
        optimiser.zero_grad()
        (3 * weight**2).sum().backward()
        optimiser.step()
        gradient = 6 * theta
        if name == "adamw":
            theta = theta * (1 - 0.01 * 0.1)
        else:
            gradient = gradient + 0.1 * theta
        if name == "sgd":
            first = gradient if step == 1 else 0.9 * first + gradient
            theta = theta - 0.01 * first
        elif name == "rmsprop":
            second = 0.99 * second + 0.01 * gradient**2
            theta = theta - 0.01 * gradient / (second.sqrt() + 1e-8)
        else:
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            theta = theta - 0.01 * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        torch.testing.assert_close(weight.detach(), theta, atol=1e-6, rtol=1e-5)


def test_reading_orders() -> None:
    lines = torch.tensor([[1, 2, 3, 0]])
    assert arrange(lines, "forward").tolist() == [[1, 2, 3, 0]]
    assert arrange(lines, "reverse").tolist() == [[0, 3, 2, 1]]
    with pytest.raises(ValueError, match="expected one of"):
        arrange(lines, "sideways")
    assert set(ORDER.levels) == {"forward", "reverse", "both"}


@pytest.mark.parametrize("how", READOUT.levels)
def test_read_outs_against_a_loop(how: str) -> None:
    torch.manual_seed(0)
    states = torch.randn(3, 5, 4)
    real = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 1, 0, 0]]).bool()
    found = read_out(states, real, str(how), both=False)
    for line in range(3):
        rows = [states[line, t] for t in range(5) if real[line, t]]
        expected = {
            "last": states[line, 4],
            "mean": sum(rows) / len(rows),
            "max": torch.stack(rows).max(0).values,
        }[str(how)]
        torch.testing.assert_close(found[line], expected)


def test_both_directions_end_at_their_own_last_state() -> None:
    torch.manual_seed(0)
    layer = make_cell("lstm", 3, 8, both=True)
    inputs = torch.randn(2, 6, 3)
    states, (last, _) = layer(inputs)
    found = read_out(states, torch.ones(2, 6).bool(), "last", both=True)
    torch.testing.assert_close(found, torch.cat([last[0], last[1]], dim=1))
