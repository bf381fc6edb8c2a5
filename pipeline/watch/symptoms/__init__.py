"""Symptoms: measured signs of trouble, one file each. Adding one is adding a file here.

A file exposes `SYMPTOM`. What it measures is kept over time as the curve `symptom/NAME`; its rule reads curves, so
that a run of a black box that yields the same curves (`loss`, `valid_loss`, `active`, `norm`) is judged alike.
Nothing here imports torch: the tensors that a probe gets bring their methods along.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

from backtrack.vocabulary.result import CurvePoint
from backtrack.watch.symptoms.symptom import PREFIX, SEEN_LOSS, Layer, Look, Moment, Series, Symptom

__all__ = ["PREFIX", "SEEN_LOSS", "Layer", "Look", "Moment", "Series", "Symptom", "all_symptoms", "symptoms_in"]


@cache
def all_symptoms() -> tuple[Symptom, ...]:
    """Every symptom that has a file here, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "symptom")
    return tuple(importlib.import_module(f"{__name__}.{name}").SYMPTOM for name in names)


def symptoms_in(curve: Iterable[CurvePoint], thresholds: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Names of the symptoms that a run showed.

    Args:
        curve: the run's numbers over time.
        thresholds: `{symptom: threshold}` in place of the default ones.
    """
    series: dict[str, list[float]] = {}
    for point in curve:
        series.setdefault(point.name, []).append(point.value)
    own = thresholds or {}
    return tuple(s.name for s in all_symptoms() if s.found(series, own.get(s.name, s.threshold)))
