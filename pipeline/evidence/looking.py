"""How sure a look at a study may be, given the looks before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Of the error rate, what the first look may use up; each further one half of what is left. A study that is never
# extended pays a fifth for the right to be.
FIRST_SHARE = 0.8
# Where looks are planned beforehand (`--until decided`), what they may use up together, in proportion to the runs.
PLANNED_SHARE = 0.95


@dataclass(frozen=True)
class Look:
    """One reading of a study's evidence.

    Args:
        number: 1 for the first.
        alpha: level of this look's verdicts, such that all looks together err at most at the study's error rate.
        following: level that a further look will have at least; runs that would decide are counted by it.
        study: the study's error rate, which stages choose their suspects by.
        decided: `{response: factors and pairs that an earlier look called active}`; they stay so.
    """

    number: int
    alpha: float
    following: float
    study: float
    decided: Mapping[str, tuple[tuple[str, ...], ...]]


def look_of(manifest: Mapping[str, Any]) -> Look:
    """The look that a report on a study is, from its manifest.

    Alpha spending with the union bound: the first look uses up `FIRST_SHARE` of the error rate, each extension half of
    what is left; looks that were planned beforehand use it up in proportion to their runs. A look's level is what it
    alone uses up. That holds however strongly the looks are tied to each other. Levels that reckon with a statistic
    that only gathers runs (Lan and DeMets 1983) do not: what judges a question changes from look to look (few runs,
    ranks, weights, the pairs in the model), and such levels made twice as many false verdicts at later looks as they
    should (docs/evidence.md).
    """
    alpha = float(manifest["alpha"])
    extensions = manifest.get("extensions", [])
    following = alpha * (next_share(manifest) - spent_share(manifest))
    first = manifest.get("spends_first", FIRST_SHARE)
    if not extensions:
        return Look(1, first * alpha, following, alpha, {})
    shares = [first, *(one["spent"] for one in extensions)]
    decided = {
        response: tuple(tuple(names) for names in found) for response, found in extensions[-1].get("active", {}).items()
    }
    return Look(len(shares), alpha * (shares[-1] - shares[-2]), following, alpha, decided)


def spent_share(manifest: Mapping[str, Any]) -> float:
    """Of the error rate, what all looks so far have used up."""
    extensions = manifest.get("extensions", [])
    return float(extensions[-1]["spent"] if extensions else manifest.get("spends_first", FIRST_SHARE))


def next_share(manifest: Mapping[str, Any]) -> float:
    """What an unplanned further look may use up in all: half of what is left beyond the last one."""
    spent = spent_share(manifest)
    return spent + (1 - spent) / 2
