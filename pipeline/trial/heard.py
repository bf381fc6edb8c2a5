"""Trainings that crash only because they are listened to: they are let alone, and that is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backtrack.vocabulary.crashes import crash_kind, message_in
from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.result import RunResult

# Seconds after which a crash is not repeated: what listening breaks, it breaks in the first steps.
SOON = 60.0
# Kinds of crashes that a training has by itself, and those that listening brings, as this process has seen them.
_own: set[str] = set()
_ours: set[str] = set()


def heard_or_alone(run: Callable[[bool], RunResult]) -> RunResult:
    """A training's result with its checks and symptoms; alone, where it is listening that makes it crash.

    A crash of a new kind that comes soon is repeated unheard. One that comes and goes is the training's own.

    Args:
        run: trains; told whether it is listened to.

    Example:
        >>> def run(watched):
        ...     return RunResult(0, "crashed" if watched else "ok", error="RuntimeError: hooks" if watched else "")
        >>> found = heard_or_alone(run)
        >>> (found.outcome, found.checks[0].check)
        ('ok', 'listening')
    """
    heard = run(True)
    kind = crash_kind(message_in(heard.error), heard.error_place)
    if heard.outcome != "crashed" or kind in _own or heard.seconds > SOON:
        return heard
    alone = run(False)
    if alone.outcome == "crashed" or (kind not in _ours and run(True).outcome != "crashed"):
        _own.add(kind)
        return heard
    _ours.add(kind)
    said = Finding(
        check="listening",
        place=heard.error_place,
        measured=f"the training crashes where it is listened to ({message_in(heard.error)}), and not alone",
        expected="a training that does not notice",
        remedy="nothing in your code: this run counts, and no check or symptom saw it; please report it",
        weight=UNUSUAL,
    )
    return replace(alone, checks=(*alone.checks, said))
