"""Factors as somebody types them: `lr=1e-4..1e-1:log:nuisance`, `optimiser=sgd,adam`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backtrack.errors import SpaceError
from backtrack.vocabulary.config import Level
from backtrack.vocabulary.factors import Categorical, Factor, Numeric

MARKS = ("log", "int", "nuisance", "scientific")
_INTERVAL = re.compile(r"(?P<low>[-+.\deE_]+)\.\.(?P<high>[-+.\deE_]+)\Z")


def factors_from(given: Sequence[str]) -> tuple[list[Factor], dict[str, str]]:
    """The factors of some `--factor` options, and how the program spells those that are spelled otherwise.

    Args:
        given: `NAME=LEVEL,LEVEL,…` or `NAME=LOW..HIGH`, each with `:log`, `:int` or `:nuisance` after it. A name may
            have dots and hyphens (`optim.lr`); as a factor these are underscores. A level in quotes stays text.

    Raises:
        SpaceError: for one that cannot be read, or two of one name.

    Example:
        >>> factors, spelled = factors_from(["optim.lr=1e-4..1e-1:log", "model=mlp,cnn"])
        >>> [factor.name for factor in factors], spelled
        (['optim_lr', 'model'], {'optim_lr': 'optim.lr'})
    """
    found: list[Factor] = []
    spelled: dict[str, str] = {}
    for text in given:
        own = _factor(text)
        name = text.partition("=")[0].strip().lstrip("-")
        if any(factor.name == own.name for factor in found):
            raise SpaceError(f"--factor {text}: a factor {own.name!r} is there already; expected each name once")
        found.append(own)
        if own.name != name:
            spelled[own.name] = name
    return found, spelled


def _factor(text: str) -> Factor:
    name, sign, rest = text.partition("=")
    if not sign or not name.strip() or not rest.strip():
        raise SpaceError(
            f"--factor {text}: expected NAME=LEVEL,LEVEL,… or NAME=LOW..HIGH, such as optimiser=sgd,adam or "
            "lr=1e-4..1e-1:log"
        )
    name = re.sub(r"\W", "_", name.strip().lstrip("-"))
    parts = rest.split(":")
    marks: list[str] = []
    while len(parts) > 1 and parts[-1].strip() in MARKS:
        marks.append(parts.pop().strip())
    levels = ":".join(parts).strip()
    role = "nuisance" if "nuisance" in marks else "scientific"
    interval = _INTERVAL.match(levels)
    if interval is not None:
        return _interval(name, text, interval["low"], interval["high"], marks, role)
    if "log" in marks or "int" in marks:
        raise SpaceError(f"--factor {text}: log and int belong to an interval, such as {name}=1e-4..1e-1:log")
    return Categorical(name, [level_from(level) for level in _split(levels)], role=role)  # type: ignore[arg-type]


def _interval(name: str, text: str, low: str, high: str, marks: Sequence[str], role: str) -> Numeric:
    try:
        ends = float(low), float(high)
    except ValueError:
        raise SpaceError(f"--factor {text}: expected two numbers around .., such as {name}=1e-4..1e-1") from None
    whole = "int" in marks or all(re.fullmatch(r"[-+]?\d+", end) for end in (low, high))
    return Numeric(name, low=ends[0], high=ends[1], log="log" in marks, integer=whole, role=role)  # type: ignore[arg-type]


def _split(levels: str) -> list[str]:
    """The levels between commas; a comma inside brackets or quotes is part of a level."""
    found, depth, quote, start = [], 0, "", 0
    for place, sign in enumerate(levels):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            found.append(levels[start:place])
            start = place + 1
    return [*found, levels[start:]]


def level_from(text: str) -> Level:
    """A level as its type: a whole number, a number, true or false, or text.

    Example:
        >>> [level_from(text) for text in ("32", "1e-3", "true", "adam", "'32'")]
        [32, 0.001, True, 'adam', '32']
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
