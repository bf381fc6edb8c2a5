"""Listens to one training that runs in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from backtrack.watch.recorder import Recorder


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
    if not wanted or torch is None:
        yield
        return
    from backtrack.watch.listening.ears import Ears
    from backtrack.watch.listening.sinks import RecorderSink

    ears = Ears(torch, RecorderSink(recorder), symptoms)
    ears.attach()
    try:
        yield
    finally:
        ears.detach()
