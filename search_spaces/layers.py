"""Layers of any net: normalisation off, by the batch, or added; inputs added to outputs of square layers."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.linear import LINEAR

NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d")


def _normalised(anatomy: Anatomy) -> dict[str, str]:
    found = {}
    if anatomy.has(*NORMS):
        found["off"] = "without normalisation"
    if any("BatchNorm" in kind for kind in anatomy.modules):
        found["batch_statistics"] = "BatchNorm with track_running_stats=False"
    elif anatomy.has(*LINEAR) and not anatomy.has(*NORMS):
        found["layer"] = "LayerNorm (or GroupNorm) after each hidden layer"
    return found


def _normalise(training: Training, level: str) -> None:
    torch: Any = training.torch
    last: dict[int, str] = {}

    def seen(model: Any) -> None:
        named = [path for path, module in model.named_modules() if type(module).__name__ in LINEAR]
        last[id(model)] = named[-1] if named else ""
        if level == "batch_statistics":
            for module in model.modules():
                if "BatchNorm" in type(module).__name__:
                    module.track_running_stats, module.running_mean, module.running_var = False, None, None

    def called(module: Any, path: str, given: Any, result: Any) -> Any:
        kind = type(module).__name__
        if level == "off":
            return given if kind in NORMS else result
        if level == "layer" and kind in LINEAR and path not in last.values():
            if kind == "Linear":
                return torch.nn.functional.layer_norm(result, result.shape[-1:])
            return torch.nn.functional.group_norm(result, 1)
        return result

    training.at_model(seen)
    training.at_layer(called)


NORMALISATION_OF_LAYERS = Intervention(
    "normalisation",
    what="normalisation layers pass their inputs on, use their batch's statistics always, or stand after each layer",
    source="Ioffe & Szegedy (2015); Ba, Kiros & Hinton, Layer Normalization (2016)",
    levels=_normalised,
    apply=_normalise,
    inside=True,
    size=3,
    answers=("batch_statistics", "batch_norm_gap", "running_statistics"),
    points=("vanishing_gradient", "saturated_units", "output_ignores_input"),
)


def _added(training: Training, level: str) -> None:
    torch: Any = training.torch

    def called(module: Any, path: str, given: Any, result: Any) -> Any:
        square = isinstance(given, torch.Tensor) and isinstance(result, torch.Tensor) and given.shape == result.shape
        return result + given if type(module).__name__ in LINEAR and square else result

    training.at_layer(called)


RESIDUAL = Intervention(
    "residual",
    what="y = x + f(x) for layers whose inputs and outputs have one shape",
    source="He et al., Deep Residual Learning (2016)",
    levels=lambda anatomy: {"added": "x + layer(x) for square layers"} if anatomy.square > 1 else {},
    apply=_added,
    inside=True,
    size=3,
    points=("vanishing_gradient", "constant_output", "output_ignores_input"),
)
