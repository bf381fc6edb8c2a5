"""How often each example is drawn: all alike, where a sampler weighs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Intervention, Training

# Among an anatomy's calls: samplers that draw some examples more often than others.
WEIGHTED = "weighted sampler"


def at_sampling(training: Training, weighted: Callable[[Any], bool]) -> None:
    """Asks `weighted(sampler)` once each sampler with weights that differ is made: where yes, it draws all alike."""
    torch: Any = training.torch

    def make(own: Any) -> Any:
        def __init__(sampler: Any, *arguments: Any, **options: Any) -> None:
            own(sampler, *arguments, **options)
            weights = sampler.weights
            if bool((weights != weights[0]).any()) and weighted(sampler):
                sampler.weights = torch.ones_like(weights)

        return __init__

    training.replace(torch.utils.data.WeightedRandomSampler, "__init__", make)


SAMPLING = Intervention(
    "sampling",
    what="a sampler that weighs examples draws each of them equally often",
    source="Buda, Maki & Mazurowski, A systematic study of the class imbalance problem (2018)",
    levels=lambda anatomy: {"alike": "shuffle=True in place of the sampler"} if anatomy.calls.get(WEIGHTED) else {},
    apply=lambda training, level: at_sampling(training, lambda sampler: True),
    cannot="samplers of one's own, and weights that change after it is made",
)
