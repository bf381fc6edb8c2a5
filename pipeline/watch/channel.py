"""How a training that runs as a process of its own tells the worker what it sees: lines of JSON in a file.

The file is named by the environment, so that every process of a training finds it, whatever started it. A line is
written by one call, and lines of several processes do not mix.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Name of the environment variable that names the file.
VARIABLE = "BACKTRACK_CHANNEL"


def is_open() -> bool:
    """Whether this process belongs to a training that somebody listens to."""
    return VARIABLE in os.environ


def tell(kind: str, **fields: Any) -> None:
    """Writes one line; nothing where nobody listens.

    Args:
        kind: what it is about, such as "report" or "check".
        fields: JSON values; numbers that are not finite become text, which `told` reads back.
    """
    place = os.environ.get(VARIABLE)
    if place is None:
        return
    line = json.dumps({"kind": kind, "time": time.time(), **_spelled(fields)}) + "\n"
    # Opened for each line: a fork, or a change of the working directory, must not matter.
    descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def told(file: Path) -> Iterator[dict[str, Any]]:
    """What was told so far, in order; a line that a killed process left half-written is left out."""
    if not file.exists():
        return
    for line in file.read_text(errors="replace").splitlines():
        try:
            found = json.loads(line, object_hook=_read)
        except ValueError:
            continue
        if isinstance(found, dict) and "kind" in found:
            yield found


def _spelled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _spelled(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    return value


def _read(found: dict[str, Any]) -> Any:
    return float(found["number"]) if set(found) == {"number"} and isinstance(found["number"], str) else found
