"""Which of the repairs of one cause stands first: the smallest of those that reach as much."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from backtrack.evidence.checkup.case import Case, Changes
from backtrack.evidence.checkup.memorised import LONGER
from backtrack.evidence.checkup.repairs import Repair, best_score, is_another_net, option_of, size_of
from backtrack.vocabulary.finding import Finding

# Share of the way from chance to the best from which on a repair is a whole one.
WHOLE = 0.75
# Repairs stand side by side where they reach as much: less by this share of the way, run by run, is less.
CLEARLY = 0.1
# Less than this share of the way from the one that goes furthest, they end alike.
ALIKE = 0.03


def most_exact(case: Case, repairs: Sequence[Repair]) -> list[Repair]:
    """The smallest first, then the best; behind these what goes part of the way; a part of a level for the whole.

    What is tried only since a check calls something unusual is the smallest: nobody would have thought of it. A longer
    training stands behind what does as much in the time that there is: many a fault only makes it slow.
    """
    whole = {(name, level.partition("/")[0]) for one in repairs for name, level in one.changes if "/" in level}
    kept = [one for one in repairs if not (len(one.changes) == 1 and one.changes[0] in whole)]
    best = best_score(case)
    own = [one for one in kept if not is_another_net(case, one.changes)]
    furthest = max((middle(case, one) for one in kept), default=best)

    def order(one: Repair) -> tuple[float, ...]:
        reached, another = middle(case, one), is_another_net(case, one.changes)
        size = 0 if led_to(case, one.changes) is not None else size_of(case, one.changes)
        part = case.share(reached, best) < WHOLE or any(_is_clearly_behind(case, one, other) for other in own)
        return (
            # Where nothing comes through the net, what opens it is the repair, even if it takes two changes.
            bool(case.shut) and another,
            len(one.changes),
            another,
            part,
            LONGER in one.changes,
            size,
            # Of what ends alike a part of the net stands before all of it.
            case.share(furthest, best) - case.share(reached, best) > ALIKE,
            not _is_of_a_part(one),
            -reached,
        )

    return sorted(kept, key=order)


def _is_of_a_part(repair: Repair) -> bool:
    """Whether a part of the net alone is changed, as its embedding's weights."""
    return all("/" in level for _, level in repair.changes)


def led_to(case: Case, changes: Changes) -> Finding | None:
    """The unusual finding of a check that changes answer, where they are tried only since it is there; else None."""
    options = [option_of(case, change) for change in changes]
    answered = {check for option in options for check in option.answers}
    found = [finding for check, finding in case.unusual.items() if check in answered]
    return found[0] if found and all(option.on_suspicion for option in options) else None


def _is_clearly_behind(case: Case, one: Repair, other: Repair) -> bool:
    """Whether each fresh run of a repair ends below all of another of as many changes, by a clear part of the way."""
    ends, others = ([case.score(run) for run in repair.proofs] for repair in (one, other))
    if len(one.changes) != len(other.changes) or max(ends) >= min(others):
        return False
    best = best_score(case)
    return case.share(median(others), best) - case.share(median(ends), best) >= CLEARLY


def middle(case: Case, repair: Repair) -> float:
    """The score in the middle of a repair's fresh runs."""
    return median(case.score(run) for run in repair.proofs)
