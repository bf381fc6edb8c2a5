"""A recurrent net reads its whole line, and what it says depends on the first step alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Loss
from backtrack.watch.twin import asked

# Steps of a line, at least, and examples of a batch that are asked.
STEPS, EXAMPLES = 4, 8


class UnreadSteps(Check):
    name = "unread_steps"
    looks_at = (
        "a copy of a model with recurrent layers, once: on which steps of its lines the outputs depend, by their "
        "gradients in double precision"
    )
    cost = "one copy of the model, one pass and its gradients, once"
    source = "PyTorch documentation of RNN: output has the states of all steps, the last one's is output[:, -1]"
    expected = "outputs that depend on what comes later in a line than its first step"
    remedy = "read the last step's state (states[:, -1] with batch_first), or a mean over the steps"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._asked: set[int] = set()
        self._last: Forward | None = None

    def forward(self, call: Forward) -> None:
        self._last = call if call.gradients else self._last

    def loss(self, call: Loss) -> None:
        """The targets tell which dimension counts examples."""
        last, self._last = self._last, None
        if last is None or not call.training or not call.target.ndim or id(last.model) in self._asked:
            return
        self._asked.add(id(last.model))
        given, examples = last.arguments[0], call.target.shape[0]
        kinds = {type(one).__name__ for one in last.model.module.modules()}
        if kinds.isdisjoint(RECURRENT) or not last.inputs or not given or given[0] is not last.inputs[0]:
            return
        axes = [axis for axis, size in enumerate(given[0].shape[:2]) if size == examples]
        if given[0].ndim < 2 or len(axes) != 1 or given[0].shape[1 - axes[0]] < STEPS:
            return
        steps = 1 - axes[0]
        read = asked(last.model.module, lambda twin: _read(twin.cpu().double().eval(), given, steps))
        if read is not None and read[0] and not any(read[1:]):
            self.finds(
                last.place or last.model.name,
                f"{last.model.name}'s outputs depend on the first of {len(read)} steps alone (inputs "
                f"{tuple(given[0].shape)}): its recurrent layers read all, and what they make of it is left out",
            )


def _read(twin: Any, given: Any, steps: int) -> list[bool] | None:
    """Of each step, whether any output depends on it."""
    import torch

    from backtrack.watch.listening.tensors import tensors_in

    looked_up: list[Any] = []

    def keep(module: Any, arguments: Any, result: Any) -> Any:
        looked_up.append(result.detach().requires_grad_())
        return looked_up[-1]

    with torch.enable_grad():
        inputs = given[0].detach().cpu().narrow(1 - steps, 0, min(EXAMPLES, given[0].shape[1 - steps]))
        if inputs.is_floating_point():
            inputs = inputs.double().requires_grad_()
            looked_up.append(inputs)
        else:
            for module in twin.modules():
                if type(module) is torch.nn.Embedding:
                    module.register_forward_hook(keep)
        outputs = [one for one in tensors_in(twin(inputs, *given[1:])) if one.requires_grad]
        if not outputs or len(looked_up) != 1 or looked_up[0].shape[:2] != inputs.shape[:2]:
            return None
        total = sum((one * torch.randn_like(one)).sum() for one in outputs)
        (gradient,) = torch.autograd.grad(total, looked_up)
    each = gradient.abs().transpose(0, steps).flatten(1).amax(1)
    return [bool(size > 0) for size in each]
