"""The rules that name how a training ended; pure functions of what was measured.

| outcome | rule |
|---|---|
| diverged | a loss or metric is not finite, or ends beyond `DIVERGED_MULTIPLE` times chance |
| no_learning | never better than chance by more than the noise within the budget |
| collapsed | was securely better than chance, and ends back at chance |
| out_of_memory | the allocator or the memory limit said no |
| timed_out | the time limit of the trial passed |
| crashed | any other exception in the task's code; its traceback is kept |
| ok | none of these |

Chance and its noise are measured by the trial (torch tasks) or stated by the task (function tasks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

OUTCOMES = ("ok", "no_learning", "diverged", "collapsed", "out_of_memory", "crashed", "timed_out")

DIVERGED_MULTIPLE = 5.0
# How many standard deviations of the noise at chance count as learning: the best of a few reports exceeds
# three only once in some hundred trainings that learn nothing.
LEARNT_DEVIATIONS = 3.0
# A collapse needs a height to fall from; between the two a peak is a blip of the noise.
COLLAPSED_FROM_DEVIATIONS = 6.0
BACK_AT_CHANCE_DEVIATIONS = 1.0
# Noise below half a percent of chance cannot be told from rounding when nothing else is known.
NOISE_FLOOR = 0.005


def judge(
    values: Sequence[float],
    *,
    mode: str,
    chance: float | None,
    noise: float | None = None,
    losses: Sequence[float] = (),
    chance_loss: float | None = None,
) -> str:
    """The outcome of a training that ran to its end.

    Args:
        values: the metric at every report, in order.
        mode: "min" or "max".
        chance: the metric of a model that has learnt nothing; None when it is not known.
        noise: standard deviation of the metric at chance; None to take it from `values` (`own_noise`).
        losses: the training loss over time, where there is one.
        chance_loss: the loss of the best answer that ignores the input.

    Returns:
        "diverged", "no_learning", "collapsed" or "ok".
    """
    if not all(math.isfinite(value) for value in (*values, *losses)):
        return "diverged"
    if losses and chance_loss is not None and chance_loss > 0 and losses[-1] > DIVERGED_MULTIPLE * chance_loss:
        return "diverged"
    if not values:
        return "no_learning"
    if chance is None:
        return "ok"
    if mode == "min" and chance > 0 and values[-1] > DIVERGED_MULTIPLE * chance:
        return "diverged"
    if noise is None:
        noise = own_noise(values, chance)
    sign = -1.0 if mode == "min" else 1.0
    gains = [sign * (value - chance) for value in values]
    best, last = max(_smoothed(gains)), gains[-1]
    if best <= LEARNT_DEVIATIONS * noise:
        return "no_learning"
    if last <= BACK_AT_CHANCE_DEVIATIONS * noise:
        return "collapsed" if best > COLLAPSED_FROM_DEVIATIONS * noise else "no_learning"
    return "ok"


def own_noise(values: Sequence[float], chance: float) -> float:
    """Standard deviation of a metric's noise, from the reports of one run.

    1.4826 · median |d - median d| / sqrt(2) of the successive differences d, which a trend does not disturb;
    at least `NOISE_FLOOR` · |chance|. Not to be trusted with fewer than five reports, where the floor rules.
    """
    floor = NOISE_FLOOR * abs(chance)
    differences = [after - before for before, after in pairwise(values)]
    if len(differences) < 4:
        return floor
    middle = median(differences)
    spread = median(abs(difference - middle) for difference in differences)
    return max(floor, 1.4826 * spread / math.sqrt(2))


def _smoothed(gains: Sequence[float]) -> list[float]:
    """Running means of three where there are six reports or more: one lucky report is not learning."""
    if len(gains) < 6:
        return list(gains)
    return [sum(gains[i : i + 3]) / 3 for i in range(len(gains) - 2)]


def of_exception(fault: BaseException) -> str:
    """The outcome that an exception in the task's code stands for."""
    text = str(fault).lower()
    out_of_memory = isinstance(fault, MemoryError) or type(fault).__name__ == "OutOfMemoryError"
    # The CPU allocator of torch raises a bare RuntimeError.
    if out_of_memory or "can't allocate memory" in text or "not enough memory" in text or "out of memory" in text:
        return "out_of_memory"
    return "crashed"


def device_lost(fault: BaseException) -> bool:
    """Whether an exception says that the GPU itself failed (a reset of its driver, a fault in a kernel).

    After such an error every call of the process fails: what looks like the next training's crash would be this one's.
    An exhausted GPU memory is not one.
    """
    text = str(fault).lower()
    return ("cuda error" in text or "hip error" in text or "device-side assert" in text) and "out of memory" not in text
