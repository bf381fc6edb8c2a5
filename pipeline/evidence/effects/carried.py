"""Effects that a few runs carry: disasters that still end finite, and without which nothing is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtrack.evidence.effects.questions import ask
from backtrack.evidence.effects.tails import robust_spread
from backtrack.evidence.failures.candidates import candidates
from backtrack.evidence.failures.rule_search import best_division
from backtrack.evidence.frame import Mask
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.multiple import holm

# A run lies apart where it is so many robust standard deviations on the worse side of the median; at most such a share
# of the runs may lie apart, else they are no few.
APART, MOST_APART = 5.0, 0.1


@dataclass(frozen=True)
class Carried:
    """A few runs that lie far on the worse side of all others, and the effects that they carry.

    Args:
        trials: of these runs.
        value, usual: their median result, and that of the others.
        factors: that are active with these runs, and not without them.
        conditions: what the runs have in common, as text; empty where that may be chance.
    """

    trials: tuple[str, ...]
    value: float
    usual: float
    factors: tuple[str, ...]
    conditions: tuple[str, ...]


def carried(response: Response, active: frozenset[str], alpha: float) -> Carried | None:
    """The few runs that carry effects; None where none lies apart.

    Args:
        response: the runs and their numbers.
        active: factors that are called active with all of them.
        alpha: error rate.
    """
    apart = far_apart(response)
    if not apart.any():
        return None
    rest = Response(response.kind, response.frame.rows(~apart), response.y[~apart])
    asked = ask(rest, alpha)
    adjusted = holm(list(asked.p.values()), asked.weights)
    still = {name for names, p in zip(asked.names, adjusted, strict=True) if p < alpha for name in names}
    found = best_division(candidates(response.frame, apart), apart)
    sure = found is not None and found.p < alpha
    return Carried(
        trials=tuple(dict.fromkeys(response.frame.trial[apart].tolist())),
        value=float(np.median(response.y[apart])),
        usual=float(np.median(response.y[~apart])),
        factors=tuple(sorted(active - still)),
        conditions=tuple(str(one.condition) for one in found.chosen) if found is not None and sure else (),
    )


def far_apart(response: Response) -> Mask:
    """(n,) runs far on the worse side of the median, where they are few."""
    y = response.y * response.better
    middle = float(np.median(y)) if len(y) else 0.0
    spread = robust_spread(y)
    apart = y < middle - APART * spread
    few = spread > 0 and 0 < apart.sum() <= MOST_APART * len(y)
    return np.asarray(apart) if few else np.zeros(len(y), bool)
