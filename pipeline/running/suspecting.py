"""The runs that would decide what past runs only suggest: as a table, or as a sweep of one's own task."""

from __future__ import annotations

import csv
import io
import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtrack.errors import StudyError
from backtrack.evidence.effects.effects import GOES_WITH
from backtrack.evidence.studied import analysis_of
from backtrack.records.directory import Records
from backtrack.records.rows import config_of
from backtrack.stages.screen import plan_screen
from backtrack.task import Task
from backtrack.views.study import Study
from backtrack.vocabulary.config import Config, label
from backtrack.vocabulary.responses import FAILURE, GAIN
from backtrack.vocabulary.space import SearchSpace

# The plan of fresh runs, beside the report.
PLAN = "report/next.csv"


def suspects(study: Study) -> list[str]:
    """The factors that past runs raise a suspicion of, in the order of their ranking.

    What goes with a response or is part of a cause first; where there is none of these, what is undecided.
    """
    analysis = study.analysis
    assert analysis is not None
    effects = sorted(
        (
            (rank, name != GAIN, effect)
            for name in (GAIN, FAILURE)
            for rank, effect in enumerate(analysis.responses[name].factors)
        ),
        key=lambda one: one[:2],
    )
    first = [one.factor.name for _, _, one in effects if one.verdict == GOES_WITH]
    twins = [one.factor.name for _, _, one in effects if one.twins and one.p_adjusted < analysis.alpha]
    in_causes = {name for one in analysis.unverified for name in one.cause.factors}
    found = list(dict.fromkeys([*first, *twins, *sorted(in_causes)]))
    return found or list(dict.fromkeys(one.factor.name for _, _, one in effects if one.verdict == "undecided"))


def plan_next(directory: str | Path, runs: int) -> str:
    """Writes `report/next.csv`: fresh runs that would decide what these only suggest, and says so in a sentence.

    A balanced design over the suspected factors, drawn beforehand; the others stay at the best config's levels.

    Args:
        directory: of a study of past runs.
        runs: how many.

    Raises:
        StudyError: where nothing is open.
    """
    study = _past_study(directory)
    names = suspects(study)
    if not names:
        raise StudyError(f"nothing is open in {directory}: there is nothing to run")
    space = study.records.space
    held = held_levels(study, names)
    asked = SearchSpace(tuple(factor for factor in space if factor.name not in held))
    planned = plan_screen(asked, runs, int(study.records.manifest["seed"]))
    columns: Mapping[str, str] = study.records.manifest["past"]["columns"]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([columns[factor.name] for factor in space])
    for one in planned:
        config = {**one.config, **held}
        writer.writerow(["" if config.get(f.name) is None else label(config[f.name]) for f in space])
    study.records.write(PLAN, table.getvalue().encode())
    asked_about = ", ".join(names)
    return f"next     {runs} runs that would decide {asked_about}: {shlex.quote(f'{directory}/{PLAN}')}\n"


def held_levels(study: Study, asked: list[str]) -> dict[str, Any]:
    """Levels at which the factors that are not asked about are held: the best config's, else the most frequent.

    A factor that another one's existence hangs on is left free where that other one is asked about.
    """
    space = study.records.space
    parents = {parent for name in asked for parent in (space[name].when or {})}
    best: Mapping[str, Any] = (study.best or {}).get("config", {})
    held: dict[str, Any] = {}
    for factor in space:
        if factor.name in asked or factor.name in parents or factor.when:
            continue
        level = best.get(factor.name)
        if level is None:
            rows = study.trials.to_pylist()
            seen = Counter(config_of(space, row).get(factor.name) for row in rows)
            level = next((one for one, _ in seen.most_common() if one is not None), None)
        if level is not None:
            held[factor.name] = level
    return held


def with_suspects_of(task: Task, directory: str | Path) -> Task:
    """A task in which what past runs raise no suspicion of is held at their best level.

    Raises:
        StudyError: where the study holds no past runs, or its factors are not among the task's.
    """
    study = _past_study(directory)
    names = suspects(study)
    own = {factor.name for factor in task.space}
    asked = [name for name in names if name in own]
    if not asked:
        raise StudyError(
            f"task {task.name!r} has none of the factors that {directory} asks about ({', '.join(names) or 'none'}); "
            f"it has {', '.join(sorted(own))}"
        )
    held = {name: level for name, level in held_levels(study, names).items() if name in own}
    usable = {name: level for name, level in held.items() if task.space[name].contains(level)}
    return task.with_fixed(dict(Config(usable)))


def is_past(directory: str | Path) -> bool:
    """Whether a study holds runs that existed already."""
    return "past" in Records.open(directory).manifest


def _past_study(directory: str | Path) -> Study:
    records = Records.open(directory)
    if "past" not in records.manifest:
        raise StudyError(f"{directory} is no study of runs that existed; give the directory of `backtrack analyse`")
    return Study(records, analysis=analysis_of(records))
