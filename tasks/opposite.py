"""opposite: from the words of a definition to the kind of thing that it defines, among more than a thousand kinds.

The question of the post "The opposite of something": what should a model be told that something is *not*? Trivial
negatives teach nothing; hard ones cost time.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from backtrack.search_spaces.negatives import (
    L2,
    LOSS,
    MARGIN,
    NEGATIVES,
    NORM,
    NUMBER,
    choose,
    draw_negatives,
    project,
    restrict,
    sampled_loss,
)
from backtrack.task import FunctionTask
from backtrack.task.data_files import read_table
from backtrack.vocabulary.factors import Numeric

GLOSSES = Path(__file__).parent / "data" / "glosses.parquet"
COLUMNS = {"id": "string", "topic": "string", "kind_id": "string", "definition": "string"}
FEWEST_MEMBERS = 10
WORDS_READ = 24
BATCH = 256

LR = Numeric("lr", 3e-3, 3e-2, log=True, role="nuisance", description="learning rate of Adam")

DEFAULTS = {
    "rows": 16000,  # training definitions
    "valid_rows": 2000,  # held-out definitions
    "epochs": 3,  # passes over them
    "width": 64,  # of the embeddings
}


@lru_cache(maxsize=2)
def load(rows: int, valid_rows: int) -> dict[str, Any]:
    """Definitions as word numbers, their kinds, and what is known of the kinds.

    Which definitions are held out follows from a hash of their identifier.

    Returns:
        words (n, 24), 0 = none; kinds (n,); the same as valid_words, valid_kinds; counts (kinds,); topics (kinds,) and
        their names, topic_names.
    """
    table = read_table(GLOSSES, COLUMNS).to_pylist()
    members = Counter(row["kind_id"] for row in table if row["kind_id"])
    usable = [row for row in table if members.get(row["kind_id"], 0) >= FEWEST_MEMBERS]
    usable.sort(key=lambda row: hashlib.sha256(row["id"].encode()).hexdigest())
    numbers = {kind: number for number, kind in enumerate(sorted({row["kind_id"] for row in usable}))}
    common = Counter(word for row in usable for word in set(_words(row["definition"])))
    vocabulary = {word: number for number, (word, count) in enumerate(sorted(common.items()), 1) if count >= 3}
    words = torch.zeros(len(usable), WORDS_READ, dtype=torch.long)
    for place, row in enumerate(usable):
        codes = [vocabulary.get(word, 0) for word in _words(row["definition"])[:WORDS_READ]]
        words[place, : len(codes)] = torch.tensor(codes, dtype=torch.long)
    kinds = torch.tensor([numbers[row["kind_id"]] for row in usable])
    names = sorted({row["topic"] for row in usable})
    votes = torch.zeros(len(numbers), len(names))
    for row, kind in zip(usable, kinds.tolist(), strict=True):
        votes[kind, names.index(row["topic"])] += 1
    train = slice(valid_rows, valid_rows + rows)
    return {
        "words": words[train],
        "kinds": kinds[train],
        "valid_words": words[:valid_rows],
        "valid_kinds": kinds[:valid_rows],
        "counts": torch.bincount(kinds[train], minlength=len(numbers)),
        "topics": votes.argmax(1),
        "topic_names": names,
        "vocabulary": torch.tensor(max(vocabulary.values()) + 1),
    }


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def train(
    config: Mapping[str, Any],
    seed: int,
    options: Mapping[str, Any],
    only_topic: str | None = None,
    judged_topics: Sequence[str] = (),
) -> Iterator[dict[str, float]]:
    """Trains the embeddings; reports the validation metrics after every epoch.

    Args:
        config, seed, options: of a training run.
        only_topic: the topic whose kinds are the only negatives, drawn uniformly; None for the config's own source.
        judged_topics: topics whose definitions are judged by themselves as well, as `mrr/TOPIC`.

    Yields:
        mrr (mean reciprocal rank of the right kind), hits10, loss, active (share of negatives with a loss; 1 for the
        softmax), norm (mean norm of the kinds' embeddings).
    """
    data = load(int(options["rows"]), int(options["valid_rows"]))
    names = data["topic_names"]
    if only_topic is not None:
        data = {**data, "pool": (data["topics"] == names.index(only_topic)).nonzero().flatten()}
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    width = int(options["width"])
    words = nn.EmbeddingBag(int(data["vocabulary"]), width, mode="mean", padding_idx=0)
    kinds = nn.Embedding(len(data["counts"]), width)
    nn.init.normal_(words.weight, std=width**-0.5)
    nn.init.normal_(kinds.weight, std=width**-0.5)
    decay = L2 if config["norm"] == "l2" else 0.0
    optimiser = torch.optim.Adam([*words.parameters(), *kinds.parameters()], lr=float(config["lr"]), weight_decay=decay)
    for _ in range(int(options["epochs"])):
        losses, shares = [], []
        for batch in torch.randperm(len(data["words"]), generator=generator).split(BATCH):
            loss, active = _step(
                config, words(data["words"][batch]), kinds.weight, data, data["kinds"][batch], generator
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if config["norm"] == "ball":
                project(kinds.weight)
                project(words.weight)
            losses.append(loss.item())
            shares.append(active.item())
        anchor, targets = words(data["valid_words"]).detach(), data["valid_kinds"]
        by_topic = {}
        for topic in judged_topics:
            own = data["topics"][targets] == names.index(topic)
            by_topic[f"mrr/{topic}"] = _judge(config, anchor[own], kinds.weight.detach(), targets[own])["mrr"]
        yield {
            **_judge(config, anchor, kinds.weight.detach(), targets),
            **by_topic,
            "loss": sum(losses) / len(losses),
            "active": sum(shares) / len(shares),
            "norm": kinds.weight.detach().norm(dim=1).mean().item(),
        }


def _step(
    config: Mapping[str, Any],
    anchor: torch.Tensor,
    weights: torch.Tensor,
    data: Mapping[str, Any],
    targets: torch.Tensor,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of a batch and its share of active negatives."""
    anchor = restrict(anchor, config)
    if config["loss"] == "softmax":
        return functional.cross_entropy(anchor @ restrict(weights, config).T, targets), torch.tensor(1.0)
    how, number = str(config["negatives"]), int(config["number"])
    if "pool" in data:
        drawn = data["pool"][torch.randint(len(data["pool"]), (len(targets), number), generator=generator)]
    else:
        drawn = draw_negatives(how, number, targets, data["counts"], data["topics"], generator)
    positive = restrict(functional.embedding(targets, weights), config)
    with torch.no_grad():
        scores = (anchor[:, None, :] * restrict(functional.embedding(drawn, weights), config)).sum(2)
        right = (anchor * positive).sum(1, keepdim=True)
        drawn = drawn.gather(1, choose(how, number, right, scores, drawn != targets[:, None]))
    negative = restrict(functional.embedding(drawn, weights), config)
    return sampled_loss(
        str(config["loss"]), float(config.get("margin", 0.0)), anchor, positive, negative, drawn != targets[:, None]
    )


@torch.no_grad()
def _judge(
    config: Mapping[str, Any], anchor: torch.Tensor, weights: torch.Tensor, targets: torch.Tensor
) -> dict[str, float]:
    """Mean reciprocal rank and hits@10 among all kinds: by distance for the triplet loss, else by score."""
    anchor, kinds = restrict(anchor, config), restrict(weights, config)
    scores = -torch.cdist(anchor, kinds) if config["loss"] == "triplet" else anchor @ kinds.T
    own = scores.gather(1, targets[:, None])
    # Ties count against: a model that scores all alike must not look perfect.
    ranks = (scores >= own).sum(1).float()
    return {"mrr": float((1 / ranks).mean()), "hits10": float((ranks <= 10).float().mean())}


# A random order of 1,625 kinds has a mean reciprocal rank of H(n) / n = .0049; always answering the commonest kinds
# reaches about .02.
task = FunctionTask(
    name="opposite",
    run=train,
    metric="mrr",
    mode="max",
    factors=[LOSS, NEGATIVES, NUMBER, MARGIN, NORM, LR],
    chance=0.02,
    noise=0.004,
    defaults=DEFAULTS,
    description="from a definition's words to its kind: what should a model be told that something is not?",
)
