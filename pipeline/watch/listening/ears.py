"""The hooks on a process that trains: what they hear goes to the checks and to the symptoms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.shapes import is_one_example
from backtrack.watch.checks import Check, Heard, all_checks
from backtrack.watch.checks.check import MOMENTS
from backtrack.watch.checks.heard import ModelHeard, OptimiserHeard, Passes
from backtrack.watch.checks.moments import (
    Backward,
    Forward,
    Inner,
    Loss,
    Pass,
    Seeded,
    Step,
)
from backtrack.watch.listening.judging import Judging
from backtrack.watch.listening.other_calls import OtherCalls
from backtrack.watch.listening.patches import UNLIKE
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.sinks import Sink
from backtrack.watch.listening.standing_back import Around, Undo, hold, on_tracing, uncompiled, unless_traced
from backtrack.watch.listening.tensors import is_loss, tensors_in
from backtrack.watch.listening.unheard import OwnWork
from backtrack.watch.listening.warned import Warned
from backtrack.watch.symptoms import SEEN_LOSS

# Steps of each optimiser that are looked at closely from the first on; then each so many times as late as the last, up
# to step `EARLY` and after it. Counted, not timed, so that two runs of one training are looked at alike.
FIRST_STEPS, GROWTH, EARLY, LATER_GROWTH = 3, 1.35, 200, 1.7
# Loss calls at one place that are told to the checks from the first on; after that only in steps that are close.
FIRST_LOSSES = 12
# Steps of an optimiser, and backward passes, that every check is told of; later ones only where they are close.
TOLD = 52
# Passes of a model that are told of, with gradients, and without them once it trains: so many of `PASS` examples or
# more; of single ones the same number of examples.
FIRST_EXAMPLES, PASS = 16, 4
# Passes between two steps that are looked at closely, after the first steps: an agent acts many times a step.
PASSES = 3


class Ears:
    """Listens to one process, or to one training in it.

    Args:
        torch: the module.
        sink: takes what is seen.
        symptoms: whether symptoms are measured, beside the checks.
    """

    def __init__(self, torch: Any, sink: Sink, symptoms: bool = True) -> None:
        # With torch, which a process that only might listen does not import.
        from backtrack.watch.listening.arithmetic import Arithmetic
        from backtrack.watch.listening.symptoms import Symptoms

        self.torch, self.sink = torch, sink
        # Asked at every call, and dear to look up in so large a module.
        self._tensor, self._with_gradients = torch.Tensor, torch.is_grad_enabled
        self.heard = Heard()
        # Whether so many numbers of a kind are a single row of a model's.
        self._rows: dict[tuple[int, int, Any], bool] = {}
        checks = [check(self.heard, sink.found) for check in all_checks()]
        # Whom a moment is told: most checks want few of them, and every call costs.
        self._listeners: dict[str, list[tuple[Check, Callable[..., None]]]] = {
            what: [(one, getattr(one, what)) for one in checks if getattr(type(one), what) is not getattr(Check, what)]
            for what in MOMENTS
        }
        self.close = False
        self.muted = 0
        self._own_work = OwnWork(torch)
        self._undo: list[Callable[[], None]] = []
        # Undoes what hears the modules now: hooks on all of them, or counts of the models' calls.
        self._hearing: list[Callable[[], None]] = []
        self._loud = False
        # Passes since the last step.
        self._passes = 0
        # Modules whose forward pass is on, the outermost first.
        self._depth: list[Any] = []
        self._models: dict[int, ModelHeard] = {}
        # Classes of the modules that were called as models, and which of their modules are parts of one.
        self._kinds: set[type] = set()
        self._parts: dict[int, bool] = {}
        self._optimisers: dict[int, OptimiserHeard] = {}
        self._losses: dict[tuple[str, str], int] = {}
        self._paths: dict[int, dict[int, str]] = {}
        self.symptoms = Symptoms(sink) if symptoms else None
        self._arithmetic = Arithmetic(self._computed)
        self._others = OtherCalls(torch, self.heard, self._tell, lambda: self.muted > 0, self._model)
        self._judging = Judging(torch, self._tell)
        self._gradients = 0

    # --- being attached ---------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Puts the hooks on."""
        from torch.optim import optimizer as optimisers

        from backtrack.watch.listening import patches

        self._undo += on_tracing(self.torch, self._compiled_in_place)
        self._look(close=True)
        self._undo.append(hold(lambda: optimisers.register_optimizer_step_pre_hook(self._before_step).remove))
        self._undo.append(hold(lambda: optimisers.register_optimizer_step_post_hook(self._after_step).remove))
        self._undo.append(hold(self._arithmetic.begin))
        self._undo += patches.on_warnings(Warned(self.sink.found, lambda: self.muted > 0))
        self._undo += patches.on_losses(self.torch, self._after_loss, self._wants_losses)
        self._undo += self._others.attach()
        self._undo += patches.on_gradients(self.torch, self._before_gradients)
        self._undo += patches.on_backward(self.torch, self._before_backward)
        self._undo += patches.on_seeding(self.torch, self._seeded)

    def detach(self) -> None:
        """Ends the listening: the checks conclude, and every hook goes."""
        self._tell("end")
        self._arithmetic.end()
        self._judging.end()
        for undo in reversed([*self._undo, *self._hearing]):
            undo()
        self._undo.clear()
        self._hearing.clear()

    @property
    def device(self) -> str:
        """The device of the first model that was heard, such as `cpu` or `cuda`; empty where none was."""
        weights = (weight for model in self.heard.models for weight in model.module.parameters())
        first = next(weights, None)
        return str(first.device.type) if first is not None else ""

    def _look(self, close: bool) -> None:
        """Hooks every module for a close look, and only counts the models' calls between two of them.

        A hook on all modules slows each call of each of them, so none stays on for the whole training.
        """
        if close or self.close or self._loud:
            self.close, self._passes = close, 0
            self._hear(close)

    def _hear(self, loud: bool) -> None:
        """Hooks every module, or only counts the models' calls."""
        if loud == self._loud:
            return
        self._loud = loud
        for undo in self._hearing:
            undo()
        self._depth.clear()
        if loud:
            modules = self.torch.nn.modules.module
            before, after = (unless_traced(self.torch, hook) for hook in (self._before_module, self._after_module))
            self._hearing = [
                hold(lambda: modules.register_module_forward_pre_hook(before).remove),
                hold(lambda: modules.register_module_forward_hook(after, always_call=True).remove),
            ]
        else:
            self._hearing = self._quietly()

    def _quietly(self) -> list[Undo]:
        from backtrack.watch.listening import patches

        modules = self.torch.nn.modules.module
        if modules._global_forward_pre_hooks or any(one.module._forward_pre_hooks for one in self.heard.models):
            # A hook, of an intervention or of the program, makes other arguments of these: a call does not show them.
            after = unless_traced(self.torch, self._after_call)
            return [hold(lambda: modules.register_module_forward_hook(after).remove)]
        return [patches.on_calls(self.torch, kind, self._called) for kind in self._kinds]

    def _after_call(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        if type(module) in self._kinds:
            self._called(module, arguments, result)

    def _tell(self, what: str, *call: Any) -> None:
        """Tells every check; one that fails is left out from then on, and says so."""
        listeners = self._listeners[what]
        if self.muted or not listeners:
            return
        self.muted += 1
        try:
            with self._own_work:
                for check, hears in listeners:
                    try:
                        hears(*call)
                    except Exception as fault:
                        self._leave_out(check)
                        print(f"backtrack: check {check.name} failed and is left out: {fault!r}", file=sys.stderr)
        finally:
            self.muted -= 1

    def _leave_out(self, check: Check) -> None:
        for what, listeners in self._listeners.items():
            self._listeners[what] = [one for one in listeners if one[0] is not check]

    def _measure(self, what: Callable[..., None], *call: Any) -> None:
        """Measures something of the symptoms, unheard."""
        self.muted += 1
        try:
            with self._own_work:
                what(*call)
        finally:
            self.muted -= 1

    # --- modules ----------------------------------------------------------------------------------------------

    def _before_module(self, module: Any, arguments: tuple[Any, ...]) -> None:
        if self.muted:
            return
        self._depth.append(module)
        if self.close and len(self._depth) == 1 and self.symptoms is not None:
            self.symptoms.begin_pass(module)

    def _after_module(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        if self.muted or not self._depth:
            return
        while self._depth and self._depth[-1] is not module:
            # A pass that ended by an exception leaves its entry behind.
            self._depth.pop()
        if not self._depth:
            return
        self._depth.pop()
        if self._depth:
            if self.close:
                self._inside(module, arguments, result)
            return
        if self.symptoms is not None:
            self.symptoms.end_pass(module)
        self._passed(module, arguments, result)

    def _compiled_in_place(self, module: Any, arguments: tuple[Any, ...]) -> Around:
        """Hears a module that was compiled in place, whose calls go past the hooks of modules."""
        if not self._loud:
            return arguments, lambda result: result
        self._before_module(module, arguments)

        def after(result: Any) -> Any:
            self._after_module(module, arguments, result)
            return result

        return arguments, after

    def _inside(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        root = self._depth[0]
        model = self._model(root)
        paths = self._paths.get(id(root))
        if paths is None or id(module) not in paths:
            # Layers may be put in after the first pass.
            paths = self._paths[id(root)] = {id(one): name for name, one in root.named_modules()}
        call = Inner(
            model=model,
            module=module,
            path=paths.get(id(module)),
            inputs=tensors_in(arguments),
            outputs=tensors_in(result),
            gradients=self.torch.is_grad_enabled(),
        )
        self._tell("inner", call)

    def _passed(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        model = self._models.get(id(uncompiled(module)))
        if model is None:
            if not any(True for _ in module.parameters()) or is_loss(module):
                return
            model = self._model(module)
        self._kinds.add(type(module))
        gradients = self.torch.is_grad_enabled()
        inputs, outputs = tensors_in(arguments), tensors_in(result)
        self._count(model, inputs[0] if inputs else None, gradients)
        self._keep(model, inputs, outputs, gradients)
        call = Forward(
            model=model,
            inputs=inputs,
            outputs=outputs,
            arguments=(arguments, {}),
            gradients=gradients,
            training=module.training,
            place=own_place(),
        )
        self._tell("forward", call)
        self._passes += 1
        if self._passes >= PASSES * len(self.heard.models) and self.heard.steps >= FIRST_STEPS:
            self._hear(loud=False)

    def _called(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        """Counts a model's call between two close looks."""
        if self.muted or self._parts.get(id(module)):
            return
        model = self._models.get(id(module))
        if model is None:
            module = uncompiled(module)
            model = self._models.get(id(module)) or self._another(module)
            if model is None:
                return
        gradients = self._with_gradients()
        self._count(model, arguments[0] if arguments else None, gradients)
        self._keep(model, arguments, result, gradients)

    def _keep(self, model: ModelHeard, given: Any, result: Any, gradients: bool) -> None:
        if gradients:
            self.heard.last = (model, given, result)
        elif model.told[False]:
            self._judging.begin()

    def _another(self, module: Any) -> ModelHeard | None:
        """A model of a class that is known, which is called for the first time; None for a part of a model."""
        key = id(module)
        if key not in self._parts:
            inner = {id(part) for one in self.heard.models for part in one.module.modules()}
            self._parts[key] = key in inner or not any(True for _ in module.parameters())
        return None if self._parts[key] else self._model(module)

    def _count(self, model: ModelHeard, given: Any, gradients: bool) -> None:
        is_tensor = isinstance(given, self._tensor)
        shape = given.shape if is_tensor else ()
        size = shape[0] if shape else 1
        if len(shape) == 1 and size > 1 and self._is_row(model, given):
            size = 1
        heard = self.heard
        heard.forwards += 1
        heard.single += size == 1
        mode = (gradients, model.module.training)
        passes = model.passes.get(mode)
        if passes is None:
            passes = model.passes[mode] = Passes(own_place())
        passes.number += 1
        passes.examples += size
        if is_tensor and model.told[gradients] < FIRST_EXAMPLES and (gradients or model.trained):
            model.told[gradients] += min(size, PASS)
            self._tell("passed", Pass(model, given, gradients, own_place()))

    def _is_row(self, model: ModelHeard, given: Any) -> bool:
        """Whether a model gets a single row; asked once for each length, since an agent may get one at every call."""
        key = (id(model), len(given), given.dtype)
        if key not in self._rows:
            self._rows[key] = is_one_example(model.module, given)
        return self._rows[key]

    def _model(self, module: Any) -> ModelHeard:
        module = uncompiled(module)
        found = self._models.get(id(module))
        if found is None:
            kind = type(module).__name__
            same = sum(1 for one in self.heard.models if type(one.module).__name__ == kind)
            found = ModelHeard(f"{kind}{same + 1 if same else ''}", module)
            self._models[id(module)] = found
            self.heard.models.append(found)
        return found

    # --- losses, gradients, steps -----------------------------------------------------------------------------

    def _wants_losses(self) -> bool:
        return not self.muted and (self.close or self.heard.steps <= FIRST_LOSSES or self._judging.is_on)

    def _after_loss(self, name: str, output: Any, target: Any, options: dict[str, Any], value: Any) -> None:
        place = own_place()
        number = self._losses[place, name] = self._losses.get((place, name), -1) + 1
        if number >= FIRST_LOSSES and not self.close:
            return
        training = bool(getattr(value, "requires_grad", False))
        call = Loss(
            name=name,
            output=output,
            target=target,
            options=options,
            value=value,
            place=place,
            number=number,
            training=training,
        )
        self._tell("loss", call)
        if self.close and training and self.symptoms is not None and name not in UNLIKE:
            self._measure(self.symptoms.at_loss, output, target)

    def _seeded(self, name: str, seed: Any) -> None:
        if 0 < self.heard.steps <= TOLD and not self.muted:
            self._tell("seeded", Seeded(name, seed, own_place()))

    def _computed(self, moment: str, kind: Callable[..., Any], shapes: tuple[Any, ...]) -> None:
        # An activation outside of a model may be there to be looked at; a margin inside of one may be a mask's.
        elsewhere = (moment == "activated" and not self._depth) or (moment == "margin" and bool(self._depth))
        place = "" if self.muted or elsewhere else own_place()
        if place:
            self._tell(moment, kind(*shapes, place))

    def _before_backward(self, loss: Any) -> None:
        if self.muted:
            return
        heard = self.heard
        number = heard.backwards
        heard.backwards = number + 1
        if number < TOLD or self.close or not self._is_finite(loss):
            self._tell("backward", Backward(loss, own_place(), number))
        if self.close and self.symptoms is not None and loss.numel() == 1 and len(self._optimisers) <= 1:
            self.sink.point(self.heard.steps, float(self.heard.steps), SEEN_LOSS, float(loss.detach()))
        if not self._optimisers and number > TOLD:
            # Weights that are moved by hand: no step says when to look closely.
            self._arithmetic.end()
            self._look(close=False)

    def _before_gradients(self) -> None:
        self._gradients += 1
        if self._gradients > TOLD and not self._optimisers:
            # By hand, as above; inside of `Tensor.backward` the mode stands aside, and could not end.
            self._arithmetic.end()

    def _is_finite(self, loss: Any) -> bool:
        """Whether a loss between two close looks is; on a GPU every sixteenth is asked, since the asking waits."""
        if loss.numel() != 1 or (not loss.is_cpu and self.heard.backwards % 16):
            return True
        value = loss.item()
        self.heard.losses.append(value)
        return value - value == 0

    def _before_step(self, optimiser: Any, arguments: Any, options: Any) -> None:
        # (This and what comes after a step run at every one: they ask for little, and call little.)
        if self.muted:
            return
        self._judging.end()
        heard = self._optimiser(optimiser)
        number = heard.steps + 1
        close = number >= heard.due
        if close:
            heard.due = _next_look(number)
        self._look(close)
        groups = optimiser.param_groups
        rates = (float(groups[0]["lr"]),) if len(groups) == 1 else tuple(float(group["lr"]) for group in groups)
        if not heard.rates or heard.rates[-1][1] != rates:
            heard.rates.append((number, rates))
        if close or number <= TOLD:
            self._tell("before_step", Step(heard, number, close))
        if close and self.symptoms is not None:
            self._measure(self.symptoms.before, heard, self.heard.models)

    def _after_step(self, optimiser: Any, arguments: Any, options: Any) -> None:
        if self.muted:
            return
        heard = self._optimiser(optimiser)
        heard.steps += 1
        self.heard.steps += 1
        if heard.steps <= TOLD or self.close:
            self._tell("after_step", Step(heard, heard.steps, self.close))
        if heard.steps >= 2:
            self._arithmetic.end()
        if self.close and self.symptoms is not None:
            self._measure(self.symptoms.after, heard)
        # The next step is looked at closely from its forward pass on.
        close = heard.steps + 1 >= heard.due
        if len(self.heard.optimisers) > 1:
            close = close or any(one.steps + 1 >= one.due for one in self.heard.optimisers)
        self._look(close)

    def _optimiser(self, optimiser: Any) -> OptimiserHeard:
        found = self._optimisers.get(id(optimiser))
        if found is None:
            before = {id(one): one.steps for one in self.heard.optimisers}
            found = self._optimisers[id(optimiser)] = OptimiserHeard(optimiser, before=before)
            self.heard.optimisers.append(found)
        return found


def _next_look(number: int) -> int:
    """The step that is looked at closely after step `number` was."""
    if number < FIRST_STEPS:
        return number + 1
    return max(number + 1, int(number * (GROWTH if number < EARLY else LATER_GROWTH)))
