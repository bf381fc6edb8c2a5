"""What an analysis found, as sentences: the first screen of the report, the terminal's last lines, MLflow's note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.causes import ExplainedCause, SymptomShare
from backtrack.evidence.failures.failure_rules import Rule, rate_interval
from backtrack.evidence.failures.laboratory import LOW_GAIN
from backtrack.evidence.seen import Seen
from backtrack.views.goals import front_sentences, goals_of
from backtrack.views.next_steps import next_sentences, only_claims
from backtrack.views.past import associated, associated_pairs, sure_of_past, twinned
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
    crashes = Counter(frame.error[frame.outcome == "crashed"].tolist())
    for error, count in crashes.most_common(2):
        if not error:
            # A source of past runs may keep no reason.
            continue
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
                f"{_flips_text(one.cause)}."
            )
    return sentences


def cause_sentence(one: ExplainedCause) -> str:
    """A cause in words: what it leads to, both rates, and what flips say of it."""
    cause, inside, outside = one.cause, rate_interval(*one.inside), rate_interval(*one.outside)
    text = (
        f"{outcomes_text(one)} with {' and '.join(cause.cause)}: {_percent(inside)} of {one.inside[1]} runs end so. "
        f"Without it, {_percent(outside)} of {one.outside[1]} runs do."
    )
    if cause.amplifiers:
        text += f" Worse with {' and '.join(map(str, cause.amplifiers))}."
    sign = f" Typical symptom: {_sign_text(one.symptoms[0])}." if one.symptoms else ""
    sign = f" A check names it: {_sign_text(one.checks[0])}." if one.checks else sign
    if cause.verified:
        return f"{text} Verified: {_flips_text(cause)}. Smallest repair: {repair_text(cause)}.{sign}"
    so_far = f" So far {_flips_text(cause)}." if cause.broke or cause.mended else ""
    return f"{text} Not verified yet.{so_far}{sign}"


def outcomes_text(one: ExplainedCause) -> str:
    """What a cause leads to; with numbers where that are several outcomes."""
    if one.cause.outcome == LOW_GAIN:
        return "the worst quarter of the results"
    if len(one.outcomes) < 2:
        return next(iter(one.outcomes), one.cause.outcome)
    return " or ".join(f"{outcome} ({count})" for outcome, count in one.outcomes.items())


def _sign_text(share: SymptomShare) -> str:
    """The clearest symptom in few words: the report's card has them all."""
    (failing, fails), (training, trains) = share.failing, share.training
    return f"{share.name.replace('_', ' ')} ({failing} of {fails} failing runs, {training} of {trains} healthy ones)"


def symptoms_text(one: ExplainedCause) -> str:
    """Checks and symptoms that go with a cause, each with how many runs show it on either side."""
    return "; ".join(
        f"{share.name.replace('_', ' ')} in {share.failing[0]} of {share.failing[1]} runs that fail by it, "
        f"in {share.training[0]} of {share.training[1]} that train without it"
        for share in (*one.checks, *one.symptoms)
    )


def best_repair_text(analysis: Analysis, cause: Cause) -> str:
    """Of all levels of the cause's factors, the one with the best metric; empty where none is shown to differ."""
    gain = {effect.factor.name: effect for effect in analysis.responses[GAIN].factors}
    shown = []
    for part in cause.parts:
        effect = gain.get(part.factor.partition(".")[0])
        if effect is None or effect.verdict != "active" or effect.best_level == part.level_text:
            continue
        best = next((level for level in effect.levels if level.level == effect.best_level), None)
        if best is not None:
            shown.append((effect.effect, effect.factor.name, best))
    if not shown:
        return ""
    _, name, best = max(shown, key=lambda row: (row[0], row[1]))
    unit = analysis.responses[GAIN].response.kind.unit
    return f"{name} → {best.level} ({unit} {best.mean:.3g}, {best.low:.3g} to {best.high:.3g}, of those that train)"


def _flips_text(cause: Cause) -> str:
    """In how many configs putting the cause in, and taking it out, turned the outcome."""
    if not cause.broke and not cause.mended:
        return "adding it to healthy configs did not break them"
    broke, mended = (sum(flip.turned for flip in way) for way in (cause.broke, cause.mended))
    flips = [*cause.broke, *cause.mended]
    otherwise = sum(not flip.turned and not flip.stayed for flip in flips)
    worse = sum(flip.turned and not flip.reached for flip in cause.mended)
    return (
        f"adding it broke {broke} of {len(cause.broke)} healthy configs; removing it mended {mended} of "
        f"{len(cause.mended)} failing ones"
        + (f" ({worse} of which reach less than healthy runs)" if worse else "")
        + (f" ({otherwise} of these {len(flips)} then failed in another way)" if otherwise else "")
    )


def repair_text(cause: Cause) -> str:
    """The changes that were seen to mend it, each by itself."""
    return " or ".join(repairs_of(cause)) or "none was seen"


def repairs_of(cause: Cause) -> list[str]:
    """Each change that mends it, as `factor level → level`, or `condition → level` where several levels are meant; of a
    cause that is not verified, what its parts suggest.
    """
    return [
        f"{f'{part.factor} {part.level_text}' if part.sign == '=' else part} → {_mended(part.mends)}"
        for part in cause.repairs or cause.parts
    ]


def _mended(level: object) -> str:
    return "absent" if level is None else number_text(level)


def rule_sentence(rule: Rule) -> str:
    """A failure rule in words, with both rates and their intervals."""
    inside, outside = rate_interval(*rule.inside), rate_interval(*rule.outside)
    return (
        f"{' or '.join(rule.outcomes)} with {' and '.join(rule.cause)}: {_percent(inside)} of {rule.inside[1]} runs "
        "end so. "
        f"Without it, {_percent(outside)} of {rule.outside[1]} runs do."
    )


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
    others = f" The other {spare} runs never settle a verdict." if spare else ""
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
    """What cannot be known of whole responses."""
    sentences = []
    for answer in analysis.responses.values():
        if answer.statement:
            sentences.append(f"{answer.response.kind.name}: {answer.statement}.")
        elif answer.response.censored:
            sentences.append(f"{answer.response.kind.name}: {answer.response.censored}.")
    return sentences


def _rate(alpha: float) -> str:
    """An error rate: 5%, 0.1%."""
    return f"{100 * alpha:.3g}%"


def effect_text(effect: FactorEffect, answer: ResponseAnalysis) -> str:
    """An effect with its interval and unit: `0.043 (0.02 to 0.06) accuracy`, `×1.3 (1.1 to 1.5)`."""
    return answer.response.kind.text(effect.effect, effect.low, effect.high)


def number_text(level: object) -> str:
    """A level for reading."""
    return f"{level:.3g}" if isinstance(level, float) else str(level)


def _percent(rate: tuple[float, float, float]) -> str:
    value, low, high = rate
    return "unknown" if np.isnan(value) else f"{value:.0%} ({low:.0%} to {high:.0%})"


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
