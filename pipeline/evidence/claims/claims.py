"""The verdict of every claim: its contrast, estimated with everything else adjusted for.

From pairs of runs that differ in nothing else where the claims stage made such (`paired`), else from the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backtrack.evidence.effects.effects import runs_to_decide
from backtrack.evidence.effects.model import Model
from backtrack.evidence.frame import Floats
from backtrack.evidence.statistics.linear import contrast
from backtrack.evidence.statistics.multiple import holm
from backtrack.evidence.statistics.normal import NORMAL_95
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Claim
from backtrack.vocabulary.responses import ResponseKind


@dataclass(frozen=True)
class ClaimResult:
    """A claim with what the data say of it.

    Args:
        claim: the claim.
        factor: the factor that it is about.
        effect, low, high: of its contrast in the response's scale (a ratio for speed), with its interval.
        p, p_adjusted: of "no difference", Holm over the claims on the same response.
        verdict: supported, refuted, no effect, depends on …, undecided.
        statement: why it could not be judged, or what a reader must know of the estimate; or empty.
        kind, runs, differences: as in `Estimate`; kind is None where there is none.
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
    runs: int = 0
    kind: ResponseKind | None = None
    differences: tuple[float, ...] = ()

    @property
    def pairs(self) -> int:
        """How many pairs of runs that differ in nothing else it rests on; 0 where a model of all factors gave it."""
        return len(self.differences)


@dataclass(frozen=True)
class Estimate:
    """A claim's contrast as some runs show it.

    Args:
        effect, low, high: in the scale of the response's model (a difference of logarithms for times), 95 % interval.
        p: of "no difference".
        sd: run-to-run standard deviation, which the equivalence margin is a share of.
        kind: of the response: its unit, direction and scale.
        runs: how many runs it rests on.
        differences: within each pair of runs that differ in nothing else; empty where it comes from a model of all
            factors.
        reversal: the factor whose levels turn the contrast round, or empty.
        statement: what a reader must know of it, or empty.
    """

    effect: float
    low: float
    high: float
    p: float
    sd: float
    kind: ResponseKind
    runs: int
    differences: tuple[float, ...] = ()
    reversal: str = ""
    statement: str = ""


def judge_claims(
    claims: Sequence[tuple[str, Claim]],
    estimates: Sequence[Estimate | None],
    alpha: float,
    margin: float,
) -> list[ClaimResult]:
    """The verdict of each claim.

    Args:
        claims: (factor, claim).
        estimates: of each, or None where too few runs have its levels.
        alpha: error rate, held over the claims on one response (Holm).
        margin: equivalence margin, as a share of the run-to-run standard deviation.
    """
    nan = float("nan")
    results: list[ClaimResult] = []
    adjusted: dict[int, float] = {}
    for response in dict.fromkeys(claim.on for _, claim in claims):
        own = [
            (number, estimate.p)
            for number, ((_, claim), estimate) in enumerate(zip(claims, estimates, strict=True))
            if claim.on == response and estimate is not None
        ]
        adjusted |= dict(zip((number for number, _ in own), holm([p for _, p in own]).tolist(), strict=True))
    for number, ((factor, claim), estimate) in enumerate(zip(claims, estimates, strict=True)):
        if estimate is None:
            why = "too few runs have these levels to compare them"
            results.append(
                ClaimResult(
                    claim=claim,
                    factor=factor,
                    effect=nan,
                    low=nan,
                    high=nan,
                    p=1.0,
                    p_adjusted=1.0,
                    verdict="undecided",
                    statement=why,
                )
            )
            continue
        verdict = _verdict(claim, estimate, adjusted[number], alpha, margin * estimate.sd)
        statements = [estimate.statement] if estimate.statement else []
        if verdict == "undecided":
            statements.append(_to_decide(estimate, adjusted[number], alpha, margin * estimate.sd))
        effect, low, high = (
            float(np.exp(value)) if estimate.kind.ratio else value
            for value in (estimate.effect, estimate.low, estimate.high)
        )
        results.append(
            ClaimResult(
                claim=claim,
                factor=factor,
                effect=effect,
                low=low,
                high=high,
                p=estimate.p,
                p_adjusted=adjusted[number],
                verdict=verdict,
                statement="; ".join(statements),
                runs=estimate.runs,
                kind=estimate.kind,
                differences=estimate.differences,
            )
        )
    return results


def estimate_in_model(
    factor: str, claim: Claim, model: Model | None, active_pairs: set[tuple[str, str]], alpha: float
) -> Estimate | None:
    """A claim's contrast with everything else adjusted for, at the levels of other factors that the claim names.

    Args:
        factor, claim: what is claimed.
        model: of the claim's response, or None.
        active_pairs: the interactions that are active in that response.
        alpha: error rate for what the contrast depends on.

    Returns:
        The estimate, or None where the model does not have these levels.
    """
    if model is None or not model.holds(factor) or not all(model.holds(name) for name in claim.where):
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
    found = contrast(weights, wider.fit)
    response = model.response
    reversal = _reversal(factor, claim, model, active_pairs, alpha)
    low, high = found.interval()
    return Estimate(
        effect=found.estimate,
        low=low,
        high=high,
        p=found.p,
        sd=model.fit.sd,
        kind=response.kind,
        runs=len(response.y),
        reversal=reversal,
    )


def _step(factor: str, claim: Claim, model: Model, joint: bool = False) -> Floats | None:
    """The difference between the codes of the claim's two levels; with `joint` those in products."""
    code = model.terms[factor].pair_code if joint else model.terms[factor].code
    to, origin = code(claim.level), code(claim.against)
    return None if to is None or origin is None else to - origin


def _verdict(claim: Claim, estimate: Estimate, p_adjusted: float, alpha: float, tolerance: float) -> str:
    if estimate.reversal:
        return f"depends on {estimate.reversal}"
    inside = -tolerance < estimate.low and estimate.high < tolerance
    if claim.expect == "same":
        return "supported" if inside else "refuted" if p_adjusted < alpha else "undecided"
    if p_adjusted < alpha:
        better = estimate.effect * estimate.kind.better > 0
        return "supported" if better == (claim.expect == "better") else "refuted"
    return "no effect" if inside else "undecided"


def _to_decide(estimate: Estimate, p_adjusted: float, alpha: float, tolerance: float) -> str:
    pairs = len(estimate.differences)
    error = (estimate.high - estimate.low) / (2 * NORMAL_95)
    count, what = (pairs, "pairs") if pairs else (estimate.runs, "runs")
    more = runs_to_decide(estimate.effect, error, tolerance, estimate.p, p_adjusted, alpha, count)
    return f"about {more} more {what} would decide it" if np.isfinite(error) else f"{count} {what} do not decide it"


def _reversal(factor: str, claim: Claim, model: Model, active_pairs: set[tuple[str, str]], alpha: float) -> str:
    """The factor whose levels turn the contrast round: one interval above zero, another below; else nothing."""
    step, joint = _step(factor, claim, model), _step(factor, claim, model, joint=True)
    assert step is not None and joint is not None
    for a, b in sorted(active_pairs):
        if factor not in (a, b):
            continue
        other = b if a == factor else a
        if other in claim.where or not model.holds(other):
            continue
        extended = model.with_pairs([model.pair(factor, other)])
        if extended is None:
            continue
        term = extended.terms[other]
        level = 1 - alpha / max(1, len(term.points))
        signs = {}
        for name, code in zip(term.labels, term.pair_codes, strict=True):
            weights = extended.weights(factor, step) + extended.pair_weights(factor, other, joint, code)
            low, high = contrast(weights, extended.fit).interval(level)
            signs[label(name)] = 1 if low > 0 else -1 if high < 0 else 0
        if {1, -1} <= set(signs.values()):
            return other
    return ""
