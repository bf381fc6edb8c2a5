"""One run of a program, to see what it says: which numbers, which options, what checks and symptoms find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backtrack.task import ScriptTask
from backtrack.task.program_options import ProgramOption
from backtrack.trial import Limits, run_trial
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.crashes import message_in
from backtrack.vocabulary.finding import WRONG
from backtrack.vocabulary.result import RunResult
from backtrack.watch.printed import series_for
from backtrack.watch.symptoms import all_symptoms, symptoms_by_model
from backtrack.watch.watching import of_models


@dataclass(frozen=True)
class Tried:
    """What one run of a program showed.

    Args:
        result: of the run.
        series: `{name: (how many reports, last value)}` of the numbers that it said.
        metric: the series that the asked metric means; empty where none does, or none was asked for.
        options: that the program's source declares.
        command: as it was started.
    """

    result: RunResult
    series: dict[str, tuple[int, float]]
    metric: str
    options: list[ProgramOption]
    command: str


def try_once(task: ScriptTask, metric: str | None, levels: bool = True, time_limit: float | None = None) -> Tried:
    """Runs a program once, as it is written or with its factors' first levels.

    Args:
        task: the program; its metric is not asked for.
        metric: that somebody wants to judge by, or None.
        levels: whether the factors' reference levels are passed.
        time_limit: seconds.
    """
    from backtrack.task.command import program_of
    from backtrack.vocabulary.factors import reference

    config = Config({factor.name: reference(factor) for factor in task.space} if levels else {})
    with_own = task.within(Path.cwd())
    (result,) = run_trial(with_own, config, [0], limits=Limits(time_limit), any_metric=True)
    series: dict[str, tuple[int, float]] = {}
    for point in result.curve:
        if not point.name.startswith("symptom/"):
            count = series.get(point.name, (0, 0.0))[0]
            series[point.name] = (count + 1, point.value)
    found = series_for(metric, set(series)) if metric else None
    return Tried(result, series, found or "", task.declared, program_of(with_own, dict(config), 0, Path("RUN")).shown)


def sentences_of(tried: Tried, metric: str | None) -> list[str]:
    """What somebody should know of a tried program, a line each."""
    result = tried.result
    lines = [f"ran      {tried.command}", f"took     {result.seconds:.1f} s, ended {result.outcome}"]
    if result.error:
        where = f" ({result.error_place})" if result.error_place else ""
        lines += [f"error    {message_in(result.error)}{where}"]
    if tried.series:
        lines.append(
            "numbers  " + ", ".join(f"{name} {last:.4g} ({count}x)" for name, (count, last) in tried.series.items())
        )
    else:
        lines.append(
            "numbers  none: let it print lines such as `accuracy: 0.41`, or call backtrack.report(accuracy=0.41)"
        )
    if metric:
        lines.append(
            f"metric   {metric} is {tried.metric}" if tried.metric else f"metric   nothing it says is called {metric}"
        )
    if tried.options:
        lines.append("options  " + ", ".join(_option_text(option) for option in tried.options))
    else:
        lines.append('options  none seen in its source: give --args with a template, such as --args "--lr {lr}"')
    for found in sorted(result.checks, key=lambda one: one.weight != WRONG):
        lines += [
            f"check    {found.check.replace('_', ' ')} ({found.weight}) at {found.place}: {found.measured}",
            f"         to do: {found.remedy}",
        ]
    if not result.checks:
        lines.append("check    nothing found")
    known = {symptom.name: symptom for symptom in all_symptoms()}
    of = symptoms_by_model(result.curve)
    lines += [
        f"symptom  {name.replace('_', ' ')}{of_models(of.get(name, ()))}: points at {known[name].points_at}"
        for name in result.symptoms
    ]
    return lines


def _option_text(option: ProgramOption) -> str:
    default = "" if option.default is None else f"={option.default}"
    return f"{option.name}{default}"
