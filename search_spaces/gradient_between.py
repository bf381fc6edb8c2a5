"""What one model hands on to another keeps its gradient: outputs that a program cuts off between the two."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.trained_parameters import DETACHED, READ, at_cuts
from backtrack.task.intervention import Anatomy, Intervention, Training

# Among an anatomy's calls: outputs of models that are cut off outside of any forward pass.
BETWEEN = "detach between models"


class Outputs:
    """The last outputs of models, by the nodes that they come from.

    Args:
        training: whose models.
    """

    # So many models may come before the one that is trained through.
    MOST = 8

    def __init__(self, training: Training) -> None:
        self._training: Any = training
        self._nodes: list[Any] = []
        training.at_forward(after=self._passed)

    def _passed(self, model: Any, result: Any) -> Any:
        for one in result if isinstance(result, (tuple, list)) else [result]:
            if getattr(one, "grad_fn", None) is not None:
                self._nodes.append(one.grad_fn)
        del self._nodes[: -self.MOST]
        return result

    def has(self, tensor: Any) -> bool:
        """Whether a tensor is one of them, and no model's forward pass is on."""
        return not self._training.inside and any(tensor.grad_fn is node for node in self._nodes)


def count_between(training: Training, count: Any) -> None:
    """Counts outputs of models that the program cuts off from their gradient, outside of their forward passes."""
    outputs = Outputs(training)

    def met(name: str, what: Any) -> bool:
        if name in (DETACHED, READ) and training.torch.is_grad_enabled() and outputs.has(what):
            count(BETWEEN)
        return False

    at_cuts(training, met)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    said = "leave .detach() (or .data) out where the output of one model is given to the next"
    return {"kept": said} if anatomy.calls.get(BETWEEN) else {}


def _apply(training: Training, level: str) -> None:
    outputs = Outputs(training)
    at_cuts(training, lambda name, what: name in (DETACHED, READ) and outputs.has(what))


GRADIENT_BETWEEN = Intervention(
    "gradient_between",
    what="detach() and .data of a model's output do nothing, outside of forward passes",
    source="PyTorch documentation of Tensor.detach",
    levels=_levels,
    apply=_apply,
    on_suspicion=True,
    answers=("parameters_without_gradient",),
    cannot="outputs that are computed under no_grad(), or read as numbers",
)
