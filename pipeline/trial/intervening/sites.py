"""Where a training calls its activations, by a name that is the same in each of its runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from backtrack.watch.listening.places import own_place

# Activations of hidden layers, and those that mostly end a net: `{function's name: where torch has it}`.
HIDDEN = ("relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu", "silu", "selu", "relu6", "hardtanh", "softplus")
ENDING = ("softmax", "log_softmax", "softmin", "clamp", "clip")
# Those that cut off what lies beyond their ends.
CUTTING = ("clamp", "clip")
# torch's modules of activations call these functions from here.
MODULES = "torch/nn/modules/activation.py"


def owners(torch: Any, name: str) -> list[Any]:
    """The places where a program finds the function of this name."""
    places = (torch.nn.functional, torch, torch.Tensor)
    return [place for place in places if callable(getattr(place, name, None))]


class Sites:
    """Names the place of each call of an activation within a forward pass.

    A module's place is its path in the model; a function's is the user's line, with its number among that line's calls
    in the pass, since a loop over layers calls one line several times.
    """

    def __init__(self) -> None:
        self.model: Any = None
        self._paths: dict[int, dict[int, str]] = {}
        self._counts: dict[str, int] = {}

    def begin(self, model: Any) -> None:
        """A forward pass of a model begins."""
        self.model = model
        self._counts.clear()

    def name(self, function: str) -> str:
        """The site of the call that is on."""
        module = self._module()
        if module is not None and self.model is not None:
            paths = self._paths.get(id(self.model))
            if paths is None:
                paths = self._paths[id(self.model)] = {id(one): path for path, one in self.model.named_modules()}
            path = paths.get(id(module))
            where = f"{type(self.model).__name__}.{path}" if path else own_place()
        else:
            where = own_place()
        number = self._counts[where] = self._counts.get(where, -1) + 1
        return f"{function} at {where}#{number}"

    def _module(self) -> Any:
        frame: Any = sys._getframe(3)
        for _ in range(3):
            if frame is None:
                return None
            if frame.f_code.co_filename.endswith(MODULES):
                return frame.f_locals.get("self")
            frame = frame.f_back
        return None


def on_activations(
    torch: Any,
    called: Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any],
    replace: Callable[[Any, str, Callable[[Any], Any]], None],
) -> None:
    """Calls `called(function, own, arguments, options)` instead of each activation.

    Args:
        torch: the module.
        called: returns what the activation returns.
        replace: as `Training.replace`.
    """

    busy = False

    def wrapped(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def activation(*arguments: Any, **options: Any) -> Any:
                nonlocal busy
                if busy:
                    # F.relu may call torch.relu: one call is one activation.
                    return own(*arguments, **options)
                busy = True
                try:
                    return called(name, own, arguments, options)
                finally:
                    busy = False

            activation.__name__ = name
            return activation

        return make

    for name in (*HIDDEN, *ENDING):
        for owner in owners(torch, name):
            replace(owner, name, wrapped(name))
