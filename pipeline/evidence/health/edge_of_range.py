"""The best level lies at the edge of its range: the best one may lie beyond."""

from __future__ import annotations

from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.health.examined import Examined, Flag
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Categorical, Numeric

ABOUT = "the best level of an active numeric factor is the first or last of its range, and the curve still climbs there"
# Of a scale that is read at 21 points: how far inside the edge it is compared with, and by how much of the edge's own
# uncertainty it must be better.
INSIDE, CLEARLY = 4, 0.5


def look(examined: Examined) -> Flag | None:
    """Flags active factors whose best level is an edge; names the range to try."""
    better = examined.gain.response.better
    found: list[str] = []
    ranges: list[str] = []
    for effect in examined.gain.factors:
        if effect.verdict != "active" or effect.partners:
            continue
        edge = _edge(effect, better)
        if edge:
            found.append(effect.factor.name)
            ranges.append(edge)
    if not found:
        return None
    return Flag(
        name="edge_of_range",
        measured=f"the best level of {', '.join(found)} lies at the edge of its range",
        means="the best level may lie beyond what was tried",
        remedy=f"try {'; '.join(ranges)}",
        factors=tuple(found),
    )


def _edge(effect: FactorEffect, better: int) -> str:
    """The range to try, or empty where the best level lies inside."""
    factor = effect.factor
    if isinstance(factor, Numeric):
        inside = INSIDE
    elif isinstance(factor, Categorical) and len(factor.levels) > 2 and all(map(_is_number, factor.levels)):
        inside = 1
    else:
        return ""
    points = sorted(effect.levels, key=lambda one: float(one.level))
    means = [better * one.mean for one in points]
    if len(points) <= inside:
        return ""
    for end, inner, beyond in ((0, inside, -1), (len(points) - 1, len(points) - 1 - inside, 1)):
        reach = (points[end].high - points[end].low) / 2
        if means[end] == max(means) and means[end] - means[inner] > CLEARLY * reach:
            return _beyond(effect, beyond)
    return ""


def _is_number(level: object) -> bool:
    return isinstance(level, (int, float)) and not isinstance(level, bool)


def _beyond(effect: FactorEffect, side: int) -> str:
    """A range as wide, half of which lies beyond the edge."""
    factor = effect.factor
    if isinstance(factor, Numeric):
        low, high = float(factor.low), float(factor.high)
        log = factor.log
    else:
        numbers = sorted(float(one) for one in factor.levels if _is_number(one))
        low, high = numbers[0], numbers[-1]
        log = low > 0 and high / low > 20
    if log:
        half = (high / low) ** 0.5
        new = (low / half, high / half) if side < 0 else (low * half, high * half)
    else:
        half = (high - low) / 2
        new = (low - half, high - half) if side < 0 else (low + half, high + half)
    return f"{factor.name} from {label(float(f'{new[0]:.2g}'))} to {label(float(f'{new[1]:.2g}'))}"
