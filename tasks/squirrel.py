"""squirrel: a character-level recurrent net tells what type of thing a line of text is about.

The question of the post "When the ML devil is a cute squirrel": why does such a net not learn? By default it tells
definitions of works of communication (a film, a book, a message) from other definitions; with `--data` and a
file of titles, movies from something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from backtrack.errors import DataError, TaskError
from backtrack.search_spaces.initialisation import INIT, initialise
from backtrack.search_spaces.optimisers import BATCH_SIZE, CLIP, LR, OPTIMISER, make_optimiser
from backtrack.search_spaces.reading_order import ORDER, arrange
from backtrack.search_spaces.recurrent import CELL, HIDDEN, READOUT, make_cell, read_out
from backtrack.search_spaces.weight_decay import DECAY_SCOPE, WEIGHT_DECAY, decay_groups
from backtrack.task import Data, TorchTask
from backtrack.task.data_files import check_schema, read_table

GLOSSES = Path(__file__).parent / "data" / "glosses.parquet"
GLOSS_COLUMNS = {"id": "string", "topic": "string", "definition": "string"}
TITLE_COLUMNS = {"show_id": "string", "kind": "string", "description": "string"}

# Symbols are byte values of ASCII; 0 pads, 127 stands for everything else.
SYMBOLS = 128
EMBEDDING = 32

DEFAULTS = {
    "data": "",  # a parquet file of titles; empty: the shipped definitions
    "rows": 4000,  # training lines
    "valid_rows": 2000,  # validation lines
    "length": 0,  # characters read of a line; 0: 80 of a definition, 150 of a synopsis
    "type": "",  # the type to be told; empty: communication, or movie with --data
    "against": "",  # what it is told from; empty: everything else
    "padding": "end",  # where short lines are filled up: "end", as batches usually are, or "start"
}


class SquirrelNet(nn.Module):
    """Embedding, one recurrent layer, read-out, linear layer to two logits.

    Args:
        config: levels of the factors below.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.order, self.how = str(config["order"]), str(config["readout"])
        self.both = self.order == "both"
        hidden = int(config["hidden"])
        self.embedding = nn.Embedding(SYMBOLS, EMBEDDING, padding_idx=0)
        self.cell = make_cell(str(config["cell"]), EMBEDDING, hidden, self.both)
        self.readout = nn.Linear(hidden, 2)
        initialise(config, self.embedding, self.cell, self.readout)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        """(batch, time) symbols to (batch, 2) logits."""
        symbols = arrange(symbols, self.order)
        states, _ = self.cell(self.embedding(symbols))
        return self.readout(read_out(states, symbols != 0, self.how, self.both))


def read_lines(options: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Identifier, type and text of every line of the data file that `options` name."""
    if options["data"]:
        table = read_table(options["data"], TITLE_COLUMNS)
        return tuple(table[name].to_pylist() for name in TITLE_COLUMNS)  # type: ignore[return-value]
    table = read_table(GLOSSES, GLOSS_COLUMNS)
    return tuple(table[name].to_pylist() for name in GLOSS_COLUMNS)  # type: ignore[return-value]


def check(options: Mapping[str, Any]) -> None:
    """Refuses a data file of another schema, or an unknown padding, before any trial starts."""
    if options["padding"] not in ("end", "start"):
        raise TaskError(f"option padding={options['padding']!r} of task 'squirrel': expected 'end' or 'start'")
    if options["data"]:
        check_schema(options["data"], TITLE_COLUMNS)


def load(options: Mapping[str, Any]) -> Data:
    """Balanced training and validation lines.

    Which lines are taken, and on which side of the split they fall, follows from a hash of their identifier:
    the same whatever the order of the file.

    Raises:
        DataError: where a type has too few lines.
    """
    wanted = options["type"] or ("movie" if options["data"] else "communication")
    identifiers, types, texts = read_lines(options)
    lines: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for identifier, kind, text in zip(identifiers, types, texts, strict=True):
        if kind == wanted or not options["against"] or kind == options["against"]:
            lines[kind == wanted].append((hashlib.sha256(identifier.encode()).hexdigest(), text))
    fewest = min(len(side) for side in lines.values())
    if fewest < 100:
        raise DataError(
            f"{options['data'] or GLOSSES} has {len(lines[True])} lines of type {wanted!r} and {len(lines[False])} "
            f"others; expected at least 100 of each; types found: {', '.join(sorted(set(map(str, types)))[:12])}"
        )
    held_out = min(int(options["valid_rows"]) // 2, fewest // 4)
    used = min(int(options["rows"]) // 2, fewest - held_out)
    length = int(options["length"]) or (150 if options["data"] else 80)
    sides = {side: [text for _, text in sorted(rows)] for side, rows in lines.items()}
    valid = [(text, side) for side, rows in sides.items() for text in rows[:held_out]]
    train = [(text, side) for side, rows in sides.items() for text in rows[held_out : held_out + used]]
    padding = str(options["padding"])
    return Data(*encode(train, length, padding), *encode(valid, length, padding))


def encode(lines: list[tuple[str, bool]], length: int, padding: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, length) symbols, padded at the "end" or the "start", and (N,) classes."""
    symbols = torch.zeros(len(lines), length, dtype=torch.long)
    for row, (text, _) in enumerate(lines):
        codes = [min(ord(character), SYMBOLS - 1) for character in text.lower()[:length]]
        first = length - len(codes) if padding == "start" else 0
        symbols[row, first : first + len(codes)] = torch.tensor(codes, dtype=torch.long)
    return symbols, torch.tensor([int(side) for _, side in lines])


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Share of lines whose larger logit is the right class."""
    return float((outputs.argmax(1) == targets).float().mean())


task = TorchTask(
    name="squirrel",
    data=load,
    model=SquirrelNet,
    loss=functional.cross_entropy,
    score=accuracy,
    metric="accuracy",
    mode="max",
    epochs=2,
    factors=[INIT, ORDER, READOUT, CELL, OPTIMISER, LR, WEIGHT_DECAY, DECAY_SCOPE, CLIP, HIDDEN, BATCH_SIZE],
    optimiser=lambda model, config: make_optimiser(
        str(config["optimiser"]), decay_groups(model, config, skip=("embedding",)), config
    ),
    defaults=DEFAULTS,
    check=check,
    description="character-level recurrent net: what type of thing is this line of text about?",
)
