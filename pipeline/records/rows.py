"""Trials as rows of the study's parquet files, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

import pyarrow as pa

from backtrack.errors import StudyError
from backtrack.vocabulary.config import Config, label
from backtrack.vocabulary.factors import Categorical, Factor, Numeric
from backtrack.vocabulary.finding import WRONG, Finding
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import CurvePoint, RunResult
from backtrack.vocabulary.space import SearchSpace

CURVES = pa.schema(
    [
        ("trial", pa.string()),
        ("replicate", pa.int32()),
        ("seed", pa.int64()),
        ("step", pa.int64()),
        ("epoch", pa.float64()),
        ("name", pa.string()),
        ("value", pa.float64()),
        ("seconds", pa.float64()),
    ]
)


# What a check found, in the column `findings`.
FINDING = pa.struct([(field.name, pa.string()) for field in fields(Finding)])


def trials_schema(space: SearchSpace) -> pa.Schema:
    """Columns of `trials/*.parquet`: the fixed ones, and `config.NAME` for every factor."""
    return pa.schema(
        [
            ("trial", pa.string()),
            ("replicate", pa.int32()),
            ("seed", pa.int64()),
            ("stage", pa.string()),
            ("part", pa.string()),
            ("pair", pa.int64()),
            ("side", pa.string()),
            ("question", pa.string()),
            *((f"config.{factor.name}", level_type(factor)) for factor in space),
            ("config_hash", pa.string()),
            ("outcome", pa.string()),
            ("value", pa.float64()),
            ("chance", pa.float64()),
            ("epochs", pa.int32()),
            ("seconds", pa.float64()),
            ("warmup_seconds", pa.float64()),
            ("peak_memory", pa.int64()),
            ("symptoms", pa.list_(pa.string())),
            ("checks", pa.list_(pa.string())),
            ("findings", pa.list_(FINDING)),
            ("error", pa.string()),
            ("error_place", pa.string()),
            ("attempt", pa.int32()),
            ("node", pa.string()),
            ("ended", pa.float64()),
            ("device", pa.string()),
        ]
    )


def level_type(factor: Factor) -> pa.DataType:
    """The column type that holds every level of `factor`; levels of mixed kinds are stored as text."""
    if isinstance(factor, Numeric):
        return pa.int64() if factor.integer else pa.float64()
    if isinstance(factor, Categorical):
        kinds = {type(level) for level in factor.levels}
        if kinds == {bool}:
            return pa.bool_()
        if kinds == {int}:
            return pa.int64()
        if kinds <= {int, float}:
            return pa.float64()
    return pa.string()


def trial_rows(space: SearchSpace, *finished: FinishedTrial) -> pa.Table:
    """Trials as rows of `trials/*.parquet`, one a replicate."""
    schema = trials_schema(space)
    rows = [row for trial in finished for row in _rows_of(space, schema, trial)]
    return pa.Table.from_pylist(rows, schema=schema)


def _rows_of(space: SearchSpace, schema: pa.Schema, finished: FinishedTrial) -> list[dict[str, Any]]:
    planned = finished.planned
    levels = {
        f"config.{factor.name}": _stored(planned.config.get(factor.name), schema.field(f"config.{factor.name}").type)
        for factor in space
    }
    return [
        {
            "trial": planned.trial,
            "replicate": replicate,
            "seed": result.seed,
            "stage": planned.stage,
            "part": planned.part,
            "pair": planned.pair,
            "side": planned.side,
            "question": planned.question,
            **levels,
            "config_hash": planned.config.hash,
            "outcome": result.outcome,
            "value": result.value,
            "chance": result.chance,
            "epochs": result.epochs,
            "seconds": result.seconds,
            "warmup_seconds": result.warmup_seconds,
            "peak_memory": result.peak_memory,
            "symptoms": list(result.symptoms),
            "checks": list(dict.fromkeys(found.check for found in result.checks if found.weight == WRONG)),
            "findings": [asdict(found) for found in result.checks],
            "error": result.error,
            "error_place": result.error_place,
            "attempt": finished.attempt,
            "node": finished.node,
            "ended": finished.ended,
            "device": result.device,
        }
        for replicate, result in enumerate(finished.results)
    ]


def _finished_from(space: SearchSpace, rows: list[dict[str, Any]]) -> FinishedTrial:
    """One trial from its rows, ordered by replicate."""
    first = rows[0]
    results = tuple(
        RunResult(
            seed=row["seed"],
            outcome=row["outcome"],
            value=row["value"],
            epochs=row["epochs"],
            seconds=row["seconds"],
            warmup_seconds=row["warmup_seconds"],
            peak_memory=row["peak_memory"],
            chance=row["chance"],
            device=row["device"],
            symptoms=tuple(row["symptoms"]),
            checks=tuple(Finding(**found) for found in row["findings"] or ()),
            error=row["error"],
            error_place=row["error_place"],
        )
        for row in rows
    )
    planned = PlannedTrial(
        trial=first["trial"],
        stage=first["stage"],
        config=config_of(space, first),
        seeds=tuple(row["seed"] for row in rows),
        part=first["part"],
        pair=first["pair"],
        side=first["side"],
        question=first["question"],
    )
    return FinishedTrial(planned, results, first["attempt"], first["node"], first["ended"])


def all_finished(space: SearchSpace, trials: pa.Table) -> list[FinishedTrial]:
    """The inverse of `trial_rows` for a whole table of them, in its order, without the curves."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in trials.to_pylist():
        grouped.setdefault(row["trial"], []).append(row)
    return [_finished_from(space, rows) for rows in grouped.values()]


def config_of(space: SearchSpace, row: Mapping[str, Any]) -> Config:
    """The config of a row of `trials`, with each level as its factor spells it."""
    return Config({factor.name: _level_from(factor, row[f"config.{factor.name}"]) for factor in space})


def curve_rows(finished: FinishedTrial) -> pa.Table:
    """A trial's numbers over time as rows of `curves/*.parquet`."""
    points: Iterator[tuple[int, int, CurvePoint]] = (
        (replicate, result.seed, point) for replicate, result in enumerate(finished.results) for point in result.curve
    )
    rows = list(points)
    return pa.table(
        {
            "trial": [finished.planned.trial] * len(rows),
            "replicate": [replicate for replicate, _, _ in rows],
            "seed": [seed for _, seed, _ in rows],
            "step": [point.step for _, _, point in rows],
            "epoch": [point.epoch for _, _, point in rows],
            "name": [point.name for _, _, point in rows],
            "value": [point.value for _, _, point in rows],
            "seconds": [point.seconds for _, _, point in rows],
        },
        schema=CURVES,
    )


def _stored(level: Any, kind: pa.DataType) -> Any:
    if level is None:
        return None
    return label(level) if pa.types.is_string(kind) else level


def _level_from(factor: Factor, stored: Any) -> Any:
    """The level as its factor spells it: equal levels must hash equally after a round trip."""
    if stored is None or not isinstance(factor, Categorical):
        return stored
    for level in factor.levels:
        if label(level) == stored or (level == stored and isinstance(level, bool) == isinstance(stored, bool)):
            return level
    raise StudyError(f"the records hold {factor.name}={stored!r}, which is none of its levels: {list(factor.levels)}")
