"""Which changes bring a training back: tried in one run, then verified against runs as written with fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from scipy import stats

from backtrack.evidence.checkup.case import BESIDE_A_SEED, PRINTED, WELL, Case, Changes, CheckedRun
from backtrack.evidence.checkup.checks import is_beyond_training, sees_effect
from backtrack.evidence.checkup.option import Option
from backtrack.vocabulary.plan import MORE_PROOF, PROOF, TRIED

# Repairs that are verified side by side, at most.
CANDIDATES = 3
# Share of the way from chance to a known best that a training which falls below chance has to be brought.
CLEAR = 0.1
# Size of a change from which on it is another net, which learns beside most faults: behind whatever mends this one.
ANOTHER_NET = 4
# Share of the way that a training goes under another seed, below which it stays far behind.
HALF = 0.5
# Share of the way from chance to the best run, from which on a change comes near it.
NEAR = 0.9


@dataclass(frozen=True)
class Repair:
    """Changes that bring a training back, or do not.

    Args:
        changes: what is changed.
        proofs: runs with it, under fresh seeds.
        p: that luck alone would order these and the runs as written so, or better: an exact rank-sum test. Of what
            was asked again, that luck alone would bring as many of them back: Fisher's. NaN where no run depends on its
            seed: there is no luck then.
        verified: whether that is below the error rate, shared by the candidates, and the runs reach what counts.
        holds: whether most of these runs reach what counts, be it by luck.
        back: how many of them do.
    """

    changes: Changes
    proofs: Sequence[CheckedRun]
    p: float
    verified: bool
    holds: bool = False
    back: int = 0

    @property
    def reaches(self) -> float:
        """The metric, in the median of its fresh runs; NaN where there are none."""
        values = [run.value for run in self.proofs if run.value is not None and math.isfinite(run.value)]
        return median(values) if values else math.nan


def rank_sum_p(better: Sequence[float], others: Sequence[float]) -> float:
    """The share of all divisions of these numbers in which the first group has the same rank sum or a larger one.

    Example:
        >>> rank_sum_p([3, 4], [1, 2])
        0.16666666666666666
    """
    values = [*better, *others]
    if not better or not others:
        return 1.0
    ordered = sorted(values)
    ranks = [sum(one < value for one in ordered) + (sum(one == value for one in ordered) + 1) / 2 for value in values]
    own = sum(ranks[: len(better)])
    sums = [sum(chosen) for chosen in combinations(ranks, len(better))]
    return sum(one >= own - 1e-9 for one in sums) / len(sums)


def threshold(case: Case, changes: Changes = ()) -> float:
    """The score from which on a run with these changes counts as brought back: half-way, and beyond luck with them."""
    return max(half_way(case), case.bar_of(changes))


def half_way(case: Case) -> float:
    """The score half-way from as written to the best there is."""
    # Of a training that fails under some seeds only, from those: under the others it is as far as it may be.
    own = [case.score(run) for run in failing(case) or case.first]
    finite = [score for score in own if math.isfinite(score)]
    # Nor is a training brought back that ends where it began, at what an untrained net reaches.
    low = max([median(finite) if len(finite) * 2 > len(own) else -math.inf, case.chance_score, case.untrained_score])
    best = best_score(case)
    if not math.isfinite(low):
        others = [case.score(run) for run in tried(case) if math.isfinite(case.score(run))]
        low = min(others, default=best)
        if case.crash:
            # Nothing is known of chance: whatever keeps it from crashing counts.
            return low
    # An error that falls by what may be a last printed digit is no smaller.
    bar = low + max(0.5 * (best - low), PRINTED * abs(low) if case.mode == "min" else 0.0)
    if case.worse_than_chance and math.isfinite(case.ceiling):
        # Whatever keeps a training from getting worse takes it back to chance, which mends nothing.
        return max(bar, low + CLEAR * (case.ceiling - low))
    return bar


def tried(case: Case) -> list[CheckedRun]:
    """Runs with changes, controls and probes left out."""
    others = {run.trial for run in [*case.controlled, *case.probes]}
    return [run for run in case.runs if run.changes and run.trial not in others]


def best_score(case: Case) -> float:
    """The best that any run reached, changed or as written.

    Another net counts only where this one comes nowhere near it: what mends this one need not make another of it.
    """
    others = {option.changes[0] for option in case.options if option.size >= ANOTHER_NET}
    scores: dict[bool, list[float]] = {False: [-math.inf], True: [-math.inf]}
    for run in [*tried(case), *case.written]:
        scores[bool(others & set(run.changes))].append(case.score(run))
    own, other = max(scores[False]), max(scores[True])
    return own if other <= own or case.is_far(own, other) else other


def needs_repair(case: Case) -> bool:
    """Whether the runs as written fall behind what a sound training of this kind would reach."""
    scores = [case.score(run) for run in case.first]
    best = best_score(case)
    behind = [
        not case.is_far(score, best) or not case.learnt(run) for run, score in zip(case.first, scores, strict=True)
    ]
    return sum(behind) * 2 > len(behind) or bool(_failed(case))


def failing(case: Case) -> list[CheckedRun]:
    """The first runs as written that fail where others of them learn; none where all do alike."""
    failed = _failed(case)
    return failed if len(failed) < len(case.first) else []


def _failed(case: Case) -> list[CheckedRun]:
    """The first runs as written that fail. An agent that does so now and then is usual: its data are its own doing."""
    return [run for run in case.first if not case.has_untrained and (not learns(case, run) or falls_behind(case, run))]


def learns(case: Case, run: CheckedRun) -> bool:
    """Whether a run as written learnt, or comes near those that did where most did.

    One report of luck may reach as far as a seed that is slower than others. Of an agent luck comes near whatever it
    learns.
    """
    if case.learnt(run):
        return True
    learnt = [case.typical(one) for one in case.written if case.learnt(one)]
    most = len(learnt) * 2 > len(case.written) and not case.has_untrained
    return most and case.is_far(case.typical(run), max(learnt), BESIDE_A_SEED)


def falls_behind(case: Case, run: CheckedRun) -> bool:
    """Whether a share of right answers stays far behind what the same training reaches under another seed.

    Only where it ends well there: of a share that is low under every seed, luck moves much. Nor of an agent, whose data
    are its own doing.
    """
    top = max(map(case.score, case.written))
    return not case.has_untrained and WELL * case.ceiling <= top and case.share(case.score(run), top) < HALF


def candidates(case: Case) -> list[Changes]:
    """Changes that brought the training back in one run: direct answers first, then the smallest, then the best.

    Of one intervention only its best level; where fresh seeds have shown that to be luck, its next. Of a sound
    training, what took it half-way to the best of all runs, if that is asked.
    """
    own = max((case.score(run) for run in failing(case) or case.first), default=-math.inf)
    # Of each intervention its best level that is not set back, and of equals the first: whether it is not set back, its
    # score, where its levels stand, and itself.
    best: dict[tuple[str, ...], tuple[bool, float, list[int], Changes]] = {}
    places = {option.changes[0]: -number for number, option in enumerate(case.options)}
    whole = {option.changes: option for option in case.options}
    for run in case.runs:
        if run.part != TRIED or not run.changes or run in case.controlled or run in case.probes:
            continue
        option = whole.get(run.changes)
        if option is not None and option.part_of:
            continue
        score, names = case.score(run), tuple(name for name, _ in run.changes)
        # Where a check names a fault, its repair is asked as soon as it helps at all: it may be half of what is wrong.
        bar = threshold(case, run.changes)
        needed = max(own, case.bar) if is_direct(case, run.changes) else bar
        if score >= needed and score > own and math.isfinite(score):
            stands = [places[change] for change in run.changes]
            standing = (not _is_set_back(case, run.changes, bar), score, stands, run.changes)
            best[names] = max(best.get(names, standing), standing)
    found = [(score, changes) for _, score, _, changes in best.values()]
    lost = {changes for holds, _, _, changes in best.values() if not holds}

    def order(entry: tuple[float, Changes]) -> tuple[bool, int, int, float]:
        score, changes = entry
        return (not is_direct(case, changes), len(changes), size_of(case, changes), -score)

    needed_at_all = needs_repair(case) or case.improve
    enough = mends_alone(case, [(changes, score) for score, changes in found])
    kept: list[Changes] = []
    for _, changes in sorted(found, key=order):
        # A training that learns is changed only where a check finds a fault.
        if not (is_direct(case, changes) or needed_at_all) or (len(changes) > 1 and enough):
            continue
        # Where fresh seeds have shown the smaller one to be luck, the larger one may still do it.
        if not any(set(smaller) <= set(changes) for smaller in kept if smaller not in lost):
            kept.append(changes)
    return _with_one_near(case, kept, {changes: score for score, changes in found})


def _with_one_near(case: Case, kept: Sequence[Changes], scores: Mapping[Changes, float]) -> list[Changes]:
    """The first of these changes; one of them comes near the best there is, if any does.

    Three small changes that mend half of it would leave out the larger one that mends all.
    """
    first, best = list(kept[:CANDIDATES]), best_score(case)
    near = [changes for changes in kept if case.share(scores[changes], best) >= NEAR]
    return first if not near or near[0] in first else [*first[:-1], near[0]]


def is_direct(case: Case, changes: Changes) -> bool:
    """Whether a change mends what a check finds wrong."""
    return any(check in case.wrong for one in changes for check in answers(case, one))


def _is_set_back(case: Case, changes: Changes, bar: float) -> bool:
    """Whether changes that brought the training back in one run do not under fresh seeds."""
    # All of them, or what a study goes on with would depend on where it stopped.
    complete = len(case.of(changes, PROOF)) >= max(1, len(case.of((), PROOF)))
    return complete and not _holds(case, changes, bar)


def _holds(case: Case, changes: Changes, bar: float) -> bool:
    """Whether three of four fresh runs reach what counts: `bar`, or whatever is beyond chance for a direct answer."""
    return _are_most(_brought_back(case, changes, case.of(changes, PROOF), bar))


def _brought_back(case: Case, changes: Changes, runs: Sequence[CheckedRun], bar: float) -> list[bool]:
    needed = case.bar if is_direct(case, changes) else bar
    return [case.score(run) >= needed for run in runs]


def _are_most(back: Sequence[bool]) -> bool:
    return bool(back) and sum(back) * 4 >= 3 * len(back)


def mends_alone(case: Case, scored: Sequence[tuple[Changes, float]]) -> bool:
    """Whether one change alone brings it back: of this net, where nothing comes through it or a fault is named.

    Another net beside this one learns in spite of most faults. Of a change that has fresh runs these count, and not the
    one in which it was tried.
    """
    faulty = bool(case.shut) or any(not sees_effect(check) for check in case.wrong)
    # What another net reaches beside one that lets nothing through, this one reaches where it is open.
    best = max(map(case.score, case.runs), default=-math.inf) if case.shut else best_score(case)

    def reached(changes: Changes, score: float) -> float:
        proofs = [case.score(run) for run in case.of(changes, PROOF)]
        return median(proofs) if proofs else score

    return any(
        len(changes) == 1
        and case.is_far(reached(changes, score), best)
        and not (faulty and is_another_net(case, changes))
        for changes, score in scored
    )


def answers(case: Case, change: tuple[str, str]) -> tuple[str, ...]:
    """The checks whose fault a change mends."""
    return next((option.answers for option in case.options if (option.name, option.level) == change), ())


def is_made_for(case: Case, repair: Repair, check: str) -> bool:
    """Whether a repair is the direct answer to a check."""
    return any(check in answers(case, change) for change in repair.changes)


def mends(case: Case, repair: Repair, check: str) -> bool:
    """Whether a repair takes a fault away, and not only what it leads to: it is made for it, or the check is silent.

    Beside another net a fault may be too small to be seen, and is still there.
    """
    found = sum(any(one.check == check for one in run.findings) for run in repair.proofs)
    silent = found * 2 < len(repair.proofs) and not is_another_net(case, repair.changes)
    return is_made_for(case, repair, check) or (silent and not is_beyond_training(check))


def size_of(case: Case, changes: Changes) -> int:
    """How much changes change."""
    return sum(option_of(case, change).size for change in changes)


def is_another_net(case: Case, changes: Changes) -> bool:
    """Whether changes put another net beside this one: it learns beside most faults."""
    return any(option_of(case, one).size >= ANOTHER_NET for one in changes)


def option_of(case: Case, change: tuple[str, str]) -> Option:
    """The option of a change."""
    return next(option for option in case.options if (option.name, option.level) == change)


def _without_luck(runs: Sequence[CheckedRun]) -> bool:
    """Whether runs under different seeds are all the same, report by report."""
    return len(runs) > 1 and len({(run.value, run.reports) for run in runs}) == 1


def proven(case: Case) -> list[Repair]:
    """The candidates, and parts of their levels, with what their fresh runs show."""
    asked = candidates(case)
    parts = {run.changes for run in case.runs if run.part == PROOF and run.changes}
    asked += [changes for changes in sorted(parts) if changes not in asked]
    own = [case.score(run) for run in case.written if run.part != MORE_PROOF]
    # Who shares the error rate: of a composite its parts are no further questions.
    divided = {option.changes for option in case.options if option.part_of}
    share = max(min(CANDIDATES, len(asked)), sum(changes not in divided for changes in asked))
    found = []
    for changes in asked:
        if case.of(changes, MORE_PROOF):
            found.append(_asked_again(case, changes, 2 * share))
            continue
        proofs = case.of(changes, PROOF)
        scores = [case.score(run) for run in proofs]
        p = math.nan if _without_luck(case.written) and _without_luck(proofs) else rank_sum_p(scores, own)
        better = bool(scores) and min(scores) > max(own, default=-math.inf)
        sure = better if math.isnan(p) else p <= case.alpha / share
        back = _brought_back(case, changes, proofs, threshold(case, changes))
        found.append(Repair(changes, proofs, p, _are_most(back) and sure, holds=_are_most(back), back=sum(back)))
    return found


def _asked_again(case: Case, changes: Changes, share: int) -> Repair:
    """What may have been luck, by all of its fresh runs and all as written.

    A training that fails under some seeds only differs by how often, and not by how well it does where it does well. So
    many runs tell a change that helps under most seeds, and not all, from one that does not: it is verified, and told.
    """
    proofs = [*case.of(changes, PROOF), *case.of(changes, MORE_PROOF)]
    bar = threshold(case, changes)
    back, as_written = (_brought_back(case, changes, runs, bar) for runs in (proofs, case.written))
    every = len(back) + len(as_written)
    # As many or more of these, of all that are brought back.
    p = float(stats.hypergeom.sf(sum(back) - 1, every, sum(back) + sum(as_written), len(back)))
    holds = sum(back) * 2 > len(back)
    complete = len(case.of(changes, MORE_PROOF)) >= len(case.of((), MORE_PROOF))
    return Repair(changes, proofs, p, holds and complete and p <= case.alpha / share, holds=holds, back=sum(back))
