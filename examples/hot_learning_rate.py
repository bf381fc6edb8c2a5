"""A classic bug: a learning rate that is far too high.

backtrack sweep hot_learning_rate --task examples/hot_learning_rate.py --runs 120
"""

from __future__ import annotations

import math
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
    optimiser = torch.optim.SGD(model.parameters(), lr=float(config["lr"]))
    for epoch in range(6):
        if config["schedule"] == "cosine":
            optimiser.param_groups[0]["lr"] = float(config["lr"]) * (1 + math.cos(math.pi * epoch / 6)) / 2
        for batch in torch.randperm(800).split(int(config["batch_size"])):
            logits = model(IMAGES[TRAIN][batch])
            loss = nn.functional.cross_entropy(logits, LABELS[TRAIN][batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            wrong = model(IMAGES[VALID]).argmax(1) != LABELS[VALID]
        yield {"error": wrong.float().mean().item()}


task = FunctionTask(
    name="hot_learning_rate",
    run=run,
    metric="error",
    mode="min",
    chance=0.9,
    factors=[
        Categorical("schedule", ["constant", "cosine"]),
        Categorical("width", [16, 64]),
        Categorical("activation", ["relu", "tanh"]),
        Categorical("batch_size", [32, 64]),
        Numeric("lr", 0.003, 30.0, log=True),
    ],
)
