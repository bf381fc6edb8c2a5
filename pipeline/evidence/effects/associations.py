"""What past runs that results chose can say: which factors go with a response. No verdict is made of it."""

from __future__ import annotations

from dataclasses import replace

from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.choosing import tied_factors
from backtrack.evidence.effects.effects import GOES_WITH, FactorEffect, ranked
from backtrack.evidence.effects.interactions import InteractionEffect


def with_associations(own: ResponseAnalysis | None, pooled: ResponseAnalysis) -> ResponseAnalysis:
    """The answers to a response, each factor by its verdict, else by what it goes with.

    Where results chose which runs were made, a test's error rate is not what it promises (of 240 runs of a TPE search,
    10 % of what an ordinary regression calls active is false where 5 % was promised), and a factor's levels go together
    with those of others. So `active` becomes "goes with", and `inactive` is not said.

    Args:
        own: of the runs that nothing chose by results (a start-up block, say); None where there are none.
        pooled: of all runs.
    """
    tied = tied_factors(pooled.response.frame)
    verdicts = {effect.factor.name: effect for effect in own.factors if effect.verdict != "undecided"} if own else {}
    effects = [verdicts.get(effect.factor.name) or _association(effect, tied) for effect in pooled.factors]
    pairs = (
        {(pair.factor_a, pair.factor_b): pair for pair in own.interactions if pair.verdict == "active"} if own else {}
    )
    return replace(
        pooled,
        factors=ranked(effects),
        interactions=[pairs.get((pair.factor_a, pair.factor_b)) or _together(pair) for pair in pooled.interactions],
    )


def _association(effect: FactorEffect, tied: tuple[tuple[str, str, float], ...]) -> FactorEffect:
    if effect.verdict != "active":
        return replace(effect, verdict="undecided", runs_to_decide=None)
    name = effect.factor.name
    others = [other for a, b, _ in tied for other in (a, b) if name in (a, b) and other != name]
    statement = "results, or nobody knows what, chose these runs"
    if others:
        statement += f"; its levels go together with those of {', '.join(others[:4])}, whose doing it may be"
    if effect.partners:
        statement += f"; it shows together with {', '.join(effect.partners)}"
    return replace(effect, verdict=GOES_WITH, runs_to_decide=None, statement=statement)


def _together(pair: InteractionEffect) -> InteractionEffect:
    return replace(pair, verdict=GOES_WITH) if pair.verdict == "active" else pair
