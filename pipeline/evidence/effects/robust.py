"""Effects by a fit that far runs hardly move, beside the means: told where the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backtrack.evidence.effects.effects import FactorEffect, FactorTest
from backtrack.evidence.effects.model import Model
from backtrack.evidence.effects.tails import has_heavy_tails, robust_spread
from backtrack.evidence.frame import Floats
from backtrack.evidence.statistics.linear import contrast

# Residuals beyond so many robust deviations count less (Huber 1964: 95 % efficient on normal numbers).
BEND = 1.345
ROUNDS, SETTLED = 50, 1e-6
# Two estimates differ where they lie a standard error of the mean's and a quarter of it apart.
APART, SHARE = 1.0, 0.25


def huber_fit(columns: Floats, y: Floats, start: Floats) -> Floats:
    """(p,) coefficients by Huber's M-estimate: least squares whose far residuals weigh less, until nothing moves.

    Args:
        columns: (n, p).
        y: (n,).
        start: (p,) coefficients to begin from.

    Example:
        >>> huber_fit(np.ones((5, 1)), np.array([1.0, 1.1, 0.9, 1.0, 50.0]), np.array([10.8])).round(2).tolist()
        [1.05]
    """
    beta = np.asarray(start, dtype=float)
    for _ in range(ROUNDS):
        residuals = y - columns @ beta
        spread = robust_spread(residuals)
        if spread <= 0:
            return beta
        root = np.sqrt(np.minimum(1.0, BEND * spread / np.maximum(np.abs(residuals), 1e-300)))
        moved = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0]
        if np.abs(moved - beta).max() < SETTLED * spread:
            return np.asarray(moved)
        beta = moved
    return np.asarray(beta)


def with_robust(
    effects: Sequence[FactorEffect], tests: Sequence[FactorTest], model: Model | None
) -> list[FactorEffect]:
    """Effects with the difference of the same two levels by Huber's fit, and a statement where the two differ.

    Args:
        effects: of one response.
        tests: its questions.
        model: all factors at once. Where its tails are not heavy, nothing is added.
    """
    if model is None or model.response.kind.counts_failures or not has_heavy_tails(model):
        return list(effects)
    beta = huber_fit(model.columns, model.response.y, model.fit.beta)
    asked = {test.term.name: test for test in tests if test.model is model and test.added is None}
    found = []
    for effect in effects:
        test = asked.get(effect.factor.name)
        if test is None:
            found.append(effect)
            continue
        span = model.span(test.term.name)
        means = test.term.codes @ model.fit.beta[span]
        step = test.term.codes[int(np.argmax(means))] - test.term.codes[int(np.argmin(means))]
        own, robust = contrast(model.weights(test.term.name, step), model.fit), float(step @ beta[span])
        shown, _, _ = model.response.kind.shown(robust, robust, robust)
        apart = abs(robust - own.estimate)
        statement = effect.statement
        if effect.verdict == "active" and apart > max(APART * own.error, SHARE * abs(own.estimate)):
            said = f"by a robust fit, which far runs hardly move, the difference is {shown:.3g}"
            statement = f"{statement}; {said}" if statement else said
        found.append(replace(effect, robust=shown, statement=statement))
    return found
