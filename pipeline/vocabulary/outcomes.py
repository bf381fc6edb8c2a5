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

# Of past runs: stopped by a pruner, which is no failure; not ended yet, which is nothing.
PRUNED, RUNNING = "pruned", "running"
NO_FAILURE = ("ok", PRUNED)
# What the record of a run says that was ended because its outcome was certain.
STOPPED = "stopped:"
OUTCOMES = ("ok", "no_learning", "diverged", "collapsed", "out_of_memory", "crashed", "timed_out")

DIVERGED_MULTIPLE = 5.0
# How many standard deviations of the stated noise at chance count as learning: the best of a few reports exceeds
# three only once in some hundred trainings that learn nothing.
LEARNT_DEVIATIONS = 3.0
# Where nobody stated the noise: of trainings that learn nothing, so many are taken for learning by one of their running
# means (Bonferroni). Simulated: .05 with five reports, .02 and less with more. Fewer degrees of freedom than the second
# number would ask for more than any curve shows.
FALSELY_LEARNT, LEAST_FREEDOM = 0.02, 3
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
    sign = -1.0 if mode == "min" else 1.0
    gains = [sign * (value - chance) for value in values]
    back = math.inf
    if noise is None:
        noise, bar, means = _by_itself(gains, chance)
        if 2 * means[-1] > bar:
            # Restless, but still learnt: only a last report at chance itself is a fall.
            back = LEARNT_DEVIATIONS * NOISE_FLOOR * abs(chance)
    else:
        bar, means = LEARNT_DEVIATIONS * noise, _running_means(gains, 3 if len(gains) >= 6 else 1)
    best = max(means)
    if best <= bar:
        return "no_learning"
    if gains[-1] <= min(back, BACK_AT_CHANCE_DEVIATIONS * noise):
        return "collapsed" if best > COLLAPSED_FROM_DEVIATIONS * noise else "no_learning"
    return "ok"


def own_noise(values: Sequence[float], chance: float) -> float:
    """Standard deviation of a metric's noise, from the reports of one run: what a monotone curve leaves of them.

    sqrt(RSS / (n - blocks)) of the better of a rising and a falling isotonic regression (Barlow et al. 1972), whose
    blocks are its degrees of freedom. So neither a trend nor its bend is taken for noise. At least
    `NOISE_FLOOR` · |chance|; with fewer than five reports that floor rules.
    """
    return max(NOISE_FLOOR * abs(chance), _spread(values)[0])


def _by_itself(gains: Sequence[float], chance: float) -> tuple[float, float, list[float]]:
    """(noise, what has to be exceeded, the running means) of a run whose noise nobody stated."""
    count = len(gains)
    length = max(3, count // 5) if count >= 6 else 1
    means = _running_means(gains, length)
    floor = NOISE_FLOOR * abs(chance)
    spread, freedom = _spread(gains)
    if not spread:
        return floor, LEARNT_DEVIATIONS * floor, means
    from scipy.special import stdtrit

    quantile = float(stdtrit(max(LEAST_FREEDOM, freedom), 1 - FALSELY_LEARNT / len(means)))
    bar = max(LEARNT_DEVIATIONS * floor, quantile * spread / math.sqrt(length))
    return max(floor, spread), bar, means


def _spread(values: Sequence[float]) -> tuple[float, int]:
    """(standard deviation around a monotone curve, its degrees of freedom); zeros for fewer than five values.

    With or without the last quarter, whichever is less: a training that collapses at its end falls, it is not noisy.
    """
    if len(values) < 5:
        return 0.0, 0
    before_the_end = values[: -max(1, len(values) // 4)]
    spreads = [_around_monotone(part) for part in (values, before_the_end) if len(part) >= 5]
    return min(spreads)


def _around_monotone(values: Sequence[float]) -> tuple[float, int]:
    # Imported here: the driver and most workers never need it.
    from scipy.optimize import isotonic_regression

    fits = [isotonic_regression(list(values), increasing=rising) for rising in (True, False)]
    squares = [sum((value - fitted) ** 2 for value, fitted in zip(values, fit.x, strict=True)) for fit in fits]
    best = 0 if squares[0] <= squares[1] else 1
    freedom = max(1, len(values) - (len(fits[best].blocks) - 1))
    return math.sqrt(squares[best] / freedom), freedom


def _running_means(gains: Sequence[float], length: int) -> list[float]:
    """Means of `length` reports in a row: one lucky report of many is not learning."""
    return [sum(gains[i : i + length]) / length for i in range(len(gains) - length + 1)]


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
