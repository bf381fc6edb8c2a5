"""The contrasts that a task's claims name."""

from __future__ import annotations

from typing import Any

from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Claim, Factor
from backtrack.vocabulary.space import SearchSpace


def contrasts_of(space: SearchSpace) -> list[tuple[Factor, Claim]]:
    """The contrasts that the claims of a space name, each once, with the first claim that names it.

    A claim that holds under a level of a factor that the space lacks cannot be put to the test, and is left out.
    """
    found: dict[tuple[Any, ...], tuple[Factor, Claim]] = {}
    names = {factor.name for factor in space}
    for factor in space:
        for claim in filter(lambda claim: names.issuperset(claim.where), factor.claims):
            found.setdefault(_key(factor.name, claim), (factor, claim))
    return list(found.values())


def contrast_question(factor: str, claim: Claim) -> str:
    """A contrast as the question of the pairs that are drawn for it: `order: reverse - forward`."""
    return f"{factor}: {claim.contrast}"


def question_of(space: SearchSpace, factor: str, claim: Claim) -> str:
    """The question that a claim's pairs were drawn for; empty for a claim that cannot be put to the test.

    Claims on several responses of one contrast share its pairs.
    """
    own = _key(factor, claim)
    return next(
        (
            contrast_question(named.name, first)
            for named, first in contrasts_of(space)
            if _key(named.name, first) == own
        ),
        "",
    )


def _key(factor: str, claim: Claim) -> tuple[Any, ...]:
    # Which of the two levels is the claim's own makes no other contrast.
    where = frozenset((name, label(level)) for name, level in claim.where.items())
    return factor, frozenset({label(claim.level), label(claim.against)}), where
