"""How much memory trainings of a task take, measured before a sweep shares a GPU between them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backtrack.task import TorchTask
from backtrack.trial.limits import Limits
from backtrack.trial.trial import run_replicate
from backtrack.vocabulary.config import Config

# A training that is only measured need not end.
MEASURE_SECONDS = 20.0


def measured_share(task: TorchTask, configs: Sequence[Config]) -> float | None:
    """The largest share of a CUDA device's memory that trainings of these configs take; None where there is none.

    Args:
        task: its data stays on the device, and counts.
        configs: each is trained for `MEASURE_SECONDS` at most.
    """
    if not torch.cuda.is_available():
        return None
    peaks = [
        run_replicate(task, config, 0, device="cuda", limits=Limits(seconds=MEASURE_SECONDS)).peak_memory
        for config in configs
    ]
    return max(peaks) / torch.cuda.get_device_properties("cuda").total_memory
