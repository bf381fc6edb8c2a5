"""What to expect of each config again, by random effects: estimates are shrunk by as much as they are noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from backtrack.evidence.frame import Floats

# Variances are sought between these shares of the response's own.
LEAST, MOST = 1e-6, 1e2
# The grand mean is not shrunk: its prior variance, in the response's.
FREE = 1e6


@dataclass(frozen=True)
class Expected:
    """What is expected of each config.

    Args:
        value: (n,) posterior mean.
        error: (n,) posterior standard deviation.
    """

    value: Floats
    error: Floats


def expected_means(columns: Floats, means: Floats, runs: Floats, noise: float) -> Expected:
    """Posterior of each config's expected response, given all of them (empirical Bayes; Robinson 1991, BLUP).

    mean_c = μ + x_c·b + u_c + e_c with b_j ~ N(0, v_b), what no column explains u_c ~ N(0, v_u) and
    e_c ~ N(0, noise² / runs_c). v_b and v_u have the greatest likelihood. The highest of many estimates is mostly one
    that noise has lifted; these are shrunk beforehand by what noise is expected to do.

    Args:
        columns: (n, p) of a linear model, without the constant; scaled here.
        means: (n,) of each config's own runs, not all equal.
        runs: (n,) how many those are.
        noise: run-to-run standard deviation. NaN where unknown: then half of what the columns do not explain is taken
            to be noise.

    Example:
        >>> x = np.tile([[-1.0], [1.0]], (10, 1))
        >>> lucky = np.where(np.arange(20) == 1, 1.0, 0.0)
        >>> found = expected_means(x, x[:, 0] + lucky, np.ones(20), noise=0.5)
        >>> bool(1.0 < found.value[1] < 1.5)
        True
    """
    scale, middle = float(means.std()), float(means.mean())
    y = (means - middle) / scale
    spread = columns.std(0)
    live = spread > 0
    x = np.column_stack([np.ones(len(y)), (columns[:, live] - columns[:, live].mean(0)) / spread[live]])
    known = np.isfinite(noise)
    # Without a known noise, u and e cannot be told apart: their sum is fitted, and cut in halves below.
    noises = (noise / scale) ** 2 / runs if known else np.zeros(len(y))
    # Configs of as many runs have one variance, so that an evaluation needs no pass over all of them.
    counts, group = np.unique(runs, return_inverse=True)
    grams = [x[group == number].T @ x[group == number] for number in range(len(counts))]
    products = [x[group == number].T @ y[group == number] for number in range(len(counts))]
    squares = [float((y[group == number] ** 2).sum()) for number in range(len(counts))]
    sizes = np.bincount(group)
    floor = np.array([float(noises[group == number][0]) for number in range(len(counts))])

    def posterior(variances: Floats) -> tuple[Floats, Floats, float]:
        """Coefficients, their covariance, and minus twice the log likelihood."""
        columns_variance, rest = np.exp(variances)
        each = rest + floor
        prior = np.full(x.shape[1], columns_variance)
        prior[0] = FREE
        precision = np.diag(1 / prior) + np.sum([gram / d for gram, d in zip(grams, each, strict=True)], axis=0)
        right = np.sum([product / d for product, d in zip(products, each, strict=True)], axis=0)
        covariance = np.linalg.inv(precision)
        beta = covariance @ right
        fit = float(np.dot(squares, 1 / each)) - float(right @ beta)
        volume = float(sizes @ np.log(each)) + float(np.log(prior).sum()) + float(np.linalg.slogdet(precision)[1])
        return beta, covariance, fit + volume

    bounds = [(np.log(LEAST), np.log(MOST))] * 2
    starts = [np.log([share, 1 - share]) for share in (0.1, 0.5, 0.9)]
    tried = [optimize.minimize(lambda v: posterior(v)[2], start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(tried, key=lambda one: float(one.fun)).x
    beta, covariance, _ = posterior(best)
    rest = float(np.exp(best[1]))
    own = np.full(len(y), 0.5) if not known else rest / (rest + noises)
    unexplained = rest * own if not known else rest
    value = own * y + (1 - own) * (x @ beta)
    variance = (1 - own) ** 2 * np.einsum("ij,jk,ik->i", x, covariance, x) + unexplained * (1 - own)
    return Expected(middle + scale * value, scale * np.sqrt(variance))
