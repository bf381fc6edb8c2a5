"""A cause of failures as sentences: what it leads to, how often, what flips say, what mends it."""

from __future__ import annotations

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.causes import ExplainedCause, SymptomShare
from backtrack.evidence.failures.failure_rules import Rule, rate_interval
from backtrack.evidence.failures.laboratory import LOW_GAIN
from backtrack.views.numbers import number_text, percent
from backtrack.vocabulary.responses import GAIN

# Characters of an error's message on the first screen; the report's table of runs has all.
LONGEST_ERROR = 80


def cause_sentence(one: ExplainedCause) -> str:
    """A cause in words: what it leads to, both rates, and what flips say of it."""
    cause, inside, outside = one.cause, rate_interval(*one.inside), rate_interval(*one.outside)
    text = (
        f"{outcomes_text(one)} with {' and '.join(cause.cause)}: {percent(inside)} of {one.inside[1]} runs end so. "
        f"Without it, {percent(outside)} of {one.outside[1]} runs do."
    )
    if cause.amplifiers:
        text += f" Worse with {' and '.join(map(str, cause.amplifiers))}."
    sign = f" Typical symptom: {_sign_text(one.symptoms[0])}." if one.symptoms else ""
    sign = f" A check names it: {_sign_text(one.checks[0])}." if one.checks else sign
    if cause.verified:
        return f"{text} Verified: {flips_text(cause)}. Smallest repair: {repair_text(cause)}.{sign}"
    so_far = f" So far {flips_text(cause)}." if cause.broke or cause.mended else ""
    return f"{text} Not verified yet.{so_far}{sign}"


def outcomes_text(one: ExplainedCause) -> str:
    """What a cause leads to; with numbers where that are several outcomes."""
    if one.cause.outcome == LOW_GAIN:
        return "the worst quarter of the results"
    if len(one.outcomes) < 2:
        error = one.cause.rule.error if one.cause.rule is not None else ""
        return next(iter(one.outcomes), one.cause.outcome) + (f" ({_short(error)})" if error else "")
    return " or ".join(f"{outcome} ({count})" for outcome, count in one.outcomes.items())


def _short(error: str) -> str:
    """An error's message as far as a line takes it, and its place."""
    message, bracket, place = error.rpartition(" (")
    if not bracket:
        message, place = error, ""
    kept = message if len(message) <= LONGEST_ERROR else f"{message[:LONGEST_ERROR]} …"
    return f"{kept} at {place.rstrip(')')}" if place else kept


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


def flips_text(cause: Cause) -> str:
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
        f"{' or '.join(rule.outcomes)} with {' and '.join(rule.cause)}: {percent(inside)} of {rule.inside[1]} runs "
        "end so. "
        f"Without it, {percent(outside)} of {rule.outside[1]} runs do."
    )
