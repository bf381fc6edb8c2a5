"""What hears every operation of torch ends after the first steps, in loops with an optimiser and in loops by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.overrides import _get_current_function_mode_stack

from backtrack.watch.watching import watching

X = torch.randn(64, 4)
Y = X[:, :1] - X[:, 1:2]


def with_an_optimiser() -> None:
    model = torch.nn.Linear(4, 1)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(5):
        optimiser.zero_grad()
        (model(X) - Y).pow(2).mean().backward()
        optimiser.step()


def by_hand() -> None:
    weights = torch.zeros(4, 1, requires_grad=True)
    for _ in range(60):
        (X @ weights - Y).pow(2).mean().backward()
        with torch.no_grad():
            weights -= 0.1 * weights.grad
            weights.grad.zero_()


def by_autograd() -> None:
    weights = torch.zeros(4, 1, requires_grad=True)
    for _ in range(60):
        torch.autograd.backward((X @ weights - Y).pow(2).mean())
        weights = (weights - 0.1 * weights.grad).detach().requires_grad_()


def by_gradients_alone() -> None:
    weights = torch.zeros(4, 1, requires_grad=True)
    for _ in range(60):
        (gradient,) = torch.autograd.grad((X @ weights - Y).pow(2).mean(), [weights])
        weights = (weights - 0.1 * gradient).detach().requires_grad_()


@pytest.mark.parametrize("loop", [with_an_optimiser, by_hand, by_autograd, by_gradients_alone])
def test_no_operation_is_heard_for_long(loop: Callable[[], None]) -> None:
    backward, grad = torch.Tensor.backward, torch.autograd.grad
    with watching(quiet=True):
        assert len(_get_current_function_mode_stack()) == 1
        loop()
        assert not _get_current_function_mode_stack()
    assert torch.Tensor.backward is backward and torch.autograd.grad is grad
