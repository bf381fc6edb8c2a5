"""What changes reached that no fresh seeds show to mend anything: sorted by what can be said of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backtrack.evidence.checkup.case import PRINTED, Case, Changes, CheckedRun
from backtrack.evidence.checkup.repairs import Repair, option_of, tried
from backtrack.vocabulary.plan import MORE_PROOF, PROOF

# Changes, what a person would write for them, and the metric that they reached.
Told = tuple[Changes, str, float]


@dataclass(frozen=True)
class Unverified:
    """Changes that are no verified repair, the best first in each group.

    Args:
        helped: reached more in one run than any run as written, by more than a last printed digit of an error, and more
            than luck does.
        unproven: the same, and fresh seeds do not show it: with the median of these, and p.
        within_luck: reached more in one run than any run as written, but no more than luck moves what learns nothing.
        as_some: learnt in one run under a seed that does not as written, where other seeds do.
        tried: did not help.
    """

    helped: Sequence[Told] = ()
    unproven: Sequence[tuple[Changes, str, float, float]] = ()
    within_luck: Sequence[Told] = ()
    as_some: Sequence[Told] = ()
    tried: Sequence[Told] = ()


def unverified(case: Case, repairs: Sequence[Repair], some_learn: bool) -> Unverified:
    """Sorts all changed runs but those of verified repairs.

    Args:
        case: every run.
        repairs: the candidates, with their fresh runs.
        some_learn: whether the training learns as written under some seeds only.
    """
    asked = {one.changes for one in repairs}
    rest = [run for run in tried(case) if run.changes not in asked and run.part not in (PROOF, MORE_PROOF)]
    rest.sort(key=case.score, reverse=True)
    groups: dict[str, list[CheckedRun]] = {"helped": [], "within_luck": [], "as_some": [], "tried": []}
    for run in rest:
        groups[_group(case, run, some_learn)].append(run)
    loose = sorted((one for one in repairs if one.proofs and not one.verified), key=lambda one: one.p)
    return Unverified(
        unproven=[(*told(case, one.changes, one.reaches), one.p) for one in loose],
        **{name: [told(case, run.changes, run.value) for run in runs] for name, runs in groups.items()},
    )


def told(case: Case, changes: Changes, value: float | None) -> Told:
    """Changes with what a person would write."""
    text = "; ".join(option_of(case, change).text_beside(changes) for change in changes)
    return changes, text, math.nan if value is None else value


def _group(case: Case, run: CheckedRun, some_learn: bool) -> str:
    own = max((case.score(one) for one in case.written), default=-math.inf)
    # (An error that is lower by what may be a last printed digit is no lower.)
    printed = PRINTED * abs(own) if case.mode == "min" and math.isfinite(own) else 0.0
    if case.score(run) > own + printed:
        return "helped" if case.learnt(run) else "within_luck"
    same_seed = [one for one in case.first if one.seed == run.seed]
    unlike = case.learnt(run) and same_seed and not any(map(case.learnt, same_seed))
    return "as_some" if some_learn and unlike else "tried"
