"""Runs that exist, as any reader gives them: what was set, what was measured, how each ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# How a run ended, as its source tells it.
ENDED, FAILED, PRUNED, RUNNING = "ended", "failed", "pruned", "running"
STATES = {
    ENDED: ("ended", "ok", "complete", "completed", "finished", "success", "succeeded", "done", "terminated", "3"),
    FAILED: ("failed", "fail", "error", "errored", "crashed", "crash", "killed", "exception", "4", "5"),
    PRUNED: ("pruned", "stopped", "early_stopped", "preempted"),
    RUNNING: ("running", "waiting", "pending", "scheduled", "paused", "queued", "1", "2"),
}
# Whether results chose the runs, where the source itself tells it.
TOLD_BEFOREHAND, TOLD_BY_RESULTS = "beforehand", "by results"


@dataclass(frozen=True)
class Scale:
    """The range or the choices of a setting, where the source keeps them.

    Args:
        low, high: of a number; None for choices.
        log: whether it was drawn evenly over orders of magnitude.
        integer: whether only whole numbers were drawn.
        choices: of a setting with few values, in the source's order.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    choices: tuple[object, ...] = ()


@dataclass(frozen=True)
class PastRun:
    """One run that exists.

    Args:
        name: what its source calls it.
        settings: what was set, as the source spells it; of a table without types, every column.
        numbers: what was measured, the last value of each.
        state: `ENDED`, `FAILED`, `PRUNED`, `RUNNING`, or one of the outcomes of a study.
        curves: `{number: (step, value) in order}`.
        order: when it began, on any scale; runs without it come in the source's order.
        seconds: how long it took; None where that is not known.
        error: what a failed run says.
        chosen_by: why this run was chosen, where the source tells it: `TOLD_BEFOREHAND`, `TOLD_BY_RESULTS`; else empty.
    """

    name: str
    settings: Mapping[str, object]
    numbers: Mapping[str, float] = field(default_factory=dict)
    state: str = ENDED
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    order: float | None = None
    seconds: float | None = None
    error: str = ""
    chosen_by: str = ""


@dataclass(frozen=True)
class PastRuns:
    """The runs of one source.

    Args:
        kind: of the source, in words.
        source: where it lies.
        runs: in the source's order.
        metric, mode: where the source tells what its runs were judged by; else empty.
        scales: `{setting: its range or choices}`, where the source keeps them.
        sampler: what chose the runs, where the source tells it; else empty.
        told_apart: whether the source itself tells settings and numbers apart; a plain table does not.
    """

    kind: str
    source: str
    runs: Sequence[PastRun]
    metric: str = ""
    mode: str = ""
    scales: Mapping[str, Scale] = field(default_factory=dict)
    sampler: str = ""
    told_apart: bool = True


def state_of(text: object) -> str:
    """What a source's word for how a run ended means; the word itself where it is none of these.

    Example:
        >>> state_of("COMPLETE"), state_of("TrialState.PRUNED"), state_of("diverged")
        ('ended', 'pruned', 'diverged')
    """
    word = str(text).rpartition(".")[2].strip().lower()
    return next((state for state, words in STATES.items() if word in words), word)
