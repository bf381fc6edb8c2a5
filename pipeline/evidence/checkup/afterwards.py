"""What else is wrong with a training, once one fault is mended: the mended training, looked at in its turn.

A program seldom has one fault alone. A fault that keeps a training from learning anything hides all others; with it
mended they can be seen, and what helps then can be tried. So the training with its repair is a training like any other:
its fresh runs are the ones as written, and the same rules say what is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from backtrack.evidence.checkup.case import Case, Changes, CheckedRun
from backtrack.evidence.checkup.merging import patch_of
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.ordering import CLEARLY
from backtrack.evidence.checkup.repairs import tried
from backtrack.evidence.checkup.unverified import told
from backtrack.evidence.checkup.verdict import Checkup, conclude
from backtrack.vocabulary.plan import PROOF, THEN_PROOF, THEN_TRIED, TRIED, WRITTEN

# Share of the way from chance to a known best from which on nothing is left to gain.
NO_ROOM = 0.9


def answer_of(case: Case) -> Checkup:
    """What the runs so far say of a training, and of it with its first repair.

    Example:
        >>> answer_of(case).then.causes[0].name  # doctest: +SKIP
        'loss_input'
    """
    found = conclude(case)
    runs, base = len(case.runs) + len(case.later), base_of(case, found)
    found = replace(found, runs=runs, edit=patch_of(case, base))
    if not base or not _of(case.later, base):
        return found
    after = mended(case, base)
    then = conclude(after)
    # What no check and no fresh seeds show says too little of a training that nobody wrote; what was named is said.
    said, known = {one.name for one in found.causes}, {*after.wrong}
    causes = [one for one in then.causes if one.verified or (one.name in known and one.name not in said)]
    then = replace(then, causes=causes, given=told(case, base, math.nan)[1])
    return replace(found, then=then, edit=patch_of(case, (*base, *base_of(after, then))) or found.edit)


def base_of(case: Case, found: Checkup) -> Changes:
    """The first repair of the cause with which the training comes furthest, of those that are verified; else none."""
    verified = [cause for cause in found.causes if cause.verified]
    furthest = max(verified, key=lambda cause: case.scored(cause.reaches), default=None)
    return furthest.repairs[0][0] if furthest is not None else ()


def mended(case: Case, base: Changes) -> Case:
    """The training with a repair as one as it is written, with the runs in which something is changed beside."""
    names = {name for name, _ in base}
    beside = _of(case.later, base)
    pairs = [run for run in _of(tried(case), base) if run.part == TRIED and len(run.changes) == len(base) + 1]
    runs = [
        *(_without(run, base, WRITTEN) for run in case.of(base, PROOF)),
        *(_without(run, base, TRIED) for run in pairs),
        *(_without(run, base, TRIED) for run in beside if run.part == THEN_TRIED),
        *(_without(run, base, PROOF) for run in beside if run.part == THEN_PROOF),
    ]
    if not case.crash:
        # What a check sees that saw nothing as written may be the repair's own doing; a training that crashes shows
        # nothing.
        known = {*case.wrong, *case.unusual}
        runs = [replace(run, findings=tuple(one for one in run.findings if one.check in known)) for run in runs]
    # A repair that came first is part of what is written now: no other level of it is a change beside it.
    options = [_beside(one, base) for one in case.options if one.name not in names]
    return replace(case, runs=[*runs, *case.controls], options=options, improve=True, later=())


def has_room(case: Case, after: Case) -> bool:
    """Whether a way is left to go in a training that is mended.

    Args:
        case: of the training as written.
        after: of the training with its repair.
    """
    reached = median(map(after.score, after.first))
    top = case.scored(1.0) if case.is_of_variance else case.ceiling
    if math.isfinite(top):
        return case.share(reached, top) < NO_ROOM
    # Nobody knows what the best is: where a run shows more, or a sign that something is amiss.
    return bool(after.signs) or case.share(reached, max(map(case.score, case.runs))) < 1 - CLEARLY


def _beside(option: Option, base: Changes) -> Option:
    """An option of a training that has a repair: its number, and the line that has it, may be the repair's."""
    text = option.text_beside(base)
    return option if text == option.text else replace(option, text=text, patch="")


def _of(runs: Sequence[CheckedRun], base: Changes) -> list[CheckedRun]:
    """Runs with these changes and others."""
    return [run for run in runs if {*base} < {*run.changes}]


def _without(run: CheckedRun, base: Changes, part: str) -> CheckedRun:
    return replace(run, changes=tuple(one for one in run.changes if one not in base), part=part)
