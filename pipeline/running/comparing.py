"""Two studies of the same question: compared, or joined into one."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from backtrack.errors import StudyError
from backtrack.evidence.comparing import Comparison, compare_analyses
from backtrack.evidence.studied import analysis_of
from backtrack.records.directory import Records
from backtrack.records.rows import CURVES
from backtrack.views.study import Study
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.plan import FinishedTrial

# Seeds of the second study of a merge begin so far beyond its own: blocks of their own.
APART = 1_000_000_000


def compare(first: str | Path, second: str | Path, alpha: float = 0.05) -> Comparison:
    """What differs between two studies of the same question: levels, effects, rates of failure, rules.

    Args:
        first, second: their directories.
        alpha: error rate over all questions of the comparison.

    Raises:
        StudyError: where their metrics differ, or nothing can be compared.

    Example:
        >>> compare("studies/mine-1", "studies/mine-2").differences[0].verdict  # doctest: +SKIP
        'differs'
    """
    records = Records.open(first).as_sweep(), Records.open(second).as_sweep()
    metric, mode = _same_metric(*records)
    return compare_analyses(analysis_of(records[0]), analysis_of(records[1]), metric, mode, alpha)


def _same_metric(first: Records, second: Records) -> tuple[str, str]:
    named = [(one.manifest["task"]["metric"], one.manifest["task"]["mode"]) for one in (first, second)]
    if named[0] != named[1]:
        raise StudyError(
            f"{first.location} judges by {' '.join(named[0])}, {second.location} by {' '.join(named[1])}; expected the "
            "same metric and mode"
        )
    metric, mode = named[0]
    return str(metric), str(mode)


def as_json(found: Comparison) -> str:
    """A comparison as one JSON object."""
    return json.dumps(asdict(found))


def merge(first: str | Path, second: str | Path, directory: str | Path) -> Study:
    """One study of the runs of two, with the study as a block: its shift is taken out, as seeds' luck is.

    Verdicts then rest on the evidence of both. The studies must have the same factors.

    Args:
        first, second: their directories.
        directory: of the new study.

    Raises:
        StudyError: where their factors or metrics differ, or the new place is taken.

    Example:
        >>> merge("studies/mine-1", "studies/mine-2", "studies/both").trials.num_rows  # doctest: +SKIP
        240
    """
    from backtrack.running.reporting import write_report

    one, other = Records.open(first).as_sweep(), Records.open(second).as_sweep()
    _same_metric(one, other)
    named = [[describe_factor(factor) for factor in records.space] for records in (one, other)]
    if named[0] != named[1]:
        differ = sorted(
            {factor["name"] for factor in named[0] if factor not in named[1]}
            | {factor["name"] for factor in named[1] if factor not in named[0]}
        )
        raise StudyError(
            f"{first} and {second} have other factors ({', '.join(differ)}); expected the same: compare them by "
            f"`backtrack compare {first} {second}`"
        )
    stages = {
        stage: one.manifest["stages"].get(stage, 0) + other.manifest["stages"].get(stage, 0)
        for stage in dict.fromkeys([*one.manifest["stages"], *other.manifest["stages"]])
    }
    manifest = {
        **{name: value for name, value in one.manifest.items() if name not in ("format", "extensions", "open")},
        "study": secrets.token_hex(4),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "runs": one.manifest["runs"] + other.manifest["runs"],
        "stages": stages,
        "merged": [str(first), str(second)],
        "tracked": False,
    }
    made = Records.create(directory, one.space, manifest)
    curves = pa.concat_tables([_named_curves(one.curves(), "a", 0), _named_curves(other.curves(), "b", APART)])
    made.append_all([*_named(one.finished(), "a", 0), *_named(other.finished(), "b", APART)], curves)
    return write_report(made)


def _named(trials: list[FinishedTrial], side: str, seeds: int) -> list[FinishedTrial]:
    """A study's trials with ids and seeds of their own."""
    return [
        replace(
            trial,
            planned=replace(
                trial.planned,
                trial=f"{side}-{trial.planned.trial}",
                seeds=tuple(seed + seeds for seed in trial.planned.seeds),
                pair=None if trial.planned.pair is None else trial.planned.pair + seeds,
            ),
            results=tuple(replace(result, seed=result.seed + seeds) for result in trial.results),
        )
        for trial in trials
    ]


def _named_curves(curves: pa.Table, side: str, seeds: int) -> pa.Table:
    """The curves of such trials."""
    trials = pc.binary_join_element_wise(pa.scalar(side), curves["trial"], "-")
    moved = pc.add(curves["seed"], pa.scalar(seeds, pa.int64()))
    columns = {name: curves[name] for name in CURVES.names} | {"trial": trials, "seed": moved}
    return pa.table(columns).cast(CURVES)
