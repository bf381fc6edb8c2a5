"""A part of a search space: fewer levels, some factors fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backtrack.errors import SpaceError
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Categorical, Claim, Factor, Numeric, describe_levels
from backtrack.vocabulary.space import SearchSpace


def narrow(space: SearchSpace, kept: Mapping[str, Any]) -> tuple[SearchSpace, dict[str, Level]]:
    """The space with fewer levels.

    Args:
        space: the factors.
        kept: for every factor the levels that stay (a list), or for a numeric one an interval (a pair).

    Returns:
        The factors that still vary, with their conditions; and those left with one level, with that level.

    Raises:
        SpaceError: where nothing varies any more.
    """
    factors: list[Factor] = []
    fixed: dict[str, Level] = {}
    gone: set[str] = set()
    for factor in space:
        when: dict[str, list[Level]] = {}
        exists = True
        for parent, allowed in (factor.when or {}).items():
            if parent in gone or (parent in fixed and fixed[parent] not in allowed):
                exists = False
                break
            if parent not in fixed:
                left = [level for level in allowed if level in kept[parent]]
                if not left:
                    exists = False
                    break
                when[parent] = left
        own = kept[factor.name]
        if not exists:
            gone.add(factor.name)
        elif isinstance(own, tuple) and isinstance(factor, Numeric):
            factors.append(
                replace(
                    factor,
                    low=own[0],
                    high=own[1],
                    when=when or None,
                    claims=factor.claims if own == (factor.low, factor.high) else (),
                )
            )
        elif len(own) == 1:
            # A conditional factor with one level left is set wherever its condition holds; `repair` sees to that.
            fixed[factor.name] = own[0]
        elif not isinstance(factor, Numeric) and len(own) == len(factor.levels):
            factors.append(replace(factor, when=when or None))
        else:
            factors.append(Categorical(factor.name, own, role=factor.role, when=when or None))
    if fixed and not factors:
        raise SpaceError(f"nothing is left to vary: every factor has one level ({', '.join(fixed)}); fix fewer")
    return SearchSpace(tuple(factors)), fixed


def whole(space: SearchSpace) -> dict[str, Any]:
    """What `narrow` keeps of a space where nothing is left out: a start to take levels from."""
    return {
        factor.name: (factor.low, factor.high) if isinstance(factor, Numeric) else list(factor.levels)
        for factor in space
    }


def fix(space: SearchSpace, levels: Mapping[str, Any]) -> tuple[SearchSpace, dict[str, Level]]:
    """The space with some factors at one level; claims that another level is about are dropped.

    Args:
        space: the factors.
        levels: as the factors spell them, or as text.

    Raises:
        SpaceError: for an unknown factor or level.
    """
    kept = whole(space)
    for name, text in levels.items():
        kept[name] = [_level(space[name], text)]
    rest, fixed = narrow(space, kept)
    return SearchSpace(tuple(replace(factor, claims=_claims(factor, fixed)) for factor in rest)), fixed


def _level(factor: Factor, text: Any) -> Level:
    """The level of `factor` that `text` spells."""
    if isinstance(factor, Numeric):
        try:
            number: Level = int(text) if factor.integer else float(text)
        except ValueError:
            number = str(text)
        if factor.contains(number):
            return number
    elif factor.contains(text):
        return text  # type: ignore[no-any-return]
    else:
        for level in factor.levels:
            if label(level) == label(text):
                return level
    raise SpaceError(f"factor {factor.name!r} has no level {text!r}; expected one of {describe_levels(factor)}")


def _claims(factor: Factor, fixed: Mapping[str, Level]) -> tuple[Claim, ...]:
    """The claims that can still be judged, without the conditions that always hold now."""
    left = []
    for claim in factor.claims:
        if all(name not in fixed or label(fixed[name]) == label(level) for name, level in claim.where.items()):
            where = {name: level for name, level in claim.where.items() if name not in fixed}
            left.append(replace(claim, where=where))
    return tuple(left)
