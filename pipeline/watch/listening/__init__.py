"""Listens to whatever trains in this process, through torch's own extension points. No line of it changes."""

from __future__ import annotations

import atexit
from typing import Any

from backtrack.watch import channel
from backtrack.watch.imported import when_imported


def listen() -> None:
    """Listens to this process until it ends, from when torch is imported; tells whoever started it."""

    def begin(torch: Any) -> None:
        from backtrack.watch.listening.ears import Ears
        from backtrack.watch.listening.sinks import ChannelSink

        ears = Ears(torch, ChannelSink())
        ears.attach()

        def conclude() -> None:
            ears.detach()
            channel.tell("device", name=ears.device)

        atexit.register(conclude)

    when_imported("torch", begin)
