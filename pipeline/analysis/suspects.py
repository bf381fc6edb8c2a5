"""What the screen suspects and has not settled, each as one contrast of two levels that fresh runs can test.

The stage that plans those runs and the analysis that judges them both call `suspects_of` on the screen's runs, so that
nothing has to be kept between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy import stats

from pipeline.analysis.coding import Term
from pipeline.analysis.effects import FactorTest, InteractionEffect
from pipeline.analysis.frame import Floats, Frame
from pipeline.analysis.linear import effective_runs, fit, interaction
from pipeline.analysis.model import Model
from pipeline.analysis.model import product as products
from pipeline.space import Numeric, label

# Of the error rate of each question, what the screen's own p-value may use; the rest is for screen and fresh runs
# together. Valid by the union bound, however the suspects are chosen.
SCREEN_SHARE = 0.7
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
    """

    names: tuple[str, ...]
    low: tuple[object, ...]
    high: tuple[object, ...]
    sign: float


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
        if scientific and alpha * SCREEN_SHARE <= p and test.p < SUSPICIOUS_FACTOR and test.term.name in model.spans:
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
        span = model.spans[names[0]]
        beta, cov = model.fit.beta[span], model.fit.cov[np.ix_(span, span)]
    elif names in model.pairs:
        span = model.pairs[names]  # type: ignore[index]
        beta, cov = model.fit.beta[span], model.fit.cov[np.ix_(span, span)]
    else:
        added = interaction(products(terms[0].pair_columns, terms[1].pair_columns), model.fit)
        beta, cov = added.beta, added.cov
    joint = len(terms) > 1
    options = [[cut[term.name]] if term.name in cut else list(combinations(_points(term, joint), 2)) for term in terms]
    best: tuple[float, float, tuple[tuple[int, int], ...]] | None = None
    for steps in product(*options):
        weights = np.ones((1, 1))
        for term, (low, high) in zip(terms, steps, strict=True):
            codes = term.pair_codes if joint else term.codes
            weights = products(weights, (codes[high] - codes[low])[None])
        row = weights.ravel()
        size, spread = float(row @ beta), float(row @ cov @ row)
        if spread > 0 and (best is None or size**2 / spread > best[0]):
            best = size**2 / spread, float(np.sign(size) or 1.0), tuple(steps)
    if best is None:
        return None
    cut.update(zip(names, best[2], strict=True))
    return Suspect(
        names,
        tuple(term.points[low] for term, (low, _) in zip(terms, best[2], strict=True)),
        tuple(term.points[high] for term, (_, high) in zip(terms, best[2], strict=True)),
        best[1],
    )


def _points(term: Term, joint: bool) -> list[int]:
    """Indices of the points that may be compared; of a numeric factor its ends and middle."""
    size = len(term.points)
    if isinstance(term.factor, Numeric):
        return [0, size // 2, size - 1]
    return term.paired if joint else list(range(size))


def combined_p(
    p_screen: Mapping[tuple[str, ...], float],
    suspects: Sequence[Suspect],
    model: Model | None,
    frame: Frame,
    y: Floats,
    shares: tuple[int, int],
) -> dict[tuple[str, ...], float]:
    """p-values from the screen and fresh runs together, valid although the screen chose what the fresh runs ask.

    For a suspect, p = min(p₁ / s, p₁₂ / (1 - s)), s = `SCREEN_SHARE`. p₁ is the screen's; p₁₂ joins it with p₂, the
    one-sided p-value of its contrast in the fresh runs alone, by the inverse normal method with weights fixed by
    the planned numbers of runs (Bauer & Köhne 1994; Lehmacher & Wassmer 1999):
    p₁₂ = 1 - Φ((√n₁ Φ⁻¹(1 - p₁) + √n₂ Φ⁻¹(1 - p₂)) / √(n₁ + n₂)). For other questions it is p₁ / s.

    The fresh responses are taken relative to what the screen's model says of all but the suspects. Its errors are
    independent of the suspects' levels, which the fresh design randomises: they cost precision, not validity.

    Args:
        p_screen: of each question, by its factors' names.
        suspects: in the order of `suspects_of`.
        model: of the screen.
        frame, y: the fresh runs.
        shares: (screen runs, fresh runs) as planned.
    """
    found = {names: min(1.0, p / SCREEN_SHARE) for names, p in p_screen.items()}
    if model is None or not suspects or len(y) <= len(suspects) + 4:
        return found
    columns = np.stack([_column(suspect, frame) for suspect in suspects], axis=1)
    usable = [number for number in range(columns.shape[1]) if len(np.unique(columns[:, number])) > 1]
    rest = y - _offset(model, frame, {suspect.names for suspect in suspects})
    whole = fit(np.hstack([np.ones((len(y), 1)), columns[:, usable]]), rest)
    for place, number in enumerate(usable, start=1):
        suspect = suspects[number]
        error = float(np.sqrt(whole.cov[place, place]))
        freedom = max(1.0, effective_runs(whole.influence[[place]]) - len(usable) - 1)
        if error <= 0:
            continue
        fresh = float(stats.t.sf(suspect.sign * whole.beta[place] / error, freedom))
        n1, n2 = shares
        deviates = stats.norm.isf(np.clip([p_screen[suspect.names], fresh], 1e-300, 1 - 1e-15))
        joined = float(stats.norm.sf((np.sqrt(n1) * deviates[0] + np.sqrt(n2) * deviates[1]) / np.sqrt(n1 + n2)))
        found[suspect.names] = min(found[suspect.names], joined / (1 - SCREEN_SHARE))
    return found


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


def _offset(model: Model, frame: Frame, asked: set[tuple[str, ...]]) -> Floats:
    """(n,) the screen's prediction for other runs, without the terms that are asked about."""
    active = {name: frame.active(term.factor) for name, term in model.terms.items()}
    return np.array(
        [
            model.predict({name: frame.levels[name][row] for name in active if active[name][row]}, asked)
            for row in range(len(frame))
        ]
    )
