"""Listens to one training that runs in this process, and lets interventions into it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from backtrack.watch.recorder import Recorder

if TYPE_CHECKING:
    from backtrack.watch.listening.ears import Ears


@contextmanager
def listened(recorder: Recorder, wanted: bool, symptoms: bool = True) -> Iterator[None]:
    """Lets the checks and symptoms hear what trains inside the block, where torch is there.

    A black box that imports torch only inside is heard from its next run in this process on.

    Args:
        recorder: takes what they see.
        wanted: whether they are asked at all.
        symptoms: whether the symptoms are measured too; not where the loop has instruments of its own.
    """
    torch = sys.modules.get("torch")
    if torch is None and recorder.intervene is not None:
        # What is to be changed has to be there before the training begins.
        torch = importlib.import_module("torch")
    if torch is None:
        yield
        return
    with ExitStack() as ends:
        if wanted:
            from backtrack.watch.listening.ears import Ears
            from backtrack.watch.listening.sinks import RecorderSink

            ears = Ears(torch, RecorderSink(recorder), symptoms)
            ears.attach()
            ends.callback(_conclude, ears, recorder)
        if recorder.intervene is not None:
            # After the ears, so that these hear what comes of it.
            ends.callback(recorder.intervene(torch))
        yield


def _conclude(ears: Ears, recorder: Recorder) -> None:
    ears.detach()
    recorder.device = recorder.device or ears.device
