"""What is known of one cause: its parts, and the flips that verify it."""

from __future__ import annotations

from dataclasses import dataclass, field

from backtrack.evidence.failures.failure_rules import Rule
from backtrack.evidence.failures.laboratory import Run, Wanted
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Config


@dataclass(frozen=True)
class Flip:
    """A cause put into a passing config, or taken out of a failing one, with the same seed.

    Args:
        before, after: ids of the trials.
        seed: of both.
        turned: whether the outcome turned with it.
        stayed: whether the outcome stayed as it was. Neither where it then failed in another way: that may be chance,
            or another cause's doing, and says nothing of this one.
    """

    before: str
    after: str
    seed: int
    turned: bool
    stayed: bool


@dataclass
class Cause:
    """What is known of one cause; filled step by step.

    Args:
        outcome: what it leads to.
        rule: the failure rule that raised the suspicion, or None.
        failing, passing: the two configs whose difference was shrunk.
        parts: the minimal set of level changes; empty while unknown.
        broke, mended: for each background tried, the cause put in, and taken out.
        verified: enough flips both ways.
        refuted: backtracking came to its end and the cause did not hold.
        further: runs that would show a verified cause under each of the study's seeds, both ways.
        runs: training runs that the answers rest on.
        tried: configs that were judged on the way, and whether they failed.
    """

    outcome: str
    rule: Rule | None
    failing: Run | None = None
    passing: Run | None = None
    parts: tuple[Condition, ...] = ()
    broke: list[Flip] = field(default_factory=list)
    mended: list[Flip] = field(default_factory=list)
    verified: bool = False
    refuted: bool = False
    further: list[Wanted] = field(default_factory=list)
    runs: int = 0
    tried: list[tuple[Config, bool]] = field(default_factory=list)

    @property
    def flips(self) -> int:
        """Verified reversals, both ways together."""
        return sum(flip.turned for flip in (*self.broke, *self.mended))

    @property
    def rates(self) -> tuple[float, float]:
        """How often the outcome happens with the suspected cause and without it, as the rule saw it."""
        if self.rule is None:
            return 0.9, 0.05
        return self.rule.inside[0] / max(1, self.rule.inside[1]), self.rule.outside[0] / max(1, self.rule.outside[1])

    @property
    def cause(self) -> tuple[str, ...]:
        """The parts as text; those of the rule as long as nothing better is verified."""
        return tuple(map(str, self.parts)) if self.verified or not self.rule else self.rule.cause
