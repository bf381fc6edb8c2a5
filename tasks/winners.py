"""winners: handwritten digits, told apart by small nets whose units compete.

The question of the post "Flaming winners": a group of units in which the winner takes all, unlike maxout, keeps the
width. Does it gain anything?
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from backtrack.search_spaces.activations import ACTIVATION, GROUP_SIZE, NORMALISATION, Activation, normaliser, widths
from backtrack.search_spaces.optimisers import BATCH_SIZE, LR, OPTIMISER, make_optimiser
from backtrack.search_spaces.weight_decay import DECAY_KIND, DECAY_SCOPE, WEIGHT_DECAY, decay_groups
from backtrack.task import Data, TorchTask
from backtrack.task.data_files import read_table
from backtrack.vocabulary.factors import Categorical

DIGITS = Path(__file__).parent / "data" / "digits.parquet"
COLUMNS = {"id": "string", "digit": "integer", "pixels": "list"}
SIDE = 8

NET = Categorical(
    "net", ["mlp", "conv"], role="nuisance", description="two fully connected layers, or two convolutions"
)

DEFAULTS = {
    "rows": 600,  # training images; few, so that there is head-room
    "width": 64,  # nominal width of each layer; channels are a quarter of it
}


class WinnersNet(nn.Module):
    """Two layers of competing units, then ten logits.

    Args:
        config: levels of the factors below, and `width`.
        width: nominal width of a layer; a multiple of 32.
    """

    def __init__(self, config: Mapping[str, Any], width: int) -> None:
        super().__init__()
        self.activation = Activation(config)
        self.conv = config["net"] == "conv"
        nominal = width // 2 if self.conv else width
        units, seen = widths(config, nominal)
        kind = str(config["normalisation"])
        if self.conv:
            self.first: nn.Module = nn.Conv2d(1, units, 3, padding=1)
            self.second: nn.Module = nn.Conv2d(seen, units, 3, padding=1)
        else:
            self.first = nn.Linear(SIDE * SIDE, units)
            self.second = nn.Linear(seen, units)
        self.norms = nn.ModuleList(normaliser(kind, units, pixels if self.conv else 0) for pixels in (SIDE, SIDE // 2))
        self.readout = nn.Linear(seen * (SIDE // 4) ** 2 if self.conv else seen, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 64) pixels to (batch, 10) logits."""
        hidden = images.view(-1, 1, SIDE, SIDE) if self.conv else images
        for layer, norm in zip((self.first, self.second), self.norms, strict=True):
            hidden = self.activation(norm(layer(hidden)))
            if self.conv:
                hidden = functional.max_pool2d(hidden, 2)
        return self.readout(hidden.flatten(1))


def load(options: Mapping[str, Any]) -> Data:
    """Images as (n, 64) in 0 … 1 and digits; which are trained on follows from a hash of their identifier."""
    table = read_table(DIGITS, COLUMNS)
    keys = [hashlib.sha256(identifier.encode()).hexdigest() for identifier in table["id"].to_pylist()]
    order = torch.tensor(sorted(range(len(keys)), key=keys.__getitem__))
    pixels = torch.tensor(table["pixels"].to_pylist())[order] / 16
    digits = torch.tensor(table["digit"].to_pylist())[order]
    # The last third is never trained on, whatever `rows` is.
    held_out = len(keys) // 3
    used = min(int(options["rows"]), len(keys) - held_out)
    return Data(pixels[:used], digits[:used], pixels[-held_out:], digits[-held_out:])


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Share of images whose largest logit is the right digit."""
    return float((outputs.argmax(1) == targets).float().mean())


task = TorchTask(
    name="winners",
    data=load,
    model=lambda config: WinnersNet(config, int(config["width"])),
    loss=functional.cross_entropy,
    score=accuracy,
    metric="accuracy",
    mode="max",
    epochs=8,
    factors=[
        ACTIVATION,
        GROUP_SIZE,
        NORMALISATION,
        OPTIMISER,
        LR,
        WEIGHT_DECAY,
        DECAY_SCOPE,
        DECAY_KIND,
        NET,
        BATCH_SIZE,
    ],
    optimiser=lambda model, config: make_optimiser(
        str(config["optimiser"]), decay_groups(model, config, skip=("readout",)), config
    ),
    defaults=DEFAULTS,
    description="handwritten digits: do groups of units in which the winner takes all gain anything?",
)
