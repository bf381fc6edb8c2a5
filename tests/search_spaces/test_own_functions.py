"""What a program computes by functions of its own: their gradients, what it cuts off, and which samples it scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from test_sums_rows_and_rates import changed, looked
from torch import nn

from backtrack.task.intervention import Anatomy
from backtrack.trial.intervening.catalogue import all_interventions


class Chooser(nn.Module):
    """Cuts nothing off itself; torch's hard samples and norms do, and so does what listens to scores that are fed on.

    Args:
        frozen: whether a function of its own, decorated, computes the first layer without gradients.
    """

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        self.read = nn.utils.spectral_norm(nn.Linear(2, 4))
        self.say = nn.Linear(4, 1)
        self.first = self.without if frozen else self.read

    @torch.no_grad()
    def without(self, line: torch.Tensor) -> torch.Tensor:
        return self.read(line)

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        chosen = nn.functional.gumbel_softmax(self.first(line), hard=True)
        return self.say(chosen * torch.log_softmax(chosen + 1, 1))


def chosen(frozen: bool = False) -> list[torch.Tensor | None]:
    torch.manual_seed(0)
    net = Chooser(frozen)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.rand(8, 2)).mean().backward()
    optimiser.step()
    return [weight.grad for weight in net.parameters()]


def test_what_torch_cuts_off_in_its_own_lines_is_not_the_programs_doing() -> None:
    levels = all_interventions()["gradient_flow"].levels
    assert not levels(looked(chosen))
    anatomy = looked(lambda: chosen(frozen=True))
    assert levels(anatomy) == {"kept": "leave no_grad out of the forward pass"}
    with changed("gradient_flow", "kept", anatomy):
        kept = chosen(frozen=True)
    assert None in chosen(frozen=True) and None not in kept
    assert all(torch.equal(one, other) for one, other in zip(kept, chosen(), strict=True))


def handed_on(detached: bool) -> list[torch.Tensor | None]:
    """The gradients of a net whose output another one gets, and of that one."""
    torch.manual_seed(0)
    first, second = nn.Linear(2, 4), nn.Linear(4, 1)
    optimiser = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
    said = first(torch.rand(8, 2, generator=torch.Generator().manual_seed(1)))
    loss = second(said.detach() if detached else said).square().mean()
    loss.backward()
    # What is only looked at may be cut off as it likes.
    assert float(loss.detach().numpy()) > 0
    optimiser.step()
    return [weight.grad for net in (first, second) for weight in net.parameters()]


def test_what_one_model_hands_on_keeps_its_gradient() -> None:
    asked = all_interventions()["gradient_between"]
    anatomy = looked(lambda: handed_on(detached=True))
    assert asked.levels(anatomy).keys() == {"kept"} and asked.on_suspicion
    assert not asked.levels(looked(lambda: handed_on(detached=False)))
    assert not all_interventions()["gradient_flow"].levels(anatomy)
    with changed("gradient_between", "kept", anatomy):
        kept = handed_on(detached=True)
    with changed("gradient_between", "kept", anatomy), changed("gradient_flow", "kept", anatomy):
        assert None not in handed_on(detached=True), "one around the other"
    assert handed_on(detached=True)[0] is None and None not in kept
    assert all(torch.equal(one, other) for one, other in zip(kept, handed_on(detached=False), strict=True))


class Reader(nn.Module):
    """Reads lines, from a state that it is given or from one that it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 1)
        self.learnt = nn.Parameter(torch.ones(1, 4, 3))

    def forward(self, lines: torch.Tensor, state: Any = None) -> Any:
        said, state = self.rnn(lines, (self.learnt, self.learnt) if state == "learnt" else state)
        return self.out(said[:, -1]), state


def begun(how: str) -> list[float]:
    """What is said of six batches, each of which begins with what the last one, or luck, has left, or with nothing."""
    torch.manual_seed(0)
    net, state = Reader(), None
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    told = []
    for _ in range(6):
        said, left = net(torch.rand(4, 5, 2), state)
        state = {
            "empty": None,
            "learnt": "learnt",
            "carried": tuple(one.detach() for one in left),
            "luck": (torch.randn(1, 4, 3), torch.randn(1, 4, 3)),
        }[how]
        optimiser.zero_grad()
        said.mean().backward()
        optimiser.step()
        told.append(float(said.detach().mean()))
    return told


@pytest.mark.parametrize(("how", "met"), [("carried", True), ("luck", True), ("learnt", False), ("empty", False)])
def test_a_batch_begins_with_an_empty_state(how: str, met: bool) -> None:
    anatomy = looked(lambda: begun(how))
    assert bool(all_interventions()["batch_state"].levels(anatomy)) is met
    own = begun(how)
    with changed("batch_state", "empty", anatomy):
        emptied = begun(how)
    # What luck draws for a state is drawn all the same, so its lines are others.
    assert (emptied == own) is not met and (how != "carried" or emptied == begun("empty"))


def bagged(offsets: list[int]) -> list[list[float]]:
    """What a bag of words says of three lines."""
    torch.manual_seed(0)
    bags = nn.EmbeddingBag(10, 2)
    optimiser = torch.optim.SGD(bags.parameters(), lr=0.1)
    said = bags(torch.arange(9), torch.tensor(offsets))
    said.sum().backward()
    optimiser.step()
    return said.detach().tolist()


def test_lengths_of_lines_are_added_up_to_where_they_begin() -> None:
    levels = all_interventions()["bag_offsets"].levels
    anatomy = looked(lambda: bagged([0, 4, 2]))
    assert levels(anatomy).keys() == {"summed"} and not levels(looked(lambda: bagged([0, 4, 6])))
    with changed("bag_offsets", "summed", anatomy):
        assert bagged([0, 4, 2]) == bagged([0, 4, 6])
    assert bagged([0, 4, 2]) != bagged([0, 4, 6])


class Square(torch.autograd.Function):
    """Its own gradient has the wrong sign."""

    @staticmethod
    def forward(ctx: Any, line: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(line)
        return line * line

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (line,) = ctx.saved_tensors
        return -2 * line * gradient


class Doubled(torch.autograd.Function):
    """With a context of its own, and the wrong factor."""

    @staticmethod
    def forward(line: torch.Tensor) -> torch.Tensor:
        return line * 2

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.factor = 4 + len(inputs) * output.ndim

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return ctx.factor * gradient


class Rounded(torch.autograd.Function):
    """Passes its gradient straight through: what it computes has none."""

    @staticmethod
    def forward(ctx: Any, line: torch.Tensor) -> torch.Tensor:
        ctx.factor = 1
        return torch.from_numpy(line.numpy().round())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return ctx.factor * gradient


def squared(kinds: Sequence[Any]) -> list[float]:
    line = nn.Parameter(torch.tensor([1.0, 3.0]))
    optimiser = torch.optim.SGD([line], lr=0.1)
    given = line * 1
    for kind in kinds:
        given = kind.apply(given)
    given.sum().backward()
    optimiser.step()
    assert line.grad is not None
    return line.grad.tolist()


@pytest.mark.parametrize(
    ("kinds", "own", "of_torch"),
    [([Square], [-2, -6], [2, 6]), ([Doubled], [5, 5], [2, 2]), ([Rounded], [1, 1], [1, 1]),
     ([Square, Rounded], [-2, -6], [2, 6])],
)  # fmt: skip
def test_torch_differentiates_what_an_autograd_function_of_ones_own_computes(
    kinds: Sequence[Any], own: list[float], of_torch: list[float]
) -> None:
    anatomy = looked(lambda: squared(kinds))
    told = all_interventions()["own_gradients"].levels(anatomy)["of_forward"]
    assert told.startswith("mend the backward() of ") and "Square" in told
    assert not all_interventions()["own_gradients"].levels(Anatomy())
    with changed("own_gradients", "of_forward", anatomy):
        assert squared(kinds) == of_torch
    assert squared(kinds) == own


def acted(anew: bool) -> list[float]:
    """The gradient of an agent's scores: of the actions that it took, or of others that it draws for that."""
    torch.manual_seed(0)
    likes = nn.Parameter(torch.zeros(3))
    optimiser = torch.optim.SGD([likes], lr=0.1)
    scores = []
    for _ in range(12):
        policy = torch.distributions.Categorical(logits=likes)
        action = policy.sample()
        scores.append(policy.log_prob(policy.sample() if anew else action) * float(action == 0))
    torch.stack(scores).sum().backward()
    optimiser.step()
    assert likes.grad is not None
    return [round(value, 4) for value in likes.grad.tolist()]


def averaged() -> None:
    """Several samples of one distribution, each of which is scored, as for an average."""
    likes = nn.Parameter(torch.zeros(3))
    optimiser = torch.optim.SGD([likes], lr=0.1)
    for _ in range(12):
        policy = torch.distributions.Categorical(logits=likes)
        torch.stack([policy.log_prob(policy.sample()) for _ in range(4)]).mean().backward()
        optimiser.step()


def test_the_action_that_was_taken_is_the_one_that_is_scored() -> None:
    levels = all_interventions()["scored_samples"].levels
    anatomy = looked(lambda: acted(anew=True))
    assert levels(anatomy).keys() == {"first"}
    assert not levels(looked(lambda: acted(anew=False))) and not levels(looked(averaged))
    as_written = acted(anew=True)
    with changed("scored_samples", "first", anatomy):
        mended = acted(anew=True)
    # What is scored is what was rewarded, the first action: its own score rises, and the others' fall alike.
    assert mended[0] > 0 and mended[1] == mended[2] < 0 and as_written[1] != as_written[2]
    assert acted(anew=True) == as_written


def test_a_net_without_activation_gets_one_after_each_layer_but_the_last() -> None:
    def said(*between: torch.nn.Module) -> list[float]:
        torch.manual_seed(0)
        first, second, last = torch.nn.Linear(3, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 1)
        net = torch.nn.Sequential(first, *between, second, *between, last)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        result = net(torch.ones(4, 3))
        result.sum().backward()
        optimiser.step()
        return result.detach().flatten().tolist()

    levels = all_interventions()["added_activation"].levels
    anatomy = looked(said)
    assert levels(anatomy) == {"relu": "nn.ReLU() after 0, 1"} and not levels(looked(lambda: said(torch.nn.ReLU())))
    with changed("added_activation", "relu", anatomy):
        assert said() == said(torch.nn.ReLU())
    assert said() != said(torch.nn.ReLU())


def test_lines_that_come_first_are_taken_for_the_examples() -> None:
    lines = torch.randn(4, 7, 3)

    def read(first: bool = False, turned: bool = False) -> list[list[float]]:
        torch.manual_seed(0)
        net = torch.nn.Sequential()
        net.gru, net.out = torch.nn.GRU(3, 5, batch_first=first), torch.nn.Linear(5, 1)
        net.forward = lambda x: net.out(net.gru(x.transpose(0, 1) if turned else x)[0])
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        result = net(lines)
        result.sum().backward()
        optimiser.step()
        return result.squeeze(-1).detach().tolist()

    levels = all_interventions()["batch_first"].levels
    anatomy = looked(read)
    assert levels(anatomy).keys() == {"set", "given"} and not levels(looked(lambda: read(first=True)))
    with changed("batch_first", "set", anatomy):
        assert read() == read(first=True)
    with changed("batch_first", "given", anatomy):
        given = read()
    assert given == read(turned=True) and read() != read(first=True)
