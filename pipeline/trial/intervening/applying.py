"""Applies interventions to whatever trains in this process, or looks at what they would need."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backtrack.errors import TaskError
from backtrack.task.intervention import AS_WRITTEN, anatomy_from
from backtrack.trial.intervening.catalogue import all_interventions
from backtrack.trial.intervening.training import HookedTraining
from backtrack.watch.imported import when_imported


def apply_levels(torch: Any, levels: Mapping[str, str], anatomy: Mapping[str, Any]) -> HookedTraining:
    """Applies the levels of interventions; `end()` of what it returns undoes them.

    Args:
        torch: the module.
        levels: `{intervention: level}`.
        anatomy: of a run as written, as plain values.

    Raises:
        TaskError: for an intervention that there is not.
    """
    training = HookedTraining(torch, anatomy_from(anatomy))
    known = all_interventions(tuple(training.anatomy.files))
    for name, level in levels.items():
        if level == AS_WRITTEN:
            continue
        if name not in known:
            raise TaskError(f"there is no intervention {name!r}; known: {', '.join(known)}")
        known[name].apply(training, level)
    return training


def apply_when_imported(levels: Mapping[str, str], anatomy: Mapping[str, Any]) -> None:
    """The same, from when this process imports torch until it ends."""

    def begin(torch: Any) -> None:
        apply_levels(torch, levels, anatomy)

    when_imported("torch", begin)


def intervention_for(
    changes: Mapping[str, str],
    anatomy: Mapping[str, Any],
    files: Sequence[str],
    found: Callable[[dict[str, Any]], None] | None,
) -> Callable[[Any], Callable[[], None]] | None:
    """What `Recorder.intervene` does for a training in this process; None where nothing is changed or looked at.

    Args:
        changes: `{intervention: level}`.
        anatomy: of a run as written.
        files: with further interventions, for a look.
        found: told at the end what was found, where the training is only looked at.
    """
    wanted = {name: level for name, level in changes.items() if level != AS_WRITTEN}
    if found is not None:

        def look(torch: Any) -> Callable[[], None]:
            from backtrack.trial.intervening.anatomist import Anatomist

            looked = Anatomist(torch, files)
            return lambda: found(looked.conclude())

        return look
    return (lambda torch: apply_levels(torch, wanted, anatomy).end) if wanted else None


def look_when_imported(files: Sequence[str], tell: Callable[[dict[str, Any]], None]) -> None:
    """Looks at a training as written, and tells at its end what it has and which interventions apply to it.

    Args:
        files: with further interventions.
        tell: called at the end.
    """

    def begin(torch: Any) -> None:
        from backtrack.trial.intervening.anatomist import Anatomist

        looked = Anatomist(torch, files)
        atexit.register(lambda: tell(looked.conclude()))

    when_imported("torch", begin)
