"""Inputs and targets on a scale of one."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training

# Training passes whose inputs make the mean and the deviation.
PASSES = 20
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
# Features whose scale is looked at one by one; inputs of more dimensions have one scale.
FEATURES = 2


def _inputs(anatomy: Anatomy) -> dict[str, str]:
    return {"standardised": "(x - x.mean(0)) / x.std(0), by the training data"} if anatomy.inputs.get("floats") else {}


def _standardise(training: Training, level: str) -> None:
    torch: Any = training.torch
    seen: dict[int, list[Any]] = {}

    def before(model: Any, given: Any) -> Any:
        if not isinstance(given, torch.Tensor) or not given.is_floating_point() or given.ndim < FEATURES:
            return given
        values = given.detach().double()
        rows = values if given.ndim == FEATURES else values.reshape(-1, 1)
        state = seen.setdefault(id(model), [0, 0.0, 0.0, 0])
        if (torch.is_grad_enabled() and state[3] < PASSES) or state[3] == 0:
            state[0] += len(rows)
            state[1] = state[1] + rows.sum(0)
            state[2] = state[2] + rows.square().sum(0)
            state[3] += 1
        mean = state[1] / state[0]
        deviation = (state[2] / state[0] - mean**2).clamp_min(0).sqrt()
        deviation = torch.where(deviation < 1e-6 * (1 + mean.abs()), torch.ones_like(deviation), deviation)
        return (given - mean.to(given.dtype)) / deviation.to(given.dtype)

    training.at_forward(before=before)


INPUTS = Intervention(
    "inputs",
    what="x ← (x - mean) / deviation, feature by feature, by the first training batches",
    source="LeCun et al., Efficient BackProp (1998)",
    levels=_inputs,
    apply=_standardise,
    harmless=True,
    answers=("inputs",),
    points=("saturated_units", "dead_units", "exploding_gradient", "constant_output"),
    cannot="only the first positional argument of a model is reached",
)


def _targets(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    wanted = loss.get("name") in REGRESSIONS and loss.get("floats") and loss.get("std", 0) > 0 and not anatomy.last
    return (
        {"standardised": f"(y - {loss['mean']:.3g}) / {loss['std']:.3g}, and back for what is reported"}
        if wanted
        else {}
    )


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
