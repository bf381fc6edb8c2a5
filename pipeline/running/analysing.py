"""Runs that exist, analysed: the Python twin of `backtrack analyse`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backtrack.errors import DataError
from backtrack.evidence.choosing import BEFOREHAND, BY_RESULTS, UNTOLD, Choice, how_chosen
from backtrack.evidence.frame import frame_from
from backtrack.readers import PastRuns, read_runs
from backtrack.readers.as_rows import as_trials, common_step, in_order
from backtrack.readers.mapping import Mapped, mapped
from backtrack.readers.past_runs import PRUNED, RUNNING, TOLD_BY_RESULTS
from backtrack.records.directory import Records
from backtrack.records.manifest import describe_machine, versions
from backtrack.records.rows import trial_rows
from backtrack.running.sweeping import default_directory
from backtrack.views.study import Study
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.goals import Goal, described_goals
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.space import SearchSpace

# What somebody may say about how his runs were chosen.
CHOICES = {
    "random": (BEFOREHAND, "you say: at random"),
    "grid": (BEFOREHAND, "you say: a grid"),
    "adaptive": (BY_RESULTS, "you say: by results"),
    "by-hand": (UNTOLD, "you say: by hand"),
}


@dataclass(frozen=True)
class Read:
    """Runs that were read, and what each column means; before anything is analysed.

    Args:
        past: as a reader gives them.
        mapped: with the meaning of the columns.
        mode: "min" or "max".
        choice: how the runs were chosen.
        startup: so many first runs that nothing chose by results, where results chose the others.
    """

    past: PastRuns
    mapped: Mapped
    mode: str
    choice: Choice
    startup: int

    @property
    def sentences(self) -> list[str]:
        """What was read, in words: what each column is taken for, what is left out, how the runs were chosen."""
        one = self.mapped
        told = [f"{self.past.kind}, {self.past.source}: {len(one.runs)} runs"]
        told += [f"metric    {one.metric} ({'more' if self.mode == 'max' else 'less'} is better)"]
        for factor in one.factors:
            column = one.columns[factor.name]
            named = "" if column == factor.name else f" (column {column})"
            told.append(f"factor    {factor.name}{named}: {_described(factor)}")
        if one.numbers:
            told.append(f"numbers   {', '.join(one.numbers[:12])}{' …' if len(one.numbers) > 12 else ''}")
        told += [f"left out  {name}: {why}" for name, why in one.left_out.items()]
        told += [f"dropped   {count} runs that {why}" for why, count in one.dropped.items()]
        return [*told, f"chosen    {chosen_text(self.choice, self.startup)}"]


def _described(factor: Any) -> str:
    described = describe_factor(factor)
    if described["kind"] == "numeric":
        spread = ", over orders of magnitude" if described["log"] else ""
        text = f"{described['low']:g} to {described['high']:g}{spread}"
    else:
        text = ", ".join(map(str, described["levels"][:8])) + (" …" if len(described["levels"]) > 8 else "")
    parents = " and ".join(f"{name} in {levels}" for name, levels in described["when"].items())
    return f"{text}; where {parents}" if parents else text


def chosen_text(choice: Choice, startup: int) -> str:
    """How runs were chosen, in words."""
    if choice.chosen == BEFOREHAND:
        return f"beforehand: {choice.how}"
    first = f"; the first {startup} were drawn beforehand" if startup else ""
    return f"{'by results' if choice.chosen == BY_RESULTS else 'nobody knows how'}: {choice.how}{first}"


def read(
    source: str | Path,
    metric: str | None = None,
    mode: str | None = None,
    *,
    factors: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    experiment: str | None = None,
    chosen: str | None = None,
    startup: int | None = None,
    chance: float | None = None,
) -> Read:
    """Reads runs that exist, and tells what each column means and how they were chosen; arguments as for `analyse`.

    Raises:
        DataError: where they cannot be read, or a named column is not there.
    """
    if chosen is not None and chosen not in CHOICES:
        raise DataError(f"chosen is {chosen!r}; expected one of {', '.join(CHOICES)}")
    past = read_runs(str(source), experiment)
    return read_as(past, metric, mode, factors=factors, where=where, chosen=chosen, startup=startup, chance=chance)


def read_as(
    past: PastRuns,
    metric: str | None,
    mode: str | None,
    *,
    factors: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    chosen: str | None = None,
    startup: int | None = None,
    chance: float | None = None,
) -> Read:
    """What runs that a reader gave mean; arguments as for `analyse`."""
    found = mapped(past, metric, factors, where)
    direction = mode or past.mode
    if direction not in ("min", "max"):
        raise DataError(f"{past.source}: say by --mode whether more (max) or less (min) of {found.metric} is better")
    found = replace(found, runs=in_order(found.runs))
    choice, first = _choice(past, found, direction, chance, chosen)
    return Read(past, found, direction, choice, first if startup is None else startup)


def _choice(past: PastRuns, found: Mapped, mode: str, chance: float | None, chosen: str | None) -> tuple[Choice, int]:
    """How the runs were chosen, and how many of the first nothing chose by results."""
    runs = found.runs
    by_results = [place for place, run in enumerate(runs) if run.chosen_by == TOLD_BY_RESULTS]
    pruned = sum(run.state == PRUNED for run in runs)
    if chosen is not None:
        return Choice(*CHOICES[chosen]), 0
    if by_results:
        sampler = past.sampler or "its sampler"
        return Choice(BY_RESULTS, f"{sampler} chose them by the results of earlier runs; it left its mark"), by_results[
            0
        ]
    if pruned and common_step(runs, found.metric) is None:
        return Choice(UNTOLD, f"{pruned} runs were pruned by their results, and left no curve to compare them by"), 0
    if past.sampler:
        return Choice(BEFOREHAND, f"the source tells: {past.sampler}"), 0
    ended = replace(found, runs=[run for run in runs if run.state != RUNNING])
    space = SearchSpace(found.factors)
    frame = frame_from(space, trial_rows(space, *as_trials(ended, mode, chance, ())))
    sign = 1.0 if mode == "max" else -1.0
    return how_chosen(frame, np.where(np.isfinite(frame.value), sign * frame.value, -np.inf)), 0


def analyse(
    source: str | Path,
    metric: str | None = None,
    mode: str | None = None,
    *,
    factors: Sequence[str] = (),
    directory: str | Path | None = None,
    where: Mapping[str, str] | None = None,
    experiment: str | None = None,
    chosen: str | None = None,
    startup: int | None = None,
    chance: float | None = None,
    alpha: float = 0.05,
    goals: Sequence[Goal] = (),
) -> Study:
    """Analyses runs that exist, as a sweep's own.

    Runs that nothing chose by results (a grid, random draws) get verdicts. Of others only a start-up block does; what
    the rest shows "goes with" the response.

    Args:
        source: a table of runs (.csv, .parquet, .jsonl), an Optuna storage, an MLflow store, a folder of Ray Tune,
            W&B or Hydra.
        metric: which number to judge by; default: what the source itself judges by.
        mode: "min" or "max"; default: as the source tells.
        factors: the settings to ask about; default: all that can be.
        directory: where the study goes; default: a new directory under `studies/`.
        where: `{column: value}` that a run has to have.
        experiment: which study or experiment of a storage.
        chosen: how the runs were chosen, where you know: "random", "grid", "adaptive", "by-hand"; default: what the
            source tells, else what the runs show.
        startup: so many first runs that nothing chose by results.
        chance: the metric of a model that has learnt nothing.
        alpha: the error rate of the verdicts.
        goals: further numbers to judge by.

    Returns:
        The study with its tables, as of a sweep.

    Raises:
        DataError: where the runs cannot be read, or a named column is not there.
        StudyError: where the study's place is taken or cannot be written.

    Example:
        >>> study = analyse("sqlite:///optuna.db", "value", "min")  # doctest: +SKIP
        >>> study.factors.to_pandas()  # doctest: +SKIP
    """
    return conclude(
        read(
            source,
            metric,
            mode,
            factors=factors,
            where=where,
            experiment=experiment,
            chosen=chosen,
            startup=startup,
            chance=chance,
        ),
        directory,
        chance,
        alpha,
        goals,
    )


def conclude(
    found: Read,
    directory: str | Path | None = None,
    chance: float | None = None,
    alpha: float = 0.05,
    goals: Sequence[Goal] = (),
) -> Study:
    """Makes a study of runs that were read, and its report; arguments as for `analyse`."""
    unknown = [goal.name for goal in goals if goal.name not in found.mapped.numbers]
    if unknown:
        raise DataError(
            f"{found.past.source} has no number {unknown[0]!r}; it has {', '.join(found.mapped.numbers[:20])}"
        )
    runs = found.mapped.runs
    fair = range(len(runs)) if found.choice.chosen == BEFOREHAND else range(min(found.startup, len(runs)))
    trials = as_trials(found.mapped, found.mode, chance, fair)
    space = SearchSpace(found.mapped.factors)
    name = Path(found.past.source.rpartition("://")[2]).stem or "runs"
    location = str(directory) if directory is not None else default_directory(name)
    records = Records.create(location, space, _manifest(found, trials, name, alpha, goals))
    records.append_all(trials)
    from backtrack.running.reporting import write_report

    return write_report(records)


def _manifest(
    found: Read, trials: Sequence[FinishedTrial], name: str, alpha: float, goals: Sequence[Goal]
) -> dict[str, Any]:
    one = found.mapped
    fair = sum(trial.planned.stage == "screen" for trial in trials)
    stages = {"screen": fair, "past": len(trials) - fair}
    return {
        "study": secrets.token_hex(4),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "task": {
            "name": name,
            "kind": "past",
            "source": "runs",
            "sha256": "",
            "options": {},
            "fixed": {},
            "thresholds": {},
            "metric": one.metric,
            "unit": "step",
            "mode": found.mode,
            "goals": described_goals(goals),
            "description": f"{len(trials)} runs that exist: {found.past.kind}, {found.past.source}",
        },
        "factors": [describe_factor(factor) for factor in one.factors],
        "runs": len(trials),
        "stages": {stage: count for stage, count in stages.items() if count},
        "seed": 0,
        "alpha": alpha,
        # Runs that exist are looked at once.
        "spends_first": 1.0,
        "tracked": False,
        "versions": versions(),
        "machine": describe_machine(),
        "past": {
            "source": found.past.source,
            "kind": found.past.kind,
            "chosen": found.choice.chosen,
            "how": found.choice.how,
            "startup": 0 if found.choice.chosen == BEFOREHAND else found.startup,
            "tied": [[a, b] for a, b, _ in found.choice.tied],
            "columns": dict(one.columns),
            "numbers": list(one.numbers),
            "left_out": dict(one.left_out),
            "dropped": dict(one.dropped),
            "compared_at_step": common_step(one.runs, one.metric),
        },
    }
