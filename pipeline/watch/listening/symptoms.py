"""The symptoms of whatever trains: gradients, updates and activations of its model, at close steps."""

from __future__ import annotations

from typing import Any

from backtrack.watch.checks.check import ModelHeard, OptimiserHeard
from backtrack.watch.instruments import Activations, Points, Watch
from backtrack.watch.listening.standing_back import has_compiled
from backtrack.watch.symptoms import Layer, Look


class Symptoms:
    """Measures one training's symptoms: of the model that its first optimiser moves.

    With several models that are trained at once (a GAN), the first is the one that is measured.

    Args:
        sink: takes the numbers.
    """

    def __init__(self, sink: Points) -> None:
        self._sink = sink
        self._watch: Watch | None = None
        self._model: ModelHeard | None = None
        self._moment: dict[str, Any] | None = None
        self._heard: OptimiserHeard | None = None
        self._mode: Activations | None = None
        self._layers: list[Layer] = []

    def begin_pass(self, module: Any) -> None:
        """Begins to collect the activations of a pass; not where anything is compiled, or it would be traced too."""
        if self._model is not None and module is self._model.module and self._mode is None and not has_compiled():
            self._layers = []
            self._mode = Activations(self._layers)
            self._mode.__enter__()

    def end_pass(self, module: Any) -> None:
        """Ends it."""
        if self._mode is not None and self._model is not None and module is self._model.module:
            self._mode.__exit__(None, None, None)
            self._mode = None

    def at_loss(self, output: Any, target: Any) -> None:
        """Looks at outputs and targets of a loss that follows such a pass."""
        layers, self._layers = self._layers, []
        if self._watch is None or not layers or not output.is_floating_point():
            return
        step = self._heard.steps if self._heard is not None else 0
        self._watch.keep(Look(output.detach(), target.detach(), layers), step, float(step))

    def before(self, heard: OptimiserHeard, models: list[ModelHeard]) -> None:
        """Before a step that is measured."""
        if self._heard is None:
            self._begin(heard, models)
        if heard is self._heard and self._watch is not None:
            self._moment = self._watch.before_update()

    def after(self, heard: OptimiserHeard) -> None:
        """After it."""
        if heard is self._heard and self._watch is not None and self._moment is not None:
            self._watch.after_update(self._moment, heard.steps, float(heard.steps))
            self._moment = None

    def _begin(self, heard: OptimiserHeard, models: list[ModelHeard]) -> None:
        own = {id(weight) for weight in heard.parameters}
        for model in models:
            if any(id(weight) in own for weight in model.module.parameters()):
                self._heard, self._model = heard, model
                self._watch = Watch(model.module, 1, 1, self._sink)
                return
