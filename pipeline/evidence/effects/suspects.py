"""What the screen suspects and has not settled, each as one contrast of two levels that fresh runs can test.

The stage that plans those runs and the analysis that judges them both call `suspects_of` on the screen's runs, so that
nothing has to be kept between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import stats

from backtrack.evidence.effects.effects import FactorTest
from backtrack.evidence.effects.interactions import (
    InteractionEffect,
    compared,
    difference_of_differences,
    joint_coefficients,
    seen_steps,
)
from backtrack.evidence.effects.model import Model
from backtrack.evidence.frame import Floats, Frame, Mask
from backtrack.evidence.statistics.linear import Contrast, Fit, contrast, fit, independent
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric

# Of the error rate of each question, what the screen's own p-value may use; the rest is for screen and fresh runs
# together. Valid by the union bound, however the suspects are chosen.
SCREEN_SHARE = 0.5
# A question with a raw p above these after the screen is not worth fresh runs.
SUSPICIOUS_FACTOR, SUSPICIOUS_PAIR = 0.5, 0.1
# Fresh runs for each question: with fewer, none would be settled.
RUNS_A_SUSPECT = 5


@dataclass(frozen=True)
class Suspect:
    """One question for fresh runs.

    Args:
        names: one factor, or two whose effects may depend on each other.
        low, high: for each, the two levels that are compared: labels, or shares of a numeric scale.
        sign: of the effect that the screen saw, (high - low) or the difference of such differences.
        error: its standard error there.
    """

    names: tuple[str, ...]
    low: tuple[object, ...]
    high: tuple[object, ...]
    sign: float
    error: float


def suspects_of(
    tests: Sequence[FactorTest],
    pairs: Sequence[InteractionEffect],
    adjusted: Sequence[float],
    model: Model | None,
    alpha: float,
    runs: int,
) -> list[Suspect]:
    """The questions that fresh runs should be spent on, the most promising first.

    Args:
        tests, pairs: of the screen.
        adjusted: their adjusted p-values, tests first.
        model: of the screen.
        alpha: error rate.
        runs: how many fresh runs there are.
    """
    if model is None:
        return []
    most = max(1, runs // RUNS_A_SUSPECT)
    chosen: list[tuple[float, tuple[str, ...]]] = []
    for test, p in zip(tests, adjusted[: len(tests)], strict=True):
        scientific = test.term.factor.role == "scientific"
        if scientific and alpha * SCREEN_SHARE <= p and test.p < SUSPICIOUS_FACTOR and model.holds(test.term.name):
            chosen.append((test.p, (test.term.name,)))
    for pair, p in zip(pairs, adjusted[len(tests) :], strict=True):
        roles = {model.terms[name].factor.role for name in (pair.factor_a, pair.factor_b)}
        if roles == {"scientific"} and alpha * SCREEN_SHARE <= p and pair.p < SUSPICIOUS_PAIR:
            # There are far more pairs than factors: the surest of them come before doubtful factors.
            chosen.append((pair.p * 5, (pair.factor_a, pair.factor_b)))
    cut: dict[str, tuple[int, int]] = {}
    suspects = []
    for _, names in sorted(chosen)[:most]:
        suspect = _contrast(names, model, cut)
        if suspect is not None:
            suspects.append(suspect)
    return suspects


def _contrast(names: tuple[str, ...], model: Model, cut: dict[str, tuple[int, int]]) -> Suspect | None:
    """The clearest contrast between two levels of each factor; levels that an earlier suspect chose stay."""
    terms = [model.terms[name] for name in names]
    if len(terms) == 1:
        span = model.span(names[0])
        beta, cov = model.fit.beta[span], model.fit.cov[np.ix_(span, span)]
        codes, points = terms[0].codes, compared(terms[0], joint=False)
        options: list[tuple[tuple[tuple[int, int], ...], Floats]] = [
            (((low, high),), codes[high] - codes[low]) for low, high in combinations(points, 2)
        ]
    else:
        added = joint_coefficients(model, names[0], names[1])
        beta, cov = np.nan_to_num(added.beta), np.nan_to_num(added.cov)
        left, right = terms
        options = [
            (steps, difference_of_differences(left, right, steps)) for steps in seen_steps(left, right, model, added)
        ]
    best: tuple[float, float, float, tuple[tuple[int, int], ...]] | None = None
    for steps, row in options:
        if any(cut.get(name, two) != two for name, two in zip(names, steps, strict=True)):
            continue
        size, spread = float(row @ beta), float(row @ cov @ row)
        if spread > 0 and (best is None or size**2 / spread > best[0]):
            best = size**2 / spread, float(np.sign(size) or 1.0), float(np.sqrt(spread)), steps
    if best is None:
        return None
    _, sign, error, steps = best
    cut.update(zip(names, steps, strict=True))
    return Suspect(
        names,
        tuple(term.points[low] for term, (low, _) in zip(terms, steps, strict=True)),
        tuple(term.points[high] for term, (_, high) in zip(terms, steps, strict=True)),
        sign,
        error,
    )


def combined_p(
    p_screen: Mapping[tuple[str, ...], float], suspects: Sequence[Suspect], pooled: Model | None
) -> dict[tuple[str, ...], float]:
    """p-values from the screen and fresh runs together, valid although the screen chose what the fresh runs ask.

    For a suspect, p = min(p₁ / s, p₁₂ / (1 - s)), s = `SCREEN_SHARE`. p₁ is the screen's; p₁₂ joins it with p₂, the
    one-sided p-value of its contrast in the fresh runs alone, by the inverse normal method (Bauer & Köhne 1994;
    Lehmacher & Wassmer 1999): p₁₂ = 1 - Φ(√(1 - w) Φ⁻¹(1 - p₁) + √w Φ⁻¹(1 - p₂)). w is the fresh runs' share of the
    information on the contrast, which the two designs and the noise decide. For other questions it is p₁ / s.

    Args:
        p_screen: of each question, by its factors' names.
        suspects: in the order of `suspects_of`.
        pooled: the model of screen and fresh runs together.
    """
    found = {names: min(1.0, p / SCREEN_SHARE) for names, p in p_screen.items()}
    if pooled is None or not suspects:
        return found
    for suspect, fresh in zip(suspects, fresh_contrasts(suspects, pooled), strict=True):
        if fresh is None:
            continue
        deviates = stats.norm.isf(np.clip([p_screen[suspect.names], fresh.p_above], 1e-300, 1 - 1e-15))
        share = suspect.error**2 / max(suspect.error**2 + fresh.error**2, 1e-300)
        joined = float(stats.norm.sf(np.sqrt(1 - share) * deviates[0] + np.sqrt(share) * deviates[1]))
        found[suspect.names] = min(found[suspect.names], joined / (1 - SCREEN_SHARE))
    return found


def fresh_contrasts(suspects: Sequence[Suspect], pooled: Model) -> list[Contrast | None]:
    """Each suspect's contrast in the fresh runs, positive as the screen saw it; None where they cannot tell.

    In a model of all runs in which the suspects' coefficients are apart for screen and fresh runs, while all else is
    shared: other factors, the seeds' luck, the noise. Two dozen fresh runs then need not estimate those anew. What the
    screen got wrong about them is independent of the suspects' levels, which the fresh design randomises.
    """
    response = pooled.response
    fresh = response.frame.stage != "screen"
    columns = pooled.columns.copy()
    for suspect in suspects:
        columns[np.ix_(fresh, pooled.span(*suspect.names))] = 0.0
    # Codes of ±1 make a coefficient of half a difference, and a quarter of a difference of differences.
    own = [_column(suspect, response.frame) * fresh * suspect.sign / 2 ** len(suspect.names) for suspect in suspects]
    columns = np.column_stack([columns, fresh.astype(float), *own])
    kept = independent(columns)
    fitted = fit(columns[:, kept], response.y, pooled.fit.root**2)
    if pooled.fit.even:
        fitted = fitted.assuming_even_noise()
    first = columns.shape[1] - len(suspects)
    found: list[Contrast | None] = []
    for number in range(first, columns.shape[1]):
        if number not in kept:
            found.append(None)
            continue
        one = contrast(np.eye(len(kept))[kept.index(number)], fitted)
        # What the shared model misses there (a weak interaction of two suspects) is noise of the fresh runs' own.
        found.append(replace(one, error=one.error * _excess(fitted, fresh)) if fitted.even else one)
    return found


def _excess(fitted: Fit, some: Mask) -> float:
    """How many times the noise of the others that of `some` runs is, at least once."""
    squares, spare = fitted.residuals**2, 1 - fitted.leverage
    ours, theirs = (float(squares[rows].sum() / spare[rows].sum()) for rows in (some, ~some))
    return max(1.0, float(np.sqrt(ours / theirs))) if theirs > 0 else 1.0


def _column(suspect: Suspect, frame: Frame) -> Floats:
    """(n,) +1 at the high level, -1 at the low one, 0 elsewhere; for a pair the product."""
    column = np.ones(len(frame))
    for name, low, high in zip(suspect.names, suspect.low, suspect.high, strict=True):
        factor = frame.space[name]
        levels = frame.levels[name]
        if isinstance(factor, Numeric):
            values = levels.astype(float)
            ends = [float(factor.at(float(share))) for share in (low, high)]  # type: ignore[arg-type]
            side = np.where(np.isclose(values, ends[1]), 1.0, np.where(np.isclose(values, ends[0]), -1.0, 0.0))
        else:
            side = np.where(levels == label(high), 1.0, np.where(levels == label(low), -1.0, 0.0))
        column = column * side
    return column
