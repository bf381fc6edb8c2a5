"""Whether the Ray cluster that is asked for answers, told within seconds and before anything is made."""

from __future__ import annotations

import os
import re
import socket
import time

from backtrack.errors import EngineError
from backtrack.running.resources import Resources

# Seconds that an address may take to answer.
PATIENCE = 20.0
_HOST_AND_PORT = re.compile(r"(?:ray://)?(?P<host>[^:/]+):(?P<port>\d+)\Z")


def address_of(resources: Resources) -> str | None:
    """Of the Ray cluster that is to be used; None for a Ray of our own on this machine."""
    return resources.address or os.environ.get("RAY_ADDRESS")


def check_reachable(resources: Resources | None) -> None:
    """Tries to reach the cluster's address; nothing for a Ray of our own.

    Raises:
        EngineError: where it does not answer, with where the address comes from.
    """
    address = address_of(resources or Resources())
    found = _HOST_AND_PORT.match(address or "")
    if found is None:
        # "auto" and "local" are Ray's to find.
        return
    problem = _problem(found["host"], int(found["port"]))
    if not problem:
        return
    asked = resources is not None and resources.address
    source = f"--address {address}" if asked else f"RAY_ADDRESS={address} from the environment"
    remedy = "give another address" if asked else "unset RAY_ADDRESS to use this machine alone"
    raise EngineError(f"{source} does not answer ({problem}); start that cluster, or {remedy}")


def _problem(host: str, port: int) -> str:
    until = time.monotonic() + PATIENCE
    try:
        with socket.create_connection((host, port), timeout=max(0.1, until - time.monotonic())):
            return ""
    except OSError as fault:
        return str(fault)
