"""How far a factor's effect depends on another factor's level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from backtrack.evidence.effects.coding import Term
from backtrack.evidence.effects.model import Model, product
from backtrack.evidence.effects.relevance import variance_share
from backtrack.evidence.frame import Floats
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.linear import Added, contrast, interaction, wald
from backtrack.vocabulary.factors import Numeric

# Two points of each of two factors, as indices.
Steps = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class InteractionEffect:
    """How much a factor's effect depends on another factor's level.

    Args:
        factor_a, factor_b: the pair.
        effect, low, high: the largest difference of differences between two levels of each, with its interval.
        p, p_adjusted: robust F-test, Holm over all pairs asked of this response.
        matters: whether it explains a share of the variance that counts.
        verdict: active or undecided; of runs that results chose, "goes with" in the place of active.
        best_a, best_b: of an active pair `(level of the other factor, best level of this one there)`, as text.
    """

    factor_a: str
    factor_b: str
    effect: float
    low: float
    high: float
    p: float
    p_adjusted: float
    matters: bool
    verdict: str
    best_a: tuple[tuple[str, str], ...] = ()
    best_b: tuple[tuple[str, str], ...] = ()


def interaction_effects(response: Response, model: Model | None) -> list[InteractionEffect]:
    """How much factors' effects depend on each other: every pair, strongest first; not yet adjusted, no verdicts.

    Each pair's products are added to the model, one pair at a time, and tested together; pairs that are in the model
    already are tested there. Where some levels never occur together, the others are asked; a pair of which nothing can
    be estimated is left out.
    """
    if model is None or not len(response.y):
        return []
    effects = []
    for a, b in combinations(model.terms, 2):
        left, right = model.terms[a], model.terms[b]
        if not left.paired or not right.paired:
            continue
        added = joint_coefficients(model, a, b)
        known = np.isfinite(added.beta)
        steps = seen_steps(left, right, model, added) if known.any() else []
        if steps:
            estimate, low, high = _largest_difference(left, right, added, steps)
            columns = product(left.pair_columns, right.pair_columns)
            explained = variance_share(columns @ np.nan_to_num(added.beta), response.y, int(known.sum()), model.fit.sd)
            counts = response.kind.of_failures or explained >= response.least
            effect, low, high = response.kind.shown(estimate, max(0.0, low), high)
            cov, influence = added.cov[np.ix_(known, known)], added.influence[known]
            p = wald(added.beta[known], cov, influence, added.dof if model.fit.even else None)
            effects.append(
                InteractionEffect(
                    factor_a=a,
                    factor_b=b,
                    effect=effect,
                    low=low,
                    high=high,
                    p=p,
                    p_adjusted=1.0,
                    matters=counts,
                    verdict="undecided",
                )
            )
    return sorted(effects, key=lambda e: (e.p, -e.effect))


def joint_coefficients(model: Model, a: str, b: str) -> Added:
    """The coefficients of the products of two factors' columns, added to the model or in it; NaN: inestimable."""
    left, right = model.terms[a], model.terms[b]
    if not model.holds(a, b):
        return interaction(product(left.pair_columns, right.pair_columns), model.fit)
    block, size = model.blocks[(a, b)], left.pair_codes.shape[1] * right.pair_codes.shape[1]
    span, own = block.span, block.own
    beta, cov, influence = np.full(size, np.nan), np.full((size, size), np.nan), np.zeros((size, len(model.response.y)))
    beta[own], cov[np.ix_(own, own)] = model.fit.beta[span], model.fit.cov[np.ix_(span, span)]
    influence[own] = model.fit.influence[span]
    return Added(beta, cov, model.fit.dof, influence, model.fit.settled)


def seen_steps(left: Term, right: Term, model: Model, added: Added) -> list[Steps]:
    """Two points of each factor, as indices, that were seen together in all four combinations: ((i, j), (k, m)).

    Args:
        left, right: the factors.
        model: with their runs.
        added: their `joint_coefficients`; where all can be estimated, no combination is missing.
    """
    frame = model.response.frame
    seen = np.ones((len(left.points), len(right.points)), bool)
    whole = np.isfinite(added.beta).all()
    if not whole and not isinstance(left.factor, Numeric) and not isinstance(right.factor, Numeric):
        there = [[frame.levels[term.name] == point for point in term.points] for term in (left, right)]
        seen = np.array([[(one & other).any() for other in there[1]] for one in there[0]])
    return [
        (rows, columns)
        for rows in combinations(compared(left), 2)
        for columns in combinations(compared(right), 2)
        if seen[np.ix_(rows, columns)].all()
    ]


def compared(term: Term, joint: bool = True) -> list[int]:
    """Indices of the points that contrasts compare: of a numeric factor its ends and middle, else all.

    Args:
        term: the factor.
        joint: in interactions: those that take part in products.
    """
    if isinstance(term.factor, Numeric):
        return [0, len(term.points) // 2, len(term.points) - 1]
    return term.paired if joint else list(range(len(term.points)))


def difference_of_differences(left: Term, right: Term, steps: Steps) -> Floats:
    """(k,) weights of the products' coefficients: b's effect between two of its points at a's later point, less that at
    its earlier one."""
    (low_a, high_a), (low_b, high_b) = steps
    codes_a, codes_b = left.pair_codes, right.pair_codes
    return product((codes_a[high_a] - codes_a[low_a])[None], (codes_b[high_b] - codes_b[low_b])[None])[0]


def _largest_difference(left: Term, right: Term, added: Added, steps: Sequence[Steps]) -> tuple[float, float, float]:
    """The largest difference of differences over pairs of levels of both factors, with its interval."""
    weights = np.array([difference_of_differences(left, right, one) for one in steps])
    # What cannot be estimated counts zero: it cancels between levels that were seen together.
    known = replace(added, beta=np.nan_to_num(added.beta), cov=np.nan_to_num(added.cov))
    sizes = weights @ known.beta
    largest = int(np.argmax(np.abs(sizes)))
    found = contrast(weights[largest] * (np.sign(sizes[largest]) or 1.0), known)
    return found.estimate, *found.interval()
