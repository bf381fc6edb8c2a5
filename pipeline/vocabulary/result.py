"""What one training run measured: the value that becomes a row of the records."""

from __future__ import annotations

from dataclasses import dataclass, field

from backtrack.vocabulary.finding import Finding


@dataclass(frozen=True)
class CurvePoint:
    """One number at one moment of a training.

    Args:
        step: update steps so far (reports so far, for a function task).
        epoch: passes over the training set so far, a fraction inside an epoch.
        name: what is measured: "loss", "valid_loss", the metric.
        value: the number.
        seconds: training time so far, warm-up left out.

    Example:
        >>> CurvePoint(step=120, epoch=1.5, name="loss", value=0.69, seconds=2.1).name
        'loss'
    """

    step: int
    epoch: float
    name: str
    value: float
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """One replicate.

    Args:
        seed: its seed.
        outcome: one of `outcomes.OUTCOMES`.
        value: the metric at the end; None where nothing finite was measured.
        epochs: passes (reports, for a function task) that were completed.
        seconds: wall time of training and validation, first-call warm-up left out.
        warmup_seconds: what the first step took beyond an ordinary one.
        peak_memory: bytes; on a GPU those of the allocator, else the process's resident peak.
        chance: the metric at chance, as measured or stated.
        device: where it ran, e.g. "cpu" or "cuda:0".
        symptoms: names of the signs of trouble that were seen.
        error: the traceback of a crash, or the message of a failure.
        error_place: `file:line` of a crash in the user's own files; empty where it is not known.
        curve: the numbers over time.
        checks: what checks found.
        output: what a program wrote while it ran, the middle left out where it is long; kept in `logs/`.

    Example:
        >>> RunResult(0, "crashed", error="ValueError: no", error_place="mine.py:7").outcome
        'crashed'
    """

    seed: int
    outcome: str
    value: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    warmup_seconds: float = 0.0
    peak_memory: int = 0
    chance: float | None = None
    device: str = ""
    symptoms: tuple[str, ...] = ()
    error: str = ""
    error_place: str = ""
    curve: tuple[CurvePoint, ...] = field(default=(), repr=False)
    checks: tuple[Finding, ...] = ()
    output: str = field(default="", repr=False)
