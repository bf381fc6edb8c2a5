"""What the first steps compute: squares of all with all, new shapes, activations, roots, margins, masks, roundings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode

from backtrack.vocabulary.graph import node_of
from backtrack.vocabulary.margins import MARGINS, zeros_for_signs
from backtrack.vocabulary.masks import MASKS, left_out, mask_of
from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import is_square
from backtrack.vocabulary.steep import STEEP, zeros_in
from backtrack.watch.checks.moments import Activated, Cut, Difference, Margin, Masked, Reshaped, Rounded, Steep

DIFFERENCES = {torch.sub, torch.Tensor.sub, torch.Tensor.__sub__, torch.Tensor.__rsub__, torch.subtract, torch.rsub}
PRODUCTS = {torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__, torch.multiply}
SHAPED = {torch.Tensor.view: "view", torch.Tensor.reshape: "reshape", torch.reshape: "reshape",
          torch.Tensor.flatten: "flatten", torch.flatten: "flatten"}  # fmt: skip
# Functions whose result is what they are called for; a softmax may be there to be looked at, and a sigmoid is none.
ACTIVATIONS = ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "tanh", "dropout",
               "softmax")  # fmt: skip
OWNERS = (torch, torch.nn.functional, torch.Tensor)
ACTIVATED = {getattr(owner, name): name for owner in OWNERS for name in ACTIVATIONS if hasattr(owner, name)}
BENT = {getattr(owner, name) for owner in OWNERS for name in MARGINS if hasattr(owner, name)}
NAMED = {getattr(owner, name): name for owner in (torch, torch.Tensor) for name in STEEP if hasattr(owner, name)}

# Functions that are flat wherever they do not jump.
FLAT = {getattr(owner, name): name for owner in (torch, torch.Tensor)
        for name in ("round", "floor", "ceil", "trunc", "fix", "sign", "sgn")}  # fmt: skip
# Functions whose result is a number, and no tensor.
READ = {getattr(torch.Tensor, name) for name in ("item", "tolist", "__float__", "__int__", "__bool__", "__array__")}

# Hears of a call: the moment, what makes its description, and that without the place.
Told = Callable[[str, Callable[..., Any], tuple[Any, ...]], None]


class Arithmetic(TorchFunctionMode):
    """Tells of differences and products that become a square, of tensors that get another shape, of activations, of
    roots and logarithms of zeros, of margins whose labels are 0 and 1, of numbers that are rounded, of what takes a
    tensor up and gives no gradient, of masks of attention.

    Args:
        told: hears of them.
    """

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told
        # Whether it was ever begun, and whether it is on.
        self._begun = self.is_on = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self._look_at_cut(func, args, result)
        if func in BENT:
            self._look_at_margin(args)
        # By name: what an intervention has put around it is heard alike.
        if (name := getattr(func, "__name__", "")) in MASKS:
            out = left_out(name, mask_of(name, args, kwargs or {}))
            if out is not None:
                self._told("masked", Masked, (out,))
        # What a library views is its own.
        if func in SHAPED and args and args[0].shape != result.shape and is_called_by_own():
            self._told("reshaped", Reshaped, (SHAPED[func], tuple(args[0].shape), result))
        elif (func in DIFFERENCES or func in PRODUCTS) and len(args) > 1:
            left, right = args[0], args[1]
            if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor) and is_square(left, right):
                self._told("difference", Difference, (tuple(left.shape), tuple(right.shape), tuple(result.shape)))
        elif func in ACTIVATED and isinstance(result, torch.Tensor) and args and result is not args[0]:
            self._told("activated", Activated, (ACTIVATED[func], result))
        elif func in FLAT and isinstance(result, torch.Tensor) and result.requires_grad:
            self._told("rounded", Rounded, (FLAT[func],))
        elif func in NAMED and (zeros := zeros_in(NAMED[func], args)):
            self._told("steep", Steep, (NAMED[func], zeros, args[0].numel()))
        return result

    def _look_at_cut(self, func: Any, args: tuple[Any, ...], result: Any) -> None:
        if (isinstance(result, torch.Tensor) and not result.requires_grad) or func in READ:
            # `torch.eq(y, output)` has it in the second place.
            for one in args[:2]:
                if isinstance(one, torch.Tensor) and node_of(one) is not None:
                    self._told("cut", Cut, (getattr(func, "__name__", ""), one))

    def _look_at_margin(self, args: tuple[Any, ...]) -> None:
        # `torch.max(zeros, 1 - y * f)` has it in the second place.
        for one in args[:2]:
            if isinstance(one, torch.Tensor) and (seen := zeros_for_signs(one)):
                self._told("margin", Margin, seen)

    def begin(self) -> Callable[[], None]:
        """Begins it, once: what was begun meanwhile would end in the wrong order. Returns what ends it."""
        if not self._begun:
            self._begun = self.is_on = True
            self.__enter__()
        return self.end

    def end(self) -> None:
        """Ends it where nothing that was begun inside it is still on; else a later call does."""
        if self.is_on and _get_current_function_mode() is self:
            self.is_on = False
            self.__exit__(None, None, None)
