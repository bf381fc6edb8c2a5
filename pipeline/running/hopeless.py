"""When a sweep cannot tell anything any more: every training crashes in the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backtrack.errors import TaskError
from backtrack.vocabulary.places import last_frames
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.result import RunResult

# So many first trainings crash alike in one sweep of 256, at the most, where half of the configs could be trained.
ENOUGH = 8
# What differs between two messages of one fault: numbers, addresses.
_DIFFERS = re.compile(r"0x[0-9a-fA-F]+|\d+")


def check_not_hopeless(finished: Sequence[FinishedTrial]) -> None:
    """Refuses to go on where every training so far crashed with the same exception, whatever its levels.

    A level that crashes is a finding, and the sweep goes on: so it takes `ENOUGH` trainings, and for every factor two
    levels that crashed.

    Args:
        finished: every recorded trial.

    Raises:
        TaskError: with the exception, its last frames in the user's own files, and what to do.
    """
    results = [result for trial in finished for result in trial.results]
    if len(results) < ENOUGH or any(result.outcome != "crashed" for result in results):
        return
    if len({_kind(result) for result in results}) > 1 or _common_levels(finished):
        return
    error = results[-1].error.strip()
    frames = last_frames(error)
    raise TaskError(
        f"all of the first {len(results)} trainings crashed with the same exception, at different levels of every "
        f"factor. If half of the configs could be trained, that would happen once in {2**ENOUGH} sweeps. So the sweep "
        "stops:\n" + (f"{frames}\n" if frames else "") + f"{error.splitlines()[-1] if error else 'no message'}\n"
        "Mend the task, then start a new study; or train all the same with --keep-going."
    )


def _kind(result: RunResult) -> tuple[str, str]:
    """What two crashes of one fault share."""
    lines = result.error.strip().splitlines() or [""]
    return result.error_place, _DIFFERS.sub("#", lines[-1])


def _common_levels(finished: Sequence[FinishedTrial]) -> list[str]:
    """Factors that had one and the same level in all trials: nobody could say that another would crash too."""
    configs = [trial.planned.config for trial in finished]
    return [name for name in configs[0] if len({config.get(name) for config in configs}) == 1]
