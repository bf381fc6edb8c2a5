"""The factor that a setting of past runs is: its levels or its scale, from the values that were seen."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

from backtrack.readers.past_runs import Scale
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import LONGEST_LEVEL, Categorical, Numeric

# Numbers with more values than this are a scale; texts with more than the second, of which fewer than the share of the
# runs repeat one, name runs.
MOST_LEVELS = 8
MOST_TEXTS, REPEATED = 24, 0.5
# A positive scale over so many times its lower end is spread over orders of magnitude.
ORDERS = 100.0


def level_from(value: object) -> Level | None:
    """A setting as a level: numbers and booleans that are spelled as text are read as such; None where it is unset.

    Example:
        >>> level_from("0.10"), level_from("True"), level_from("adam"), level_from(3.0)
        (0.1, True, 'adam', 3)
    """
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        value = item()
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            value = float(text)
        except ValueError:
            return text[:LONGEST_LEVEL] if text else None
        if not math.isfinite(value):
            return text
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        return int(value) if float(value).is_integer() else float(value)
    return None if value is None else str(value)[:LONGEST_LEVEL]


def factor_name(setting: str, taken: Collection[str] = ()) -> str:
    """A setting's name as a factor's: letters, digits and underscores.

    Example:
        >>> factor_name("optim.lr"), factor_name("model/lr"), factor_name("2nd layer", ["a"])
        ('optim_lr', 'model_lr', 'f_2nd_layer')
    """
    name = re.sub(r"[^A-Za-z0-9_]+", "_", setting).strip("_") or "f"
    name = name if not name[0].isdigit() else f"f_{name}"
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def factor_of(
    name: str, levels: Sequence[Level], told: Scale | None = None, when: Mapping[str, Sequence[Level]] | None = None
) -> Categorical | Numeric:
    """The factor that takes these levels.

    Args:
        name: of the factor.
        levels: that were seen, of the runs that have it; two or more that differ.
        told: its range or choices, where the source keeps them; only where they hold all that was seen.
        when: levels of another factor under which it exists.
    """
    seen = list({label(level): level for level in levels}.values())
    numbers = [float(level) for level in seen if isinstance(level, (int, float)) and not isinstance(level, bool)]
    if len(numbers) == len(seen) and (len(seen) > MOST_LEVELS or _is_range(told, len(seen))):
        whole = all(number.is_integer() for number in numbers)
        low, high = min(numbers), max(numbers)
        log = low > 0 and high / low > ORDERS
        if (
            told is not None
            and told.low is not None
            and told.high is not None
            and told.low <= low
            and high <= told.high
        ):
            low, high, log = told.low, told.high, told.log
            whole = told.integer
        return Numeric(name, low, high, log=log, integer=whole, when=when)
    if len(numbers) == len(seen):
        ordered: list[Level] = sorted(seen, key=float)
    else:
        known = [label(level_from(choice) or str(choice)) for choice in told.choices] if told is not None else []
        places = {text: place for place, text in enumerate(known)}
        ordered = sorted(seen, key=lambda level: (places.get(label(level), len(places)), label(level)))
        if len({type(level) for level in ordered}) > 1:
            ordered = [label(level) for level in ordered]
    return Categorical(name, ordered, when=when)


def _is_range(told: Scale | None, seen: int) -> bool:
    """Whether the source says that it is a scale, of which these runs show few values."""
    return told is not None and told.low is not None and not told.integer and seen > 2


def names_runs(levels: Sequence[Level]) -> bool:
    """Whether texts are names of runs rather than levels: many, and hardly any twice."""
    if not any(isinstance(level, str) for level in levels):
        return False
    return len(set(map(label, levels))) > max(MOST_TEXTS, REPEATED * len(levels)) or (
        len(levels) > 4 and len(set(map(label, levels))) == len(levels)
    )
