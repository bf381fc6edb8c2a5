"""Where what was seen goes: to the worker over a channel, or to the recorder of a training in this process."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

from backtrack.vocabulary.finding import Finding
from backtrack.watch import channel
from backtrack.watch.recorder import Recorder


class Sink(Protocol):
    """Takes what was seen."""

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """A number of a symptom."""

    def found(self, finding: Finding) -> None:
        """A finding of a check."""


class ChannelSink:
    """To the worker that started this process."""

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """A number of a symptom."""
        channel.tell("point", step=step, epoch=epoch, name=name, value=value)

    def found(self, finding: Finding) -> None:
        """A finding of a check."""
        channel.tell("seen", found=asdict(finding))


class RecorderSink:
    """To a training's recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """A number of a symptom."""
        self.recorder.point(step, epoch, name, value)

    def found(self, finding: Finding) -> None:
        """A finding of a check."""
        self.recorder.seen.append(finding)
