"""Causes with their rates, and the symptoms that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import fisher_exact

from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.laboratory import Run
from backtrack.vocabulary.space import SearchSpace
from backtrack.watch.symptoms import all_symptoms

# A symptom goes with a cause when so rare an accident would make it (Bonferroni over the symptoms that were seen), and
# at least this difference of shares lies between the runs that fail by the cause and those that train.
SYMPTOM_ALPHA, LEAST_DIFFERENCE, MOST_SYMPTOMS = 0.01, 0.3, 3


@dataclass(frozen=True)
class SymptomShare:
    """A symptom that separates the runs that fail by a cause from those that train.

    Args:
        name: of the symptom.
        failing: (runs that show it, runs) of those with the cause and its outcome.
        training: (runs that show it, runs) of those without the cause that trained.
    """

    name: str
    failing: tuple[int, int]
    training: tuple[int, int]

    @property
    def difference(self) -> float:
        """Difference of the two shares."""
        return self.failing[0] / max(1, self.failing[1]) - self.training[0] / max(1, self.training[1])


@dataclass(frozen=True)
class ExplainedCause:
    """A cause with its place among the runs that were not made to test it.

    Args:
        cause: what backtracking found, or the failure rule that it has not looked into yet.
        inside: (failures, runs) that have it.
        outside: (failures, runs) that do not, nor an earlier cause.
        share: of all runs with these outcomes, those that have it.
        outcomes: `{outcome: failures}` of those inside, the most frequent first.
        symptoms: that separate the runs that fail by it from those that train, the clearest first.
        checks: the same of checks.
        with_it, without_it: the trials of the runs inside and outside.
    """

    cause: Cause
    inside: tuple[int, int]
    outside: tuple[int, int]
    share: float
    outcomes: Mapping[str, int]
    symptoms: tuple[SymptomShare, ...] = ()
    checks: tuple[SymptomShare, ...] = ()
    with_it: tuple[str, ...] = ()
    without_it: tuple[str, ...] = ()


def explained_causes(space: SearchSpace, runs: Sequence[Run], causes: Sequence[Cause]) -> list[ExplainedCause]:
    """Counts for each cause, the dominant first.

    Args:
        space: the factors.
        runs: every recorded run.
        causes: of `backtrack_all`.
    """
    runs = [run for run in runs if run.earlier]
    taken = np.zeros(len(runs), bool)
    found = []
    for cause in causes:
        bad = np.array([run.outcome in cause.outcomes for run in runs], bool)
        trained = np.array([run.outcome == "ok" for run in runs], bool)
        has = np.array([all(one.holds(space, run.config) for one in cause.conditions) for run in runs], bool)
        # Every run counts, however it ended: one that failed in another way did not end in these outcomes.
        inside, outside = has & ~taken, ~has & ~taken
        if not cause.refuted:
            taken = taken | has
        failing = [run for run, mine in zip(runs, bad & has, strict=True) if mine]
        training = [run for run, other in zip(runs, trained & ~has, strict=True) if other]
        found.append(
            ExplainedCause(
                cause=cause,
                inside=(int((bad & inside).sum()), int(inside.sum())),
                outside=(int((bad & outside).sum()), int(outside.sum())),
                share=float((bad & inside).sum() / max(1, bad.sum())),
                symptoms=separating([run.symptoms for run in failing], [run.symptoms for run in training]),
                checks=separating([run.checks for run in failing], [run.checks for run in training]),
                outcomes=_counts(runs, bad & inside),
                with_it=_trials(runs, inside),
                without_it=_trials(runs, outside),
            )
        )
    return sorted(found, key=lambda one: (-one.inside[0], one.cause.outcome, one.cause.cause))


def _counts(runs: Sequence[Run], mask: np.ndarray) -> dict[str, int]:
    """How many of the runs in `mask` had each outcome, the most frequent first."""
    counts = Counter(run.outcome for run, mine in zip(runs, mask, strict=True) if mine)
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))


def _trials(runs: Sequence[Run], mask: np.ndarray) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.trial for run, mine in zip(runs, mask, strict=True) if mine))


def separating(failing: Sequence[Collection[str]], training: Sequence[Collection[str]]) -> tuple[SymptomShare, ...]:
    """The symptoms (or checks) that failing runs show more often than those that train (Fisher's exact test).

    Args:
        failing, training: of the two groups, the names that each run shows.

    Returns:
        Three at most.
    """
    seen = sorted({name for shown in failing for name in shown})
    found = []
    for name in seen:
        with_it = [sum(name in shown for shown in group) for group in (failing, training)]
        share = SymptomShare(name, (with_it[0], len(failing)), (with_it[1], len(training)))
        table = [[with_it[0], len(failing) - with_it[0]], [with_it[1], len(training) - with_it[1]]]
        p = float(fisher_exact(table, alternative="greater").pvalue)
        if p < SYMPTOM_ALPHA / len(seen) and share.difference >= LEAST_DIFFERENCE:
            found.append(share)
    return tuple(sorted(found, key=_clearest_first)[:MOST_SYMPTOMS])


def _clearest_first(share: SymptomShare) -> tuple[float, bool, str]:
    """By the difference in tenths; of equal ones first those that say more than that the training did not learn."""
    effects = {symptom.name for symptom in all_symptoms() if symptom.effect}
    return -round(share.difference, 1), share.name in effects, share.name
