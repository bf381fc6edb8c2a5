"""The places of torch that have no hook of their own: loss functions, backward, loaders, loaded weights.

Each is wrapped by a function of the same name, and put back when the listening ends.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

# Functions of two tensors that torch's loss modules call.
LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "soft_margin_loss",
    "hinge_embedding_loss",
    "multilabel_soft_margin_loss",
    "multi_margin_loss",
)

# Functions of a tensor, the share that is dropped, and whether it is.
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")

Undo = Callable[[], None]


def on_losses(torch: Any, after: Callable[[str, Any, Any, dict[str, Any], Any], None]) -> list[Undo]:
    """Calls `after(name, output, target, options, value)` after each of torch's loss functions."""
    functional = torch.nn.functional
    inside: list[bool] = []

    def wrapped(name: str) -> Callable[..., Any]:
        own = getattr(functional, name)

        @functools.wraps(own)
        def loss(input: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            if inside:
                # Under a `TorchFunctionMode` torch calls the function by its name once more.
                return own(input, target, *arguments, **options)
            inside.append(True)
            try:
                value = own(input, target, *arguments, **options)
            finally:
                inside.clear()
            if isinstance(input, torch.Tensor) and isinstance(target, torch.Tensor):
                after(name, input, target, options, value)
            return value

        return loss

    return [_put(functional, name, wrapped(name)) for name in LOSSES if hasattr(functional, name)]


def share_dropped_by(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[float, bool]]:
    """How a dropout function's arguments are read: the share that it drops, and whether it does. Defaults differ."""
    signature = inspect.signature(function)

    def share_of(arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[float, bool]:
        given = signature.bind(*arguments, **options)
        given.apply_defaults()
        share = float(given.arguments["p"])
        return share, bool(given.arguments["training"]) and share > 0

    return share_of


def on_dropouts(torch: Any, dropped: Callable[[float, bool, bool], None]) -> list[Undo]:
    """Calls `dropped(share, active, by_module)` after each of torch's dropout functions."""
    functional = torch.nn.functional

    def wrapped(name: str) -> Callable[..., Any]:
        own = getattr(functional, name)
        share_of = share_dropped_by(own)

        @functools.wraps(own)
        def dropout(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            share, active = share_of(arguments, options)
            caller = sys._getframe(1).f_globals.get("__name__")
            dropped(share, active, caller == "torch.nn.modules.dropout")
            return result

        return dropout

    return [_put(functional, name, wrapped(name)) for name in DROPOUTS if hasattr(functional, name)]


def on_calls(kind: type, after: Callable[[Any, tuple[Any, ...], Any], None]) -> Undo:
    """Calls `after(module, arguments, result)` after each call of a module of this class.

    On the class and not on the module: a module that holds a hook cannot be copied or saved as before.
    """
    own = kind.__call__
    inherited = "__call__" not in vars(kind)

    @functools.wraps(own)
    def __call__(self: Any, *arguments: Any, **options: Any) -> Any:
        result = own(self, *arguments, **options)
        after(self, arguments, result)
        return result

    undo = _put(kind, "__call__", __call__)
    return (lambda: delattr(kind, "__call__")) if inherited else undo


def on_backward(torch: Any, before: Callable[[Any], None]) -> list[Undo]:
    """Calls `before(loss)` before a backward pass that fills `.grad`."""
    own = torch.autograd.backward

    @functools.wraps(own)
    def backward(tensors: Any, *arguments: Any, **options: Any) -> Any:
        first = tensors[0] if isinstance(tensors, (tuple, list)) and tensors else tensors
        if isinstance(first, torch.Tensor):
            before(first)
        return own(tensors, *arguments, **options)

    return [_put(torch.autograd, "backward", backward)]


def on_loading(torch: Any, loaded: Callable[[Any], None], iterated: Callable[[Any], None]) -> list[Undo]:
    """Calls `loaded(module)` where weights are loaded, and `iterated(loader)` where a DataLoader is gone through."""
    module, loader = torch.nn.Module, torch.utils.data.DataLoader
    load, iterate = module.load_state_dict, loader.__iter__

    @functools.wraps(load)
    def load_state_dict(self: Any, *arguments: Any, **options: Any) -> Any:
        result = load(self, *arguments, **options)
        loaded(self)
        return result

    @functools.wraps(iterate)
    def __iter__(self: Any) -> Any:
        iterated(self)
        return iterate(self)

    return [_put(module, "load_state_dict", load_state_dict), _put(loader, "__iter__", __iter__)]


def on_warnings(warned: Callable[[str, str], str]) -> list[Undo]:
    """Calls `warned(category, message)` at each warning that is shown; it returns the `file:line` to show."""
    import warnings

    own = warnings.showwarning

    @functools.wraps(own)
    def showwarning(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        place = warned(category.__name__, str(message))
        if place and filename == __file__:
            # A warning says who called: that is the function that wraps it.
            filename, number = place.rsplit(":", 1)
            lineno = int(number)
        own(message, category, filename, lineno, file, line)

    return [_put(warnings, "showwarning", showwarning)]


def _put(owner: Any, name: str, function: Callable[..., Any]) -> Undo:
    own = getattr(owner, name)
    setattr(owner, name, function)
    return lambda: setattr(owner, name, own)
