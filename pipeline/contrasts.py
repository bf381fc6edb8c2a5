"""The contrasts that a task's claims name, and which runs of the claims stage were drawn for which."""

from __future__ import annotations

from typing import Any

from pipeline.plan import trial_number
from pipeline.space import Claim, Factor, SearchSpace, label


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


def contrast_number(space: SearchSpace, factor: str, claim: Claim) -> int | None:
    """Which of `contrasts_of` a claim is about; None for one that cannot be put to the test."""
    keys = [_key(own.name, first) for own, first in contrasts_of(space)]
    own = _key(factor, claim)
    return keys.index(own) if own in keys else None


def pair_of(trial: str, contrasts: int) -> tuple[int, int]:
    """(pair, contrast) that a trial of the claims stage belongs to.

    Trials 2k and 2k + 1 are the k-th pair; pairs take the contrasts in turn, so that a sweep that is cut short has some
    of each.
    """
    pair = trial_number(trial) // 2
    return pair, pair % contrasts


def _key(factor: str, claim: Claim) -> tuple[Any, ...]:
    # Which of the two levels is the claim's own makes no other contrast.
    where = frozenset((name, label(level)) for name, level in claim.where.items())
    return factor, frozenset({label(claim.level), label(claim.against)}), where
