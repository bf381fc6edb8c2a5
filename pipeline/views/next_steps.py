"""What to do after a report: what is still open, how many runs would tell, and the command for them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.effects.effects import GOES_WITH, FactorEffect
from backtrack.stages.extension import FLIP_RUNS
from backtrack.views.numbers import OUT_OF_REACH
from backtrack.vocabulary.responses import FAILURE, GAIN

# What one extension should not exceed: beyond it the question is not worth its runs.
MOST_RUNS = 2000


def only_claims(analysis: Analysis) -> bool:
    """Whether claims were put to the test, and nothing else."""
    return not len(analysis.frame.of_stages()) and bool((analysis.frame.stage == "claims").any())


def next_sentences(analysis: Analysis, stages: Mapping[str, int], exist: bool, location: str) -> list[str]:
    """What to do now, each with the command to type where there is one.

    Args:
        analysis: of the trials so far.
        stages: planned runs for each stage.
        exist: whether these are runs that existed already.
        location: of the study.
    """
    if analysis.frame.failed.all() and len(analysis.frame):
        return ["Every training failed: mend what they have in common before asking what makes the difference."]
    if exist:
        return _of_past(analysis, location)
    sentences = [*_of_causes(analysis, stages, location), *_of_questions(analysis, location)]
    if not len(analysis.responses[FAILURE].response.frame):
        sentences.append(
            "Only claims were put to the test: which factors matter takes a sweep with a screen (leave --stages out)."
            if only_claims(analysis)
            else "No run is evidence yet: nothing can be decided without a screen."
        )
    return sentences or ["Nothing is left open."]


def _of_causes(analysis: Analysis, stages: Mapping[str, int], location: str) -> list[str]:
    loose = analysis.unverified
    if not loose:
        return []
    those = (
        "One cause above fits the runs, but no flips have verified it"
        if len(loose) == 1
        else f"{len(loose)} causes above fit the runs, but no flips have verified them"
    )
    if not stages.get("backtrack"):
        return [f"{those}. Let the backtrack stage take part."]
    return [f"{those}. Give the study more runs: {extend_command(location, FLIP_RUNS * len(loose))}"]


def extend_command(location: str, runs: int) -> str:
    """The command that adds runs to a study."""
    return f"`backtrack extend {shlex.quote(location)} --runs {runs}`"


def open_questions(analysis: Analysis) -> list[tuple[FactorEffect, str]]:
    """The undecided questions about scientific factors, the nearest to its answer first, each with its response."""
    found = [
        (effect, name)
        for name, answer in analysis.responses.items()
        if name in (FAILURE, GAIN)
        for effect in answer.factors
        if effect.verdict == "undecided" and effect.runs_to_decide is not None and effect.factor.role == "scientific"
    ]
    return sorted(found, key=lambda pair: (pair[0].runs_to_decide or 0, pair[0].factor.name))


def _asked(effect: FactorEffect, name: str) -> str:
    return f"does {effect.factor.name} {'make trainings fail' if name == FAILURE else f'change the {name}'}?"


def _of_questions(analysis: Analysis, location: str) -> list[str]:
    undecided = open_questions(analysis)
    if not undecided:
        return []
    effect, name = undecided[0]
    runs = effect.runs_to_decide or 0
    if runs > OUT_OF_REACH:
        return [_out_of_reach(len(undecided))]
    command = f": {extend_command(location, runs)}" if runs <= MOST_RUNS else ""
    more = "No other question is" if len(undecided) == 1 else f"In all, {len(undecided)} questions are"
    return [f"Nearest to its answer: {_asked(effect, name)} About {runs:,} more runs would tell{command}. {more} open."]


def _out_of_reach(open_questions: int) -> str:
    questions = "One question is" if open_questions == 1 else f"{open_questions} questions are"
    return f"{questions} open, and would take more than {OUT_OF_REACH:,} further runs."


def _of_past(analysis: Analysis, location: str) -> list[str]:
    """What would settle what runs that exist only suggest."""
    place = shlex.quote(location)
    goes = {
        effect.factor.name
        for name, answer in analysis.responses.items()
        if name in (FAILURE, GAIN)
        for effect in answer.factors
        if effect.verdict == GOES_WITH
    }
    twins = {
        effect.factor.name
        for name, answer in analysis.responses.items()
        if name in (FAILURE, GAIN)
        for effect in answer.factors
        if effect.twins and effect.p_adjusted < analysis.alpha
    }
    loose = analysis.unverified
    sentences = []
    if twins:
        takes = "takes" if len(twins) == 1 else "take"
        sentences.append(
            f"{' and '.join(sorted(twins))} {takes} runs that vary them apart: `backtrack analyse … --next 60` plans "
            "them."
        )
    if goes:
        sentences.append(
            f"What only goes with the results ({', '.join(sorted(goes))}) takes fresh runs to be settled. Their plan "
            "as a table: `backtrack analyse … --next 60`. Run by your own task: "
            f"`backtrack sweep TASK --from {place} --runs 120`"
        )
    if loose:
        one = len(loose) == 1
        those = "One cause above fits" if one else f"{len(loose)} causes above fit"
        sentences.append(
            f"{those} these runs, and no run was made to test {'it' if one else 'them'}. Flips would: "
            f"`backtrack sweep TASK --from {place} --runs 120`"
        )
    undecided = open_questions(analysis)
    if undecided:
        effect, name = undecided[0]
        runs = effect.runs_to_decide or 0
        sentences.append(
            f"Nearest to its answer: {_asked(effect, name)} About {runs:,} more runs that are drawn beforehand would "
            "tell."
            if runs <= OUT_OF_REACH
            else _out_of_reach(len(undecided))
        )
    return sentences or ["Nothing is left open."]
