"""Initialisation schemes of recurrent nets, component by component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from backtrack.search_spaces import SQUIRREL
from backtrack.vocabulary.factors import Claim, Composite

UNIFORM_RANGE = 0.1

INIT = Composite(
    "init",
    levels={
        "default": {"embedding": "default", "input": "default", "recurrent": "default", "readout": "default"},
        "heuristic": {"embedding": "uniform", "input": "uniform", "recurrent": "orthogonal", "readout": "uniform"},
        "orthogonal": {
            "embedding": "default",
            "input": "orthogonal",
            "recurrent": "orthogonal",
            "readout": "orthogonal",
        },
    },
    extra={"recurrent": ["uniform"]},
    description="initial weights: the framework's, U[-0.1, 0.1] with orthogonal recurrence, or orthogonal matrices",
    claims=(
        Claim(
            "with Adam, small uniform weights around an orthogonal recurrence stop the learning altogether",
            SQUIRREL,
            level="heuristic",
            against="default",
            response="failure",
            expect="worse",
            where={"optimiser": "adam"},
        ),
        Claim(
            "with the framework's own initialisation there is progress at once",
            SQUIRREL,
            level="default",
            against="heuristic",
            response="gain",
            expect="better",
        ),
    ),
)


@torch.no_grad()
def fill(weight: torch.Tensor, how: str, blocks: int = 1) -> None:
    """Overwrites `weight` in place.

    - `default`: left as the framework made it.
    - `uniform`: every entry from U[-0.1, 0.1].
    - `orthogonal`: each of `blocks` equal row blocks W satisfies W Wᵀ = I or WᵀW = I, whichever its shape
      allows (Saxe et al. 2013); a gated cell has one block a gate.

    Args:
        weight: (rows, columns) matrix.
        how: one of the above.
        blocks: gates that are stacked along the rows.

    Raises:
        ValueError: for another name.
    """
    if how == "default":
        return
    if how == "uniform":
        weight.uniform_(-UNIFORM_RANGE, UNIFORM_RANGE)
    elif how == "orthogonal":
        for block in weight.chunk(blocks):
            nn.init.orthogonal_(block)
    else:
        raise ValueError(f"initialisation {how!r} is not known; expected default, uniform or orthogonal")


def initialise(config: Mapping[str, Any], embedding: nn.Embedding, cell: nn.RNNBase, readout: nn.Linear) -> None:
    """Applies the components `init.embedding`, `init.input`, `init.recurrent`, `init.readout` of `config`.

    Biases stay as the framework made them: the posts speak of weights only. The row of the padding symbol
    stays zero.
    """
    fill(embedding.weight, config["init.embedding"])
    if embedding.padding_idx is not None:
        with torch.no_grad():
            embedding.weight[embedding.padding_idx].zero_()
    for name, weight in cell.named_parameters():
        gates = weight.shape[0] // cell.hidden_size
        if name.startswith("weight_ih"):
            fill(weight, config["init.input"], gates)
        elif name.startswith("weight_hh"):
            fill(weight, config["init.recurrent"], gates)
    fill(readout.weight, config["init.readout"])
