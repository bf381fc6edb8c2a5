"""What is written down of a torch training while it runs: losses, time, and which replicates diverged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from backtrack.watch.recorder import Recorder

# Training loss is recorded this often within an epoch: enough to see a curve bend, cheap to keep.
POINTS_PER_EPOCH = 8


class Ledger:
    """The books of R replicates that train side by side; their time is shared out evenly between them.

    Args:
        recorders: one a replicate.
        steps: update steps of an epoch.
        device: of the losses.

    Attributes:
        step: update steps so far.
        diverged: numbers of the replicates whose loss is not finite any more; nothing further is written of them.
    """

    def __init__(self, recorders: Sequence[Recorder], steps: int, device: str) -> None:
        self.recorders, self.steps, self.device = recorders, steps, device
        self.step = 0
        self.diverged: set[int] = set()
        self._stride = max(1, steps // POINTS_PER_EPOCH)
        self._begun = time.perf_counter()
        self._first_step = self._trained = self._waited = self._longest = 0.0
        self.new_epoch()

    @property
    def epoch(self) -> float:
        """Passes over the training set so far."""
        return self.step / self.steps

    @property
    def due(self) -> bool:
        """Whether a point of the loss is to be written."""
        return self._counted == self._stride or self.step % self.steps == 0

    @property
    def all_diverged(self) -> bool:
        """Whether no replicate is left."""
        return len(self.diverged) == len(self.recorders)

    def new_epoch(self) -> None:
        """Begins an epoch: the next point of the loss is the mean from here on."""
        self._since = torch.zeros(len(self.recorders), device=self.device)
        self._counted = 0

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Counts the block as time spent waiting for data."""
        asked = time.perf_counter()
        yield
        wait = time.perf_counter() - asked
        self._waited, self._longest = self._waited + wait, max(self._longest, wait)

    def count_step(self, losses: torch.Tensor) -> None:
        """Counts an update step; `losses`, (R,), stay on their device."""
        self._since = self._since + losses
        self._counted, self.step = self._counted + 1, self.step + 1

    def end_first_step(self) -> list[float]:
        """The first losses. Reading them waits for the device: without it a GPU's first step would look free."""
        losses: list[float] = self._since.tolist()
        self._first_step = time.perf_counter() - self._begun
        self._waited = self._longest = 0.0
        return losses

    def write_losses(self) -> list[int]:
        """Adds a point to each replicate's curve; returns those that left the finite numbers with it."""
        fresh = []
        for number, mean in enumerate((self._since / self._counted).tolist()):
            if number in self.diverged:
                continue
            recorder = self.recorders[number]
            recorder.train_seconds = self._share_of_time()
            recorder.point(self.step, self.epoch, "loss", mean)
            if not math.isfinite(mean):
                self.diverged.add(number)
                fresh.append(number)
        self.new_epoch()
        return fresh

    def end_training_part(self) -> None:
        """Ends the training of an epoch, before its validation."""
        self._trained = time.perf_counter() - self._begun - self._first_step

    def finite(self) -> list[tuple[int, Recorder]]:
        """The replicates that are left, with their numbers."""
        return [(number, one) for number, one in enumerate(self.recorders) if number not in self.diverged]

    def close_epoch(self, recorder: Recorder, epoch: int) -> None:
        """Writes down the time of an epoch with its validation; of the first also what its first step took beyond."""
        recorder.train_seconds = self._share_of_time()
        recorder.epochs = epoch
        if epoch == 1 and self.step > 1:
            recorder.warmup_seconds = max(0.0, self._first_step - self._ordinary) / len(self.recorders)

    def first_call(self) -> dict[str, float]:
        """What the first epoch tells of the device and the loader, by the symptoms' names; nothing of a single step."""
        if self.step < 2 or self._ordinary <= 0:
            return {}
        # One long wait is as likely the machine's doing as the loader's.
        starved = (self._waited - self._longest) / (self._trained - self._longest)
        return {"slow_first_call": self._first_step / self._ordinary, "starved_device": starved}

    @property
    def _ordinary(self) -> float:
        """Seconds of a step other than the first, in the first epoch."""
        return self._trained / (self.step - 1)

    def _share_of_time(self) -> float:
        return (time.perf_counter() - self._begun - self._first_step) / len(self.recorders)
