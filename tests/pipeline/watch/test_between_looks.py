"""Between two close looks little is on; what is counted and what comes later is heard as before."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from backtrack.watch.listening.ears import Ears

STEPS = 120


class Silent:
    """Takes what is seen, and keeps nothing."""

    def point(self, *given: Any) -> None:
        pass

    def found(self, finding: Any) -> None:
        pass


@pytest.fixture
def ears() -> Any:
    """Attached ears that note which steps are told of before they are made."""
    listening = Ears(torch, Silent(), symptoms=False)
    listening.attach()
    yield listening
    listening.detach()


def trained(
    net: nn.Module, optimiser: torch.optim.Optimizer, steps: int, judged: int = 0, rate: float | None = None
) -> None:
    for step in range(steps):
        optimiser.zero_grad()
        net(torch.randn(8, 3)).square().mean().backward()
        optimiser.step()
        if rate is not None and step == steps // 2:
            optimiser.param_groups[0]["lr"] = rate
        if judged and step % judged == judged - 1:
            net.eval()
            with torch.no_grad():
                net(torch.randn(5, 3))
            net.train()


def told_before(ears: Ears) -> list[tuple[int, int]]:
    """The optimiser and the number of each step that is told of before it is made, as they come."""
    told: list[tuple[int, int]] = []

    def note(step: Any) -> None:
        told.append((ears.heard.optimisers.index(step.heard), step.number))

    ears._listeners["before_step"].append((None, note))  # type: ignore[arg-type]
    return told


def test_every_pass_is_counted_with_its_mode(ears: Ears) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.1), nn.Linear(4, 1))
    trained(net, torch.optim.SGD(net.parameters(), 0.01), STEPS, judged=10)
    (model,) = ears.heard.models
    assert {mode: (passes.number, passes.examples) for mode, passes in model.passes.items()} == {
        (True, True): (STEPS, 8 * STEPS),
        (False, False): (STEPS // 10, 5 * STEPS // 10),
    }
    assert (ears.heard.forwards, ears.heard.backwards, ears.heard.steps) == (STEPS + STEPS // 10, STEPS, STEPS)
    assert ears.heard.single == 0 and len(ears.heard.losses) == ears.heard.losses.maxlen


@pytest.mark.parametrize("groups", [1, 2])
def test_a_rate_that_changes_is_noted_where_it_does(groups: int, ears: Ears) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    optimiser = torch.optim.SGD([{"params": list(net[k].parameters())} for k in range(groups)], lr=0.5)
    trained(net, optimiser, STEPS, rate=0.25)
    rest = (0.5,) * (groups - 1)
    assert ears.heard.optimisers[0].rates == [(1, (0.5, *rest)), (STEPS // 2 + 2, (0.25, *rest))]


@pytest.mark.parametrize("made_as", ["begun", "made later", "copied"])
def test_an_optimiser_that_comes_later_is_heard_from_its_first_step_on(made_as: str, ears: Ears) -> None:
    nets = [nn.Linear(3, 1), nn.Linear(3, 1)]
    first = torch.optim.SGD(nets[0].parameters(), 0.01)
    second = torch.optim.SGD(nets[1].parameters(), 0.01) if made_as == "begun" else copy.deepcopy(first)
    if made_as == "begun":
        trained(nets[1], second, 1)
    told = told_before(ears)
    trained(nets[0], first, STEPS)
    alone = len(told)
    if made_as == "made later":
        second = torch.optim.SGD(nets[1].parameters(), 0.01)
    trained(nets[0] if made_as == "copied" else nets[1], second, STEPS)
    begun = made_as == "begun"
    which, number = (0, 2) if begun else (1, 1)
    assert [step for one, step in told[alone:] if one == which][:5] == list(range(number, number + 5))
    assert ears.heard.optimisers[which].steps == STEPS + begun


def test_a_rate_that_is_changed_around_each_step_is_the_programs_own(ears: Ears) -> None:
    """As an intervention does, which comes behind the ears."""
    from torch.optim import optimizer as optimisers

    def times(factor: float) -> Any:
        def change(optimiser: Any, arguments: Any, options: Any) -> None:
            for group in optimiser.param_groups:
                group["lr"] *= factor

        return change

    hooks = [
        optimisers.register_optimizer_step_pre_hook(times(0.01)),
        optimisers.register_optimizer_step_post_hook(times(100)),
    ]
    net = nn.Linear(3, 1)
    trained(net, torch.optim.SGD(net.parameters(), 0.5), STEPS)
    for hook in hooks:
        hook.remove()
    assert [rate for _, (rate,) in ears.heard.optimisers[0].rates] == pytest.approx([0.5])


def test_a_pass_of_a_class_that_inherits_from_a_models_counts_once(ears: Ears) -> None:
    class Net(nn.Sequential):
        pass

    plain, own = nn.Sequential(nn.Linear(3, 1)), Net(nn.Linear(3, 1))
    optimiser = torch.optim.SGD([*plain.parameters(), *own.parameters()], 0.01)
    for _ in range(STEPS):
        optimiser.zero_grad()
        (plain(torch.randn(8, 3)) + own(torch.randn(8, 3))).square().mean().backward()
        optimiser.step()
    assert [model.trained for model in ears.heard.models] == [STEPS, STEPS]


def test_what_is_put_on_top_meanwhile_stays_where_it_is(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    below = torch.Tensor.backward

    def counted(self: torch.Tensor, *given: Any, **options: Any) -> None:
        below(self, *given, **options)

    monkeypatch.setattr(torch.Tensor, "backward", counted)
    net = nn.Linear(3, 1)
    trained(net, torch.optim.SGD(net.parameters(), 0.01), STEPS)
    assert torch.Tensor.backward is counted and ears.heard.backwards == STEPS


def test_what_hears_of_gradients_goes_once_nothing_waits_for_them(ears: Ears) -> None:
    heard = torch.Tensor.backward
    net = nn.Linear(3, 1)
    trained(net, torch.optim.SGD(net.parameters(), 0.01), STEPS)
    assert torch.Tensor.backward is not heard and ears.heard.backwards == STEPS
