"""The extension points of a training that interventions use, and what ends them all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, LossCall
from backtrack.trial.intervening.sites import Sites, on_activations
from backtrack.vocabulary.loss_sides import are_exchanged
from backtrack.watch.listening.patches import LOSSES, output_and_target_of
from backtrack.watch.listening.standing_back import Around, hold, on_tracing, replace, uncompiled, unless_traced
from backtrack.watch.listening.tensors import plain_weights
from backtrack.watch.listening.unheard import is_on, unheard


class HookedTraining:
    """Hooks for interventions on whatever trains in this process; see `backtrack.task.intervention.Training`.

    Args:
        torch: the module.
        anatomy: what a run as written showed.
    """

    def __init__(self, torch: Any, anatomy: Anatomy) -> None:
        self.torch, self.anatomy = torch, anatomy
        self.sites = Sites()
        self._undo: list[Callable[[], None]] = []
        self._depth: list[Any] = []
        self._models: set[int] = set()
        self._kept: list[Any] = []
        self._at_model: list[Callable[[Any], None]] = []
        self._at_arguments: list[Callable[[Any, tuple[Any, ...]], None]] = []
        self._before: list[Callable[[Any, Any], Any]] = []
        self._after: list[Callable[[Any, Any], Any]] = []
        self._at_layer: list[Callable[[Any, str, Any, Any], Any]] = []
        self._at_optimiser: list[Callable[[Any], None]] = []
        self._at_backward: list[Callable[[], None]] = []
        self._at_objective: list[Callable[[Any], Any]] = []
        self._at_loss: list[Callable[[LossCall], None]] = []
        self._after_loss: list[Callable[[LossCall, Any], Any]] = []
        self._at_activation: list[Callable[[str, str], Callable[[Any], Any] | None]] = []
        self._after_activation: list[Callable[[str, str, Any], None]] = []
        self._paths: dict[int, dict[int, str]] = {}
        self._own = False
        self._in_loss = False
        self._undo += on_tracing(torch, self._compiled_in_place)

    def end(self) -> None:
        """Undoes everything."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Puts `make(own)` in the place of `owner.name`, until the training ends."""
        self._undo.append(replace(owner, name, make(getattr(owner, name))))

    def weights_of(self, module: Any) -> list[Any]:
        """A module's own parameters, and tensors that it keeps as plain attributes and that want a gradient."""
        return [*module.parameters(recurse=False), *plain_weights(module).values()]

    def at_end(self, undo: Callable[[], None]) -> None:
        """Calls `undo()` when the training ends."""
        self._undo.append(undo)

    # --- models -----------------------------------------------------------------------------------------------

    def at_model(self, change: Callable[[Any], None]) -> None:
        """Calls `change(model)` once for each model, before its first forward pass."""
        self._hear_modules()
        self._at_model.append(change)

    def at_forward(
        self, before: Callable[[Any, Any], Any] | None = None, after: Callable[[Any, Any], Any] | None = None
    ) -> None:
        """Calls `before(model, input)` and `after(model, output)` around each pass; what they return counts."""
        self._hear_modules()
        if before is not None:
            self._before.append(before)
        if after is not None:
            self._after.append(after)

    def at_arguments(self, told: Callable[[Any, tuple[Any, ...]], None]) -> None:
        """Calls `told(model, arguments)` before each pass, with all that the model gets by place."""
        self._hear_modules()
        self._at_arguments.append(told)

    def at_layer(self, after: Callable[[Any, str, Any, Any], Any]) -> None:
        """Calls `after(module, path, input, output)` after each inner module's call; what it returns counts."""
        self._hear_modules()
        self._at_layer.append(after)

    @property
    def inside(self) -> bool:
        """Whether a model's forward pass is on, and not one that the watch asks for."""
        return bool(self._depth) and not is_on()

    @property
    def module(self) -> Any:
        """The innermost module whose forward pass is on, as `inside` says; None where none is."""
        return self._depth[-1] if self.inside else None

    @property
    def root(self) -> Any:
        """The outermost module whose forward pass is on; None where none is."""
        return self._depth[0] if self.inside else None

    def _hear_modules(self) -> None:
        if self._own:
            return
        self._own = True
        modules = self.torch.nn.modules.module
        before, after = (unless_traced(self.torch, hook) for hook in (self._before_module, self._after_module))
        self._undo.append(hold(lambda: modules.register_module_forward_pre_hook(before).remove))
        self._undo.append(hold(lambda: modules.register_module_forward_hook(after, always_call=True).remove))

    def _before_module(self, module: Any, arguments: tuple[Any, ...]) -> Any:
        if is_on():
            return None
        if self._depth:
            self._depth.append(module)
            return None
        if not any(True for _ in module.parameters()) or "loss" in type(module).__name__.lower():
            return None
        self._depth.append(module)
        self.sites.begin(module)
        if id(module) not in self._models:
            self._models.add(id(module))
            self._kept.append(module)
            model = uncompiled(module)
            # What initialises a model uses no_grad and functions that a change may have replaced.
            with unheard():
                for change in self._at_model:
                    change(model)
        for told in self._at_arguments:
            told(uncompiled(module), arguments)
        if not arguments or not self._before:
            return None
        first = arguments[0]
        for before in self._before:
            first = before(uncompiled(module), first)
        return (first, *arguments[1:])

    def _after_module(self, module: Any, arguments: tuple[Any, ...], result: Any) -> Any:
        if is_on() or not self._depth:
            return None
        while self._depth and self._depth[-1] is not module:
            self._depth.pop()
        if not self._depth:
            return None
        root = self._depth[0]
        self._depth.pop()
        if self._depth:
            given = arguments[0] if arguments else None
            for layer in self._at_layer:
                result = layer(module, self._path(root, module), given, result)
            return result
        for after in self._after:
            result = after(uncompiled(module), result)
        return result

    def _compiled_in_place(self, module: Any, arguments: tuple[Any, ...]) -> Around:
        """Hears a module that was compiled in place, whose calls go past the hooks of modules."""
        if not self._own:
            return arguments, lambda result: result
        given = self._before_module(module, arguments) or arguments

        def after(result: Any) -> Any:
            other = self._after_module(module, given, result)
            return result if other is None else other

        return given, after

    def _path(self, root: Any, module: Any) -> str:
        paths = self._paths.get(id(root))
        if paths is None:
            paths = self._paths[id(root)] = {id(one): name for name, one in root.named_modules()}
        return paths.get(id(module), "")

    # --- optimisers, gradients, losses ------------------------------------------------------------------------

    def at_optimiser(self, change: Callable[[Any], None]) -> None:
        """Calls `change(optimiser)` once for each, right after it is made."""
        if not self._at_optimiser:
            kind = self.torch.optim.Optimizer

            def make(own: Any) -> Any:
                def __init__(optimiser: Any, *arguments: Any, **options: Any) -> None:
                    own(optimiser, *arguments, **options)
                    self._kept.append(optimiser)
                    for each in self._at_optimiser:
                        each(optimiser)

                return __init__

            self.replace(kind, "__init__", make)
        self._at_optimiser.append(change)

    def at_step(self, before: Callable[[Any], None] | None = None, after: Callable[[Any], None] | None = None) -> None:
        """Calls `before(optimiser)` and `after(optimiser)` around each step."""
        from torch.optim import optimizer

        if before is not None:
            first = _of_optimiser(before)
            self._undo.append(hold(lambda: optimizer.register_optimizer_step_pre_hook(first).remove))
        if after is not None:
            last = _of_optimiser(after)
            self._undo.append(hold(lambda: optimizer.register_optimizer_step_post_hook(last).remove))

    def at_backward(self, before: Callable[[], None]) -> None:
        """Calls `before()` before each backward pass."""
        self._hear_backward()
        self._at_backward.append(before)

    def at_objective(self, change: Callable[[Any], Any]) -> None:
        """Calls `change(value)` before each backward pass; the pass begins from what it returns."""
        self._hear_backward()
        self._at_objective.append(change)

    def _hear_backward(self) -> None:
        if self._at_backward or self._at_objective:
            return

        def make(own: Any) -> Any:
            def backward(tensors: Any, *arguments: Any, **options: Any) -> Any:
                for each in self._at_backward:
                    each()
                if isinstance(tensors, self.torch.Tensor):
                    for change in self._at_objective:
                        tensors = change(tensors)
                return own(tensors, *arguments, **options)

            return backward

        self.replace(self.torch.autograd, "backward", make)

    def at_loss(
        self,
        change: Callable[[LossCall], None] | None = None,
        after: Callable[[LossCall, Any], Any] | None = None,
    ) -> None:
        """Calls `change(call)` before each of torch's loss functions, which it may change, and `after(call, value)`.

        What the latter returns, unless it is None, is the loss.
        """
        if not self._at_loss and not self._after_loss:
            for name in LOSSES:
                if hasattr(self.torch.nn.functional, name):
                    self.replace(self.torch.nn.functional, name, self._loss(name))
        if change is not None:
            self._at_loss.append(change)
        if after is not None:
            self._after_loss.append(after)

    def _loss(self, name: str) -> Callable[[Any], Any]:
        functional = self.torch.nn.functional

        def make(own: Any) -> Any:
            both_of = output_and_target_of(own)

            @functools.wraps(own)
            def loss(*given: Any, **keywords: Any) -> Any:
                output, target, options = both_of(given, keywords)
                if is_on() or self._in_loss or target is None or not isinstance(output, self.torch.Tensor):
                    return own(*given, **keywords)
                self._in_loss = True
                try:
                    learns = bool(output.requires_grad) or are_exchanged(name, output, target, options)
                    training = learns and self.torch.is_grad_enabled()
                    call = LossCall(name, output, target, options, training)
                    for change in self._at_loss:
                        change(call)
                    function = own if call.name == name else getattr(functional, call.name)
                    value = function(call.output, call.target, **call.options)
                    for told in self._after_loss:
                        other = told(call, value)
                        value = value if other is None else other
                    return value
                finally:
                    self._in_loss = False

            return loss

        return make

    # --- activations ------------------------------------------------------------------------------------------

    def at_activation(self, change: Callable[[str, str], Callable[[Any], Any] | None]) -> None:
        """Calls `change(site, function)` at each activation; what it returns is used instead."""
        self._hear_activations()
        self._at_activation.append(change)

    def after_activation(self, told: Callable[[str, str, Any], None]) -> None:
        """Calls `told(site, function, result)` after each activation."""
        self._hear_activations()
        self._after_activation.append(told)

    def _hear_activations(self) -> None:
        self._hear_modules()
        if self._at_activation or self._after_activation:
            return

        def called(name: str, own: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
            if is_on():
                return own(*arguments, **options)
            site = self.sites.name(name)
            others = (each(site, name) for each in self._at_activation)
            other = next((one for one in others if one is not None), None)
            result = own(*arguments, **options) if other is None else other(arguments[0])
            for each in self._after_activation:
                each(site, name, result)
            return result

        on_activations(self.torch, called, self.replace)


def _of_optimiser(call: Callable[[Any], None]) -> Callable[..., None]:
    """A hook of a step, which is given its arguments as well."""
    return lambda optimiser, *_: call(optimiser)
