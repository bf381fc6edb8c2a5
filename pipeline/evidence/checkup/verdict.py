"""What a checkup says: does the training learn, what is wrong, what mends it, what was ruled out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backtrack.evidence.checkup.case import BESIDE_A_SEED, UNTRAINED, Case, Changes, CheckedRun, spelled
from backtrack.evidence.checkup.checks import most_exact_of, sees_effect, sees_judging
from backtrack.evidence.checkup.luck import way_gone
from backtrack.evidence.checkup.memorised import JUDGED, has_no_room, is_much, memorised, not_carried_over, of_one_batch
from backtrack.evidence.checkup.merging import patch_of
from backtrack.evidence.checkup.ordering import WHOLE, led_to, middle, most_exact
from backtrack.evidence.checkup.repairs import (
    Repair,
    answers,
    best_score,
    falls_behind,
    is_another_net,
    is_direct,
    is_made_for,
    learns,
    mends,
    needs_repair,
    option_of,
    proven,
    tried,
)
from backtrack.evidence.checkup.unlearnt import left_over, lost_on_the_way, taken_away
from backtrack.evidence.checkup.unverified import Told, told, unverified
from backtrack.vocabulary.finding import WRONG, Finding

# Whether a training learns.
YES, SOMETIMES, LATE, NO = "yes", "sometimes", "late", "no"
# Kinds of causes: a fault that a check names, or what an intervention changed.
CHECK, INTERVENTION = "check", "intervention"
# Share of the way from chance to the best below which a training has learnt nothing; and how many times as far the best
# of the seeds that learn goes as the worst of the others: all others differ by luck, on either side of a bar.
TRACE, APART = 0.02, 2.0


@dataclass(frozen=True)
class CheckupCause:
    """What is wrong with a training.

    Args:
        kind: `CHECK` or `INTERVENTION`.
        name: of the check, or of the interventions.
        said: what was seen, or what the change does.
        conditions: the training as written, such as `inputs=as_written`.
        place: in the user's code.
        repairs: `(changes, what a person would write, the metric that it reaches)`, verified ones first.
        verified: whether fresh seeds show it, with and without.
        p: of that.
        reaches: the metric with the first repair; NaN where none is verified.
        hides: changes that bring the training back and do not mend what the check names.
        signs: other checks and symptoms that go with it.
        harmless: whether the training learns with it, and no better with it mended in one run.
        patch: the first repair as an edit of the user's code, a unified diff; empty where it is not known.
        back: how many of the first repair's fresh runs it brings back, and how many there are; (0, 0) for none.

    Example:
        >>> cause = CheckupCause("intervention", "learning_rate", said="steps with its rate times a factor",
        ...                      place="train.py:9", repairs=[((("learning_rate", "x0.1"),), "lr=0.01", 0.9)],
        ...                      verified=True, p=0.003, reaches=0.9)
        >>> cause.conditions
        ['learning_rate=as_written']
    """

    kind: str
    name: str
    said: str
    place: str
    repairs: Sequence[tuple[Changes, str, float]]
    verified: bool
    p: float
    reaches: float
    hides: Sequence[tuple[Changes, str, float]] = ()
    signs: Sequence[str] = ()
    harmless: bool = False
    patch: str = ""
    back: tuple[int, int] = (0, 0)

    @property
    def conditions(self) -> list[str]:
        """The training as written."""
        names = {name for changes, _, _ in self.repairs for name, _ in changes}
        return [f"{name}=as_written" for name in sorted(names)]


@dataclass(frozen=True)
class Checkup:
    """The whole answer.

    Args:
        learns: `YES`, `SOMETIMES`, `LATE` or `NO`.
        chance: the metric of a training that has learnt nothing; NaN where it is not known.
        as_written: the metric of each seed; NaN where a run had none.
        outcomes: of these runs.
        causes: the surest first.
        helped, within_luck, as_some, tried: `(changes, what a person would write, metric)` of what is not verified; see
            `Unverified`.
        unproven: the same of what fresh seeds were asked of and do not show, with p.
        not_tried: options that the runs did not suffice for.
        symptoms: of most of the runs as written.
        runs: how many trainings it rests on.
        unusual: what checks saw that may be meant.
        limits: what could not be changed from outside, a sentence each.
        crash: what every run as written ends with, and where, if all of them crash alike.
        saturated: whether every run as written ends at exactly the best of all runs, as one does that learns nothing:
            then the metric cannot tell.
        gains: of a sound training, `(changes, what a person would write, metric, p)` of what fresh seeds show to gain.
        way: how much of the way from chance to all right the runs as written go, where the metric is such a share.
        untrained: the metric of a net that makes no step, where that is beyond the luck of `chance`; else NaN.
        one_batch: training loss where reports begin, and at the end of a run on its first batch alone; None for none.
        then: the answer for the training with one of these repairs, where anything else was asked of it.
        given: what a person would write for the changes that it is the answer with; empty for the training as written.
        edit: of the user's code, a unified diff: the verified repair with which the training comes furthest, and what
            is verified beside it; empty where it is not known.

    Example:
        >>> found = Checkup(learns="no", chance=0.1, as_written=[0.1], outcomes=["ok"], causes=[], helped=[], tried=[],
        ...                 not_tried=[], symptoms=[], runs=1)
        >>> found.as_json()["learns"]
        'no'
    """

    learns: str
    chance: float
    as_written: Sequence[float]
    outcomes: Sequence[str]
    causes: Sequence[CheckupCause]
    helped: Sequence[tuple[Changes, str, float]]
    tried: Sequence[tuple[Changes, str, float]]
    not_tried: Sequence[tuple[Changes, str]]
    symptoms: Sequence[str]
    runs: int
    unusual: Sequence[Finding] = field(default_factory=tuple)
    gains: Sequence[tuple[Changes, str, float, float]] = ()
    untrained: float = math.nan
    way: float = math.nan
    one_batch: tuple[float, float] | None = None
    limits: Sequence[str] = ()
    crash: str = ""
    saturated: bool = False
    unproven: Sequence[tuple[Changes, str, float, float]] = ()
    within_luck: Sequence[Told] = ()
    as_some: Sequence[Told] = ()
    then: Checkup | None = None
    given: str = ""
    edit: str = ""

    def as_json(self) -> dict[str, Any]:
        """`checkup.json`."""
        return {
            "learns": self.learns,
            "chance": _number(self.chance),
            "untrained": _number(self.untrained),
            "way": _number(self.way),
            "as_written": [_number(value) for value in self.as_written],
            "outcomes": list(self.outcomes),
            "causes": [
                {
                    "kind": cause.kind,
                    "name": cause.name,
                    "said": cause.said,
                    "conditions": cause.conditions,
                    "repairs": [_repair(one) for one in cause.repairs],
                    "hides": [_repair(one) for one in cause.hides],
                    "verified": cause.verified,
                    "harmless": cause.harmless,
                    "p": _number(cause.p),
                    "reaches": _number(cause.reaches),
                    "back": list(cause.back),
                    "place": cause.place,
                    "signs": list(cause.signs),
                    "patch": cause.patch,
                }
                for cause in self.causes
            ],
            "helped": [_repair(one) for one in self.helped],
            "unproven": [{**_repair(one[:3]), "p": _number(one[3])} for one in self.unproven],
            "within_luck": [_repair(one) for one in self.within_luck],
            "as_some": [_repair(one) for one in self.as_some],
            "tried": [_repair(one) for one in self.tried],
            "ruled_out": [spelled(changes) for changes, _, _ in self.tried],
            "not_tried": [spelled(changes) for changes, _ in self.not_tried],
            "symptoms": list(self.symptoms),
            "runs": self.runs,
            "gains": [{**_repair(one[:3]), "p": _number(one[3])} for one in self.gains],
            "limits": list(self.limits),
            "crash": self.crash,
            "edit": self.edit,
            "saturated": self.saturated,
            "given": self.given,
            "then": None if self.then is None else self.then.as_json(),
            "one_batch": None if self.one_batch is None else [_number(loss) for loss in self.one_batch],
        }


def conclude(case: Case) -> Checkup:
    """What the runs so far say."""
    repairs = proven(case)
    verified = [one for one in repairs if one.verified]
    # What a sound training gains by is no cause of anything.
    gained = [] if needs_repair(case) else [one for one in verified if not is_direct(case, one.changes)]
    verified = [one for one in verified if one not in gained]
    symptoms = _most(case.first)
    causes = _causes(case, verified, repairs, symptoms)
    learns = _learns(case, bool(verified))
    done = {run.changes for run in tried(case)}
    return Checkup(
        learns=learns,
        chance=case.told_chance,
        as_written=[math.nan if run.value is None else run.value for run in case.written],
        outcomes=[run.outcome for run in case.written],
        causes=causes,
        **vars(unverified(case, repairs, learns == SOMETIMES)),
        not_tried=[(one.changes, one.text) for one in case.repairs if one.changes not in done],
        symptoms=symptoms,
        runs=len(case.runs),
        gains=[(*_of(case, one), one.p) for one in sorted(gained, key=lambda one: -middle(case, one))],
        untrained=_untrained(case),
        one_batch=of_one_batch(case),
        crash=case.crash,
        saturated=_saturated(case),
        way=way_gone([case.score(run) for run in case.written], case.chance_score, case.ceiling)
        if case.is_share
        else math.nan,
        unusual=tuple({one.check: one for run in case.first for one in run.findings if one.weight != WRONG}.values()),
    )


def _saturated(case: Case) -> bool:
    """Whether all runs as written, and luck, end at exactly the best of all; or near it, while the loss is learnt."""
    learnt = memorised(case)
    if learnt is not None and is_much(*learnt) and has_no_room(case):
        return True
    ends = {case.score(run) for run in case.written}
    best = max((case.score(run) for run in case.runs), default=-math.inf)
    luck = max((case.score(run) for run in case.at_chance), default=-math.inf)
    return ends == {best} == {luck} and math.isfinite(best)


def _learns(case: Case, mended: bool) -> str:
    runs = case.written
    best = best_score(case)
    # Beyond chance, and not by a trace of what can be reached.
    learnt = [learns(case, run) and case.share(case.score(run), best) >= TRACE for run in runs]
    if sum(learnt) * 3 < len(learnt):
        # One of many is beyond chance by luck.
        return NO
    learnt = [ok and not falls_behind(case, run) for run, ok in zip(runs, learnt, strict=True)]
    far = [ok and case.is_far(case.score(run), best) for run, ok in zip(runs, learnt, strict=True)]
    # Where some learn, one that comes near them does too, though luck alone may reach as far as that. Of an agent luck
    # comes near whatever it learns.
    top = max((case.typical(run) for run, ok in zip(runs, learnt, strict=True) if ok), default=best)
    near = [
        ok or (not case.has_untrained and case.is_far(case.typical(run), top, BESIDE_A_SEED))
        for run, ok in zip(runs, learnt, strict=True)
    ]
    # Behind what can be reached: only a verified repair shows that.
    reached = far if mended else near
    if all(reached):
        return YES
    if any(reached) and all(learnt):
        shares = [case.share(case.score(run), best) for run in runs]
        if max(shares) < APART * min(share for share, ok in zip(shares, reached, strict=True) if not ok):
            return LATE
    # One answer for all is no learning, though it may lie beyond chance: the most frequent class does.
    return SOMETIMES if any(reached) else NO if "constant_output" in case.wrong else LATE


def _causes(
    case: Case, verified: Sequence[Repair], repairs: Sequence[Repair], symptoms: Sequence[str]
) -> list[CheckupCause]:
    wrong = case.wrong
    direct_of = _repairs_of_faults(case, verified)
    effects = [
        *(check for check in wrong if sees_effect(check)),
        *(check for check in wrong if not sees_effect(check) and check not in direct_of),
    ]
    signs = [*effects, *symptoms]
    causes = [_of_check(case, wrong[check], direct, verified, signs) for check, direct in direct_of.items()]
    best = best_score(case)
    # What goes all of the way when it is mended stands before what goes a part of it.
    causes.sort(key=lambda cause: (not cause.verified, case.share(case.scored(cause.reaches), best) < WHOLE))
    used = {one.changes for direct in direct_of.values() for one in direct}
    rest = most_exact(case, [one for one in verified if one.changes not in used])
    # Another net learns beside a fault that a check has named, and says no more of it.
    said = any(not cause.harmless for cause in causes)
    rest = [] if said and all(is_another_net(case, one.changes) for one in rest) else rest
    if rest and not any(cause.verified or _cannot_be_mended(case, cause.name) for cause in causes):
        causes.insert(0, _of_rest(case, rest, repairs, signs))
    # What examples that were held back show holds beside a fault that no change is seen to mend.
    beside = not any(cause.verified for cause in causes) and not any(map(sees_judging, direct_of))
    apart = _of_labels(case) if not direct_of or beside else []
    unlearnt = [_sign(one.check, one) for one in [taken_away(case)] if one is not None]
    if not causes:
        left = [_sign(one.check, one) for one in left_over(case, bool(apart))]
        seen = [_sign(check, wrong[check]) for check in most_exact_of(effects)]
        causes = [*(left if apart else []), *apart, *unlearnt, *([] if apart else left), *seen]
    elif any(one.name == JUDGED for one in apart):
        # What is learnt holds, and the metric shows little of it: a change that moves the metric mends nothing.
        judged = replace(apart[0], hides=[_of(case, one) for one in rest])
        causes = [*(cause for cause in causes if cause.name in direct_of), judged]
    return causes


def _of_rest(case: Case, rest: Sequence[Repair], repairs: Sequence[Repair], signs: Sequence[str]) -> CheckupCause:
    """The cause that no check calls wrong: what led to the first of these repairs, or what it changes."""
    led = led_to(case, rest[0].changes)
    if led is not None:
        return _of_check(case, led, rest[:1], rest, signs)
    if not case.shut or not is_another_net(case, rest[0].changes):
        return _of_changes(case, rest, signs)
    # What opens this net under most seeds says more of it than another one beside it, though it may be luck.
    opened = [one for one in repairs if one.holds and not is_another_net(case, one.changes)]
    if opened:
        return replace(_of_changes(case, opened, signs), verified=False, hides=[_of(case, one) for one in rest])
    return _of_shut(case, case.shut, rest, signs)


def _repairs_of_faults(case: Case, verified: Sequence[Repair]) -> dict[str, list[Repair]]:
    """`{check: repairs that mend its fault}` of the faults that are causes."""
    faults = [check for check in case.wrong if not sees_effect(check)]
    direct_of = {check: [one for one in verified if mends(case, one, check)] for check in faults}
    enough = any(case.is_far(middle(case, one), best_score(case)) for direct in direct_of.values() for one in direct)
    direct_of = {
        check: direct
        for check, direct in direct_of.items()
        # A second finding is no second cause where one is mended, and with it all that can be reached.
        if not _is_explained(check, direct_of, case) and (direct or not enough)
    }
    return {check: direct_of[check] for check in most_exact_of(list(direct_of))}


def _of_check(
    case: Case, finding: Finding, direct: Sequence[Repair], verified: Sequence[Repair], signs: Sequence[str]
) -> CheckupCause:
    """The cause that a check names, with the repairs that mend it and those that hide it."""
    return CheckupCause(
        kind=CHECK,
        name=finding.check,
        said=finding.measured,
        place=finding.place,
        repairs=[_of(case, one) for one in direct] or [((), finding.remedy, math.nan)],
        verified=bool(direct),
        p=min((one.p for one in direct), default=math.nan),
        reaches=direct[0].reaches if direct else math.nan,
        hides=[_of(case, one) for one in verified if one not in direct],
        harmless=not direct and _does_no_harm(case, finding.check),
        signs=signs,
        patch=patch_of(case, direct[0].changes) if direct else "",
        back=(direct[0].back, len(direct[0].proofs)) if direct else (0, 0),
    )


def _of_changes(case: Case, repairs: Sequence[Repair], signs: Sequence[str]) -> CheckupCause:
    """The cause that no check names: what the first of these repairs changes."""
    first = repairs[0]
    options = [option_of(case, change) for change in first.changes]
    return CheckupCause(
        kind=INTERVENTION,
        name=" and ".join(name for name, _ in first.changes),
        said=" and ".join(option.what for option in options),
        place=next((option.place for option in options), ""),
        repairs=[_of(case, one) for one in repairs],
        verified=True,
        p=first.p,
        reaches=first.reaches,
        signs=signs,
        patch=patch_of(case, first.changes),
        back=(first.back, len(first.proofs)),
    )


def _of_shut(case: Case, sign: str, repairs: Sequence[Repair], signs: Sequence[str]) -> CheckupCause:
    """The cause where nothing comes through the net, and only another net beside it learns: it is not too small."""
    seen, place = case.wrong.get(sign), option_of(case, repairs[0].changes[0]).place
    finding = lost_on_the_way(sign, seen, place)
    others = [one for one in signs if one != sign]
    return replace(_sign(sign, finding), hides=[_of(case, one) for one in repairs], signs=others)


def _does_no_harm(case: Case, check: str) -> bool:
    """Whether a training that learns reaches no more where a fault is mended, in one run."""
    mended = [run for run in _mending(case, check) if not _changes_nothing(case, run)]
    own = _own(case)
    learns = all(case.learnt(run) for run in case.written)
    # A run that crashes with the repair shows nothing of it.
    return learns and bool(mended) and all(-math.inf < case.score(run) <= own for run in mended)


def _cannot_be_mended(case: Case, check: str) -> bool:
    """Whether nothing that is tried would mend a check's fault, or all that would crashes here or changes nothing.

    Whether it mends was not seen then. What else brings the training back stands behind the fault.
    """
    if not any(check in option.answers for option in case.options):
        return True
    own = _mending(case, check)
    useless = [run for run in own if _changes_nothing(case, run) or (run.outcome == "crashed" and not case.crash)]
    return bool(own) and len(useless) == len(own)


def _mending(case: Case, check: str) -> list[CheckedRun]:
    """Runs with the one change that answers a check."""
    return [run for run in tried(case) if len(run.changes) == 1 and check in answers(case, run.changes[0])]


def _changes_nothing(case: Case, run: CheckedRun) -> bool:
    """Whether a changed run says what the one as written says, to the last bit: the program has not what it changes."""
    said = (run.reports, run.losses)
    return any(one.seed == run.seed and (one.reports, one.losses) == said for one in case.first) and any(said)


def _is_explained(check: str, direct_of: Mapping[str, Sequence[Repair]], case: Case) -> bool:
    """Whether another fault explains this one: what was made to mend that one takes this one away as well."""
    made = {other: [one for one in direct if is_made_for(case, one, other)] for other, direct in direct_of.items()}
    if made[check]:
        return False
    return any(repair in direct_of[check] for other, direct in made.items() if other != check for repair in direct)


def _of_labels(case: Case) -> list[CheckupCause]:
    finding = not_carried_over(case)
    return [] if finding is None else [_sign(finding.check, finding)]


def _sign(check: str, finding: Finding) -> CheckupCause:
    return CheckupCause(
        kind=CHECK,
        name=check,
        said=finding.measured,
        place=finding.place,
        repairs=[((), finding.remedy, math.nan)],
        verified=False,
        p=math.nan,
        reaches=math.nan,
    )


def _own(case: Case) -> float:
    """The best score as written, beyond which a change has helped."""
    return max((case.score(run) for run in case.written), default=-math.inf)


def _untrained(case: Case) -> float:
    nets = [run for run in case.controls if run.changes[0][0] == UNTRAINED]
    beyond = [run.value for run in nets if case.scored_beyond_chance(case.score(run)) and run.value is not None]
    return max(beyond, key=case.scored, default=math.nan)


def _most(runs: Sequence[CheckedRun]) -> list[str]:
    counts: dict[str, int] = {}
    for run in runs:
        for symptom in run.symptoms:
            counts[symptom] = counts.get(symptom, 0) + 1
    return [symptom for symptom, count in sorted(counts.items()) if count * 2 > len(runs)]


def _of(case: Case, repair: Repair) -> tuple[Changes, str, float]:
    return told(case, repair.changes, repair.reaches)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _repair(one: tuple[Changes, str, float]) -> dict[str, Any]:
    changes, text, value = one
    return {"changes": [f"{name}={level}" for name, level in changes], "text": text, "reaches": _number(value)}
