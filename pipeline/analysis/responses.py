"""What is asked of a sweep: the responses, each with its runs, its numbers and its unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.analysis.frame import Floats, Frame


@dataclass(frozen=True)
class Response:
    """One response over the runs that have it.

    Args:
        name: "failure", "gain", "gain_with_failures", "speed", "epoch_time".
        frame: the runs.
        y: (n,) the numbers that are modelled.
        unit: of effects in tables.
        better: -1 where less of `y` is better, else 1.
        ratio: whether `y` is a logarithm, so that effects are shown as ratios.
        question: in words, for the report.
        censored: runs that have no such number, and why, for the report.
    """

    name: str
    frame: Frame
    y: Floats
    unit: str
    better: int
    ratio: bool
    question: str
    censored: str = ""

    def shown(self, effect: float, low: float, high: float) -> tuple[float, float, float]:
        """An effect on `y` with its interval as tables show it: logarithms as ratios, probabilities within 1."""
        if self.ratio:
            return float(np.exp(effect)), float(np.exp(low)), float(np.exp(high))
        if self.unit == "probability":
            return min(effect, 1.0), max(low, 0.0), min(high, 1.0)
        return effect, low, high


def responses_of(evidence: Frame, metric: str, mode: str, target_epochs: Floats) -> list[Response]:
    """The responses of a study.

    - failure: 1 where the training ended in anything but ok, 0 where it trained.
    - gain: the final metric of those that trained.
    - gain_with_failures: the final metric of all; a training that failed counts as chance, so that a level
      cannot look good by losing its bad runs.
    - speed: log of the epochs (reports) that a run that trained needed to reach the target.
    - epoch_time: log of the seconds an epoch, warm-up left out.

    Args:
        evidence: the runs that may be used as evidence.
        metric, mode: of the task.
        target_epochs: (n,) epochs to the target, NaN for runs that never reached it.
    """
    better = 1 if mode == "max" else -1
    failed = evidence.failed
    # Runs that were moved out of where trainings fail are no sample of how often they do.
    fair = evidence.fair_for_failures
    lost = fair.failed
    found = [
        Response("failure", fair, lost.astype(float), "probability", -1, False, "what makes trainings fail"),
    ]
    found.append(gain_of(evidence, metric, mode))
    trained = ~failed & np.isfinite(evidence.value)
    filled = np.where(lost, fair.chance, fair.value)
    known = np.isfinite(filled)
    if lost.any() and known.any():
        found.append(
            Response(
                "gain_with_failures",
                fair.rows(known),
                filled[known],
                metric,
                better,
                False,
                f"what changes the final {metric} of all, failures at chance",
                "" if known.all() else f"{int((~known).sum())} runs have neither a final {metric} nor a chance level",
            )
        )
    reached = trained & np.isfinite(target_epochs)
    found.append(
        Response(
            "speed",
            evidence.rows(reached),
            np.log(target_epochs[reached]),
            "times the epochs",
            -1,
            True,
            "what changes how many epochs a training needs to the target",
            "" if reached.all() else f"{int((~reached).sum())} of {len(evidence)} runs never reached the target",
        )
    )
    # Clocks below a millisecond an epoch measure the machine, not the training.
    paced = (evidence.epochs > 0) & (evidence.seconds > 1e-3 * np.maximum(evidence.epochs, 1))
    if paced.sum() >= 2:
        pace = np.log(evidence.seconds[paced] / evidence.epochs[paced])
        found.append(
            Response(
                "epoch_time",
                evidence.rows(paced),
                pace,
                "times the seconds",
                -1,
                True,
                "what changes the seconds that an epoch takes",
            )
        )
    return found


def gain_of(evidence: Frame, metric: str, mode: str) -> Response:
    """The final metric of the runs that trained; arguments as for `responses_of`."""
    trained = ~evidence.failed & np.isfinite(evidence.value)
    lost = f"{int((~trained).sum())} of {len(evidence)} runs failed and have no final {metric}"
    return Response(
        "gain",
        evidence.rows(trained),
        evidence.value[trained],
        metric,
        1 if mode == "max" else -1,
        False,
        f"what changes the final {metric} of those that trained",
        lost if (~trained).any() else "",
    )
