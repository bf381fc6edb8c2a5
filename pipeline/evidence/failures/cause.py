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
        part: that was taken out; None where the whole cause was put in.
        reached: whether a run that turned to ok reached what runs without the cause reach.
    """

    before: str
    after: str
    seed: int
    turned: bool
    stayed: bool
    part: Condition | None = None
    reached: bool = True


@dataclass
class Cause:
    """What is known of one cause; filled step by step.

    Args:
        outcomes: what it leads to, the most frequent first.
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

    outcomes: tuple[str, ...]
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
    def outcome(self) -> str:
        """What it leads to most."""
        return self.outcomes[0]

    @property
    def flips(self) -> int:
        """Verified reversals, both ways together."""
        return sum(flip.turned for flip in (*self.broke, *self.mended))

    @property
    def repairs(self) -> tuple[Condition, ...]:
        """The parts whose change was seen to mend configs, so that they reach what healthy ones reach."""
        return tuple(part for part in self.parts if self._turned(part) and not self._only_amplifies(part))

    @property
    def amplifiers(self) -> tuple[Condition, ...]:
        """What makes the failure worse or more frequent, and is no cause: it fails without it too."""
        hiding = [part for part in self.parts if self.repairs and self._only_amplifies(part)]
        return (*(self.rule.amplifiers if self.rule else ()), *hiding)

    def _told(self, part: Condition) -> list[Flip]:
        return [flip for flip in self.mended if flip.part == part and (flip.turned or flip.stayed)]

    def _turned(self, part: Condition) -> list[Flip]:
        return [flip for flip in self._told(part) if flip.turned]

    def _only_amplifies(self, part: Condition) -> bool:
        """Whether runs without the part mostly fail too, or never come back to what healthy ones reach.

        One flip may fail by chance, and one mended run may have other trouble: it takes two of either.
        """
        turned = self._turned(part)
        stayed = len(self._told(part)) - len(turned)
        return (stayed >= 2 and stayed > len(turned)) or (len(turned) >= 2 and not any(f.reached for f in turned))

    @property
    def rates(self) -> tuple[float, float]:
        """How often the outcome happens with the suspected cause and without it, as the rule saw it."""
        if self.rule is None:
            return 0.9, 0.05
        return self.rule.inside[0] / max(1, self.rule.inside[1]), self.rule.outside[0] / max(1, self.rule.outside[1])

    @property
    def cause(self) -> tuple[str, ...]:
        """What it is as text."""
        return tuple(map(str, self.conditions))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it is; the rule's conditions as long as nothing better is verified."""
        return self.needed if self.verified or not self.rule else self.rule.conditions

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors of its conditions, each once."""
        return tuple(dict.fromkeys(condition.factor.partition(".")[0] for condition in self.conditions))

    @property
    def needed(self) -> tuple[Condition, ...]:
        """The parts without those that only amplify."""
        hiding = self.amplifiers
        return tuple(part for part in self.parts if part not in hiding)
