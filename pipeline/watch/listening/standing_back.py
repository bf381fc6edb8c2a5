"""What is put on torch from outside stands back while torch traces or transforms a program, or captures its kernels.

A compiled program (`torch.compile`) is traced once and then runs without Python: hooks that are there while it is
traced become a part of it, break it, or are traced anew whenever they change. In the capture of a CUDA graph, what
asks a tensor for its value ends the capture. So whatever listens or intervenes is put on here, and goes while either
is on.
"""

from __future__ import annotations

import functools
import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

Undo = Callable[[], None]

# All that is on now, in the order in which it was put on; and how many reasons there are to stand back.
_on: list[_Held] = []
_away = 0
# Functions of `torch.func` that make another function of one, and those that call it at once.
TRANSFORMS = ("vmap", "grad", "grad_and_value", "jacrev", "jacfwd", "hessian", "functionalize")
CALLING = ("vjp", "jvp", "linearize")
# Several threads may call what is compiled.
_turn = threading.RLock()
# Whether anything has been compiled in this process.
_compiled = False


class _Held:
    """One thing that is on: `put` puts it on, and returns what takes it off."""

    def __init__(self, put: Callable[[], Undo]) -> None:
        self._put = put
        self._off: Undo | None = None if _away else put()

    def leave(self) -> None:
        if self._off is not None:
            self._off()
            self._off = None

    def come_back(self) -> None:
        if self._off is None:
            self._off = self._put()


def hold(put: Callable[[], Undo]) -> Undo:
    """Puts something on, until the function that is returned is called; it is off while torch traces or captures.

    Args:
        put: puts it on, and returns what takes it off.

    Example:
        >>> off = hold(lambda: lambda: print("off"))
        >>> off()
        off
    """
    held = _Held(put)
    _on.append(held)

    def undo() -> None:
        if held in _on:
            _on.remove(held)
            held.leave()

    return undo


def replace(owner: Any, name: str, function: Any) -> Undo:
    """Puts `function` in the place of `owner.name`, until what is returned is called.

    Example:
        >>> import math
        >>> undo = replace(math, "tau", 6)
        >>> (math.tau, undo(), round(math.tau, 2))
        (6, None, 6.28)
    """
    return hold(lambda: _put(owner, name, function))


def on_gradient(weight: Any, made: Callable[[Any], None]) -> Undo:
    """Calls `made(weight)` each time that a backward pass has added to its gradient."""
    return hold(lambda: weight.register_post_accumulate_grad_hook(made).remove)


@contextmanager
def standing_back() -> Iterator[None]:
    """Nothing of what is held is on inside the block.

    Example:
        >>> import math
        >>> undo = replace(math, "tau", 6)
        >>> with standing_back():
        ...     print(round(math.tau, 2))
        6.28
        >>> undo()
    """
    _leave()
    try:
        yield
    finally:
        _come_back()


def _leave() -> None:
    global _away
    with _turn:
        _away += 1
        if _away == 1:
            for held in reversed(_on):
                held.leave()


def _come_back() -> None:
    global _away
    with _turn:
        _away -= 1
        if _away == 0:
            for held in _on:
                held.come_back()


# What is told of a call that goes past a module's own hooks: given the module and its arguments, it returns the
# arguments to call it with, and what to do with the result.
Around = tuple[tuple[Any, ...], Callable[[Any], Any]]
Told = Callable[[Any, tuple[Any, ...]], Around]


def on_tracing(torch: Any, told: Told) -> list[Undo]:
    """Lets everything stand back in what is compiled or traced from now on, and in captures of CUDA graphs.

    Args:
        torch: the module.
        told: hears of the calls of modules that are compiled in place (`module.compile()`).
    """
    # Torch's tracer notes by which objects it knows torch's functions as soon as it is imported, which every optimiser
    # does: that has to be the functions themselves, so it comes before anything is put in their place.
    importlib.import_module("torch._dynamo")
    if not _on:
        # A worker's next training is looked at as closely as if no other had been compiled before it.
        _note_compiled(False)
    # Said where hooks are on as a compiled module is called: they are, and stand back.
    warnings.filterwarnings("ignore", message="Using `torch.compile.module.` when there are global hooks")
    captures, scripts = _on_captures(torch.cuda.CUDAGraph), _on_scripts(torch)
    return [_on_compiling(torch, told), *captures, *scripts, *_on_transforms(torch)]


def _on_compiling(torch: Any, told: Told) -> Undo:
    own = torch.compile

    @functools.wraps(own)
    def compile(*arguments: Any, **options: Any) -> Any:
        if options.get("disable") or torch._dynamo.config.disable:
            return own(*arguments, **options)
        _note_compiled(True)
        with standing_back():
            made = own(*arguments, **options)
        given = arguments[0] if arguments else options.get("model")
        if given is None:
            # With options alone it is a decorator, which calls this function once more.
            return made
        if isinstance(made, torch.nn.Module):
            made.forward = _unseen(torch, made.forward)
            return made
        whose = getattr(given, "__self__", None)
        in_place = isinstance(whose, torch.nn.Module) and getattr(given, "__name__", "") == "_call_impl"
        return _unseen(torch, made, whose if in_place else None, told)

    return _put(torch, "compile", compile)


def _on_captures(graph: Any) -> list[Undo]:
    begin, end = graph.capture_begin, graph.capture_end

    @functools.wraps(begin)
    def capture_begin(self: Any, *arguments: Any, **options: Any) -> None:
        _leave()
        try:
            begin(self, *arguments, **options)
        except BaseException:
            _come_back()
            raise

    @functools.wraps(end)
    def capture_end(self: Any) -> None:
        try:
            end(self)
        finally:
            _come_back()

    return [_put(graph, "capture_begin", capture_begin), _put(graph, "capture_end", capture_end)]


def _on_scripts(torch: Any) -> list[Undo]:
    """TorchScript compiles the source of whatever is called, torch's own functions too; tracers follow every call."""
    return [
        _put(torch.jit, "script", _unheard_in(torch.jit.script, frames=1)),
        _put(torch.jit, "trace", _unheard_in(torch.jit.trace)),
        _put(torch.export, "export", _unheard_in(torch.export.export)),
        _put(torch.onnx, "export", _unheard_in(torch.onnx.export)),
        _put(torch.fx.Tracer, "trace", _unheard_in(torch.fx.Tracer.trace)),
    ]


def _on_transforms(torch: Any) -> list[Undo]:
    """In `torch.func.vmap`, `grad` and the like tensors are wrapped: they have no memory, and no value to ask for."""

    def making(own: Any) -> Any:
        @functools.wraps(own)
        def transform(*arguments: Any, **options: Any) -> Any:
            return _unheard_in(own(*arguments, **options))

        return transform

    wrapped = [(torch, "vmap", making), *((torch.func, name, making) for name in TRANSFORMS)]
    wrapped += [(torch.func, name, _unheard_in) for name in CALLING if hasattr(torch.func, name)]
    return [_put(owner, name, wrap(getattr(owner, name))) for owner, name, wrap in wrapped]


def _unheard_in(own: Callable[..., Any], frames: int = 0) -> Callable[..., Any]:
    """A function in whose calls everything stands back; `frames`: it looks names up where it is called."""

    @functools.wraps(own)
    def call(*arguments: Any, **options: Any) -> Any:
        if frames:
            options["_frames_up"] = options.get("_frames_up", 0) + frames
        with standing_back():
            return own(*arguments, **options)

    return call


def unless_traced(torch: Any, hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook for programs that were compiled before anything was held: torch traces it as one that does nothing."""
    is_compiling = torch.compiler.is_compiling

    def unless(*given: Any) -> Any:
        return None if is_compiling() else hook(*given)

    return unless


def has_compiled() -> bool:
    """Whether anything has been compiled, or what is compiled was called, since something was put on."""
    return _compiled


def _note_compiled(whether: bool) -> None:
    global _compiled
    _compiled = whether


def eagerly(torch: Any) -> AbstractContextManager[Any]:
    """What is asked of a compiled model inside the block is computed without compiling it for another shape."""
    return torch.compiler.set_stance("force_eager") if _compiled else nullcontext()


def uncompiled(module: Any) -> Any:
    """The module that a compiled one was made of; any other as it is."""
    # Asked of its parts: what a module has not got it looks for in three places, at every call.
    # (Those of TorchScript have no `get`.)
    parts: Any = getattr(module, "_modules", ())
    if "_orig_mod" not in parts:
        return module
    return parts["_orig_mod"]


def _unseen(torch: Any, function: Any, whose: Any = None, told: Told | None = None) -> Any:
    """A compiled function, in whose calls everything stands back."""
    is_compiling = torch.compiler.is_compiling

    @functools.wraps(function)
    def unseen(*arguments: Any, **options: Any) -> Any:
        if is_compiling():
            # As a part of another compiled program.
            return function(*arguments, **options)
        _note_compiled(True)
        if whose is None or told is None:
            with standing_back():
                return function(*arguments, **options)
        arguments, after = told(whose, arguments)
        with standing_back():
            result = function(*arguments, **options)
        return after(result)

    return unseen


def _put(owner: Any, name: str, function: Any) -> Undo:
    inherited = isinstance(owner, type) and name not in vars(owner)
    # Of a class what stands in it: asked by its name, a method of the class is bound to it already.
    own = vars(owner)[name] if isinstance(owner, type) and not inherited else getattr(owner, name)
    setattr(owner, name, function)
    return (lambda: delattr(owner, name)) if inherited else (lambda: setattr(owner, name, own))
