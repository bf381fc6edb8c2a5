"""Effects with a nuisance tuned: each level at the learning rate that suits it, and all at one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtrack.evidence.effects.coding import Term
from backtrack.evidence.effects.model import Model
from backtrack.evidence.frame import Floats
from backtrack.evidence.statistics.linear import contrast
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric


@dataclass(frozen=True)
class TunedEffect:
    """A factor's effect with one numeric nuisance set in two ways.

    Args:
        factor, nuisance: names.
        tuned, tuned_low, tuned_high: difference of the best and the worst level, each at its own best value of the
            nuisance, with its 95 % interval.
        tuned_best: the level that is best so.
        common, common_low, common_high, common_best: the same with all levels at `common_at`, the value that is best
            on average over them.
        common_at: as text.
    """

    factor: str
    nuisance: str
    tuned: float
    tuned_low: float
    tuned_high: float
    tuned_best: str
    common: float
    common_low: float
    common_high: float
    common_best: str
    common_at: str

    @property
    def differs(self) -> bool:
        """Whether tuning changes the answer: another best level, or an effect outside of the other's interval."""
        outside = not self.tuned_low <= self.common <= self.tuned_high
        return self.tuned_best != self.common_best or outside


def tuned_effects(model: Model | None) -> dict[str, TunedEffect]:
    """For each scientific factor, its effect with the first numeric nuisance tuned and common; `{factor: effect}`.

    The model is fitted again with the interaction of the two, so that each level has a curve of its own. Empty where
    there is no numeric nuisance, or too few runs for such a model. The best values are picked from the same fit:
    intervals are those of the contrast at these values.

    Args:
        model: all factors at once.
    """
    if model is None or model.response.kind.ratio:
        return {}
    nuisances = [
        term for term in model.terms.values() if term.factor.role == "nuisance" and isinstance(term.factor, Numeric)
    ]
    if not nuisances:
        return {}
    nuisance = nuisances[0]
    found = {}
    for term in model.terms.values():
        if term.factor.role == "scientific" and not isinstance(term.factor, Numeric):
            effect = _tuned(model, term, nuisance)
            if effect is not None:
                found[term.name] = effect
    return found


def _tuned(model: Model, term: Term, nuisance: Term) -> TunedEffect | None:
    wider = model.with_pairs([model.pair(term.name, nuisance.name)])
    if wider is None:
        return None
    own = wider.terms[nuisance.name].codes

    def row(code: Floats, joint: Floats, at: int) -> Floats:
        alone = wider.weights(term.name, code) + wider.weights(nuisance.name, own[at])
        return alone + wider.pair_weights(term.name, nuisance.name, joint, own[at])

    codes, joints = wider.terms[term.name].codes, wider.terms[term.name].pair_codes
    points = wider.terms[nuisance.name].points
    places = range(len(points))
    rows = np.array([[row(code, joint, at) for at in places] for code, joint in zip(codes, joints, strict=True)])
    heights = model.response.better * (rows @ wider.fit.beta)
    at_best = heights.argmax(axis=1)
    common = int(heights.mean(axis=0).argmax())

    def answer(chosen: NDArray[np.intp]) -> tuple[float, float, float, str]:
        own_heights = heights[np.arange(len(codes)), chosen]
        best, worst = int(own_heights.argmax()), int(own_heights.argmin())
        found = contrast(rows[best, chosen[best]] - rows[worst, chosen[worst]], wider.fit)
        low, high = found.interval()
        ends = sorted((abs(low), abs(high))) if low * high > 0 else [0.0, max(abs(low), abs(high))]
        return abs(found.estimate), ends[0], ends[1], term.labels[best]

    factor = nuisance.factor
    assert isinstance(factor, Numeric)
    tuned, together = answer(at_best), answer(np.full(len(codes), common))
    return TunedEffect(
        factor=term.name,
        nuisance=nuisance.name,
        tuned=tuned[0],
        tuned_low=tuned[1],
        tuned_high=tuned[2],
        tuned_best=tuned[3],
        common=together[0],
        common_low=together[1],
        common_high=together[2],
        common_best=together[3],
        common_at=label(factor.at(points[common])),
    )
