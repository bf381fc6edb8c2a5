"""Reads a checkup's case from its records."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from backtrack.evidence.checkup.case import Case, CheckedRun
from backtrack.evidence.checkup.option import Option
from backtrack.task.intervention import AS_WRITTEN
from backtrack.vocabulary.crashes import message_in
from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.plan import CHECKED, LATER
from backtrack.watch.symptoms import SEEN_LOSS

# Names of a training's own loss, as it says it, or as the watch saw it.
LOSSES = ("train_loss", "loss", SEEN_LOSS)
# Names of a share of right answers.
SHARE = re.compile(r"(^|[^a-z])(acc|accuracy)([^a-z]|$)|top[-_ ]?[15]", re.IGNORECASE)
# Names of a share of the variance that is explained.
OF_VARIANCE = re.compile(r"(^|[^a-z])(r2|r²|r[-_ ]?squared|explained[-_ ]?variance)([^a-z0-9]|$)", re.IGNORECASE)


def case_from(
    trials: pa.Table,
    curves: pa.Table,
    described: Sequence[Mapping[str, Any]],
    *,
    metric: str,
    mode: str,
    chance: float | None,
    alpha: float,
    improve: bool = False,
    guessed: float = 0.0,
) -> Case:
    """The case as the records have it.

    Args:
        trials, curves: of the study.
        described: the interventions that apply, as the first look found them.
        metric, mode, chance, alpha: of the task and the study.
        improve: whether it is asked what a sound training could still gain.
        guessed: the share of right answers that a guess has, by the first look; 0 where that is not known.
    """
    names = [one["name"] for one in described]
    reports = _series(curves, metric)
    seen = _series(curves, SEEN_LOSS)
    losses = next((found for found in (_series(curves, name) for name in LOSSES if name != metric) if found), {})
    runs = [
        CheckedRun(
            trial=row["trial"],
            seed=row["seed"],
            part=row["part"],
            outcome=row["outcome"],
            changes=tuple(
                (name, row[f"config.{name}"])
                for name in sorted(names)
                if row[f"config.{name}"] not in (None, AS_WRITTEN)
            ),
            value=row["value"],
            symptoms=tuple(row["symptoms"] or ()),
            findings=tuple(Finding(**one) for one in row["findings"] or ()),
            error=row["error"] or "",
            reports=tuple(reports.get((row["trial"], row["seed"]), ())),
            losses=tuple(losses.get((row["trial"], row["seed"]), ())),
            begun=seen.get((row["trial"], row["seed"]), [math.nan])[0],
            crash=_crash(row["error"], row["error_place"]) if row["outcome"] == "crashed" else "",
        )
        for row in trials.to_pylist()
        if row["stage"] == CHECKED
    ]
    options = [
        Option(
            name=one["name"],
            level=level,
            text=text,
            what=one["what"],
            place=one["place"],
            answers=tuple(one["answers"]),
            points=tuple(one["points"]),
            kind=one["kind"],
            harmless=bool(one["harmless"]) and number == 0,
            size=int(one["size"]),
            on_suspicion=bool(one.get("on_suspicion")),
            patch=one.get("patches", {}).get(level, ""),
            relative_to=one.get("relative_to", ""),
            relative=one.get("relative", {}).get(level, ""),
        )
        for one in described
        for number, (level, text) in enumerate(one["levels"].items())
    ]
    return Case(
        [run for run in runs if run.part not in LATER],
        options,
        mode,
        chance=chance,
        alpha=alpha,
        improve=improve,
        is_share=bool(SHARE.search(metric)),
        is_of_variance=bool(OF_VARIANCE.search(metric)),
        guessed=guessed,
        later=[run for run in runs if run.part in LATER],
    )


def _crash(error: str | None, place: str | None) -> str:
    return message_in(error) + (f" ({place})" if place else "")


def _series(curves: pa.Table, name: str) -> dict[tuple[str, int], list[float]]:
    """`{(trial, seed): values over time}` of a number."""
    found: dict[tuple[str, int], list[float]] = {}
    for row in curves.filter(pa.compute.field("name") == name).sort_by("step").to_pylist():
        found.setdefault((row["trial"], row["seed"]), []).append(row["value"])
    return found
