"""Sentences about runs that existed already: how they were chosen, and what only goes with a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.effects.effects import GOES_WITH, FactorEffect

MOST_PAIRS = 3


def associated(answer: ResponseAnalysis) -> list[FactorEffect]:
    """The factors that a response only goes with."""
    return [effect for effect in answer.factors if effect.verdict == GOES_WITH]


def associated_pairs(answer: ResponseAnalysis) -> list[str]:
    """The pairs of factors that a response only goes with."""
    pairs = [f"{pair.factor_a} and {pair.factor_b}" for pair in answer.interactions if pair.verdict == GOES_WITH]
    return [f"Go with the {answer.response.kind.name} together: {'; '.join(pairs[:MOST_PAIRS])}."] if pairs else []


def twinned(answer: ResponseAnalysis, alpha: float) -> list[str]:
    """The factors that surely do something together, and that no run tells apart."""
    told: set[frozenset[str]] = set()
    sentences = []
    for effect in answer.factors:
        group = frozenset({effect.factor.name, *effect.twins})
        if not effect.twins or effect.p_adjusted >= alpha or group in told:
            continue
        told.add(group)
        kind = answer.response.kind
        sentences.append(
            f"{' or '.join(sorted(group))} changes the {kind.name.replace('_', ' ')} "
            f"({kind.text(effect.effect, effect.low, effect.high)}; best {effect.factor.name}={effect.best_level}). "
            "They changed together in every run, so nobody can tell which: vary them apart."
        )
    return sentences


def sure_of_past(analysis: Analysis, past: Mapping[str, Any]) -> list[str]:
    """How sure the answers are: by how the runs were chosen.

    Args:
        analysis: of the runs.
        past: how they were read and chosen, as the manifest has it.
    """
    runs, fair = len(analysis.frame), len(analysis.frame.of_stages())
    where = f"These {runs} runs existed already ({past['kind']}, {past['source']})."
    rate = f"{100 * analysis.alpha:.3g}%"
    if past["chosen"] == "beforehand":
        sentences = [
            f"{where} Nothing chose them by their results ({past['how']}), so they get verdicts. Where nothing is "
            f"true, a false “active” turns up in at most {rate} of the rankings (Holm). Ranges are 95 % intervals."
        ]
    else:
        chosen = "Results chose them" if past["chosen"] == "by results" else "Nobody knows what chose them"
        verdicts = (
            f"Only the first {fair}, which were drawn beforehand, get verdicts"
            if fair
            else "So none of them gets a verdict"
        )
        sentences = [
            f"{where} {chosen}: {past['how']}. {verdicts}. What else they show “goes with” a response: it raises a "
            "suspicion, and the error rate of such a list is not known."
        ]
    if past["tied"]:
        named = "; ".join(f"{a} with {b}" for a, b in past["tied"][:MOST_PAIRS])
        sentences.append(f"Levels go together: {named}. What one seems to do may be the other's doing.")
    if past.get("compared_at_step") is not None:
        sentences.append(
            f"Some runs were pruned by their results. So all are compared at step {past['compared_at_step']:g}, the "
            "last one that each of them reached."
        )
    return sentences
