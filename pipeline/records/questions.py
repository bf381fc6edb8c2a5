"""Runs of a study whose question has changed since: what can still be learnt from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from backtrack.records.rows import level_type
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Categorical, Composite, Factor, Numeric
from backtrack.vocabulary.space import SearchSpace


def as_asked_now(trials: pa.Table, question: Mapping[str, Any], space: SearchSpace) -> pa.Table:
    """Runs as the study's present factors see them; those that no longer belong to its question are left out.

    - A factor that is new has the level that the runs had before it existed (`was`).
    - Runs at a level, or outside of a range, that is no longer asked about are left out; so are those at another level
      of a factor that is held now.

    Args:
        trials: rows of `trials/*.parquet`.
        question: the manifest's `question`: `was`, `{new factor: level}`, and `held`, `{factor: level}`.
        space: the present factors.
    """
    keep = np.ones(len(trials), bool)
    for name, level in question.get("held", {}).items():
        column = f"config.{name}"
        if column in trials.column_names:
            keep &= np.array([label(one) in ("-", label(level)) for one in trials[column].to_pylist()], bool)
    for factor in space:
        column = f"config.{factor.name}"
        if column not in trials.column_names:
            stored = _stored(question.get("was", {}).get(factor.name), factor)
            trials = trials.append_column(column, pa.array([stored] * len(trials), level_type(factor)))
            if factor.when:
                trials = _where_active(trials, factor, column)
        else:
            keep &= np.array([_belongs(factor, one) for one in trials[column].to_pylist()], bool)
    return trials.filter(pa.array(keep))


def _stored(level: Any, factor: Factor) -> Any:
    if level is None:
        return None
    return label(level) if pa.types.is_string(level_type(factor)) else level


def _where_active(trials: pa.Table, factor: Factor, column: str) -> pa.Table:
    """A new conditional factor exists only in runs that meet its condition."""
    there = np.ones(len(trials), bool)
    for parent, levels in (factor.when or {}).items():
        known = {label(level) for level in levels}
        there &= np.array([label(one) in known for one in trials[f"config.{parent}"].to_pylist()], bool)
    values = [one if fits else None for one, fits in zip(trials[column].to_pylist(), there, strict=True)]
    place = trials.column_names.index(column)
    return trials.set_column(place, column, pa.array(values, trials[column].type))


def _belongs(factor: Factor, level: Any) -> bool:
    """Whether a run's level is one that the factor still has; None is, where the factor does not exist."""
    if level is None:
        return True
    if isinstance(factor, Numeric):
        return factor.contains(level)
    if isinstance(factor, Categorical):
        return label(level) in {label(own) for own in factor.levels}
    assert isinstance(factor, Composite)
    return True
