"""The allocator of a CUDA device is told its limit by the device's number; no device is needed to see that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from backtrack.trial.limits import Limits
from backtrack.trial.memory import device_memory


@pytest.mark.parametrize(("device", "number"), [("cuda", 3), ("cuda:1", 1)])
def test_the_allocator_gets_a_number(monkeypatch: pytest.MonkeyPatch, device: str, number: int) -> None:
    """On the first real GPU every training crashed: torch refuses a bare "cuda" there."""
    told: list[tuple[float, object]] = []
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda which: SimpleNamespace(total_memory=1000))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *given: told.append(given))
    with device_memory(device, Limits(memory=250)):
        assert told == [(0.25, number)]
    assert told[1:] == [(1.0, number)]
