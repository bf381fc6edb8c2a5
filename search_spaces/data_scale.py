"""Inputs and targets on a scale of one."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.data_names import inputs_of
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import models_of
from backtrack.vocabulary.codes import Filling
from backtrack.vocabulary.loss_sides import REGRESSIONS
from backtrack.vocabulary.moments import FEATURES, Moments
from backtrack.vocabulary.shapes import is_one_example

# Training passes whose inputs make the mean and the deviation.
PASSES = 20
# Mean or deviation of targets that no activation which ends a net reaches.
BOUND = 1.0
# Examples of a batch that tells by itself whether it is like the training inputs, and deviations that it may be off.
MANY, ALIKE = 64, 0.3


STANDARDISED = "(x - x.mean(0)) / x.std(0), by the training data"


def _inputs(anatomy: Anatomy) -> dict[str, str]:
    code = anatomy.inputs.get("code")
    if code is not None:
        return {"filled": f"the feature's mean where x == {code:g}, which is a mark for what is missing, then "
                f"{STANDARDISED}"}  # fmt: skip
    return {"standardised": STANDARDISED} if anatomy.inputs.get("floats") else {}


def _scale_of(moments: Moments) -> Any:
    """Deviations by which batches are divided; 1 for a feature that does not change."""
    found = moments.deviation
    return found.masked_fill(found < 1e-6 * (1 + moments.mean.abs()), 1.0)


def _standardised(batch: Any, moments: Moments) -> Any:
    return (batch - moments.mean.to(batch.dtype)) / _scale_of(moments).to(batch.dtype)


def _is_float_batch(training: Training, given: Any) -> bool:
    return isinstance(given, training.torch.Tensor) and given.is_floating_point() and given.ndim >= FEATURES


class _Scales:
    """Mean and deviation of what models train on.

    A model that is never trained, as the target of an agent's, is another's copy: it gets that one's.

    Args:
        torch: the module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._trained: dict[int, Moments] = {}
        # Of a model that nothing has trained yet: its first batch.
        self._first: dict[int, Moments] = {}
        self._kinds: dict[int, tuple[Any, ...]] = {}

    def of(self, model: Any, batch: Any) -> Moments:
        """Those by which this batch is standardised; of the first batches that train the model it is a part."""
        if id(model) not in self._kinds:
            self._kinds[id(model)] = type(model), *(tuple(weight.shape) for weight in model.parameters())
        if self.learns(model):
            self._trained.setdefault(id(model), Moments()).add(batch)
        found = self._trained.get(id(model)) or self._of_copy(model)
        if found is None:
            found = self._first.setdefault(id(model), Moments())
            if not found.batches:
                found.add(batch)
        return found

    def learns(self, model: Any) -> bool:
        """Whether a batch that the model gets now is one of the first that it trains on."""
        known = self._trained.get(id(model))
        return self._torch.is_grad_enabled() and (known is None or known.batches < PASSES)

    def _of_copy(self, model: Any) -> Moments | None:
        same = [moments for key, moments in self._trained.items() if self._kinds[key] == self._kinds[id(model)]]
        return same[0] if len(same) == 1 else None


def _standardise(training: Training, level: str) -> None:
    torch: Any = training.torch
    scales = _Scales(torch)
    fillings: dict[int, Filling] = {}

    def before(model: Any, given: Any) -> Any:
        # (An agent may act by a single row.)
        is_row = isinstance(given, torch.Tensor) and given.ndim == 1 and is_one_example(model, given)
        batch = given[None] if is_row else given
        if not _is_float_batch(training, batch):
            return given
        if level == "filled":
            is_first = id(model) not in fillings
            filling = fillings.setdefault(id(model), Filling(training.anatomy.inputs["code"]))
            batch = filling.filled(batch, scales.learns(model) or is_first)
        batch = _standardised(batch, scales.of(model, batch))
        return batch[0] if is_row else batch

    training.at_forward(before=before)


def _made_standardised(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file whose inputs are standardised where they are made, by those that the model trains on."""
    models = models_of(anatomy.optimiser)
    held = inputs_of(source, models[0]) if level == "standardised" and len(models) == 1 else []
    block = source.block_of(held[0].made) if held else []
    last = max((one.made for one in held), key=lambda one: one.lineno, default=None)
    if last is None or any(one.made not in block for one in held):
        return None
    taken = any(isinstance(one, ast.Name) and one.id in ("mean", "std") for one in source.nodes)
    mean, std = ("input_mean", "input_std") if taken else ("mean", "std")
    names = [one.name for one in held]
    scaled = ", ".join(f"({name} - {mean}) / {std}" for name in names)
    by = f"{mean}, {std} = {names[0]}.mean(0), {names[0]}.std(0)"
    # (A feature that does not change has no deviation.)
    return source.behind(f"{by}\n{std}[{std} == 0] = 1\n{', '.join(names)} = {scaled}", last)


def _is_alike(batch: Any, trained: Moments) -> bool:
    """Whether a batch has the mean and the deviation of what a model trains on, in its middle feature."""
    own = Moments()
    own.add(batch)
    scale = _scale_of(trained)
    off, times = ((own.mean - trained.mean).abs() / scale).median(), (own.deviation / scale).median()
    return bool(off < ALIKE and 1 - ALIKE < times < 1 + ALIKE)


def _as_in_training(training: Training, level: str) -> None:
    torch: Any = training.torch
    seen: dict[tuple[int, bool], Moments] = {}

    def before(model: Any, given: Any) -> Any:
        if not _is_float_batch(training, given):
            return given
        gradients = torch.is_grad_enabled()
        trained = seen.get((id(model), True))
        if not gradients and trained is not None and len(given) >= MANY and _is_alike(given, trained):
            # The training set may be judged by turns with the other.
            return given
        moments = seen.setdefault((id(model), gradients), Moments())
        if moments.batches < PASSES:
            moments.add(given)
        if gradients or trained is None:
            return given
        return _standardised(given, moments) * _scale_of(trained).to(given.dtype) + trained.mean.to(given.dtype)

    training.at_forward(before=before)


INPUTS = Intervention(
    "inputs",
    what="x ← (x - mean) / deviation, feature by feature, by the first training batches; a number that stands for what "
    "is missing becomes the mean of the others first",
    source="LeCun et al., Efficient BackProp (1998)",
    levels=_inputs,
    apply=_standardise,
    harmless=True,
    answers=("inputs",),
    points=("saturated_units", "dead_units", "exploding_gradient", "constant_output"),
    patch=_made_standardised,
    edited=lambda anatomy: str(anatomy.optimiser.get("place", "")),
    cannot="only the first positional argument of a model is reached",
)


VALIDATION_INPUTS = Intervention(
    "validation_inputs",
    what="inputs that the net is judged by get the mean and the deviation of those that it is trained on",
    source="scikit-learn documentation, Common pitfalls: inconsistent preprocessing",
    levels=lambda anatomy: (
        {"as_in_training": "prepare the validation inputs by the training set's mean and deviation"}
        if anatomy.inputs.get("floats")
        else {}
    ),
    apply=_as_in_training,
    on_suspicion=True,
    answers=("validation_inputs",),
    cannot="inputs beyond a model's first; validation inputs that are few, or differ in what they show",
)


def _targets(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    wanted = loss.get("name") in REGRESSIONS and loss.get("floats") and loss.get("std", 0) > 0
    # What an activation bounds is left as it is, but where the targets lie far beyond it.
    bounded = anatomy.last and max(abs(loss.get("mean", 0)), loss.get("std", 0)) <= BOUND
    if not wanted or bounded:
        return {}
    centred = f"y {'+' if loss['mean'] < 0 else '-'} {abs(loss['mean']):.3g}"
    return {"standardised": f"({centred}) / {loss['std']:.3g}, and back for what is reported"}


def _scale(training: Training, level: str) -> None:
    loss = training.anatomy.loss
    mean, deviation = float(loss["mean"]), float(loss["std"])
    power = 1 if loss["name"] == "l1_loss" else 2

    def after(model: Any, result: Any) -> Any:
        if not isinstance(result, training.torch.Tensor) or not result.is_floating_point():
            return result
        # The outputs on the targets' scale, with the gradient that standardised targets would give.
        result = result * deviation + mean
        if result.requires_grad:
            result.register_hook(lambda gradient: gradient / deviation**power)
        return result

    training.at_forward(after=after)


TARGETS = Intervention(
    "targets",
    what="the net learns (y - mean) / deviation, and its outputs are scaled back: equal to standardised targets",
    source="LeCun et al., Efficient BackProp (1998); DeepFD, missing output normalisation",
    levels=_targets,
    apply=_scale,
    harmless=True,
    answers=("regression_targets",),
    points=("wrong_first_loss", "exploding_gradient", "not_finite"),
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
)
