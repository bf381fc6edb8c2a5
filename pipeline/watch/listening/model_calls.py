"""The calls of models: how many, of how many examples, in which mode; heard with little between two close looks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.shapes import is_one_example
from backtrack.watch.checks.heard import Heard, ModelHeard, Passes
from backtrack.watch.checks.moments import Pass
from backtrack.watch.listening.judging import Judging
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.standing_back import Undo, hold, replace, uncompiled, unless_traced
from backtrack.watch.listening.unheard import OwnWork

# Passes of a model that are told of, with gradients, and without them once it trains: so many of `PASS` examples or
# more; of single ones the same number of examples.
FIRST_EXAMPLES, PASS = 16, 4


class ModelCalls:
    """Knows the models of a training, and counts their calls.

    Args:
        torch: the module.
        heard: what has been heard so far; the counts go there.
        tell: `tell(moment, description)`.
        own_work: the watch's own, in which nothing is counted.
        judging: begins where a model that has trained passes without gradients.
    """

    def __init__(
        self, torch: Any, heard: Heard, tell: Callable[..., None], own_work: OwnWork, judging: Judging
    ) -> None:
        self._torch, self._heard, self._tell = torch, heard, tell
        self._own_work, self._judging = own_work, judging
        self._models: dict[int, ModelHeard] = {}
        # Classes of the modules that were called as models, and which of their modules are parts of one.
        self._kinds: set[type] = set()
        self._parts: dict[int, bool] = {}
        # Whether so many numbers of a kind are a single row of a model's.
        self._rows: dict[tuple[int, int, Any], bool] = {}
        # Models that train, of whose passes no check is told any more.
        self._settled: dict[int, tuple[ModelHeard, Passes]] = {}

    def known(self, module: Any) -> ModelHeard | None:
        """What is heard of a module that was called as a model before."""
        return self._models.get(id(uncompiled(module)))

    def model(self, module: Any) -> ModelHeard:
        """What is heard of a module, which is a model from now on."""
        module = uncompiled(module)
        found = self._models.get(id(module))
        if found is None:
            kind = type(module).__name__
            same = sum(1 for one in self._heard.models if type(one.module).__name__ == kind)
            found = ModelHeard(f"{kind}{same + 1 if same else ''}", module)
            self._models[id(module)] = found
            self._heard.models.append(found)
        return found

    def passed(self, model: ModelHeard, kind: type, inputs: Any, outputs: Any, gradients: bool) -> None:
        """Counts a pass of a module of class `kind` that was looked at closely."""
        self._kinds.add(kind)
        self._count(model, inputs[0] if inputs else None, gradients)
        self._keep(model, inputs, outputs, gradients)

    def quietly(self) -> list[Undo]:
        """Begins to count the calls between two close looks; what is returned ends it."""
        modules = self._torch.nn.modules.module
        if modules._global_forward_pre_hooks or any(one.module._forward_pre_hooks for one in self._heard.models):
            # A hook, of an intervention or of the program, makes other arguments of these: a call does not show them.
            after = unless_traced(self._torch, self._after_call)
            return [hold(lambda: modules.register_module_forward_hook(after).remove)]
        # Of a class and one that it inherits from, the latter's call is both's.
        outer = [kind for kind in self._kinds if not any(base in self._kinds for base in kind.__mro__[1:])]
        return [replace(kind, "__call__", self._counted(kind.__call__)) for kind in outer]

    def _counted(self, own: Callable[..., Any]) -> Callable[..., Any]:
        """A class's call that counts, unless torch traces it.

        On the class and not on the module: a module that holds a hook cannot be copied or saved as before. It runs at
        each call of a training that is short between two of them, where each function that is entered costs a
        microsecond: so the usual case, of a model that trains on batches, is told from the others in here.
        """
        is_compiling, with_gradients = self._torch.compiler.is_compiling, self._torch.is_grad_enabled
        tensor, heard, own_work, settled = self._torch.Tensor, self._heard, self._own_work, self._settled

        @functools.wraps(own)
        def __call__(module: Any, *arguments: Any, **options: Any) -> Any:
            result = own(module, *arguments, **options)
            if is_compiling():
                return result
            known = settled.get(id(module))
            if known is not None and arguments and module.training and with_gradients() and not own_work.is_on:
                given = arguments[0]
                shape: tuple[int, ...] = given.shape if isinstance(given, tensor) else ()
                if len(shape) > 1 and shape[0] > 1:
                    model, passes = known
                    passes.number += 1
                    passes.examples += shape[0]
                    heard.forwards += 1
                    heard.last = model, arguments, result
                    return result
            self._called(module, arguments, result)
            return result

        return __call__

    def _after_call(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        if type(module) in self._kinds:
            self._called(module, arguments, result)

    def _called(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        """Counts a model's call between two close looks."""
        if self._own_work.is_on or self._parts.get(id(module)):
            return
        model = self._models.get(id(module))
        if model is None:
            module = uncompiled(module)
            model = self._models.get(id(module)) or self._another(module)
            if model is None:
                return
        gradients = self._torch.is_grad_enabled()
        self._count(model, arguments[0] if arguments else None, gradients)
        self._keep(model, arguments, result, gradients)
        if gradients and module.training and model.told[True] >= FIRST_EXAMPLES and module is model.module:
            self._settled[id(module)] = model, model.passes[True, True]

    def _keep(self, model: ModelHeard, given: Any, result: Any, gradients: bool) -> None:
        if gradients:
            self._heard.last = (model, given, result)
        elif model.told[False]:
            self._judging.begin(result)

    def _another(self, module: Any) -> ModelHeard | None:
        """A model of a class that is known, which is called for the first time; None for a part of a model."""
        key = id(module)
        if key not in self._parts:
            inner = {id(part) for one in self._heard.models for part in one.module.modules()}
            self._parts[key] = key in inner or not any(True for _ in module.parameters())
        return None if self._parts[key] else self.model(module)

    def _count(self, model: ModelHeard, given: Any, gradients: bool) -> None:
        is_tensor = isinstance(given, self._torch.Tensor)
        shape = given.shape if is_tensor else ()
        size = shape[0] if shape else 1
        if len(shape) == 1 and size > 1 and self._is_row(model, given):
            size = 1
        heard = self._heard
        heard.forwards += 1
        heard.single += size == 1
        mode = (gradients, model.module.training)
        passes = model.passes.get(mode)
        if passes is None:
            passes = model.passes[mode] = Passes(own_place(), begun=heard.steps)
        passes.number += 1
        passes.examples += size
        if not gradients and passes.at != heard.steps:
            passes.at = heard.steps
            passes.steps += 1
        if is_tensor and model.told[gradients] < FIRST_EXAMPLES and (gradients or model.trained):
            model.told[gradients] += min(size, PASS)
            self._tell("passed", Pass(model, given, gradients, own_place()))

    def _is_row(self, model: ModelHeard, given: Any) -> bool:
        """Whether a model gets a single row; asked once for each length, since an agent may get one at every call."""
        key = (id(model), len(given), given.dtype)
        if key not in self._rows:
            self._rows[key] = is_one_example(model.module, given)
        return self._rows[key]
