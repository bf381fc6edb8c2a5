"""A parent judged at its children's good levels: what comes from a conditional factor is said of that factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.effects.model import Model
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric


def at_best_children(effects: Sequence[FactorEffect], model: Model | None) -> list[FactorEffect]:
    """The effects, where each parent's best level is the one that is best with its active children at their best.

    A level that brings a bad choice along looks bad on average over that choice. The child has the blame then, and the
    parent's level is what it can be.

    Args:
        effects: of one response.
        model: all factors at once, or None.
    """
    if model is None:
        return list(effects)
    active = {effect.factor.name for effect in effects if effect.verdict == "active"}
    return [_judged(effect, model, active) for effect in effects]


def _judged(effect: FactorEffect, model: Model, active: set[str]) -> FactorEffect:
    parent = model.terms.get(effect.factor.name)
    children = [
        term for name, term in model.terms.items() if effect.factor.name in (term.factor.when or {}) and name in active
    ]
    if parent is None or isinstance(effect.factor, Numeric) or not children:
        return effect
    better = model.response.better
    values = better * (parent.codes @ model.fit.beta[model.span(parent.name)])
    with_them: dict[str, str] = {}
    for child in children:
        own = better * (child.codes @ model.fit.beta[model.span(child.name)])
        best = int(np.argmax(own))
        under = {label(level) for level in (child.factor.when or {})[parent.name]}
        values = values + np.array([own[best] if level in under else 0.0 for level in parent.labels])
        with_them.update(dict.fromkeys(under, f"{child.name}={child.labels[best]}"))
    level = parent.labels[int(np.argmax(values))]
    if level == effect.best_level:
        return effect
    names = ", ".join(child.name for child in children)
    told = f"best is {level}" + (f" with {with_them[level]}" if level in with_them else "")
    said = f"{told}; on average over {names}, {effect.best_level} looks better"
    return replace(effect, best_level=level, best_said=said, statement=said)
