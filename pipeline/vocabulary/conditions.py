"""What a failure rule or a cause is made of: a level of a factor, or a side of a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.space import SearchSpace


@dataclass(frozen=True)
class Condition:
    """`factor=level`, or `factor>threshold`, `factor<threshold`; of a cause also what was seen to mend it.

    Args:
        factor: name, or `factor.component` of a composite one.
        sign: "=", ">" or "<".
        level: a level, or the threshold.
        mends: a level (or number) in place of it that was seen to mend; None where the factor is absent then, or
            nothing was seen.
        bracket: (low, high) between which a threshold lies, where it was looked for.

    Example:
        >>> condition = Condition("lr", ">", 0.03)
        >>> str(condition), condition.met_by({"lr": 0.1}), condition.met_by({})
        ('lr>0.03', True, False)
    """

    factor: str
    sign: str
    level: Level
    mends: Level | None = None
    bracket: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.factor}{self.sign}{label(self.level)}"

    def met_by(self, levels: Mapping[str, Level]) -> bool:
        """Whether levels meet it (components under their own names, see `SearchSpace.expand`); absent ones do not."""
        own = levels.get(self.factor)
        if own is None:
            return False
        if self.sign == "=":
            return label(own) == label(self.level)
        return float(own) > float(self.level) if self.sign == ">" else float(own) < float(self.level)

    def holds(self, space: SearchSpace, config: Mapping[str, Level]) -> bool:
        """Whether a config of `space` meets it."""
        return self.met_by(space.expand(config))
