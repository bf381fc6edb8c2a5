"""When a sweep cannot tell anything any more: every training crashes in the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backtrack.errors import TaskError
from backtrack.vocabulary.config import Config, label
from backtrack.vocabulary.crashes import crash_kind, message_in
from backtrack.vocabulary.places import last_frames
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.result import RunResult

if TYPE_CHECKING:
    from backtrack.running.engine import Work
    from backtrack.trial.rehearsal import Rehearsed

# So many first trainings crash alike in one sweep of 256, at the most, where half of the configs could be trained.
ENOUGH = 8


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
    kinds = {_kind(result, trial.planned.config) for trial in finished for result in trial.results}
    if len(kinds) > 1 or _common_levels(finished):
        return
    error = results[-1].error.strip()
    frames = last_frames(error)
    # Of our own errors the message says all; of a program its last words are shown.
    last = (message_in(error) or "no message").removeprefix("backtrack.errors.TaskError: ")
    words = [line for line in error.splitlines()[-6:-1] if not frames and "TaskError" not in error]
    raise TaskError(
        f"all of the first {len(results)} trainings crashed with the same exception, at different levels of every "
        f"factor. If half of the configs could be trained, that would happen once in {2**ENOUGH} sweeps. So the sweep "
        "stops:\n" + (f"{frames}\n" if frames else "") + "".join(f"    {line}\n" for line in words) + f"{last}\n"
        "Mend the task, then start a new study; or train all the same with --keep-going."
    )


def check_rehearsed(work: Work, rehearsed: Rehearsed) -> None:
    """The same of trials that were only rehearsed; and tells where a seed does not fix the training.

    Args:
        work: with the trials.
        rehearsed: what they showed.

    Raises:
        TaskError: as `check_not_hopeless`.
    """
    if rehearsed.crashes:
        crashed = zip(work.rehearsed, rehearsed.crashes, strict=True)
        check_not_hopeless([FinishedTrial(one, (crash,)) for one, crash in crashed])
    if rehearsed.differing is not None:
        work.on_difference(rehearsed.differing)


def _kind(result: RunResult, config: Config) -> tuple[str, str]:
    """What two crashes of one fault share: the message, without numbers and without the config's own levels."""
    line = message_in(result.error)
    for level in config.values():
        line = re.sub(rf"(?<!\w){re.escape(label(level))}(?!\w)", "#", line)
    return result.error_place, crash_kind(line)


def _common_levels(finished: Sequence[FinishedTrial]) -> list[str]:
    """Factors that had one and the same level in all trials: nobody could say that another would crash too."""
    configs = [trial.planned.config for trial in finished]
    return [name for name in configs[0] if len({config.get(name) for config in configs}) == 1]
