"""Activations that compete: winner-takes-all and maxout groups beside ReLU and tanh; normalisation before them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from backtrack.search_spaces import WINNERS
from backtrack.task.intervention import AS_WRITTEN, Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of
from backtrack.task.written import CLASSES, activation_calls, first_line, handed_on, is_method, place_of
from backtrack.vocabulary.factors import Categorical, Claim

ACTIVATION = Categorical(
    "activation",
    ["relu", "tanh", "winners", "maxout", "maxout_wide"],
    description="ReLU, tanh, winner-takes-all groups (width kept), maxout of the same units, maxout of the same width",
    claims=(
        Claim(
            "winner-takes-all keeps the width, and learns better for it than maxout of the same units",
            WINNERS,
            level="winners",
            against="maxout",
        ),
        Claim("groups in which the winner takes all gain over ReLU", WINNERS, level="winners", against="relu"),
        Claim(
            "groups in which the winner takes all learn faster than ReLU",
            WINNERS,
            level="winners",
            against="relu",
            response="speed",
        ),
    ),
)

GROUP_SIZE = Categorical(
    "group_size",
    [2, 4, 8],
    when={"activation": ["winners", "maxout", "maxout_wide"]},
    description="units that compete with each other",
)

NORMALISATION = Categorical(
    "normalisation", ["none", "batch", "layer"], description="of the units before their activation"
)


def winners(units: torch.Tensor, group_size: int, dim: int = 1) -> torch.Tensor:
    """Winner-takes-all: yᵢ = hᵢ where hᵢ >= max of its group, else 0. Ties all survive; the width stays.

    Args:
        units: any shape; groups are neighbours along `dim`.
        group_size: must divide the size of `dim`.

    Raises:
        ValueError: where it does not.
    """
    grouped = _grouped(units, group_size, dim)
    return (grouped * (grouped >= grouped.amax(dim + 1, keepdim=True))).flatten(dim, dim + 1)


def maxout(units: torch.Tensor, group_size: int, dim: int = 1) -> torch.Tensor:
    """Maxout (Goodfellow et al. 2013): y = max of each group; the width is divided by `group_size`."""
    return _grouped(units, group_size, dim).amax(dim + 1)


def _grouped(units: torch.Tensor, group_size: int, dim: int) -> torch.Tensor:
    width = units.shape[dim]
    if width % group_size:
        raise ValueError(f"{width} units cannot be divided into groups of {group_size}; choose a width that can")
    return units.unflatten(dim, (width // group_size, group_size))


def widths(config: Mapping[str, Any], width: int) -> tuple[int, int]:
    """(units that the layer before computes, width that the layer after sees) for a nominal `width`."""
    kind, size = str(config["activation"]), int(config.get("group_size", 1))
    if kind == "maxout":
        return width, width // size
    return (width * size, width) if kind == "maxout_wide" else (width, width)


def activate(units: torch.Tensor, config: Mapping[str, Any]) -> torch.Tensor:
    """The activation of `config` along dimension 1 (features, or channels).

    Raises:
        ValueError: for another name.
    """
    kind = str(config["activation"])
    if kind == "relu":
        return torch.relu(units)
    if kind == "tanh":
        return torch.tanh(units)
    if kind == "winners":
        return winners(units, int(config["group_size"]))
    if kind in ("maxout", "maxout_wide"):
        return maxout(units, int(config["group_size"]))
    raise ValueError(f"activation {kind!r} is not known; expected one of {ACTIVATION.levels}")


class Activation(nn.Module):
    """`activate` as a module. Where units compete it has a `group_size`, by which instruments know it.

    Args:
        config: levels of the factors above.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = dict(config)
        if config.get("group_size") is not None:
            self.group_size = int(config["group_size"])

    def forward(self, units: torch.Tensor) -> torch.Tensor:
        """(batch, units, …) to (batch, width, …)."""
        return activate(units, self.config)


def normaliser(kind: str, channels: int, pixels: int = 0) -> nn.Module:
    """The normalisation called `kind`.

    Args:
        kind: none, batch, or layer (over channels and pixels of each example).
        channels: features, or channels of an image.
        pixels: height and width of an image; 0 for plain features.

    Raises:
        ValueError: for another name.
    """
    if kind == "none":
        return nn.Identity()
    if kind == "batch":
        return nn.BatchNorm2d(channels) if pixels else nn.BatchNorm1d(channels)
    if kind == "layer":
        return nn.LayerNorm([channels, pixels, pixels] if pixels else [channels])
    raise ValueError(f"normalisation {kind!r} is not known; expected one of {NORMALISATION.levels}")


def _swaps(anatomy: Anatomy) -> dict[str, str]:
    return {level: text for level, text in _all_swaps(anatomy).items() if level != "maxout"}


def _tricks(anatomy: Anatomy) -> dict[str, str]:
    return {level: text for level, text in _all_swaps(anatomy).items() if level in ("winners", "maxout", "tanh")}


def _all_swaps(anatomy: Anatomy) -> dict[str, str]:
    used = set(anatomy.activations.values())
    return {name: f"{name} instead of {', '.join(sorted(used))}" for name in SWAPS if used - {name}}


def _swap(training: Training, level: str) -> None:
    sites = training.anatomy.activations
    # Functions that are no activation for torch's own code: what they call is not replaced again.
    training.at_activation(lambda site, function: SWAPS[level] if site in sites else None)


def _hidden(anatomy: Anatomy) -> list[str]:
    """The functions of the hidden activations; none where the last one is of the same kind: its lines look alike."""
    functions = sorted(set(anatomy.activations.values()))
    return [] if anatomy.last.partition(" ")[0] in functions else functions


def _calls(source: Source, function: str, anatomy: Anatomy) -> list[ast.Call]:
    """What makes an activation's module in a file, and the calls of the function that were seen inside of a model.

    A program may use the function elsewhere: `weight = torch.relu(y - 2)` is no activation of a net.
    """
    places = [site.rpartition("#")[0] for site, kind in anatomy.activations.items() if kind == function]
    lines = {int(line) for line in (place.rpartition(":")[2] for place in places) if line.isdigit()}
    calls = activation_calls(source, function)
    made = CLASSES.get(function)
    return [
        call
        for call in calls
        if name_of(call) == made or not lines.isdisjoint(range(call.lineno, (call.end_lineno or call.lineno) + 1))
    ]


def _rewritten(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file with each hidden activation, and what makes its module, as another one of torch's."""
    edits: list[tuple[Any, str]] = []
    for function in _hidden(anatomy) if level in CLASSES else []:
        # Where a class is handed on: `mlp(sizes, nn.ReLU)`.
        edits += [(one, f"{source.segment(one.value)}.{CLASSES[level]}") for one in handed_on(source, function)]
        for call in _calls(source, function, anatomy) if function != level else []:
            made = name_of(call) == CLASSES.get(function)
            if not source.knows_others(call) or (is_method(source, call) and level not in METHODS):
                return None
            # Options, such as inplace or a slope, are the other's own.
            given = source.segment(call.args[0]) if call.args and not made else ""
            owner = source.renamed(call, CLASSES[level] if made else level)[1]
            if not made and level not in METHODS:
                owner = f"torch.nn.functional.{level}"
            edits.append((call, f"{owner}({given})"))
    nested = [one for one, _ in edits if any(one is not other and one in ast.walk(other) for other, _ in edits)]
    return source.all_replaced(edits) if edits and not nested else None


def _in_pairs(units: torch.Tensor, compete: Callable[[torch.Tensor, int, int], torch.Tensor]) -> torch.Tensor:
    """Neighbours compete, along the features or channels; ReLU where their number is odd."""
    dim = units.ndim - 1 if units.ndim == 2 else 1
    return compete(units, 2, dim) if units.shape[dim] % 2 == 0 else units.clamp_min(0)


SWAPS: dict[str, Any] = {
    "relu": lambda units: units.clamp_min(0),
    "tanh": torch.tanh,
    "gelu": nn.functional.gelu,
    "leaky_relu": lambda units: torch.where(units > 0, units, 0.01 * units),
    "winners": lambda units: _in_pairs(units, winners),
    # Both units of a pair become the larger: what is learnt is maxout's of half the width, and every shape stays.
    "maxout": lambda units: _in_pairs(units, lambda *pair: maxout(*pair).repeat_interleave(2, pair[2])),
}

# Activations that are methods of a tensor too, and functions of torch itself.
METHODS = ("relu", "tanh", "sigmoid")

ACTIVATION_OF_TRAINING = Intervention(
    "activation",
    what="every hidden activation becomes another; the last one stays",
    source="Glorot, Bordes & Bengio, Deep sparse rectifier networks (2011); " + WINNERS,
    levels=_swaps,
    apply=_swap,
    inside=True,
    size=3,
    points=("dead_units", "saturated_units", "vanishing_gradient", "zero_gradient"),
    tricks=_tricks,
    claims=(
        Claim(
            "groups in which the winner takes all gain over what is written",
            WINNERS,
            level="winners",
            against=AS_WRITTEN,
        ),
        Claim(
            "winner-takes-all keeps the width, and learns better for it than maxout of the same units",
            WINNERS,
            level="winners",
            against="maxout",
        ),
    ),
    cannot="activations inside of torch's own recurrent and attention layers",
    place=lambda anatomy: place_of(next(iter(anatomy.activations), ""), anatomy.sources),
    patch=_rewritten,
    edited=lambda anatomy: first_line(
        anatomy.sources,
        lambda source: [
            one for each in _hidden(anatomy) for one in [*_calls(source, each, anatomy), *handed_on(source, each)]
        ],
    ),
)
