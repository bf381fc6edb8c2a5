"""A classic bug: the inputs are shuffled without their labels.

backtrack sweep shuffled_labels --task examples/shuffled_labels.py --runs 120
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn

from backtrack import Categorical, FunctionTask, Numeric

DIGITS = load_digits()
IMAGES, LABELS = torch.tensor(DIGITS.data, dtype=torch.float32) / 16, torch.tensor(DIGITS.target)
TRAIN, VALID = slice(0, 800), slice(800, None)


def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
    """Trains a small net on handwritten digits; reports its error on held-out images after every epoch."""
    torch.manual_seed(seed)
    width = int(config["width"])
    hidden = nn.ReLU() if config["activation"] == "relu" else nn.Tanh()
    model = nn.Sequential(nn.Linear(64, width), hidden, nn.Linear(width, 10))
    optimiser = torch.optim.Adam(model.parameters(), lr=float(config["lr"]))
    for _ in range(6):
        for batch in torch.randperm(800).split(int(config["batch_size"])):
            logits = model(IMAGES[TRAIN][batch])
            # The bug: the labels keep their old order.
            labels = LABELS[TRAIN][batch if config["shuffle"] == "together" else torch.arange(len(batch))]
            loss = nn.functional.cross_entropy(logits, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            wrong = model(IMAGES[VALID]).argmax(1) != LABELS[VALID]
        yield {"error": wrong.float().mean().item()}


task = FunctionTask(
    name="shuffled_labels",
    run=run,
    metric="error",
    mode="min",
    chance=0.9,
    factors=[
        Categorical("shuffle", ["together", "inputs"], description="what is shuffled before an epoch"),
        Categorical("width", [16, 64]),
        Categorical("activation", ["relu", "tanh"]),
        Categorical("batch_size", [32, 64]),
        Numeric("lr", 0.001, 0.01, log=True, role="nuisance"),
    ],
)
