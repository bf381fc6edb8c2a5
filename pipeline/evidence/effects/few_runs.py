"""Factors judged where runs are few: each against what all the others leave, with the others shrunk.

With few runs more than the model's columns, least squares spends most of what the runs know on the other factors'
coefficients. Here each of them is a random effect whose size the runs tell (empirical Bayes), so that a factor that
does nothing costs nothing. The p-value needs no distribution: levels were drawn at random, so it compares the factor
with the same levels dealt out to the runs anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backtrack.evidence.effects.coding import Term, block_columns
from backtrack.evidence.effects.model import Model, product
from backtrack.evidence.frame import Floats, Mask
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.linear import Added

# Least squares is used from so many runs a column on: from there both find as much (docs/evidence.md).
RUNS_A_COLUMN = 3
# Deals of a factor's levels to the runs; the tail beyond the tenth largest is taken as exponential.
DEALS, LEAST_BEYOND = 2000, 10
# The noise is pooled over the factors that seem to do nothing, which were chosen for having little energy: the pool is
# too quiet, and the statistic too large, by about so much a column for each run. Simulated (the design of 5 sets of 80
# sweeps, normal noise, nothing true): by 1.22, 1.18, 1.14, 1.09, 1.07 with .75, .58, .46, .36, .20 columns a run.
TOO_QUIET = 0.25
# Steps of the estimate of the variances, and the relative change that ends it.
STEPS, SETTLED = 60, 1e-3


def are_few(response: Response, terms: Sequence[Term]) -> bool:
    """Whether a response has so few runs that `judged` finds more than least squares."""
    columns = 1 + sum(term.columns.shape[1] for term in terms)
    return len(response.y) < RUNS_A_COLUMN * columns and not response.kind.of_failures


@dataclass(frozen=True)
class Judged:
    """A factor against what the others leave.

    Args:
        p: of "it changes nothing", by dealing its levels out anew.
        added: its coefficients and their covariance, by generalised least squares.
    """

    p: float
    added: Added


def judged(response: Response, terms: Sequence[Term], model: Model | None) -> dict[str, Judged]:
    """Every factor's test and coefficients.

    With y = μ + Σ u_k + e, u_k of variance s_k K_k for every other factor k (and the seeds' luck, and the pairs that
    stand out), V = σ² I + Σ s_k K_k and P its inverse without the mean, the coefficients of columns X are
    (XᵀPX)⁻¹ XᵀPy, and the statistic is βᵀ (XᵀPX) β. It is studentised, since a balanced design is more orthogonal than
    chance would make it (Janssen 1997 for such permutation tests).

    Args:
        response: what is asked.
        terms: the factors.
        model: whose interactions count as known; None for none.

    Returns:
        `{factor: test}`; the deals are seeded, so that the same records give the same answer.
    """
    parts = {term.name: _whitened(term.columns, _active(term)) for term in terms}
    parts["\0seed"] = _whitened(block_columns(response.frame.seed.astype(float)), np.ones(len(response.y), bool))
    by_name = {term.name: term for term in terms}
    for a, b in model.pairs if model is not None else ():
        both = product(by_name[a].pair_columns, by_name[b].pair_columns)
        parts[f"\0{a}×{b}"] = _whitened(both, np.ones(len(response.y), bool))
    rng = np.random.default_rng(0)
    return {term.name: _judged(response.y, term, parts, rng) for term in terms}


def _judged(y: Floats, term: Term, parts: Mapping[str, Floats], rng: np.random.Generator) -> Judged:
    others = [part for name, part in parts.items() if name != term.name and part.shape[1]]
    sizes, noise = _variances(y, others)
    covariance = noise * np.eye(len(y))
    for size, part in zip(sizes, others, strict=True):
        covariance += size * part @ part.T
    within = _without_mean(np.asarray(np.linalg.inv(covariance), dtype=np.float64))
    left = within @ y
    active = _active(term)
    rows = np.flatnonzero(active)
    own = term.columns[rows] - term.columns[rows].mean(0)
    inner = within[np.ix_(rows, rows)]
    information = own.T @ inner @ own
    cov = np.linalg.pinv(information, rcond=1e-9)
    influence = np.zeros((own.shape[1], len(y)))
    influence[:, rows] = cov @ own.T @ inner
    beta = cov @ (own.T @ left[rows])
    found = float(beta @ information @ beta)
    deals = own[np.argsort(rng.random((DEALS, len(rows))), axis=1)]
    scores = np.einsum("dnk,n->dk", deals, left[rows])
    spread = np.einsum("dnk,nm,dml->dkl", deals, inner, deals, optimize=True)
    spread += 1e-9 * max(float(np.trace(information)), 1e-300) * np.eye(own.shape[1])
    dealt = np.einsum("dk,dk->d", scores, np.linalg.solve(spread, scores[..., None])[..., 0])
    taken = sum(float(np.einsum("ij,ik,kj->", p, within, p)) * s for s, p in zip(sizes, others, strict=True))
    dof = max(2, round(len(y) - 1 - taken - own.shape[1]))
    columns = own.shape[1] + sum(part.shape[1] for part in others)
    return Judged(
        _tail(found / (1 + TOO_QUIET * columns / len(y)), dealt), Added(beta, cov, dof, influence, settled=True)
    )


def _tail(found: float, dealt: Floats) -> float:
    """Share of deals that reach what was found; beyond the largest by an exponential tail."""
    beyond = int((dealt >= found * (1 - 1e-9)).sum())
    own = (beyond + 1) / (len(dealt) + 1)
    if beyond >= LEAST_BEYOND:
        return own
    top = np.sort(dealt)[-len(dealt) // 10 :]
    scale = float((top - top[0]).mean())
    return min(own, 0.1 * float(np.exp(-(found - top[0]) / scale))) if scale > 0 else own


def _variances(y: Floats, parts: Sequence[Floats]) -> tuple[list[float], float]:
    """Variances of random effects and of the noise, by restricted maximum likelihood (fixed-point steps)."""
    whole = float(y.var()) or 1.0
    sizes, noise = [whole / (len(parts) + 1)] * len(parts), whole / 2
    for _ in range(STEPS):
        covariance = noise * np.eye(len(y))
        for size, part in zip(sizes, parts, strict=True):
            covariance += size * part @ part.T
        within = _without_mean(np.asarray(np.linalg.inv(covariance), dtype=np.float64))
        left = within @ y
        before = noise
        for number, part in enumerate(parts):
            score = part.T @ left
            expected = float(np.einsum("ij,ik,kj->", part, within, part))
            sizes[number] = max(1e-8 * whole, sizes[number] * float(np.sqrt(score @ score / max(expected, 1e-300))))
        noise = max(1e-4 * whole, noise * float(np.sqrt(left @ left / np.trace(within))))
        if abs(noise - before) < SETTLED * noise:
            break
    return sizes, noise


def _without_mean(inverse: Floats) -> Floats:
    """V⁻¹ - V⁻¹ 1 (1ᵀ V⁻¹ 1)⁻¹ 1ᵀ V⁻¹."""
    ones = inverse.sum(1)
    return np.asarray(inverse - np.outer(ones, ones) / ones.sum())


def _whitened(columns: Floats, active: Mask) -> Floats:
    """(n, k) orthogonal columns that span the centred ones; their outer product has trace n."""
    if not columns.shape[1]:
        return columns
    centred = np.where(active[:, None], columns - columns[active].mean(0), 0.0)
    basis, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    basis = basis[:, lengths > 1e-8 * max(float(lengths.max()), 1e-300)]
    return np.asarray(basis * np.sqrt(len(columns) / max(1, basis.shape[1])))


def _active(term: Term) -> Mask:
    """(n,) where the factor exists."""
    return np.asarray(np.abs(term.columns).sum(1) > 0)
