"""What a failure rule or a cause is made of: levels of a factor, or a side of a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.space import SearchSpace


@dataclass(frozen=True)
class Condition:
    """Which levels of one factor are meant; of a cause also the level that was seen to mend it.

    | sign | meaning | text |
    |---|---|---|
    | `=` | this level | `optimiser=sgd` |
    | `≠` | any level but this one | `optimiser≠sgd` |
    | `in` | one of these levels | `optimiser in {adam, sgd}` |
    | `>`, `<` | a number beyond this one, which is not meant itself | `lr>0.03` |

    A factor that is absent from a config meets no condition.

    Args:
        factor: name, or `factor.component` of a composite one.
        sign: of the table.
        level: a level, a threshold, or a tuple of levels with `in`.
        mends: a level (or number) in place of it that was seen to mend; None where the factor is absent then, or
            nothing was seen.
        bracket: (low, high) between which a threshold lies, where it was looked for.

    Example:
        >>> condition = Condition("lr", ">", 0.03)
        >>> str(condition), condition.met_by({"lr": 0.1}), condition.met_by({})
        ('lr>0.03', True, False)
        >>> str(Condition("optimiser", "in", ("adam", "sgd")))
        'optimiser in {adam, sgd}'
    """

    factor: str
    sign: str
    level: Level | tuple[Level, ...]
    mends: Level | None = None
    bracket: tuple[float, float] | None = None

    def __str__(self) -> str:
        return (
            f"{self.factor} in {self.level_text}" if self.sign == "in" else f"{self.factor}{self.sign}{self.level_text}"
        )

    @property
    def level_text(self) -> str:
        """The level, the levels or the threshold as text."""
        return "{" + ", ".join(map(label, self.level)) + "}" if isinstance(self.level, tuple) else label(self.level)

    @property
    def number(self) -> float:
        """The threshold of a condition with `>` or `<`."""
        assert not isinstance(self.level, tuple)
        return float(self.level)

    def means(self, level: Level) -> bool:
        """Whether a level of the factor meets it."""
        if self.sign == "in":
            assert isinstance(self.level, tuple)
            return label(level) in {label(one) for one in self.level}
        if self.sign in ("=", "≠"):
            return (label(level) == label(self.level)) == (self.sign == "=")
        return float(level) > self.number if self.sign == ">" else float(level) < self.number

    def met_by(self, levels: Mapping[str, Level]) -> bool:
        """Whether levels meet it (components under their own names, see `SearchSpace.expand`); absent ones do not."""
        own = levels.get(self.factor)
        return own is not None and self.means(own)

    def holds(self, space: SearchSpace, config: Mapping[str, Level]) -> bool:
        """Whether a config of `space` meets it."""
        return self.met_by(space.expand(config))
