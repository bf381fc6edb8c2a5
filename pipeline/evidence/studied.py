"""The analysis of a study as it lies there: its runs, its metric and goals, and the look that this is."""

from __future__ import annotations

from backtrack.evidence.analysis import Analysis, analyse
from backtrack.evidence.effects.relevance import NEGLIGIBLE, NEGLIGIBLE_OF_PAST
from backtrack.evidence.health import Examined
from backtrack.evidence.looking import look_of
from backtrack.records.directory import Records
from backtrack.vocabulary.goals import goals_from


def analysis_of(records: Records, alpha: float | None = None) -> Analysis:
    """Analyses a study's runs so far.

    Args:
        records: the study.
        alpha: error rate of the verdicts; default: the study's own.
    """
    task = records.manifest["task"]
    rate = float(records.manifest["alpha"]) if alpha is None else alpha
    return analyse(
        records.space,
        records.trials(),
        records.curves(),
        task["metric"],
        task["mode"],
        alpha=rate,
        look=look_of({**records.manifest, "alpha": rate}),
        goals=goals_from(task.get("goals", ())),
        least=NEGLIGIBLE_OF_PAST if "past" in records.manifest else NEGLIGIBLE,
        unit=task.get("unit", "epoch"),
    )


def examined(records: Records, analysis: Analysis) -> Examined:
    """What a study is examined by.

    Args:
        records: the study.
        analysis: of it.
    """
    task, twice = records.manifest["task"], records.manifest.get("same_seed")
    return Examined(analysis, records.trials(), task["metric"], task["mode"], tuple(twice) if twice else None)
