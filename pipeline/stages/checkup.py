"""A checkup's next runs: as written, one change at a time, several at once, and fresh seeds for what mends.

Each step is a function of the runs so far, so that an interrupted checkup goes on where it stopped. Most interventions
stay as written in each run: a training that fails tells nothing about a second change, and one that is mended tells
all about the first. What the steps pick is only tried; fresh seeds judge it (`evidence/checkup/repairs.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backtrack.evidence.checkup.afterwards import base_of, has_room, mended
from backtrack.evidence.checkup.case import HELD_BACK, ONE_BATCH, UNTRAINED, Case, Changes, CheckedRun
from backtrack.evidence.checkup.checks import sees_effect
from backtrack.evidence.checkup.memorised import asked_of_held_back, could_memorise, learns_little
from backtrack.evidence.checkup.of_a_few import FEW
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.ordering import WHOLE
from backtrack.evidence.checkup.repairs import (
    CANDIDATES,
    answers,
    best_score,
    candidates,
    half_way,
    is_another_net,
    mends_alone,
    needs_repair,
    option_of,
    proven,
    size_of,
    threshold,
    tried,
)
from backtrack.evidence.checkup.verdict import conclude
from backtrack.task.intervention import AS_WRITTEN, CONTROL, PROBE
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import CHECKED, MORE_PROOF, PROOF, THEN_PROOF, THEN_TRIED, TRIED, WRITTEN, PlannedTrial
from backtrack.vocabulary.space import SearchSpace

# Runs as written that come first, controls beside them, and fresh seeds that verify a repair.
FIRST, CONTROLS, PROOFS = 3, 2, 4
# More fresh seeds, each with and without a change that may be luck: at most, and at least; and the probes behind them.
MORE, FEWEST, PROBES = 8, 4, 3
# Runs kept for what comes last (fresh seeds of all repairs and as written, probes), and for leaving changes out.
KEPT, FEWER = PROOFS * (CANDIDATES + 1) + PROBES, 2
# The same, where the probes are behind.
KEPT_AT_LAST = 2 * PROOFS
# Changes that a training crashes with, as it does as written, after which no other is tried.
CRASHES = 12
# Rates and rules that are tried together with all harmless repairs, where these alone are not enough.
COMPANIONS = (("learning_rate", "x0.1"), ("learning_rate", "x10"), ("optimiser", "adam_usual"),
              ("learning_rate", "x0.01"), ("learning_rate", "x100"), ("clip_gradients", "norm_1"))  # fmt: skip
# Steps that are tried with each change that signs point at: many a repair of the net takes another rate as well.
STEPS = (("optimiser", "adam_usual"), ("learning_rate", "x0.1"))
# Changes that are tried with these, at most.
POINTED = 5
# Changes, not clear of luck, whose own luck is asked.
PAIRED = 2
# What is tried early where nothing points anywhere.
USUAL = ("inputs", "learning_rate", "optimiser", "initialisation", "last_activation", "loss_form", "normalisation",
         "activation", "targets", "clip_gradients")  # fmt: skip


@dataclass(frozen=True)
class CheckupPlan:
    """What a checkup may do.

    Args:
        space: the interventions as factors.
        runs: at most, in all.
        seed: of the study.
    """

    space: SearchSpace
    runs: int
    seed: int

    def planned(self, changes: Changes, seed: int, part: str) -> PlannedTrial:
        """A run with some changes."""
        levels = {factor.name: AS_WRITTEN for factor in self.space} | dict(changes)
        config = Config(levels)
        return PlannedTrial(f"{CHECKED}-{config.hash[:8]}-{part}-{seed}", CHECKED, config, (seed,), part)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the first runs, then of the proofs, then of the proofs beside a repair."""
        return tuple(self.seed * 1000 + number for number in range(FIRST + 2 * PROOFS))

    @property
    def fresh(self) -> tuple[int, ...]:
        """Of the proofs."""
        return self.seeds[FIRST : FIRST + PROOFS]

    def more(self, number: int) -> tuple[int, ...]:
        """Further ones, behind all of these."""
        return tuple(self.seeds[-1] + 1 + own for own in range(number))


def next_runs(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """The runs that the checkup wants now and that are not recorded; empty at its end."""
    known = {run.trial for run in (*case.runs, *case.later)}
    first = _against_crashes(case)
    if first and {run.changes for run in case.runs}.issuperset(first):
        # An error of the code, and no training that fails.
        return []
    for step in (_first, _singles, _in_pairs, _faults, _together, _paired, _fewer, _proofs, _again, _parts, _probes,
                 _then):  # fmt: skip
        wanted = [one for one in step(plan, case) if one.trial not in known]
        if wanted:
            return wanted[: max(0, plan.runs - len(known))]
    return []


def _first(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    controls = [option for option in case.options if option.kind == CONTROL and case.is_wanted(option)]
    return [
        *(plan.planned((), seed, WRITTEN) for seed in plan.seeds[:FIRST]),
        *(plan.planned(option.changes, seed, WRITTEN) for option in controls for seed in plan.seeds[:CONTROLS]),
    ]


def _worst_seed(case: Case) -> int:
    """The seed under which the training as written did worst: what mends it there mends it."""
    return min(case.first, key=lambda run: (case.score(run), run.seed)).seed


def _singles(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    left = plan.runs - len(_first(plan, case)) - PROOFS * 3
    seed = _worst_seed(case)
    wanted = _against_crashes(case) or [option.changes for option in in_order(case)]
    return [plan.planned(changes, seed, TRIED) for changes in wanted[: max(1, left)]]


def _against_crashes(case: Case) -> list[Changes]:
    """Of a training that crashes, with whatever is changed so far: one change of each kind, which come first."""
    if not case.always_crashes:
        return []
    return [(change,) for change in _first_levels([option.changes[0] for option in in_order(case)])[:CRASHES]]


def in_order(case: Case) -> list[Option]:
    """The options that are tried one by one: what checks and symptoms point at first."""
    found, seen = set(case.wrong), case.signs

    def order(option: Option) -> tuple[bool, int, int]:
        usual = USUAL.index(option.name) if option.name in USUAL else len(USUAL)
        return (not found & set(option.answers), -len(seen & set(option.points)), usual)

    return sorted(case.repairs, key=order)


def harmless(case: Case) -> Changes:
    """All repairs that do no harm, and what answers a fault that checks name; of several that mend one the first."""
    mended: set[str] = set()
    kept = []
    for option in in_order(case):
        if (option.harmless or _faults_of(case, option)) and not mended & set(option.answers):
            kept.append(option.changes[0])
            mended |= set(option.answers)
    return tuple(sorted(_first_levels(kept)))


def _faults_of(case: Case, option: Option) -> list[str]:
    """The faults that checks name and an option mends."""
    return [check for check in option.answers if check in case.wrong and not sees_effect(check)]


def _singly(case: Case) -> list[CheckedRun]:
    """Runs with one change; where nothing comes through the net, with one of this net and of none beside it."""
    # (Not the fresh ones, or what is tried would depend on what is verified later.)
    runs = [run for run in tried(case) if len(run.changes) == 1 and run.part == TRIED]
    return [run for run in runs if not (case.shut and is_another_net(case, run.changes))]


def _is_mended(case: Case) -> bool:
    """Whether one change brings the training back, or two that signs point at do."""
    scored = [(run.changes, case.score(run)) for run in tried(case) if case.scored_beyond_chance(case.score(run))]
    pairs = [run for run in tried(case) if len(run.changes) == 2 and set(run.changes) & set(STEPS)]
    return mends_alone(case, scored) or any(_brings_back(case, run) for run in pairs)


def _brings_back(case: Case, run: CheckedRun) -> bool:
    """Whether a run is as far as a sound training would be, and beyond luck."""
    return case.is_far(case.score(run), best_score(case)) and case.scored_beyond_chance(case.score(run))


def _in_pairs(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Where nothing comes through the net: each change that signs point at, with another step."""
    singly = [(run.changes, case.score(run)) for run in _singly(case)]
    if not case.shut or not needs_repair(case) or mends_alone(case, singly):
        return []
    seed, there = _worst_seed(case), {option.changes[0] for option in case.repairs}
    steps = [step for step in STEPS if step in there]
    names = {name for name, _ in STEPS}
    scores = dict(singly)
    best: dict[str, tuple[str, str]] = {}
    for option in in_order(case):
        if option.name in names or option.changes not in scores or not case.signs & set(option.points):
            continue
        known = best.get(option.name)
        if scores[option.changes] > (scores[(known,)] if known else -math.inf):
            best[option.name] = option.changes[0]
    pointed = list(best.values())[:POINTED]
    room = plan.runs - len(case.runs) - PROOFS * 3
    wanted = [plan.planned(_with((change,), step), seed, TRIED) for step in steps for change in pointed]
    done = {run.trial for run in case.runs}
    return [one for one in wanted if one.trial not in done][: max(0, room)]


def _faults(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """All that checks call wrong mended at once, each by its best answer."""
    if not needs_repair(case):
        return []
    best: dict[str, tuple[str, str]] = {}
    for run in sorted(_singly(case), key=case.score):
        best |= dict.fromkeys(_faults_of(case, option_of(case, run.changes[0])), run.changes[0])
    together = tuple(sorted({name: (name, level) for name, level in best.values()}.values()))
    return [plan.planned(together, _worst_seed(case), TRIED)] if len(together) > 1 else []


def _together(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Several changes at once, where no single one brings the training back."""
    all_of = harmless(case)
    if len(all_of) < 2 or not needs_repair(case):
        return []
    seed = _worst_seed(case)
    together = plan.planned(all_of, seed, TRIED)
    runs = case.of(all_of)
    if not runs:
        return [together]
    still_open = _is_open(plan, case)
    if not still_open and (_is_mended(case) or _brings_back(case, runs[0])):
        # What of it is needed shows where it is left out again.
        return [together]
    there = {option.changes[0] for option in case.repairs}
    sets = [_with(all_of, one) for one in COMPANIONS if one in there]
    wanted = [plan.planned(changes, seed, TRIED) for changes in sets]
    room = plan.runs - len(case.runs) - (KEPT_AT_LAST if still_open else KEPT) - FEWER
    known = {run.trial for run in case.runs}
    missing = [one for one in wanted if one.trial not in known]
    if missing or any(_brings_back(case, run) for changes in sets for run in case.of(changes, TRIED)):
        return [together, *missing[: max(0, room)]]
    pairs = [plan.planned(changes, seed, TRIED) for changes in _beside_the_best(case)]
    return [together, *[one for one in pairs if one.trial not in known][: max(0, room)]]


def _is_open(plan: CheckupPlan, case: Case) -> bool:
    """Whether the probes are behind and nothing is verified: what looked like a repair under one seed was none."""
    probes, known = _probes(plan, case), {run.trial for run in case.runs}
    return bool(probes) and all(one.trial in known for one in probes)


def _beside_the_best(case: Case) -> list[Changes]:
    """The best change of all with each of the others: two that help each other need not be harmless.

    Another net beside this one learns with whatever makes it learn faster, so it stands behind what does as much.
    """
    best: dict[bool, CheckedRun] = {}
    for run in sorted(_singly(case), key=case.score):
        if math.isfinite(case.score(run)):
            best[is_another_net(case, run.changes)] = run
    order = sorted(best, key=lambda another: (not case.scored_beyond_chance(case.score(best[another])), another))
    pairs = []
    for run in (best[another] for another in order):
        others = [option.changes[0] for option in in_order(case) if option.name != run.changes[0][0]]
        pairs += [_with(run.changes, one) for one in _first_levels(others)[:8]]
    # (The best of this net and the best of another may each stand beside the other.)
    return list(dict.fromkeys(pairs))


def _paired(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Where luck reaches far: what the best changes reach that are not clear of it, on a training that cannot learn.

    A training that is unstable moves more by luck than one that a change has calmed.
    """
    mixed = {run.changes[0] for run in case.at_chance if run.changes[0][0] != UNTRAINED}
    before = len(case.runs) - sum(len(run.changes) > 1 for run in case.controlled)
    room = plan.runs - before - PROOFS * (PAIRED + 1) - CONTROLS * PAIRED
    if not mixed or not needs_repair(case) or candidates(case) or room < 0:
        return []
    needed = max([half_way(case), *case.luck, *map(case.score, case.written)])
    best: dict[str, CheckedRun] = {}
    for run in sorted(_singly(case), key=case.score):
        # Not by its last report alone, and as it stands no more than luck may do.
        clear = min(case.score(run), case.typical(run)) > needed
        if clear and case.score(run) <= case.bar and not is_another_net(case, run.changes):
            best[run.changes[0][0]] = run
    chosen = sorted(best.values(), key=lambda run: (size_of(case, run.changes), -case.score(run)))[:PAIRED]
    beside = [(run.changes, min(mixed)) for run in chosen]
    return [plan.planned(_with(*one), seed, TRIED) for one in beside for seed in plan.seeds[:CONTROLS]]


def _first_levels(changes: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first level of each intervention."""
    kept: dict[str, tuple[str, str]] = {}
    for name, level in changes:
        kept.setdefault(name, (name, level))
    return list(kept.values())


def _with(changes: Changes, one: tuple[str, str]) -> Changes:
    return tuple(sorted([*(other for other in changes if other[0] != one[0]), one]))


def _fewer(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Leaves one change after another out of a set that brings the training back, while it does so without it."""
    found = candidates(case)
    if not found or not needs_repair(case):
        return []
    if len(case.runs) + (KEPT_AT_LAST if _is_open(plan, case) else KEPT) >= plan.runs:
        return []
    seed, bar = _worst_seed(case), threshold(case)
    enough = {run.changes: case.score(run) for run in tried(case) if run.part == TRIED and case.score(run) >= bar}
    # A smaller set that goes part of the way only is no reason to leave the whole way unasked.
    if not enough or (len(found[0]) < 3 and any(len(changes) < 3 for changes in enough)):
        return []
    kept = start = max(enough, key=lambda changes: (len(changes), enough[changes]))
    reached = enough[start]
    for change in start:
        fewer = tuple(one for one in kept if one != change)
        if not fewer:
            break
        runs = case.of(fewer, TRIED)
        if not runs:
            return [plan.planned(fewer, seed, TRIED)]
        # What costs a clear part of the way is needed.
        if case.score(runs[0]) >= bar and case.share(case.score(runs[0]), reached) >= WHOLE:
            kept = fewer
    return []


def _proofs(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Fresh seeds for what mends, and for the training as written beside it."""
    found = candidates(case)
    if not found:
        return []
    return [plan.planned(changes, seed, PROOF) for changes in ((), *found) for seed in plan.fresh]


def _again(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Of what brings the training back under most fresh seeds, and may be luck: more seeds, with it and as written.

    So it is where the training fails under some seeds only: four runs each cannot tell that from luck.
    """
    asked = [run.changes for run in case.runs if run.part == MORE_PROOF and run.changes]
    if not asked:
        repairs = proven(case)
        if any(repair.verified for repair in repairs):
            return []
        asked = [repair.changes for repair in repairs if repair.holds and not math.isnan(repair.p)]
    before = sum(run.part != MORE_PROOF for run in case.runs)
    number = min(MORE, (plan.runs - before - PROBES) // 2)
    if not asked or number < FEWEST:
        return []
    return [plan.planned(changes, seed, MORE_PROOF) for changes in ((), asked[0]) for seed in plan.more(number)]


def _parts(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Opens a composite level that is verified: which of its parts does it?"""
    for repair in proven(case):
        if not repair.verified or len(repair.changes) != 1:
            continue
        ((name, level),) = repair.changes
        # Where another level than the one that has parts does it, one of these may do it as well.
        divided = [option for option in case.options if option.name == name and option.part_of]
        parts = [option for option in divided if option.part_of == level] or divided
        single = [plan.planned(option.changes, _worst_seed(case), TRIED) for option in parts]
        missing = [one for one in single if one.trial not in {run.trial for run in case.runs}]
        if missing:
            return missing
        bar = threshold(case)
        enough = [option for option in parts if any(case.score(run) >= bar for run in case.of(option.changes, TRIED))]
        if len(enough) == 1:
            return [plan.planned(enough[0].changes, seed, PROOF) for seed in plan.fresh]
    return []


def _probes(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Where nothing brings the training back: can it learn one batch by heart, and does what it learns carry over?

    Where it learns little by heart, a longer training of a wider net is asked, and a few examples alone where that
    one learns little as well.
    """
    unshown, deeper = asked_of_held_back(case), could_memorise(case)
    # What goes a little beyond chance mends nothing where the training set is learnt, and the metric shows none of it.
    if unshown is None and (not needs_repair(case) or any(repair.verified for repair in proven(case))):
        return []
    there = {option.name: option.changes for option in case.options if option.kind == PROBE}
    asked = [there[ONE_BATCH]] if ONE_BATCH in there else []
    if unshown is not None and HELD_BACK in there:
        asked.append(_beside(there[HELD_BACK], unshown))
    if deeper is not None and HELD_BACK in there:
        asked.append(deeper)
    elif learns_little(case):
        asked += [option.changes for option in case.options if option.name == FEW]
    return [plan.planned(changes, _worst_seed(case), TRIED) for changes in asked]


def _then(plan: CheckupPlan, case: Case) -> list[PlannedTrial]:
    """Of the training with its repair, with the runs that are left: one change at a time beside it, and fresh seeds."""
    base, room = base_of(case, conclude(case)), plan.runs - len(case.runs)
    if not base or room <= PROOFS:
        return []
    after = mended(case, base)
    # Where it learns all that there is, only what answers a check is worth a run.
    room_left = has_room(case, after)
    wanted = [one for one in _in_turn(case, after) if room_left or _faults_of(after, one)]
    if not wanted:
        return []
    options = wanted[: room - (PROOFS if room < 4 * PROOFS else 2 * PROOFS)]
    done = {run.changes for run in tried(after)}
    seed = _worst_seed(after)
    singles = [
        plan.planned(_beside(base, option.changes), seed, THEN_TRIED)
        for option in options
        if option.changes not in done
    ]
    if singles:
        return singles
    helping = [*_answering(after), *candidates(after)]
    fresh = plan.seeds[FIRST + PROOFS :]
    return [plan.planned(_beside(base, one), own, THEN_PROOF) for one in dict.fromkeys(helping) for own in fresh]


def _answering(case: Case) -> list[Changes]:
    """What answers a check and helps under its seed, if not beyond all others: the best for each check."""
    own = {run.seed: case.score(run) for run in case.first}
    best: dict[str, CheckedRun] = {}
    for run in sorted(tried(case), key=case.score):
        if run.part != TRIED or len(run.changes) != 1 or not case.score(run) > own.get(run.seed, math.inf):
            continue
        for check in set(answers(case, run.changes[0])) & set(case.wrong):
            best[check] = run
    return list(dict.fromkeys(run.changes for run in best.values()))


def _in_turn(case: Case, after: Case) -> list[Option]:
    """What answers a check first, then what helped alone, then a level of each intervention after another."""
    usual = [one for one in COMPANIONS if one[0] == "learning_rate"]
    ordered = in_order(after)
    own = max(map(case.score, case.written))
    helped: dict[str, Changes] = {}
    for run in sorted(_singly(case), key=case.score):
        if case.score(run) > own:
            helped[run.changes[0][0]] = run.changes
    found, before = set(after.wrong), Counter[str]()
    turn: dict[Changes, int] = {}
    for option in sorted(ordered, key=lambda one: usual.index(one.changes[0]) if one.changes[0] in usual else -1):
        alone = helped.get(option.name) == option.changes
        turn[option.changes] = 0 if found & set(option.answers) else 1 if alone else 2 + before[option.name]
        before[option.name] += 1
    return sorted(ordered, key=lambda one: turn[one.changes])


def _beside(base: Changes, changes: Changes) -> Changes:
    return tuple(sorted([*base, *changes]))
