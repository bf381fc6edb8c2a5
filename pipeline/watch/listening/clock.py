"""The time that a training's steps take: the first beside the next, and what they wait for their batches."""

from __future__ import annotations

import time
from collections.abc import Callable

from backtrack.watch.listening.sinks import Sink
from backtrack.watch.symptoms import PREFIX

# Steps that are looked at equally closely from their first pass on: only these may be held against one another.
FIRST = 3
# Steps that are timed, undisturbed, before it is said how long they wait.
ENOUGH = 20


class Clock:
    """Times the steps of all optimisers together.

    A close look takes longer than the step that it looks at. So the first step is held against the two behind it, which
    are looked at as closely, and only steps between two looks tell how long a training waits for its batches. Of those
    the first of an epoch is left out: a validation may lie before it.

    Args:
        sink: takes the numbers.
        now: the time in seconds.

    Example:
        >>> from backtrack.watch.listening.sinks import RecorderSink
        >>> from backtrack.watch.recorder import Recorder
        >>> recorder, times = Recorder(), iter([0.0, 9.0, 9.5, 10.5])
        >>> clock = Clock(RecorderSink(recorder), now=lambda: next(times))
        >>> clock.begin()
        >>> for number in (1, 2, 3):
        ...     clock.end(number, close=True, device="cpu")
        >>> [(point.name, point.value) for point in recorder.curve]
        [('symptom/slow_first_call', 12.0)]
    """

    def __init__(self, sink: Sink, now: Callable[[], float] = time.perf_counter) -> None:
        self._sink, self._now = sink, now
        # When the step that is on began; None before the first pass.
        self._begun: float | None = None
        self._first: list[float] = []
        self._fetching = self._waited = self._longest = self._spent = 0.0
        self._timed, self._whole = 0, False
        # Whether there is anything left to time: what is timed between two looks takes a share of a short step.
        self.is_on = True

    def begin(self) -> None:
        """A pass with gradients begins; the first one begins the first step."""
        if self._begun is None:
            self._begun = self._now()

    def iterate(self) -> None:
        """A loader is gone through from its start."""
        self._whole = False

    def fetch(self, seconds: float) -> bool:
        """A loader gave a batch, after so long; returns whether the next one is to be told too."""
        self._fetching += seconds
        return self.is_on

    def end(self, number: int, close: bool, device: str) -> None:
        """A step ends.

        Args:
            number: from 1 on, of all optimisers.
            close: whether it was looked at closely.
            device: of the first model, such as `cuda`. A processor that fetches its own batches does not wait for them.
        """
        now, begun = self._now(), self._begun
        self._begun = now
        if begun is not None:
            self._count(number, now - begun, close)
        if close and device == "cpu" and number >= FIRST:
            self.is_on = False
        elif close and device and self._timed >= ENOUGH:
            # One long wait is as likely the machine's doing as the loader's.
            share = (self._waited - self._longest) / (self._spent - self._longest)
            self._sink.point(number, float(number), PREFIX + "starved_device", share)
        self._fetching, self._whole = 0.0, True

    def _count(self, number: int, seconds: float, close: bool) -> None:
        if number <= FIRST:
            self._first.append(seconds)
            if number == FIRST == len(self._first):
                first, *others = self._first
                ratio = first * len(others) / sum(others)
                self._sink.point(number, float(number), PREFIX + "slow_first_call", ratio)
        elif self._whole and not close:
            self._timed += 1
            self._spent += seconds
            self._waited += self._fetching
            self._longest = max(self._longest, self._fetching)
