"""How sure a factor's place in the ranking is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtrack.evidence.effects.coding import Term
from backtrack.evidence.effects.model import Model

DRAWS = 2000
LEVEL = 0.95


def rank_intervals(terms: Sequence[Term], model: Model | None) -> dict[str, tuple[int, int]]:
    """95 % intervals of each factor's rank by the size of its effect (1 = largest).

    The coefficients of all factors are drawn again and again from their joint normal distribution (estimate and robust
    covariance); each draw ranks the factors by the difference between their outermost levels. Factors that the model
    does not hold, or a response without a model, may have any rank.

    Args:
        terms: the factors that were asked about.
        model: all of them at once, or None.
    """
    anywhere = {term.name: (1, len(terms)) for term in terms}
    if model is None:
        return anywhere
    held = [term for term in terms if model.holds(term.name)]
    if not held:
        return anywhere
    rng = np.random.default_rng(len(model.response.y))
    # Half of the matrix's rounding may make it slightly indefinite; its square root is taken by eigenvalues.
    values, vectors = np.linalg.eigh((model.fit.cov + model.fit.cov.T) / 2)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    draws = model.fit.beta + rng.standard_normal((DRAWS, len(values))) @ root.T
    ranges = np.stack([np.ptp(draws[:, model.span(term.name)] @ term.codes.T, axis=1) for term in held], axis=1)
    ranks = (-ranges).argsort(axis=1).argsort(axis=1) + 1
    tail = (1 - LEVEL) / 2
    ends = np.quantile(ranks, [tail, 1 - tail], axis=0, method="nearest")
    spread = {term.name: (int(low), int(high)) for term, low, high in zip(held, *ends, strict=True)}
    return {**anywhere, **spread}
