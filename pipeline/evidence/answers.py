"""The answers to what is asked of one response."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from backtrack.evidence.effects.carried import Carried
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.effects.interactions import InteractionEffect
from backtrack.evidence.effects.total_shares import total_shares
from backtrack.evidence.effects.tuned import TunedEffect
from backtrack.evidence.responses.responses import Response


@dataclass(frozen=True)
class ResponseAnalysis:
    """One response's answers.

    Args:
        response: what was asked, of which runs.
        factors: effects, ranked.
        interactions: of all pairs, strongest first.
        silent: `{factor: why nothing can be said}`.
        unasked: `{pair or pairs of factors: why nothing can be said}`.
        noise: run-to-run standard deviation (what the model leaves), NaN where it is unknown.
        statement: what cannot be known of the whole response, and how many runs it would take; or empty.
        ranks: `{factor: 95 % interval of its rank by size}`.
        tuned: `{factor: its effect with a numeric nuisance tuned}`, for the gain.
        carried: the few runs that lie far from all others and what they carry, for the gain; None where none do.
    """

    response: Response
    factors: list[FactorEffect]
    interactions: list[InteractionEffect]
    silent: dict[str, str]
    unasked: dict[str, str]
    noise: float
    statement: str
    ranks: dict[str, tuple[int, int]]
    tuned: dict[str, TunedEffect]
    carried: Carried | None = None

    @cached_property
    def shares(self) -> dict[str, float]:
        """`{factor: share of the variance between runs that it takes part in}`: see `total_shares`."""
        return total_shares(self.response)
