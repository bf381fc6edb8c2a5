"""Trials as arrays: what the statistics read. Pure functions on tables; no Ray, no torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backtrack.vocabulary.config import label
from backtrack.vocabulary.crashes import crash_kind, message_in
from backtrack.vocabulary.factors import Factor, Numeric
from backtrack.vocabulary.outcomes import NO_FAILURE
from backtrack.vocabulary.plan import EVIDENCE_STAGES, EXTENSION, MORE, MORE_REFINED, REFINED
from backtrack.vocabulary.space import SearchSpace

Floats = NDArray[np.float64]
Strings = NDArray[np.str_]
Mask = NDArray[np.bool_]

# Stands in a column where a factor does not exist: a character that no keyboard has, since "-" may be a level.
INACTIVE = "\ue000"


@dataclass(frozen=True)
class Frame:
    """Replicates of a study, one entry each.

    Args:
        space: the factors.
        levels: `{factor: (n,)}`: labels of a categorical or composite factor (`INACTIVE` where it does not exist),
            numbers of a numeric one (NaN there).
        seed: (n,) seeds.
        stage, part: (n,) stages, and parts of them.
        trial: (n,) trial ids.
        pair: (n,) number of the pair that a run belongs to; -1 for none.
        question: (n,) that its trial answers, in words; mostly empty.
        outcome: (n,) outcomes.
        value: (n,) final metric, NaN where nothing finite was measured.
        chance: (n,) metric at chance, NaN where unknown.
        epochs, seconds: (n,) as recorded.
        error: (n,) the message of a crash or of a failure's message; empty elsewhere.
        error_place: (n,) `file:line` of a crash in the user's own files; empty where it is not known.
    """

    space: SearchSpace
    levels: dict[str, NDArray[np.generic]]
    seed: NDArray[np.int64]
    stage: Strings
    part: Strings
    trial: Strings
    pair: NDArray[np.int64]
    question: Strings
    outcome: Strings
    value: Floats
    chance: Floats
    epochs: Floats
    seconds: Floats
    error: Strings
    error_place: Strings

    def __len__(self) -> int:
        return len(self.seed)

    @property
    def crash(self) -> Strings:
        """(n,) the kind of each crash: its message without what differs from run to run, and its place; else empty."""
        kinds = [
            crash_kind(error, place) if outcome == "crashed" else ""
            for error, place, outcome in zip(self.error, self.error_place, self.outcome, strict=True)
        ]
        return np.array(kinds, dtype=np.str_)

    @property
    def failed(self) -> Mask:
        """(n,) whether the replicate failed: it ended neither well nor by a pruner."""
        return ~np.isin(self.outcome, NO_FAILURE)

    def rows(self, keep: Mask | NDArray[np.int64]) -> Frame:
        """The entries where `keep`, (n,) boolean, is true; or those of these indices, in their order."""
        columns = {
            field.name: getattr(self, field.name)[keep]
            for field in fields(self)
            if field.name not in ("space", "levels")
        }
        return replace(self, levels={name: column[keep] for name, column in self.levels.items()}, **columns)

    def of_stages(self, stages: Collection[str] = EVIDENCE_STAGES) -> Frame:
        """The entries of these stages; by default those that may be used as evidence."""
        return self.rows(np.isin(self.stage, list(stages)))

    @property
    def fair_for_failures(self) -> Frame:
        """The entries that no failure moved: a fair sample of how often trainings fail."""
        return self.rows(~np.isin(self.part, (REFINED, MORE_REFINED)))

    @property
    def extended(self) -> Mask:
        """(n,) whether the study had been extended when the run was planned."""
        return np.isin(self.part, (MORE, MORE_REFINED))

    @property
    def before_backtracking(self) -> Frame:
        """The entries that backtracking and the causes' rates look at: not what was run with its left-overs."""
        return self.rows(self.part != EXTENSION)

    def active(self, factor: Factor) -> Mask:
        """(n,) where `factor` exists."""
        column = self.levels[factor.name]
        return ~np.isnan(column.astype(float)) if isinstance(factor, Numeric) else np.asarray(column != INACTIVE)


def frame_from(space: SearchSpace, trials: pa.Table) -> Frame:
    """The recorded trials as a `Frame`.

    Args:
        space: the study's factors.
        trials: as `Records.trials` gives them.
    """
    levels: dict[str, NDArray[np.generic]] = {}
    for factor in space:
        column = trials[f"config.{factor.name}"]
        if isinstance(factor, Numeric):
            levels[factor.name] = _floats(column)
        else:
            levels[factor.name] = np.array(
                [INACTIVE if level is None else label(level) for level in column.to_pylist()], dtype=np.str_
            )
    value = _floats(trials["value"])
    return Frame(
        space=space,
        levels=levels,
        seed=np.array(trials["seed"].to_pylist(), dtype=np.int64),
        stage=np.array(trials["stage"].to_pylist(), dtype=np.str_),
        part=np.array(trials["part"].to_pylist(), dtype=np.str_),
        trial=np.array(trials["trial"].to_pylist(), dtype=np.str_),
        pair=np.array([-1 if pair is None else pair for pair in trials["pair"].to_pylist()], dtype=np.int64),
        question=np.array(trials["question"].to_pylist(), dtype=np.str_),
        outcome=np.array(trials["outcome"].to_pylist(), dtype=np.str_),
        value=np.where(np.isfinite(value), value, np.nan),
        chance=_floats(trials["chance"]),
        epochs=_floats(trials["epochs"]),
        seconds=_floats(trials["seconds"]),
        error=np.array([message_in(text) for text in trials["error"].to_pylist()], dtype=np.str_),
        error_place=np.array([place or "" for place in trials["error_place"].to_pylist()], dtype=np.str_),
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.array([np.nan if number is None else float(number) for number in column.to_pylist()], dtype=np.float64)
