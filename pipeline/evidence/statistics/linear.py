"""Least squares with errors that stay right when the noise differs between levels (HC2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from backtrack.evidence.frame import Floats

# Residuals below this share of the response's range are rounding errors of an exact fit.
EXACT = 1e-9


@dataclass(frozen=True)
class Fit:
    """A fitted linear model.

    Args:
        beta: (p,) coefficients.
        cov: (p, p) their HC2 covariance (MacKinnon & White 1985): the residual of run i counts as e_i / √(1 - h_i),
            which is unbiased where the noise is even. With the degrees of freedom of `effective_runs` tests and
            intervals hold their level (measured: .045 at .05, where HC3 had .021 and lost power). For a response of
            zeros and ones they do not: there it is HC3, e_i / (1 - h_i). Noise that was found to be even: s²(XᵀX)⁻¹.
        plain: (p, p) (XᵀX)⁻¹, for sums of squares.
        dof: residual degrees of freedom, n - rank.
        sd: standard deviation of the residuals.
        residuals: (n,) e.
        leverage: (n,) h.
        basis: (n, p) orthonormal basis of the columns, for adding terms (`interaction`).
        influence: (p, n) by how much each run's response moves each coefficient.
        root: (n,) square roots of the weights that rows were multiplied by; ones in ordinary least squares.
        binary: whether the response takes two values only.
        even: whether the noise was found to be even, so that the residuals' degrees of freedom hold.
    """

    beta: Floats
    cov: Floats
    plain: Floats
    dof: int
    sd: float
    residuals: Floats
    leverage: Floats
    basis: Floats
    root: Floats
    influence: Floats
    binary: bool = False
    even: bool = False

    @property
    def settled(self) -> bool:
        """Whether `dof` holds for a contrast as it is: the noise is even, or zeros and ones were given HC3 errors."""
        return self.even or self.binary

    def assuming_even_noise(self) -> Fit:
        """The same fit, with errors that take the noise to be even."""
        return replace(self, even=True, cov=float((self.residuals**2).sum()) / self.dof * self.plain)


@dataclass(frozen=True)
class Added:
    """Coefficients of columns that were added to a fit.

    Args:
        beta: (k,), NaN where inestimable.
        cov: (k, k) as in `Fit`.
        dof: residual degrees of freedom.
        influence: (k, n) as in `Fit`.
        settled: as in `Fit`.
    """

    beta: Floats
    cov: Floats
    dof: int
    influence: Floats
    settled: bool


def fit(columns: Floats, response: Floats, weights: Floats | None = None) -> Fit:
    """Least squares of `response` on `columns`, with robust errors.

    Args:
        columns: (n, p), of full column rank.
        response: (n,) finite numbers.
        weights: (n,) positive, inverse to the variance of each run's noise as far as it is known; wrong ones cost
            precision, not validity, since the errors stay robust.
    """
    root = np.ones(len(response)) if weights is None else np.sqrt(weights)
    binary = len(np.unique(response)) <= 2
    columns, response = columns * root[:, None], response * root
    # The singular values do not square the condition number, as the normal equations would.
    inverse = np.linalg.pinv(columns)
    beta = inverse @ response
    basis, _ = np.linalg.qr(columns)
    leverage = np.clip((basis**2).sum(1), 0.0, 1 - 1e-8)
    residuals = response - columns @ beta
    plain = inverse @ inverse.T
    influence = plain @ columns.T
    cov = _covariance(influence, residuals, leverage, binary)
    dof = max(1, len(response) - columns.shape[1])
    if float(np.abs(residuals).max()) < EXACT * np.ptp(response):
        # Nothing is left over: what remains of coefficients and errors is rounding, and must not be tested.
        beta = np.where(np.abs(beta) < EXACT * np.ptp(response), 0.0, beta)
        cov, residuals = 0 * cov, 0 * residuals
    return Fit(
        beta=beta,
        cov=cov,
        plain=plain,
        dof=dof,
        sd=float(np.sqrt(((residuals / root) ** 2).sum() / dof)),
        residuals=residuals,
        leverage=leverage,
        basis=basis,
        root=root,
        influence=influence,
        binary=binary,
    )


def _covariance(influence: Floats, residuals: Floats, leverage: Floats, binary: bool) -> Floats:
    """HC2, of zeros and ones HC3; see `Fit`."""
    return (influence * (residuals**2 / (1 - leverage) ** (2 if binary else 1))) @ influence.T


def independent(columns: Floats, tolerance: float = 1e-7) -> list[int]:
    """Indices of columns that are not linear combinations of those before them.

    Args:
        columns: (n, p).
        tolerance: how much of a column's length must be its own.
    """
    kept: list[int] = []
    basis: list[Floats] = []
    for number in range(columns.shape[1]):
        column = columns[:, number]
        length = float(np.linalg.norm(column))
        rest = column.copy()
        for vector in basis:
            rest = rest - vector * (vector @ rest)
        own = float(np.linalg.norm(rest))
        if length > 0 and own > tolerance * length:
            kept.append(number)
            basis.append(rest / own)
    return kept


def wald(beta: Floats, cov: Floats, influence: Floats, even_dof: int | None = None) -> float:
    """p-value of "all of `beta` are zero", by Hotelling's T² with the degrees of freedom that the errors really have.

    With W = βᵀ V⁻¹ β:  W · (ν - k + 1) / (ν · k)  against  F(k, ν - k + 1). A robust covariance is estimated from few
    runs where few decide a coefficient (a cell of a two-way table); ν says from how many, so that the test keeps its
    level there, which the usual F(k, n - p) does not (Pustejovsky & Tipton 2018 for the idea).

    Args:
        beta: (k,) coefficients.
        cov: (k, k) their covariance.
        influence: (k, n) by how much each run's response moves each coefficient.
        even_dof: residual degrees of freedom, where the noise is even and `cov` takes it so: the ordinary F-test.
    """
    size = len(beta)
    if not size or not np.isfinite(beta).all():
        return 1.0
    scale = np.abs(np.diag(cov)).max()
    if scale <= 1e-300:
        # No noise at all: any difference is certain, none is none.
        return 0.0 if np.abs(beta).max() > 1e-12 else 1.0
    statistic = max(0.0, float(beta @ np.linalg.pinv(cov, rcond=1e-10) @ beta))
    if even_dof is not None:
        return float(stats.f.sf(statistic / size, size, even_dof))
    freedom = effective_runs(influence)
    if freedom <= size:
        return 1.0
    return float(stats.f.sf(statistic * (freedom - size + 1) / (freedom * size), size, freedom - size + 1))


def effective_runs(influence: Floats) -> float:
    """How many runs decide a set of coefficients: (Σ b²)² / Σ b⁴ of the standardised influences b, averaged.

    All runs alike give n; a coefficient that a quarter of them decides alike gives n / 4.

    Args:
        influence: (k, n).
    """
    values, vectors = np.linalg.eigh(influence @ influence.T)
    kept = values > 1e-12 * values.max()
    standard = (vectors[:, kept] / np.sqrt(values[kept])).T @ influence
    return float((1 / (standard**4).sum(1)).mean())


@dataclass(frozen=True)
class Contrast:
    """A linear combination of coefficients.

    Args:
        estimate, error: with its standard error.
        dof: degrees of freedom of that error.
    """

    estimate: float
    error: float
    dof: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Low and high end of the interval of this level, by Student's t."""
        reach = float(stats.t.ppf(0.5 + level / 2, self.dof)) * self.error
        return self.estimate - reach, self.estimate + reach

    @property
    def p(self) -> float:
        """Two-sided p-value of "it is zero"."""
        if self.error > 0:
            return float(2 * stats.t.sf(abs(self.estimate) / self.error, self.dof))
        return float(abs(self.estimate) <= 1e-12)

    @property
    def p_above(self) -> float:
        """One-sided p-value of "it is not above zero"; without any noise a difference is certain."""
        if self.error <= 0:
            return 0.0 if self.estimate > 1e-12 else 1.0
        return float(stats.t.sf(self.estimate / self.error, self.dof))


def contrast(weights: Floats, model: Fit | Added) -> Contrast:
    """The linear combination `weights` · β, with degrees of freedom from the runs that decide it (as in `wald`).

    Args:
        weights: (p,), or (k,) of added coefficients.
        model: the fit, or what was added to one.
    """
    error = float(np.sqrt(max(0.0, float(weights @ model.cov @ weights))))
    freedom = float(model.dof)
    if error > 0 and not model.settled:
        freedom = min(freedom, effective_runs((weights @ model.influence)[None]))
    return Contrast(float(weights @ model.beta), error, freedom)


def interaction(extra: Floats, model: Fit) -> Added:
    """Coefficients of columns that are added to a fitted model, without fitting it again (Frisch-Waugh-Lovell).

    Args:
        extra: (n, k) columns; those inside the model's span get no coefficient.
        model: the fit without them.
    """
    extra = extra * model.root[:, None]
    rest = extra - model.basis @ (model.basis.T @ extra)
    rest = rest - model.basis @ (model.basis.T @ rest)
    own = [
        number
        for number in independent(rest)
        if np.linalg.norm(rest[:, number]) > 1e-6 * max(float(np.linalg.norm(extra[:, number])), 1e-300)
    ]
    size = extra.shape[1]
    beta = np.full(size, np.nan)
    cov = np.full((size, size), np.nan)
    influence = np.zeros_like(extra.T)
    dof = model.dof - len(own)
    if not own or dof < 1:
        return Added(beta, cov, max(dof, 1), influence, model.settled)
    rest = rest[:, own]
    plain = np.linalg.inv(rest.T @ rest)
    coefficients = plain @ (rest.T @ model.residuals)
    leverage = np.clip(model.leverage + ((rest @ plain) * rest).sum(1), 0.0, 1 - 1e-8)
    beta[own], influence[own] = coefficients, plain @ rest.T
    cells = np.ix_(own, own)
    left = model.residuals - rest @ coefficients
    cov[cells] = _covariance(influence[own], left, leverage, model.binary)
    if model.even:
        cov[cells] = float(left @ left) / dof * plain
    return Added(beta, cov, dof, influence, model.settled)
