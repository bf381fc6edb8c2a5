"""The hooks on a process that trains: what they hear goes to the checks and to the symptoms."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from backtrack.watch.checks import Check, Heard, all_checks
from backtrack.watch.checks.check import MOMENTS
from backtrack.watch.checks.heard import OptimiserHeard
from backtrack.watch.checks.moments import (
    Backward,
    Forward,
    Inner,
    Loss,
    Seeded,
    Step,
)
from backtrack.watch.listening.clock import Clock
from backtrack.watch.listening.judging import Judging
from backtrack.watch.listening.model_calls import ModelCalls
from backtrack.watch.listening.other_calls import OtherCalls
from backtrack.watch.listening.patches import UNLIKE
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.sinks import Sink
from backtrack.watch.listening.standing_back import Around, hold, on_tracing, unless_traced
from backtrack.watch.listening.tensors import is_loss, tensors_in
from backtrack.watch.listening.unheard import OwnWork
from backtrack.watch.listening.warned import Warned
from backtrack.watch.symptoms import SEEN_LOSS, all_symptoms

# Steps of each optimiser that are looked at closely from the first on; then each so many times as late as the last, up
# to step `EARLY` and after it. Counted, not timed, so that two runs of one training are looked at alike.
FIRST_STEPS, GROWTH, EARLY, LATER_GROWTH = 3, 1.35, 200, 1.7
# Loss calls at one place that are told to the checks from the first on; after that only in steps that are close.
FIRST_LOSSES = 12
# Steps of an optimiser, and backward passes, that every check is told of; later ones only where they are close.
TOLD = 52
# Passes between two steps that are looked at closely, after the first steps: an agent acts many times a step.
PASSES = 3


def import_all() -> None:
    """Imports all that listening takes, the file of each check and symptom too: before a training, and not in it."""
    for name in ("arithmetic", "symptoms"):
        # They import torch, which a process that only might listen does not.
        importlib.import_module(f"backtrack.watch.listening.{name}")
    all_checks()
    all_symptoms()


class Ears:
    """Listens to one process, or to one training in it.

    Args:
        torch: the module.
        sink: takes what is seen.
        symptoms: whether symptoms are measured, beside the checks.
    """

    def __init__(self, torch: Any, sink: Sink, symptoms: bool = True) -> None:
        import_all()
        from backtrack.watch.listening.arithmetic import Arithmetic
        from backtrack.watch.listening.symptoms import Symptoms

        self.torch, self.sink = torch, sink
        self.heard = Heard()
        checks = [check(self.heard, sink.found) for check in all_checks()]
        # Whom a moment is told: most checks want few of them, and every call costs.
        self._listeners: dict[str, list[tuple[Check, Callable[..., None]]]] = {
            what: [(one, getattr(one, what)) for one in checks if getattr(type(one), what) is not getattr(Check, what)]
            for what in MOMENTS
        }
        self.close = False
        self._own_work = OwnWork(torch)
        self._undo: list[Callable[[], None]] = []
        # Undoes what hears the modules now: hooks on all of them, or counts of the models' calls.
        self._hearing: list[Callable[[], None]] = []
        self._loud = False
        # Whether nothing but counting happens at a step that is not due.
        self._quiet = False
        # Passes since the last step.
        self._passes = 0
        # Modules whose forward pass is on, the outermost first.
        self._depth: list[Any] = []
        self._optimisers: dict[int, OptimiserHeard] = {}
        self._losses: dict[tuple[str, str], int] = {}
        self._paths: dict[int, dict[int, str]] = {}
        self.symptoms = Symptoms(sink) if symptoms else None
        self._clock = Clock(sink)
        self._arithmetic = Arithmetic(self._computed)
        self._judging = Judging(torch, self._tell)
        self._calls = ModelCalls(torch, self.heard, self._tell, self._own_work, self._judging)
        self._others = OtherCalls(
            torch, self.heard, self._tell, lambda: self._own_work.is_on, self._calls.model, self._clock
        )
        # How often gradients were asked for.
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
        self._undo += patches.on_warnings(Warned(self.sink.found, lambda: self._own_work.is_on))
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
            self.close, self._quiet, self._passes = close, False, 0
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
            self._hearing = self._calls.quietly()

    def _tell(self, what: str, *call: Any) -> None:
        """Tells every check; one that fails is left out from then on, and says so."""
        listeners = self._listeners[what]
        if self._own_work.is_on or not listeners:
            return
        with self._own_work:
            for check, hears in listeners:
                try:
                    hears(*call)
                except Exception as fault:
                    self._leave_out(check)
                    print(f"backtrack: check {check.name} failed and is left out: {fault!r}", file=sys.stderr)

    def _leave_out(self, check: Check) -> None:
        for what, listeners in self._listeners.items():
            self._listeners[what] = [one for one in listeners if one[0] is not check]

    def _measure(self, what: Callable[..., None], *call: Any) -> None:
        """Measures something of the symptoms, unheard; where that fails none are measured any more, and it says so."""
        with self._own_work:
            try:
                what(*call)
            except Exception as fault:
                self.symptoms = None
                print(f"backtrack: symptoms cannot be measured here, and are left out: {fault!r}", file=sys.stderr)

    # --- modules ----------------------------------------------------------------------------------------------

    def _before_module(self, module: Any, arguments: tuple[Any, ...]) -> None:
        if self._own_work.is_on:
            return
        self._depth.append(module)
        if self.close and len(self._depth) == 1 and self.symptoms is not None:
            if self.torch.is_grad_enabled():
                self._clock.begin()
            self.symptoms.begin_pass(module)

    def _after_module(self, module: Any, arguments: tuple[Any, ...], result: Any) -> None:
        if self._own_work.is_on or not self._depth:
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
        model = self._calls.model(root)
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
        model = self._calls.known(module)
        if model is None:
            if not any(True for _ in module.parameters()) or is_loss(module):
                return
            model = self._calls.model(module)
        gradients = self.torch.is_grad_enabled()
        inputs, outputs = tensors_in(arguments), tensors_in(result)
        self._calls.passed(model, type(module), inputs, outputs, gradients)
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

    # --- losses, gradients, steps -----------------------------------------------------------------------------

    def _wants_losses(self) -> bool:
        return not self._own_work.is_on and (self.close or self.heard.steps <= FIRST_LOSSES or self._judging.is_on)

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
        if 0 < self.heard.steps <= TOLD and not self._own_work.is_on:
            self._tell("seeded", Seeded(name, seed, own_place()))

    def _computed(self, moment: str, kind: Callable[..., Any], shapes: tuple[Any, ...]) -> None:
        # An activation outside of a model may be there to be looked at; a margin inside of one may be a mask's.
        elsewhere = (moment == "activated" and not self._depth) or (moment == "margin" and bool(self._depth))
        place = "" if self._own_work.is_on or elsewhere else own_place()
        if place:
            self._tell(moment, kind(*shapes, place))

    def _before_backward(self, loss: Any) -> None:
        # (This and what comes before and after a step run at every one: they ask for little, and enter few functions.)
        if self._own_work.is_on:
            return
        heard = self.heard
        number = heard.backwards
        heard.backwards = number + 1
        told = number < TOLD or self.close
        if not told and loss.numel() == 1 and (loss.is_cpu or number % 16 == 0):
            # A GPU is asked for every sixteenth, since the asking waits.
            value = loss.item()
            heard.losses.append(value)
            told = value - value != 0
        if told:
            self._tell("backward", Backward(loss, own_place(), number))
        if self._judging.is_on:
            self._judging.end()
        if self.close and self.symptoms is not None and loss.numel() == 1 and len(self._optimisers) <= 1:
            self.sink.point(heard.steps, float(heard.steps), SEEN_LOSS, float(loss.detach()))
        if not self._optimisers and number > TOLD:
            # Weights that are moved by hand: no step says when to look closely.
            self._arithmetic.end()
            self._look(close=False)

    def _before_gradients(self, name: str) -> bool:
        """Whether the next ones make a difference."""
        self._gradients += 1
        self.heard.asked += name == "grad" and not self._own_work.is_on
        if self._gradients > TOLD and not self._optimisers:
            # By hand, as above; inside of `Tensor.backward` the mode stands aside, and could not end.
            self._arithmetic.end()
        return self._arithmetic.is_on

    def _before_step(self, optimiser: Any, arguments: Any, options: Any) -> None:
        if self._own_work.is_on:
            return
        heard = self._optimisers.get(id(optimiser)) or self._optimiser(optimiser)
        number = heard.steps + 1
        if self._quiet and TOLD < number < heard.due:
            # (An intervention changes the rate behind this, and puts the program's own back after the step.)
            groups, rates = optimiser.param_groups, heard.rates[-1][1]
            if len(groups) > 1 or groups[0]["lr"] != rates[0]:
                _note_rates(heard, number)
            return
        close = number >= heard.due
        if close:
            heard.due = _next_look(number)
        self._look(close)
        _note_rates(heard, number)
        if close or number <= TOLD:
            self._tell("before_step", Step(heard, number, close))
        if close and self.symptoms is not None:
            self._measure(self.symptoms.before, heard, self.heard.models)

    def _after_step(self, optimiser: Any, arguments: Any, options: Any) -> None:
        if self._own_work.is_on:
            return
        heard = self._optimisers.get(id(optimiser)) or self._optimiser(optimiser)
        number = heard.steps = heard.steps + 1
        self.heard.steps += 1
        if self._judging.is_on:
            self._judging.end()
        if self._quiet and TOLD < number < heard.due - 1:
            return
        close = self.close
        if number <= TOLD or self.close:
            self._tell("after_step", Step(heard, number, self.close))
        if number >= 2 and self._arithmetic.is_on:
            self._arithmetic.end()
        if self.close and self.symptoms is not None:
            self._measure(self.symptoms.after, heard)
        # The next step is looked at closely from its forward pass on.
        if number + 1 >= heard.due or len(self._optimisers) > 1:
            self._look(any(one.steps + 1 >= one.due for one in self.heard.optimisers))
        elif close or self._loud:
            self._look(close=False)
        timed = self.symptoms is not None and self._clock.is_on
        if timed:
            self._clock.end(self.heard.steps, close, self.device if close else "")
        self._quiet = not (timed or self.close or self._loud or self._arithmetic.is_on)

    def _optimiser(self, optimiser: Any) -> OptimiserHeard:
        found = self._optimisers.get(id(optimiser))
        if found is None:
            before = {id(one): one.steps for one in self.heard.optimisers}
            found = self._optimisers[id(optimiser)] = OptimiserHeard(optimiser, before=before)
            self.heard.optimisers.append(found)
        return found


def _note_rates(heard: OptimiserHeard, number: int) -> None:
    """Notes the learning rates of a step, where they changed."""
    rates = tuple(float(group["lr"]) for group in heard.optimiser.param_groups)
    if not heard.rates or heard.rates[-1][1] != rates:
        heard.rates.append((number, rates))


def _next_look(number: int) -> int:
    """The step that is looked at closely after step `number` was."""
    if number < FIRST_STEPS:
        return number + 1
    return max(number + 1, int(number * (GROWTH if number < EARLY else LATER_GROWTH)))
