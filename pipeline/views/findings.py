"""What an analysis found, as sentences: the first screen of the report, the terminal's last lines, MLflow's note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.certain import StoppedRuns
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.failures.laboratory import LOW_GAIN
from backtrack.evidence.seen import Seen
from backtrack.views.cause_sentences import cause_sentence, flips_text
from backtrack.views.goals import front_sentences, goals_of
from backtrack.views.next_steps import next_sentences, only_claims
from backtrack.views.numbers import number_text
from backtrack.views.past import associated, associated_pairs, sure_of_past, twinned
from backtrack.vocabulary.crashes import crash_kind
from backtrack.vocabulary.finding import WRONG
from backtrack.vocabulary.outcomes import NO_FAILURE, PRUNED
from backtrack.vocabulary.plan import PAST
from backtrack.vocabulary.responses import FAILURE, GAIN, GAIN_WITH_FAILURES, SPEED

MOST_NAMED = 4
# The stages whose runs were not made to test a cause.
FIRST_STAGES = ("screen", "search", "confirm", "claims", PAST)


@dataclass(frozen=True)
class Findings:
    """The answers to a newcomer's questions, each a list of sentences.

    Args:
        before: what checks saw, before any statistics.
        failed: what failed.
        why: under which levels.
        helped: what changed the metric.
        sure: how sure that is.
        next: what to do now.
    """

    before: list[str]
    failed: list[str]
    why: list[str]
    helped: list[str]
    sure: list[str]
    next: list[str]

    @property
    def answers(self) -> list[tuple[str, list[str]]]:
        """Each with its heading, in the order in which they are read."""
        return [
            ("Before any statistics", self.before),
            ("What failed", self.failed),
            ("Why", self.why),
            ("What helped", self.helped),
            ("How sure", self.sure),
            ("What next", self.next),
        ]


def findings_of(
    analysis: Analysis,
    metric: str,
    stages: Mapping[str, int],
    past: Mapping[str, Any] | None = None,
    location: str = "STUDY",
) -> Findings:
    """The findings of `analysis`.

    Args:
        analysis: of the trials so far.
        metric: the task's.
        stages: planned runs for each stage.
        past: of a study of runs that existed already, how they were read and chosen, as its manifest has it.
        location: of the study, for the commands to type.
    """
    return Findings(
        before=_before(analysis),
        failed=_failed(analysis),
        why=_why(analysis),
        helped=_helped(analysis, metric),
        sure=_sure(analysis, past),
        next=next_sentences(analysis, stages, past is not None, location),
    )


# Of the checks that found something, so many are told on the first screen.
MOST_CHECKS = 4


def _before(analysis: Analysis) -> list[str]:
    """What checks found wrong, with its place; what is only unusual stands in the report's table."""
    wrong = [one for one in analysis.seen if one.finding.weight == WRONG]
    sentences = [check_sentence(one) for one in wrong[:MOST_CHECKS]]
    if len(wrong) > MOST_CHECKS:
        sentences.append(f"{len(wrong) - MOST_CHECKS} more findings of checks stand in the report.")
    return sentences


def check_sentence(one: Seen) -> str:
    """A finding in words: what, where, in how many runs, what to do."""
    found = one.finding
    runs = f"in all {one.of} runs" if one.runs == one.of else f"in {one.runs} of {one.of} runs"
    return f"{found.check.replace('_', ' ')} at {found.place}, {runs}: {found.measured}. {_sentence(found.remedy)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _failed(analysis: Analysis) -> list[str]:
    frame = analysis.frame
    counts = Counter(frame.outcome.tolist())
    bad = sum(count for outcome, count in counts.items() if outcome not in NO_FAILURE)
    if not len(frame):
        return ["No training run has ended yet."]
    pruned = [f"{counts[PRUNED]} were pruned, which is no failure."] if counts[PRUNED] else []
    if not bad:
        return [f"None of {len(frame)} training runs failed.", *pruned]
    kinds = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common() if outcome not in NO_FAILURE)
    sentences = [f"{bad} of {len(frame)} training runs failed: {kinds}.", *pruned]
    if analysis.reconsidered:
        several = analysis.reconsidered > 1
        sentences.append(
            f"{analysis.reconsidered} more {'were' if several else 'was'} recorded as no_learning. "
            f"{'They end' if several else 'It ends'} better than runs that learn, so "
            f"{'they count' if several else 'it counts'} as ok."
        )
    if analysis.beyond:
        several = analysis.beyond > 1
        sentences.append(
            f"{analysis.beyond} of these {'were' if several else 'was'} recorded as ok, for chance is not known. "
            f"{'They end' if several else 'It ends'} far beyond where trainings of this study begin, so "
            f"{'they count' if several else 'it counts'} as diverged."
        )
    if analysis.stopped is not None:
        sentences.append(_stopped(analysis.stopped))
    messages = frame.error[frame.outcome == "crashed"].tolist()
    kinds_of_crash = Counter(crash_kind(error) for error in messages)
    for kind, count in kinds_of_crash.most_common(2):
        error = next(one for one in messages if crash_kind(one) == kind)
        if error:
            # A source of past runs may keep no reason.
            sentences.append(f"{count} crashed with: {error[:200]}")
    return sentences


def _why(analysis: Analysis) -> list[str]:
    standing = [one for one in analysis.causes if not one.cause.refuted]
    sentences = [cause_sentence(one) for one in standing[:MOST_NAMED]]
    answer = analysis.responses[FAILURE]
    active = [effect for effect in answer.factors if effect.verdict == "active"]
    if active:
        sentences.append(f"{answer.response.kind.heading}: {_named(active, answer)}.")
    goes = associated(answer)
    if goes:
        sentences.append(f"Goes with the share that fails, which is no verdict: {_named(goes, answer)}.")
    if not sentences and analysis.frame.failed.any():
        sentences.append(
            "No level, and no two levels together, explain these failures. These runs cannot tell what does."
        )
    failures = int(analysis.frame.of_stages(FIRST_STAGES).before_backtracking.failed.sum())
    unexplained = failures - sum(one.inside[0] for one in standing if one.cause.outcome != LOW_GAIN)
    if standing and unexplained > 0:
        sentences.append(f"None of these explains {unexplained} of the {failures} failures.")
    for one in analysis.causes:
        if one.cause.refuted and one.cause.rule is not None:
            sentences.append(
                f"{' and '.join(one.cause.rule.cause)} looked like a cause of {one.cause.outcome}. Flips refuted it: "
                f"{flips_text(one.cause)}."
            )
    return sentences


def _helped(analysis: Analysis, metric: str) -> list[str]:
    sentences = []
    for name in (GAIN, GAIN_WITH_FAILURES, SPEED, *goals_of(analysis)):
        answer = analysis.responses.get(name)
        if answer is None:
            continue
        few = answer.carried.factors if answer.carried is not None else ()
        active = [effect for effect in answer.factors if effect.verdict == "active" and effect.factor.name not in few]
        alone = [effect for effect in active if not effect.partners and _shows(effect, answer)]
        if alone:
            sentences.append(f"{answer.response.kind.heading}: {_named(alone, answer)}.")
        sentences += _together(active, answer)
        sentences += twinned(answer, analysis.alpha)
        goes = associated(answer)
        if goes:
            sentences.append(f"Goes with the {name.replace('_', ' ')}, which is no verdict: {_named(goes, answer)}.")
        sentences += associated_pairs(answer)
    sentences += _few_runs(analysis, metric)
    if not sentences and not only_claims(analysis):
        sentences.append(f"These runs show no factor that changes the final {metric} or the speed.")
    sentences += front_sentences(analysis)
    sentences += _claimed(analysis)
    best = analysis.best
    if best is not None:
        sentences.append(
            f"Best config: it reached {metric} {best['observed']:.4g} in {best['trial']}, and a new run is expected to "
            f"reach {best['value']:.4g} ("
            + ", ".join(f"{factor}={number_text(level)}" for factor, level in best["config"].items())
            + ")."
        )
    return sentences


def _stopped(found: StoppedRuns) -> str:
    """How many runs were ended early, and what the audit says of it."""
    runs = "run was" if found.stopped == 1 else "runs were"
    ended = f"{found.stopped} {runs} ended early, for the outcome was certain."
    if not found.audited:
        return f"{ended} No run of the audit was at chance for so long."
    if not found.recovered:
        return f"{ended} Of {found.audited} that went on as an audit none learnt."
    return (
        f"{ended} But {found.recovered} of {found.audited} that went on as an audit learnt after all: leave "
        "--stop-certain out."
    )


def _shows(effect: FactorEffect, answer: ResponseAnalysis) -> bool:
    """Whether an effect is more than it reads: a ratio that reads as 1.00 helps nobody."""
    return not (answer.response.kind.ratio and effect.effect < 1.005)


def _together(active: list[FactorEffect], answer: ResponseAnalysis) -> list[str]:
    """The pairs that factors are active through, each with the best level of the one given the other."""
    names = {effect.factor.name for effect in active}
    only = {effect.factor.name for effect in active if effect.partners}
    told = []
    for pair in answer.interactions:
        both = {pair.factor_a, pair.factor_b}
        if pair.verdict != "active" or not both & only or not both <= names:
            continue
        own, other, best = (
            (pair.factor_a, pair.factor_b, pair.best_a)
            if pair.factor_a in only
            else (pair.factor_b, pair.factor_a, pair.best_b)
        )
        by_level: dict[str, list[str]] = {}
        for level, choice in best:
            by_level.setdefault(choice, []).append(level)
        choices = "; ".join(f"{own}={choice} with {other} {' or '.join(at)}" for choice, at in by_level.items())
        effect = answer.response.kind.text(pair.effect, pair.low, pair.high)
        told.append(f"{own} and {other} matter together ({effect}). Best: {choices}.")
    return told[:MOST_NAMED]


def _few_runs(analysis: Analysis, metric: str) -> list[str]:
    """A few runs that lie far from all others, what they have in common, and what they alone show."""
    found = analysis.responses[GAIN].carried if GAIN in analysis.responses else None
    if found is None:
        return []
    count = len(found.trials)
    runs = "One run ends" if count == 1 else f"{count} runs end"
    text = f"{runs} far from all others ({metric} about {found.value:.3g}, the others {found.usual:.3g})"
    if found.conditions:
        text += f": with {' and '.join(found.conditions)}"
    if found.factors:
        text += f". Without {'it' if count == 1 else 'them'} no effect of {', '.join(found.factors)} is shown"
    return [f"{text}."]


def _claimed(analysis: Analysis) -> list[str]:
    """What became of the sources' claims, in one sentence; nothing where none is decided."""
    by_verdict: dict[str, list[str]] = {}
    for result in analysis.claims:
        by_verdict.setdefault(result.verdict, []).append(f"“{result.claim.text}”")
    undecided = len(by_verdict.pop("undecided", []))
    if not by_verdict:
        # A screen is not made for claims: that it leaves them open is no finding.
        return [f"None of the sources' {undecided} claims is decided yet."] if only_claims(analysis) else []
    parts = [f"{verdict.capitalize()}: {', '.join(texts)}." for verdict, texts in sorted(by_verdict.items())]
    if undecided:
        parts.append(f"Undecided: {undecided}.")
    count = len(analysis.claims)
    return [f"The sources make {count} claim{'s' if count > 1 else ''}. {' '.join(parts)}"]


def _named(effects: list[FactorEffect], answer: ResponseAnalysis) -> str:
    parts = [
        f"{effect.factor.name} ({effect_text(effect, answer)}; "
        + (effect.best_said or f"best {effect.best_level}")
        + ")"
        for effect in effects
    ]
    more = len(parts) - MOST_NAMED
    return ", ".join(parts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _sure(analysis: Analysis, past: Mapping[str, Any] | None) -> list[str]:
    if past is not None:
        return [*sure_of_past(analysis, past), *_of_responses(analysis)]
    evidence = len(analysis.frame.of_stages())
    if only_claims(analysis):
        return [
            f"Verdicts on claims rest on {len(analysis.frame.of_stages(['claims'])) // 2} pairs of trainings that "
            "differ in the claim's factor alone and share their seed, on balanced backgrounds that were drawn before "
            "any result was known. Where no claim is true, one is called so in at most "
            f"{_rate(analysis.alpha)} of the sweeps, for each response (Holm). Ranges are 95 % intervals."
        ]
    spare = len(analysis.frame) - evidence
    never = "run never settles" if spare == 1 else f"{spare} runs never settle"
    others = f" The other {never} a verdict." if spare else ""
    screened = analysis.frame.of_stages(["screen"])
    moved = len(screened) - len(screened.fair_for_failures)
    aside = f" ({moved} of its runs moved out of where others failed; they do not count for failures)" if moved else ""
    fresh = ", and fresh runs for what the screen suspected" if evidence > len(screened) else ""
    sentences = [
        f"Verdicts rest on {evidence} runs of balanced designs: a screen that was drawn before any result was known"
        f"{aside}{fresh}.{others} "
        f"Where nothing is true, a false “active” turns up in at most {_rate(analysis.alpha)} of the rankings (Holm), "
        f"over this and all further looks{_look(analysis)}. "
        "Ranges are 95 % intervals."
    ]
    if len(analysis.frame) and not np.isfinite(analysis.frame.chance).any():
        sentences.append(
            "The task does not say what chance is, so a run that learns nothing counts as ok. Set chance=… to "
            "tell them apart."
        )
    return [*sentences, *_of_responses(analysis)]


def _look(analysis: Analysis) -> str:
    """Which look this is, where it is not the first."""
    look = analysis.look
    return f" (this is look {look.number}, at a level of {_rate(look.alpha)})" if look and look.number > 1 else ""


def _of_responses(analysis: Analysis) -> list[str]:
    """What cannot be known of whole responses; what holds for several is said once."""
    names: dict[str, list[str]] = {}
    for answer in analysis.responses.values():
        said = answer.statement or answer.response.censored
        if said:
            names.setdefault(said, []).append(answer.response.kind.name)
    return [f"{', '.join(of)}: {said}." for said, of in names.items()]


def _rate(alpha: float) -> str:
    """An error rate: 5%, 0.1%."""
    return f"{100 * alpha:.3g}%"


def effect_text(effect: FactorEffect, answer: ResponseAnalysis) -> str:
    """An effect with its interval and unit: `0.043 (0.02 to 0.06) accuracy`, `×1.3 (1.1 to 1.5)`."""
    return answer.response.kind.text(effect.effect, effect.low, effect.high)


def markdown_summary(analysis: Analysis, findings: Findings, title: str) -> str:
    """The ranking and the findings as Markdown: MLflow shows it as the parent run's description."""
    lines = [f"## {title}", ""]
    for heading, sentences in findings.answers:
        if sentences:
            lines += [f"**{heading}**", "", *(f"- {sentence}" for sentence in sentences), ""]
    for name, answer in analysis.responses.items():
        if not answer.factors:
            continue
        lines += [
            f"### {name}: {answer.response.kind.question}",
            "",
            "| # | factor | effect (95 %) | p (Holm) | verdict |",
            "|---|---|---|---|---|",
        ]
        for rank, effect in enumerate(answer.factors, start=1):
            lines.append(
                f"| {rank} | {effect.factor.name} | {effect_text(effect, answer)} | {effect.p_adjusted:.2g} "
                f"| {effect.verdict} |"
            )
        lines.append("")
    return "\n".join(lines)
