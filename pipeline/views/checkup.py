"""A checkup's answer in plain words."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from backtrack.errors import StudyError
from backtrack.evidence.checkup.case import Case, Changes, spelled
from backtrack.evidence.checkup.verdict import CHECK, LATE, NO, SOMETIMES, YES, Checkup, CheckupCause

# Of an edit that was shown.
SAME = "the one above"
# The suggested edit, beside the report.
EDIT = "report/fix.patch"
# What did not help is listed up to here; `checkup.json` has all.
MOST = 12
# Shares of its first loss below which one batch is learnt by heart, and above which it is not learnt at all.
BY_HEART, UNLEARNT = 0.1, 0.7
# Changed runs of which most end at one and the same value: how many there have to be, and this share of them.
LEAST_ALIKE, SHARE_ALIKE = 9, 0.6
# Of the way from chance to all right: what learns less of it learns a little. (Chance is a guess among the classes
# where the controls reach less: the number beside would give another share.)
LITTLE = 0.1
LOOK = (
    " Whether the inputs tell no more, or something holds it back that no check sees, these runs cannot say: look at "
    "whether loss and metric ask for the same, example by example."
)


def sentences_of(found: Checkup, metric: str, study: str) -> list[str]:
    """The answer, a line each: does it learn, what is wrong and where, what to change, what was ruled out.

    Args:
        found: the answer.
        metric: of the task.
        study: where its runs are.
    """
    lines = [standing(found, metric)]
    for number, cause in enumerate(found.causes):
        lines += ["", *_cause(cause, metric, edit_of(cause, found.causes[:number]))]
    if found.then is not None:
        lines += ["", *_with_that(found.then, metric)]
    if found.edit:
        lines += ["", applying(study)]
    if not found.causes:
        lines += ["", no_cause(found), *_unusual(found)]
    if found.helped and found.learns != YES:
        lines += ["", "Helped in one run, and is not verified:", *_rows(found.helped, metric)]
    elif found.gains:
        lines += ["", "Gains, verified with fresh seeds:", *_gains(found, metric)]
    elif found.helped and not found.causes:
        lines += ["", "Could still be gained (one run each; --improve verifies it):", *_rows(found.helped[:3], metric)]
    for heading, rows in doubtful(found, metric):
        lines += ["", f"{heading}:", *(f"  {row}" for row in rows)]
    if found.tried and (found.learns != YES or found.causes):
        lines += ["", "Tried, and did not help:", *_rows(found.tried[:MOST], metric)]
        if len(found.tried) > MOST:
            lines.append(f"  and {len(found.tried) - MOST} more")
    if found.not_tried and found.learns != YES and not found.crash:
        names = ", ".join(spelled(changes) for changes, _ in found.not_tried[:MOST])
        lines += ["", f"The runs did not suffice for: {names}. Give --runs more."]
    lines += [f"\n{limit}." for limit in found.limits]
    lines += ["", f"This rests on {found.runs} trainings; {study}/report/report.html shows all of them."]
    return lines


def applying(study: str) -> str:
    """How to make the edit that a checkup suggests."""
    # From the project's folder, where a study's name that counts from another one leads nowhere.
    place = study if "://" in study else str(Path(study).resolve())
    return f"To make the edit, in the project's folder: patch -p0 < {shlex.quote(f'{place}/{EDIT}')}"


def _with_that(then: Checkup, metric: str) -> list[str]:
    """What else was found of the training with a change that mends it."""
    lines = [after_that(then, metric)]
    for number, cause in enumerate(then.causes):
        lines += [f"  {line}" for line in _cause(cause, metric, edit_of(cause, then.causes[:number]))]
    if then.gains:
        lines += ["  Beside it these take it further, verified with fresh seeds:"]
        lines += [f"  {row}" for row in _gains(then, metric)]
    return lines


def after_that(then: Checkup, metric: str) -> str:
    """How a training stands with a change that mends it, and whether more was found beside it.

    Args:
        then: the answer for that training.
        metric: of the task.
    """
    said = f"With {then.given}: {metric} of {len(then.as_written)} fresh runs is {_each(then)}"
    if then.causes:
        return f"{said}, and this is still wrong:"
    if then.gains:
        return f"{said}."
    others = len([*then.tried, *then.helped, *then.unproven, *then.within_luck, *then.as_some])
    return f"{said}; none of {others} further changes beside it is shown to reach more."


def _gains(found: Checkup, metric: str) -> list[str]:
    return [
        f"  {text}: {metric} {value:.4g}" + (f" (p = {p:.2g})" if math.isfinite(p) else "")
        for _, text, value, p in found.gains
    ]


def doubtful(found: Checkup, metric: str) -> list[tuple[str, list[str]]]:
    """What may have helped a training that does not learn as it should, and may be luck.

    Args:
        found, metric: as for `sentences_of`.

    Returns:
        `(heading, a row for each change)`, none that is empty.
    """
    if found.learns == YES:
        return []
    asked = [
        f"{text}: {metric} {value:.4g} in the median" + (f" (p = {p:.2g})" if math.isfinite(p) else "")
        for _, text, value, p in found.unproven
    ]
    verified = any(cause.verified for cause in found.causes)
    # Beside a cause that is verified they may do the same.
    within = () if verified else found.within_luck
    # Where some seeds learn as it is, few cannot tell.
    more = " (more --runs ask more seeds)" if found.learns == SOMETIMES and not verified else ""
    groups = [
        (f"Asked again with fresh seeds, and not shown to bring it back{more}", asked),
        ("Learnt in one run, as some seeds do as written", _rows(found.as_some[:MOST], metric)),
        (
            "Reached more in one run than as written, and no more than luck may do for what learns nothing",
            _rows(within[:MOST], metric),
        ),
    ]
    return [(heading, [row.strip() for row in rows]) for heading, rows in groups if rows]


def line_of(case: Case, trial: str, study: str) -> str:
    """One run of a checkup: what was changed in it, and what it reached.

    Args:
        case: every run.
        trial: its id.
        study: where it is.

    Raises:
        StudyError: where there is no such trial.
    """
    found = next((run for run in (*case.runs, *case.later) if run.trial == trial), None)
    if found is None:
        raise StudyError(f"{study} has no trial {trial!r}; its report lists all")
    reached = found.outcome if found.value is None else f"{found.value:.4g}, {found.outcome}"
    return f"{trial}: {spelled(found.changes) or 'as written'}, seed {found.seed}: {reached}."


def summary_of(found: Checkup, metric: str, study: str) -> str:
    """The answer in Markdown: what MLflow shows of a checkup.

    Args:
        found, metric, study: as for `sentences_of`.
    """
    # Two spaces are what the lists of `sentences_of` begin with.
    lines = (f"- {line.strip()}" if line.startswith("  ") else line for line in sentences_of(found, metric, study))
    return "\n".join(lines) + "\n"


def standing(found: Checkup, metric: str) -> str:
    """Whether it learns, with its numbers."""
    shown = _each(found)
    chance = f"; a training that learns nothing reaches {found.chance:.4g}" if math.isfinite(found.chance) else ""
    if math.isfinite(found.untrained):
        chance += f", and a net that makes no step {found.untrained:.4g}"
    count = len(found.as_written)
    if found.crash:
        return f"It crashes: {count} of {count} runs as written end with {found.crash}."
    if found.saturated and found.learns == NO:
        said = f"Whether it learns cannot be told by this metric: {metric} of {count} runs as written {shown}"
        if len(set(found.as_written)) > 1:
            return f"{said}{chance}, which leaves no room to show it."
        return f"{said}, which is the best of all runs; and a training that learns nothing reaches it too."
    little = _learns_little(found)
    said = {
        YES: "It learns a little" if little else "It learns",
        SOMETIMES: "It learns under some seeds only",
        LATE: "It learns, but far less than it could",
        NO: "It does not learn",
    }[found.learns]
    way = " That is less than a tenth of the way from chance to all right." if little else ""
    return f"{said}: {metric} of {count} runs as written {shown}{chance}.{way}"


def _each(found: Checkup) -> str:
    """The metric of each run as written, or how it ended."""
    return ", ".join(
        f"{value:.4g}" if math.isfinite(value) else outcome
        for value, outcome in zip(found.as_written, found.outcomes, strict=True)
    )


def _learns_little(found: Checkup) -> bool:
    return found.learns == YES and found.way < LITTLE


def edit_of(cause: CheckupCause, before: Sequence[CheckupCause]) -> str:
    """The edit that mends a cause; where one of those before it has the same, that it has."""
    return SAME if cause.patch and cause.patch in [one.patch for one in before] else cause.patch


def _cause(cause: CheckupCause, metric: str, edit: str) -> list[str]:
    at = f" at {cause.place}" if cause.place else ""
    what = cause.name.replace("_", " ")
    lines = [f"Wrong: {what}{at}: {cause.said}." if cause.kind == CHECK else f"Cause: {what}{at}, as it is written."]
    lines.append(f"  {state(cause)}")
    for number, (_, text, value) in enumerate(cause.repairs):
        reached = f", which reaches {metric} {value:.4g}" if math.isfinite(value) else ""
        lines.append(f"  {'Change' if number == 0 else 'or'}: {text}{reached}")
    if edit:
        lines += ["  As an edit:", *(f"    {line}" for line in edit.splitlines())]
    if cause.hides:
        lines.append("  These help too, and leave the fault where it is:")
        lines += [f"    {text}: {metric} {value:.4g}" for _, text, value in cause.hides]
    if cause.signs:
        lines.append(f"  Seen with it: {', '.join(sign.replace('_', ' ') for sign in dict.fromkeys(cause.signs))}")
    return lines


def state(cause: CheckupCause) -> str:
    """How sure a cause is."""
    if cause.verified and math.isnan(cause.p):
        return "shown with and without: no run depends on its seed, so there is no luck in it"
    if cause.verified:
        back, asked = cause.back
        part = f", of which it brings {back} of {asked} back" if back < asked else ""
        return f"verified with fresh seeds{part} (p = {cause.p:.2g})"
    if cause.harmless:
        return "seen; mended in one run, the training reaches no more, so it does little harm here"
    if cause.kind != CHECK:
        return f"brings it back under most fresh seeds, and is not verified: it may be luck (p = {cause.p:.2g})"
    return "seen, not verified by a repair"


def no_cause(found: Checkup) -> str:
    """What is said where nothing is named."""
    if found.learns == YES:
        return (
            "Checks find nothing wrong, and no change takes it so much further from chance that it would count as a "
            "fault: three times as far, or a third farther where a share of right answers ends below .75."
            + (LOOK if _learns_little(found) else "")
        )
    if found.saturated:
        clearly = "clearly " if len(set(found.as_written)) > 1 else ""
        return (
            f"Nothing was found to be wrong, and none of {len(found.tried)} changes reaches {clearly}more. Either this "
            "is the best there is, or the metric does not see what is learnt: judge by another, or by a harder task."
        )
    if found.crash:
        return (
            f"It crashes with each of {len(found.tried)} changes too, one of each kind, so no others were tried. Mend "
            "that line, then ask again."
        )
    loose = (*found.helped, *found.unproven, *found.within_luck, *found.as_some)
    count, brings = len(found.tried) + len(loose), "is shown to bring" if loose else "brings"
    look = (
        "Some seeds learn, so labels and metric do their part; what differs between seeds are the weights at the start "
        "and the order of the examples: look at the initialisation, and at how large the steps are."
        if found.learns == SOMETIMES
        else "Look by hand: do the labels belong to the inputs, is there enough data, is the model large enough, does "
        "it train long enough."
    )
    return (
        f"No cause was found: none of {count} changes {brings} it back. "
        f"{_of_one_batch(found.one_batch)}{_of_one_value(found)}{look}"
    )


def _unusual(found: Checkup) -> list[str]:
    """What checks call unusual, where nothing else says why it does not learn."""
    if found.learns == YES or not found.unusual:
        return []
    said = [
        f"  {one.check.replace('_', ' ')}{f' at {one.place}' if one.place else ''}: {one.measured}; {one.remedy}"
        for one in found.unusual
    ]
    return ["", "Unusual, though it may be meant; look there first:", *said]


def _of_one_value(found: Checkup) -> str:
    """What it says that most changed runs end at exactly the same metric; empty where they do not."""
    values = Counter(value for _, _, value in [*found.tried, *found.helped] if math.isfinite(value))
    (value, alike), every = (values.most_common(1) or [(math.nan, 0)])[0], values.total()
    if every < LEAST_ALIKE or alike < SHARE_ALIKE * every:
        return ""
    return (
        f"{alike} of them end at exactly {value:.4g}, as one answer for all inputs does, or a metric that does not see "
        "the outputs: print outputs, targets and the loss of some examples of each kind. "
    )


def _of_one_batch(losses: tuple[float, float] | None) -> str:
    """What a run on one batch alone showed; empty where none ran."""
    if losses is None:
        return ""
    first, last = losses
    said = f"Trained on its first batch alone, its loss ends at {last:.3g}, where reports begin at {first:.3g}"
    if 0 <= last < BY_HEART * first:
        return f"{said}: net, loss and optimiser can learn. "
    if last > UNLEARNT * first > 0:
        return f"{said}: not even one batch is learnt, so look at the net, the loss and the step before the data. "
    return f"{said}. "


def _rows(rows: Sequence[tuple[Changes, str, float]], metric: str) -> list[str]:
    return [
        f"  {text or spelled(changes)}: " + (f"{metric} {value:.4g}" if math.isfinite(value) else "failed")
        for changes, text, value in rows
    ]
