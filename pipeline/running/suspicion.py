"""What the failures of a sweep that still runs have in common so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from backtrack.records.rows import trial_rows
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.space import SearchSpace

# How many new failures make it worth looking again.
EVERY = 8


class Suspicion:
    """Looks at the failures now and then; a suspicion, no verdict.

    Args:
        space: the factors.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._looked_at = 0

    def after(self, finished: Sequence[FinishedTrial]) -> str | None:
        """The failure rule that fits best, in words; None where it is not time to look again.

        Args:
            finished: every recorded trial.
        """
        outcomes = Counter(result.outcome for trial in finished for result in trial.results)
        failed = sum(count for outcome, count in outcomes.items() if outcome != "ok")
        if failed - self._looked_at < EVERY:
            return None
        self._looked_at = failed
        # Imported here: a sweep whose trainings do not fail need not wait for it.
        from backtrack.evidence.failures.failure_rules import all_failure_rules
        from backtrack.evidence.frame import frame_from
        from backtrack.views.cause_sentences import rule_sentence

        rules = all_failure_rules(frame_from(self._space, trial_rows(self._space, *finished)))
        return rule_sentence(rules[0]) if rules else "no level stands out among the failures yet"
