"""The weights that a net ends with: those of its last step, and not ones that are loaded into it after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.moved_weights import moved_weights
from backtrack.task.intervention import Anatomy, Intervention, Training


def at_reloading(training: Training, load: Callable[[], bool]) -> None:
    """Asks `load()` where weights are loaded into a model that an optimiser has begun to move: where no, it goes on."""
    is_moved = moved_weights(training)

    def loading(own: Any) -> Any:
        def load_state_dict(module: Any, *arguments: Any, **options: Any) -> Any:
            if any(is_moved(weight) for weight in module.parameters()) and not load():
                return own(module, module.state_dict())
            return own(module, *arguments, **options)

        return load_state_dict

    training.replace(training.torch.nn.Module, "load_state_dict", loading)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"last": "without the load_state_dict(…) that follows the training"} if anatomy.reloaded else {}


LAST_WEIGHTS = Intervention(
    "last_weights",
    what="a model that has begun to train keeps its weights where the program loads others, such as those of its best "
    "epoch",
    source="Prechelt, Early stopping — but when? (1998); PyTorch documentation of Module.load_state_dict",
    levels=_levels,
    apply=lambda training, level: at_reloading(training, lambda: False),
    place=lambda anatomy: anatomy.reloaded,
    cannot="a copy of the whole model that is kept and judged in its place",
)
