"""Which level of a factor is best given the level of another, where their effects depend on each other."""

from __future__ import annotations

import numpy as np

from backtrack.evidence.effects.interactions import compared, joint_coefficients
from backtrack.evidence.effects.model import Model, product


def best_given(model: Model, factor: str, other: str) -> tuple[tuple[str, str], ...]:
    """`(level of the other, best level of the factor there)` for each level of the other, as text.

    Of a numeric factor its ends and its middle stand for the scale.

    Args:
        model: all factors at once; the pair may be in it or not.
        factor, other: names.
    """
    a, b = model.pair(factor, other)
    added = np.nan_to_num(joint_coefficients(model, a, b).beta)
    own, given = model.terms[factor], model.terms[other]
    levels = compared(own, joint=False)
    by_itself = own.codes[levels] @ model.fit.beta[model.span(factor)]
    found = []
    for point in compared(given, joint=False):
        code = given.pair_codes[[point]]
        left, right = (own.pair_codes[levels], code) if a == factor else (code, own.pair_codes[levels])
        rows = [product(one[None], two[None])[0] for one in left for two in right]
        total = model.response.better * (by_itself + np.array(rows) @ added)
        found.append((given.labels[point], own.labels[levels[int(np.argmax(total))]]))
    return tuple(found)
