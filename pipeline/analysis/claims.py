"""The verdict of every claim: its contrast, estimated with everything else adjusted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.frame import Floats
from pipeline.analysis.linear import contrast
from pipeline.analysis.model import Model
from pipeline.analysis.multiple import holm
from pipeline.space import Claim, label


@dataclass(frozen=True)
class ClaimResult:
    """A claim with what the data say of it.

    Args:
        claim: the claim.
        factor: the factor that it is about.
        effect, low, high: of its contrast in the response's scale (a ratio for speed), with its interval.
        p, p_adjusted: of "no difference", Holm over the claims on the same response.
        verdict: supported, refuted, no effect, depends on …, undecided.
        statement: why it could not be judged; empty where it was.
    """

    claim: Claim
    factor: str
    effect: float
    low: float
    high: float
    p: float
    p_adjusted: float
    verdict: str
    statement: str = ""


def judge_claims(
    claims: Sequence[tuple[str, Claim]],
    models: dict[str, Model | None],
    active_pairs: dict[str, set[tuple[str, str]]],
    alpha: float,
    margin: float,
) -> list[ClaimResult]:
    """The verdict of each claim.

    Args:
        claims: (factor, claim).
        models: for each response its model, or None.
        active_pairs: for each response the interactions that are active in it.
        alpha: error rate, held over the claims on one response (Holm).
        margin: equivalence margin, as a share of the run-to-run standard deviation.
    """
    estimates = [(factor, claim, _estimate(factor, claim, models.get(claim.response))) for factor, claim in claims]
    results: list[ClaimResult] = []
    for response in dict.fromkeys(claim.response for _, claim, _ in estimates):
        own = [row for row in estimates if row[1].response == response]
        known = [row for row in own if row[2] is not None]
        adjusted = holm([row[2][3] for row in known])  # type: ignore[index]
        by_claim = {id(row[1]): float(p) for row, p in zip(known, adjusted, strict=True)}
        for factor, claim, estimate in own:
            if estimate is None:
                nan = float("nan")
                why = "too few runs have these levels to compare them"
                results.append(ClaimResult(claim, factor, nan, nan, nan, 1.0, 1.0, "undecided", why))
                continue
            model = models[claim.response]
            assert model is not None
            effect, low, high, p = estimate
            verdict = _verdict(claim, effect, low, high, by_claim[id(claim)], alpha, margin * model.fit.sd, model)
            dependence = _reversal(factor, claim, model, active_pairs.get(response, set()), alpha)
            if dependence:
                verdict = f"depends on {dependence}"
            if model.response.ratio:
                effect, low, high = (float(np.exp(number)) for number in (effect, low, high))
            results.append(ClaimResult(claim, factor, effect, low, high, p, by_claim[id(claim)], verdict))
    return results


def _estimate(factor: str, claim: Claim, model: Model | None) -> tuple[float, float, float, float] | None:
    """Estimate, interval and p of the contrast, at the levels of other factors that the claim names."""
    if model is None or factor not in model.spans or any(name not in model.spans for name in claim.where):
        return None
    step = _step(factor, claim, model)
    if step is None:
        return None
    wider = model.with_pairs([model.pair(factor, name) for name in claim.where]) if claim.where else model
    if wider is None:
        return None
    weights = wider.weights(factor, step)
    joint = _step(factor, claim, model, joint=True)
    for name, level in claim.where.items():
        code = wider.terms[name].pair_code(level)
        if code is None or joint is None:
            return None
        weights = weights + wider.pair_weights(factor, name, joint, code)
    return contrast(weights, wider.fit)


def _step(factor: str, claim: Claim, model: Model, joint: bool = False) -> Floats | None:
    """The difference between the codes of the claim's two levels; with `joint` those in products."""
    code = model.terms[factor].pair_code if joint else model.terms[factor].code
    to, origin = code(claim.level), code(claim.against)
    return None if to is None or origin is None else to - origin


def _verdict(
    claim: Claim,
    effect: float,
    low: float,
    high: float,
    p_adjusted: float,
    alpha: float,
    tolerance: float,
    model: Model,
) -> str:
    inside = -tolerance < low and high < tolerance
    if claim.expect == "same":
        return "supported" if inside else "refuted" if p_adjusted < alpha else "undecided"
    if p_adjusted < alpha:
        better = effect * model.response.better > 0
        return "supported" if better == (claim.expect == "better") else "refuted"
    return "no effect" if inside else "undecided"


def _reversal(factor: str, claim: Claim, model: Model, active_pairs: set[tuple[str, str]], alpha: float) -> str:
    """The factor whose levels turn the contrast round: one interval above zero, another below; else nothing."""
    step, joint = _step(factor, claim, model), _step(factor, claim, model, joint=True)
    assert step is not None and joint is not None
    for a, b in sorted(active_pairs):
        if factor not in (a, b):
            continue
        other = b if a == factor else a
        if other in claim.where or other not in model.spans:
            continue
        extended = model.with_pairs([model.pair(factor, other)])
        if extended is None:
            continue
        term = extended.terms[other]
        level = 1 - alpha / max(1, len(term.points))
        signs = {}
        for name, code in zip(term.labels, term.pair_codes, strict=True):
            weights = extended.weights(factor, step) + extended.pair_weights(factor, other, joint, code)
            _, low, high, _ = contrast(weights, extended.fit, level)
            signs[label(name)] = 1 if low > 0 else -1 if high < 0 else 0
        if {1, -1} <= set(signs.values()):
            return other
    return ""
