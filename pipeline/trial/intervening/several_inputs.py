"""Sees models that get more than one tensor, so that rows of the first cannot be exchanged alone."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.few_examples import SEVERAL
from backtrack.trial.intervening.training import HookedTraining
from backtrack.watch.listening.standing_back import hold


def count_several(training: HookedTraining) -> None:
    """Counts passes that train of models that get several tensors, by place or by name.

    Args:
        training: whose anatomy has the count.
    """
    torch = training.torch

    def count(module: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        tensors = [one for one in (*arguments, *options.values()) if isinstance(one, torch.Tensor)]
        if len(tensors) > 1 and torch.is_grad_enabled():
            training.anatomy.count(SEVERAL)

    def seen(model: Any) -> None:
        # (A compiled model's hooks would be compiled into it.)
        if not isinstance(model, torch.jit.ScriptModule):
            training.at_end(hold(lambda: model.register_forward_pre_hook(count, with_kwargs=True).remove))

    training.at_model(seen)
