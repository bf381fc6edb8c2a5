"""How one training runs: device, precision, threads, compilation, as its levels say.

Factors of these names are read here, for any torch task: `device` (cpu, gpu), `precision` (float32, bfloat16),
`threads` (a number), `compile` (off, on). `search_spaces/runtime.py` has them, with what this machine can run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch


def device_for(levels: Mapping[str, Any], given: str) -> str:
    """The device of a training: the CPU where its level says so, else the one that was given."""
    return "cpu" if levels.get("device") == "cpu" else given


@contextmanager
def threads_of(levels: Mapping[str, Any]) -> Iterator[None]:
    """Lets torch use as many CPU threads as the level says inside the block; workers are used again."""
    wanted = levels.get("threads")
    if not isinstance(wanted, int):
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def precision_of(levels: Mapping[str, Any], device: str) -> torch.autocast:
    """The autocast of a forward pass: bfloat16 where the level says so; weights and updates stay in float32."""
    enabled = levels.get("precision") == "bfloat16"
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=enabled)


def compiled(model: torch.nn.Module, levels: Mapping[str, Any]) -> torch.nn.Module:
    """The model, compiled where the level says so."""
    return torch.compile(model) if levels.get("compile") == "on" else model  # type: ignore[return-value]
