"""Inputs that are constant, not finite, or far from unit scale."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.codes import code_in
from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, is_computed
from backtrack.watch.checks.moments import Inner

LARGEST, SMALLEST, ABSURD = 20.0, 0.003, 60.0
# Training passes that are looked at, and examples of a batch that may not all be the same.
LOOKS, LEAST = 3, 8
SAME = "check how the inputs are read: every example is the same"
TABLES = ("Embedding", "EmbeddingBag")
NORMALISING = ("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm", "RMSNorm")


class Inputs(Check):
    name = "inputs"
    looks_at = "what the first layer with weights gets, in the first training passes"
    cost = "a few reductions of the first inputs"
    source = "LeCun et al., Efficient BackProp (1998); UMLAUT, input not normalised; DeepFD"
    expected = "finite inputs that differ between examples, of about unit scale"
    remedy = (
        "standardise the inputs: subtract each feature's mean, divide by its standard deviation (or divide "
        "images by 255)"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._looked: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._normalised: set[int] = set()
        self._scale: dict[int, list[float]] = {}

    def inner(self, call: Inner) -> None:
        kind, key = type(call.module).__name__, id(call.model)
        if kind.startswith(NORMALISING) and key not in self._first:
            self._normalised.add(key)
        if kind in TABLES and self._first.setdefault(key, -id(call.module)) == -id(call.module):
            self._look_at_ids(call, key)
        if not call.has_weights or not call.gradients or not call.inputs:
            return
        # The first layer of each pass; later passes look at the same.
        if self._first.setdefault(key, id(call.module)) != id(call.module):
            return
        if is_computed(call.inputs[0], self.heard):
            # What another net has learnt, and no data.
            return
        if self._looked.get(key, 0) >= LOOKS:
            return
        self._looked[key] = self._looked.get(key, 0) + 1
        self._look(call, key, call.scale)

    def _look_at_ids(self, call: Inner, key: int) -> None:
        """Of a model with one table: whether it gets one and the same row everywhere."""
        if not call.gradients or not call.inputs or self._looked.get(key, 0) >= LOOKS:
            return
        ids = call.inputs[0].detach()
        tables = sum(type(module).__name__ in TABLES for module in call.model.module.modules())
        if tables > 1 or ids.ndim == 0 or ids.shape[0] < LEAST or ids.is_floating_point():
            return
        alike = bool((ids == ids.flatten()[0]).all())
        # One batch that differs ends it.
        self._looked[key] = self._looked.get(key, 0) + 1 if alike else LOOKS + 1
        if self._looked[key] == LOOKS:
            measured = f"all {ids.numel()} numbers of a batch that it looks up are {int(ids.flatten()[0])}"
            self.finds(call.place, measured, remedy=SAME)

    def _look(self, call: Inner, key: int, scale: float) -> None:
        values = call.inputs[0].detach().float()
        if not bool(values.isfinite().all()):
            bad = int((~values.isfinite()).sum())
            self.finds(
                call.place,
                f"{bad} of {values.numel()} input numbers are not finite",
                remedy="find where the data are NaN or infinite, and fill or drop them",
            )
            return
        if values.shape[0] >= LEAST and values.ndim > 1 and bool((values == values[:1]).all()):
            self.finds(
                call.place,
                f"all {values.shape[0]} examples of a batch are the same",
                remedy=SAME,
            )
            return
        self._scale.setdefault(key, []).append(scale)
        # The states of an agent are as its world has them: only what is far off is told.
        acts = self.heard.acts
        if key in self._normalised or len(self._scale[key]) < 2 or (acts and min(self._scale[key]) <= ABSURD):
            return
        if min(self._scale[key]) > LARGEST or 0 < max(self._scale[key]) < SMALLEST:
            weight = "" if (scale > ABSURD or scale < SMALLEST) and not acts else UNUSUAL
            measured = (
                f"the inputs have a root mean square of {scale:.3g} (from {float(values.min()):.3g} to "
                f"{float(values.max()):.3g})"
            )
            code = code_in(values)
            if code is None:
                self.finds(call.place, measured, weight=weight)
                return
            told = f"{code.count} of {values.numel()} are {code.value:g}, the others of their features"
            self.finds(
                call.place,
                f"{measured}: {told} {code.low:.3g} to {code.high:.3g}",
                weight=weight,
                remedy=f"{code.value:g} looks like a mark for what is missing: put the feature's mean in its place, "
                "before the inputs are standardised",
            )
