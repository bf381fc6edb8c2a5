"""Sees models that get more than one tensor, so that rows of the first cannot be exchanged alone."""

from __future__ import annotations

import inspect
from typing import Any

from backtrack.search_spaces.few_examples import SEVERAL
from backtrack.trial.intervening.training import HookedTraining
from backtrack.watch.listening.standing_back import hold, uncompiled


def count_several(training: HookedTraining) -> None:
    """Counts passes that train of models that get several tensors, by place or by name.

    Args:
        training: whose anatomy has the count.
    """
    torch, models = training.torch, set[int]()
    register = torch.nn.modules.module.register_module_forward_hook
    # A hook of the model itself would be saved with it. (Older versions of torch do not tell hooks what has a name.)
    named = {"with_kwargs": True} if "with_kwargs" in inspect.signature(register).parameters else {}

    def count(module: Any, arguments: tuple[Any, ...], *more: Any) -> None:
        if id(uncompiled(module)) in models and torch.is_grad_enabled():
            options = more[0].values() if named else ()
            tensors = [one for one in (*arguments, *options) if isinstance(one, torch.Tensor)]
            if len(tensors) > 1:
                training.anatomy.count(SEVERAL)

    training.at_model(lambda model: models.add(id(model)))
    training.at_end(hold(lambda: register(count, **named).remove))
