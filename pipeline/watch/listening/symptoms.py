"""The symptoms of whatever trains: gradients, updates and activations of every model that is moved, at close steps."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from backtrack.watch.checks.heard import ModelHeard, OptimiserHeard
from backtrack.watch.instruments import Points, Watch
from backtrack.watch.listening.standing_back import has_compiled
from backtrack.watch.symptoms import Layer, Look


@dataclass
class _Followed:
    """One model, as far as one optimiser moves it."""

    heard: OptimiserHeard
    model: ModelHeard
    watch: Watch
    moment: dict[str, Any] | None = None
    layers: list[Layer] = field(default_factory=list)


@dataclass
class _OfModel:
    """Says with each number which model it is of: `symptom/NAME/MODEL`."""

    sink: Points
    model: str

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        self.sink.point(step, epoch, f"{name}/{self.model}", value)


class Symptoms:
    """Measures a training's symptoms: of every model, by every optimiser that moves it.

    The first model's numbers are `symptom/NAME`; those of a further one (a GAN, an actor and its critic) say whose they
    are. Where two optimisers move one model, each answers for the weights that it holds.

    Args:
        sink: takes the numbers.
    """

    def __init__(self, sink: Points) -> None:
        self._sink = sink
        self._followed: list[_Followed] = []
        # The pass whose activations are collected, and the last one that was.
        self._passing: tuple[_Followed, ExitStack] | None = None
        self._passed: _Followed | None = None

    def begin_pass(self, module: Any) -> None:
        """Begins to collect the activations of a pass; not where anything is compiled, or it would be traced too."""
        followed = next((one for one in self._followed if one.model.module is module), None)
        if followed is None or self._passing is not None or has_compiled() or _is_compiled(module):
            return
        followed.layers = []
        followed.watch.armed = True
        looking = ExitStack()
        looking.enter_context(followed.watch.looking(followed.layers))
        looking.callback(followed.watch.hear_over_time())
        self._passing = followed, looking

    def end_pass(self, module: Any) -> None:
        """Ends it."""
        if self._passing is None:
            return
        followed, looking = self._passing
        if followed.model.module is module:
            looking.close()
            self._passing, self._passed = None, followed

    def at_loss(self, output: Any, target: Any) -> None:
        """Looks at outputs and targets of a loss that follows such a pass."""
        passed, self._passed = self._passed, None
        if passed is None or not passed.layers or not output.is_floating_point() or not output.numel():
            return
        step = passed.heard.steps
        passed.watch.keep(Look(output.detach(), target.detach(), passed.layers), step, float(step))
        passed.layers = []

    def before(self, heard: OptimiserHeard, models: list[ModelHeard]) -> None:
        """Before a step that is measured."""
        self._follow(heard, models)
        for one in self._followed:
            if one.heard is heard:
                one.moment = one.watch.before_update()

    def after(self, heard: OptimiserHeard) -> None:
        """After it."""
        for one in self._followed:
            if one.heard is heard and one.moment is not None:
                one.watch.after_update(one.moment, heard.steps, float(heard.steps))
                one.moment = None

    def _follow(self, heard: OptimiserHeard, models: list[ModelHeard]) -> None:
        """Begins to measure what an optimiser moves and nobody follows yet."""
        known = {id(weight) for one in self._followed for weight in one.watch.held}
        free = [weight for weight in heard.parameters if id(weight) not in known]
        for model in models if free else ():
            reached = {id(weight) for weight in model.module.parameters()}
            held = [weight for weight in free if id(weight) in reached]
            free = [weight for weight in free if id(weight) not in reached]
            if held:
                watch = Watch(model.module, 1, 1, self._sink_for(model), held)
                self._followed.append(_Followed(heard, model, watch))

    def _sink_for(self, model: ModelHeard) -> Points:
        if not self._followed:
            return self._sink
        names = [one.model.name for one in self._followed]
        again = names.count(model.name)
        return _OfModel(self._sink, f"{model.name}-{again + 1}" if again else model.name)


def _is_compiled(module: Any) -> bool:
    """Whether a part of it was compiled, perhaps before anybody listened."""
    return any(hasattr(part, "_orig_mod") or part._compiled_call_impl is not None for part in module.modules())
