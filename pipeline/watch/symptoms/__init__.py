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

__all__ = [
    "PREFIX",
    "SEEN_LOSS",
    "Layer",
    "Look",
    "Moment",
    "Series",
    "Symptom",
    "all_symptoms",
    "symptoms_by_model",
    "symptoms_in",
]


@cache
def all_symptoms() -> tuple[Symptom, ...]:
    """Every symptom that has a file here, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "symptom")
    return tuple(importlib.import_module(f"{__name__}.{name}").SYMPTOM for name in names)


def symptoms_in(curve: Iterable[CurvePoint], thresholds: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Names of the symptoms that a run showed, in any of its models.

    Args:
        curve: the run's numbers over time.
        thresholds: `{symptom: threshold}` in place of the default ones.
    """
    return tuple(symptoms_by_model(curve, thresholds))


def symptoms_by_model(
    curve: Iterable[CurvePoint], thresholds: Mapping[str, float] | None = None
) -> dict[str, tuple[str, ...]]:
    """Names of the symptoms that a run showed, each with the models that showed it.

    A curve `symptom/NAME/MODEL` is of a further model than the first, whose name is not said: it stands as "".

    Args:
        curve: the run's numbers over time.
        thresholds: `{symptom: threshold}` in place of the default ones.

    Example:
        >>> point = CurvePoint(step=1, epoch=1.0, name="symptom/vanishing_gradient/Critic", value=1e-9, seconds=0.0)
        >>> symptoms_by_model([point])
        {'vanishing_gradient': ('Critic',)}
    """
    said: dict[str, list[float]] = {}
    measured: dict[str, dict[str, list[float]]] = {"": {}}
    for point in curve:
        if point.name.startswith(PREFIX):
            name, _, model = point.name.removeprefix(PREFIX).partition("/")
            measured.setdefault(model, {}).setdefault(PREFIX + name, []).append(point.value)
        else:
            said.setdefault(point.name, []).append(point.value)
    own = thresholds or {}
    found = {
        symptom.name: tuple(
            model
            for model, series in measured.items()
            # What the training says by itself is judged once.
            if symptom.found(series if model else said | series, own.get(symptom.name, symptom.threshold))
        )
        for symptom in all_symptoms()
    }
    return {name: models for name, models in found.items() if models}
