"""Codes of places for a net with attention that is told none."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Intervention, Training
from backtrack.vocabulary.attention import is_batch_first, patch_layer

# Of a layer's outputs: steps and their features.
LINES = 3
LONGEST = 10_000


def sines(torch: Any, count: int, width: int) -> Any:
    """Positional encodings of (places, width): sin and cos of place / 10,000^(2 i / width).

    Example:
        >>> import torch
        >>> sines(torch, 3, 4).shape, float(sines(torch, 3, 4)[0, 0])
        (torch.Size([3, 4]), 0.0)
    """
    rates = LONGEST ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(count).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


def _encoded(training: Training, level: str) -> None:
    torch: Any = training.torch
    # Of each module the model that it is in, and of each model the layer that makes steps, once it was called.
    owners: dict[int, Any] = {}
    chosen: dict[int, int] = {}
    scales: dict[int, Any] = {}

    def look(model: Any) -> None:
        owners.update({id(module): model for module in model.modules()})

    def after(module: Any, path: str, given: Any, result: Any) -> Any:
        model = owners.get(id(module))
        if model is None or not _makes_steps(torch, model, module, given, result):
            return result
        if chosen.setdefault(id(model), id(module)) != id(module):
            return result
        steps = result.flatten(2).transpose(1, 2) if result.ndim > LINES else result
        axis = 1 if result.ndim > LINES or is_batch_first(model) else 0
        # As large as what they are added to: sines have a root mean square of 1 / sqrt(2).
        scale = scales.setdefault(id(model), result.detach().std() * 2**0.5)
        codes = sines(torch, steps.shape[axis], steps.shape[2]).to(result) * scale
        if result.ndim > LINES:
            return result + codes.T.unflatten(1, result.shape[2:])
        return result + (codes if axis else codes.unsqueeze(1))

    training.at_model(look)
    training.at_layer(after)


def _makes_steps(torch: Any, model: Any, module: Any, given: Any, result: Any) -> bool:
    """Whether a call makes steps: of ids, of lines of features, or of a picture's patches."""
    both = isinstance(given, torch.Tensor) and isinstance(result, torch.Tensor)
    if not both or not result.is_floating_point():
        return False
    if isinstance(module, torch.nn.Embedding):
        return given.ndim == LINES - 1 and result.ndim == LINES
    if isinstance(module, torch.nn.Linear):
        return given.ndim == LINES
    # (Asked of few: it goes through all of a model's modules.)
    return isinstance(module, torch.nn.Conv2d) and module is patch_layer(model)


POSITIONAL_ENCODING = Intervention(
    "positional_encoding",
    what="the steps, or patches, of a net with attention get a code of their place: x + sines of the place, as large "
    "as x",
    source="Vaswani et al., Attention is all you need (2017), 3.5",
    levels=lambda anatomy: {"sines": "x + sines(places), before the first attention"} if anatomy.optimisers else {},
    apply=_encoded,
    inside=True,
    on_suspicion=True,
    answers=("places_unknown",),
    cannot="steps that are made by a layer of one's own; of lines of several kinds of ids the first that is looked up "
    "gets the code",
)
