"""Losses that learn from what is wrong: where negatives come from, how many, how they are scored, and norm control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from backtrack.search_spaces import OPPOSITE
from backtrack.task.intervention import AS_WRITTEN, Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.factors import Categorical, Claim

SAMPLED = ["logistic", "margin", "triplet"]

LOSS = Categorical(
    "loss",
    ["softmax", *SAMPLED],
    description="full softmax, logistic negative sampling, hinge on scores, triplet on distances",
)

NEGATIVES = Categorical(
    "negatives",
    ["uniform", "unigram", "same_topic", "other_topic", "in_batch", "semi_hard", "hard"],
    when={"loss": SAMPLED},
    description="where negatives come from; hard ones are the highest scores of a pool of 64 drawn uniformly",
    claims=(
        Claim("hard negatives help", OPPOSITE, level="hard", against="uniform"),
        Claim("negatives from the same topic help more than those from another", OPPOSITE, level="same_topic",
              against="other_topic"),
        Claim("trivial negatives leave no loss, and nothing is learnt", OPPOSITE, level="uniform", against="hard",
              response="gain_with_failures", expect="worse", where={"loss": "margin"}),
        Claim("hard negatives cost time", OPPOSITE, level="hard", against="uniform", response="epoch_time",
              expect="worse"),
    ),
)  # fmt: skip

NUMBER = Categorical("number", [1, 5, 20], when={"loss": SAMPLED}, description="negatives for each example")

MARGIN = Categorical(
    "margin", [0.2, 1.0], when={"loss": ["margin", "triplet"]}, description="what a negative must keep"
)

NORM = Categorical(
    "norm",
    ["free", "ball", "sphere", "l2"],
    description="embeddings free, projected into the unit ball, normalised to the unit sphere, or shrunk by L2 decay",
    claims=(
        Claim("bounding the norm learns better than L2 decay, which keeps shrinking", OPPOSITE, level="ball",
              against="l2"),
    ),
)  # fmt: skip

POOL = 64
UNIGRAM_POWER = 0.75
L2 = 1e-4


def draw_negatives(
    how: str,
    number: int,
    targets: torch.Tensor,
    counts: torch.Tensor,
    topics: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Candidates for negatives.

    - `uniform`: every class equally often; `hard` and `semi_hard` draw a pool of `POOL` so, and choose later.
    - `unigram`: in proportion to countᵖ with p = 0.75 (Mikolov et al. 2013).
    - `same_topic`, `other_topic`: uniformly among classes of the target's topic, or of all other topics.
    - `in_batch`: targets of other examples of the batch.

    Args:
        how, number: levels of the factors.
        targets: (batch,) right classes.
        counts: (classes,) training examples of each class.
        topics: (classes,) topic of each class.
        generator: of the random numbers.

    Returns:
        (batch, m) classes; a candidate may be the target itself, which `choose` masks.

    Raises:
        ValueError: for another name.
    """
    size, classes = len(targets), len(counts)
    if how in ("hard", "semi_hard"):
        return torch.randint(classes, (size, POOL), generator=generator)
    if how == "uniform":
        return torch.randint(classes, (size, number), generator=generator)
    if how == "unigram":
        weights = counts.double() ** UNIGRAM_POWER
        return torch.multinomial(weights, size * number, replacement=True, generator=generator).view(size, number)
    if how == "in_batch":
        steps = torch.randint(1, max(2, size), (size, number), generator=generator)
        return targets[(torch.arange(size)[:, None] + steps) % size]
    if how in ("same_topic", "other_topic"):
        order = torch.argsort(topics, stable=True)
        sizes = torch.bincount(topics)
        starts = torch.cumsum(sizes, 0) - sizes
        own = topics[targets]
        share = torch.rand(size, number, generator=generator)
        if how == "same_topic":
            places = starts[own][:, None] + (share * sizes[own][:, None]).long()
        else:
            places = (share * (classes - sizes[own])[:, None]).long()
            places = torch.where(places >= starts[own][:, None], places + sizes[own][:, None], places)
        return order[places.clamp_max(classes - 1)]
    raise ValueError(f"negatives {how!r} are not known; expected one of {NEGATIVES.levels}")


def choose(how: str, number: int, positive: torch.Tensor, scores: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    """(batch, k) which candidates become negatives, k = min(number, m).

    - `hard`: the highest scores.
    - `semi_hard`: the highest scores below the positive's (Schroff et al. 2015), or the lowest where there is none.
    - others: all of them.

    Args:
        positive: (batch, 1) scores of the targets.
        scores: (batch, m) scores of the candidates.
        wrong: (batch, m) False where a candidate is the target itself.
    """
    if how not in ("hard", "semi_hard"):
        return torch.arange(scores.shape[1]).expand(len(scores), -1)
    ranked = scores.masked_fill(~wrong, -torch.inf)
    if how == "semi_hard":
        # Above the positive, the least wrong come last: all of them below every candidate that is semi-hard.
        # In double precision: beside so large a number, single precision would make ties of close scores.
        ranked = torch.where(ranked < positive, ranked.double(), -1e6 - ranked.double().clamp(max=1e5))
    return ranked.topk(min(number, scores.shape[1]), dim=1).indices


def sampled_loss(
    kind: str, margin: float, anchor: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor, wrong: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of a batch and the share of its negatives that have any.

    With scores s = a · c, distances d = ‖a - c‖ and margin m, summed over negatives and averaged over the batch:

    - `logistic`: -log σ(s⁺) - Σ log σ(-s⁻); a negative is active where σ(s⁻) > 0.01;
    - `margin`: Σ max(0, m - s⁺ + s⁻);
    - `triplet`: Σ max(0, m + d⁺ - d⁻).

    Args:
        kind, margin: levels.
        anchor: (batch, d).
        positive: (batch, d) embeddings of the targets.
        negative: (batch, k, d).
        wrong: (batch, k) False where a negative is the target itself: it counts nothing.

    Raises:
        ValueError: for another name.
    """
    keep = wrong.float()
    if kind == "triplet":
        near = functional.pairwise_distance(anchor, positive)[:, None]
        far = functional.pairwise_distance(anchor[:, None, :], negative)
        losses = torch.relu(margin + near - far) * keep
        active = losses > 0
        total = losses.sum(1)
    else:
        right = (anchor * positive).sum(1, keepdim=True)
        others = (anchor[:, None, :] * negative).sum(2)
        if kind == "margin":
            losses = torch.relu(margin - right + others) * keep
            active = losses > 0
            total = losses.sum(1)
        elif kind == "logistic":
            losses = functional.softplus(others) * keep
            active = (torch.sigmoid(others) > 0.01) & wrong
            total = losses.sum(1) + functional.softplus(-right).squeeze(1)
        else:
            raise ValueError(f"loss {kind!r} is not known; expected one of {LOSS.levels}")
    return total.mean(), active.float().sum() / keep.sum().clamp_min(1)


def restrict(weights: torch.Tensor, config: Mapping[str, Any]) -> torch.Tensor:
    """Embeddings as they are used: on the unit sphere where `norm=sphere`, else as they are; (n, d)."""
    return functional.normalize(weights, dim=-1) if config["norm"] == "sphere" else weights


@torch.no_grad()
def project(weights: torch.Tensor) -> None:
    """Projects each row of (n, d) into the unit ball, in place: w ← w / max(1, ‖w‖)."""
    weights.div_(weights.norm(dim=1, keepdim=True).clamp_min(1.0))


# Losses of one answer, yes or no; and a batch of which so few are yes that most of its loss is of negatives.
YES_OR_NO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
FEW = 0.35


def _hardest(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    few = loss.get("name") in YES_OR_NO and loss.get("binary") and 0 < loss.get("mean", 1.0) < FEW
    return {"hard": "the loss of positives, and of as many negatives with the highest loss"} if few else {}


def _keep_hardest(training: Training, level: str) -> None:
    def change(call: LossCall) -> None:
        if call.name not in YES_OR_NO or not call.training or call.output.shape != call.target.shape:
            return
        # The higher the output, the higher the loss of a negative, whatever the form.
        positive = call.target > 0.5
        negatives = (~positive).sum()
        count = int(min(negatives, positive.sum().clamp_min(1)))
        if count == int(negatives):
            return
        outputs = call.output.detach().masked_fill(positive, -float("inf"))
        kept = positive.clone().flatten()
        kept[outputs.flatten().topk(count).indices] = True
        weight = kept.to(call.output.dtype).reshape(call.output.shape) * (kept.numel() / kept.sum())
        own = call.options.get("weight")
        call.options = {**call.options, "weight": weight if own is None else weight * own}

    training.at_loss(change)


HARD_NEGATIVES = Intervention(
    "hard_negatives",
    what="of the negatives of a batch only those with the highest loss count, as many as there are positives",
    source=f"{OPPOSITE}; Shrivastava, Gupta & Girshick, Online hard example mining (2016)",
    levels=_hardest,
    apply=_keep_hardest,
    on_suspicion=True,
    size=2,
    points=("collapsed_predictions", "constant_output"),
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
    tricks=_hardest,
    claims=(
        Claim("hard negatives help", OPPOSITE, level="hard", against=AS_WRITTEN, response="gain", expect="better"),
    ),
    cannot="negatives that are drawn by the program itself, of which it decides how many there are",
)
