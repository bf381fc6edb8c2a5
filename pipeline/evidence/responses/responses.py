"""What is asked of a sweep: the responses, each with its runs and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtrack.evidence.effects.relevance import NEGLIGIBLE
from backtrack.evidence.frame import Floats, Frame
from backtrack.vocabulary.responses import ResponseKind, epoch_time, failure, gain, gain_with_failures, speed


@dataclass(frozen=True)
class Response:
    """One response over the runs that have it.

    Args:
        kind: unit, direction and question.
        frame: the runs.
        y: (n,) the numbers that are modelled.
        censored: runs that have no such number, and why, for the report.
        least: share of the variance below which nothing is called active.
    """

    kind: ResponseKind
    frame: Frame
    y: Floats
    censored: str = ""
    least: float = NEGLIGIBLE

    @property
    def better(self) -> int:
        """-1 where less of `y` is better, else 1."""
        return self.kind.better


def responses_of(evidence: Frame, metric: str, mode: str, target_epochs: Floats, unit: str = "epoch") -> list[Response]:
    """The responses of a study; gain with failures only where there are some, and chance is known.

    Args:
        evidence: the runs that may be used as evidence.
        metric, mode: of the task.
        target_epochs: (n,) epochs to the target, NaN for runs that never reached it.
        unit: what the task counts where others have epochs.
    """
    # Runs that were moved out of where trainings fail are no sample of how often they do.
    fair = evidence.fair_for_failures
    found = [Response(failure(), fair, fair.failed.astype(float)), gain_of(evidence, metric, mode)]
    found += _gain_with_failures(fair, metric, mode)
    found.append(_speed(evidence, target_epochs, unit))
    found += _epoch_time(evidence)
    return found


def gain_of(evidence: Frame, metric: str, mode: str) -> Response:
    """The final metric of the runs that trained; arguments as for `responses_of`."""
    trained = ~evidence.failed & np.isfinite(evidence.value)
    lost = f"{int((~trained).sum())} of {len(evidence)} runs failed and have no final {metric}"
    return Response(
        gain(metric, mode), evidence.rows(trained), evidence.value[trained], lost if (~trained).any() else ""
    )


def _gain_with_failures(fair: Frame, metric: str, mode: str) -> list[Response]:
    lost = fair.failed
    filled = np.where(lost, fair.chance, fair.value)
    known = np.isfinite(filled)
    if not lost.any() or not np.isfinite(fair.chance[lost]).any():
        # Without chance there is nothing to count a failure as.
        return []
    censored = "" if known.all() else f"{int((~known).sum())} runs have neither a final {metric} nor a chance level"
    return [Response(gain_with_failures(metric, mode), fair.rows(known), filled[known], censored)]


def _speed(evidence: Frame, target_epochs: Floats, unit: str) -> Response:
    reached = ~evidence.failed & np.isfinite(evidence.value) & np.isfinite(target_epochs)
    never = f"{int((~reached).sum())} of {len(evidence)} runs never reached the target"
    y = np.log(target_epochs[reached])
    return Response(speed(unit), evidence.rows(reached), y, "" if reached.all() else never)


def _epoch_time(evidence: Frame) -> list[Response]:
    # Clocks below a millisecond an epoch measure the machine, not the training.
    paced = (evidence.epochs > 0) & (evidence.seconds > 1e-3 * np.maximum(evidence.epochs, 1))
    if paced.sum() < 2:
        return []
    return [Response(epoch_time(), evidence.rows(paced), np.log(evidence.seconds[paced] / evidence.epochs[paced]))]
