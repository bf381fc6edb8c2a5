"""How much memory trainings of a task take, measured before a sweep shares a GPU between them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backtrack.task import TorchTask
from backtrack.trial.limits import DeviceLost, Limits
from backtrack.trial.trial import run_replicate
from backtrack.vocabulary.config import Config

# A training that is only measured need not end.
MEASURE_SECONDS = 20.0


def measured_share(task: TorchTask, configs: Sequence[Config]) -> float | None:
    """The largest share of a CUDA device's memory that trainings of these configs take; None where there is none.

    Args:
        task: its data stays on the device, and counts.
        configs: each is trained for `MEASURE_SECONDS` at most. One that loses the device ends the measuring: what was
            measured before it counts, and the sweep will say what came of that config.
    """
    if not torch.cuda.is_available():
        return None
    memory, peaks = torch.cuda.get_device_properties("cuda").total_memory, []
    for config in configs:
        try:
            run = run_replicate(task, config, 0, device="cuda", limits=Limits(seconds=MEASURE_SECONDS))
        except DeviceLost:
            break
        peaks.append(run.peak_memory)
    return max(peaks) / memory if peaks else None
