"""Training mode while a model trains, evaluation mode while it is judged."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT


def _levels(anatomy: Anatomy) -> dict[str, str]:
    # Recurrent layers may have dropout between them.
    depends = any("Dropout" in kind or "BatchNorm" in kind or kind in RECURRENT for kind in anatomy.modules)
    wrong = anatomy.calls.get("judged in training mode") or anatomy.calls.get("trains in evaluation mode")
    text = "model.train() before training batches, model.eval() before judging"
    return {"as_used": text} if depends and wrong else {}


def _apply(training: Training, level: str) -> None:
    own: dict[int, list[tuple[Any, bool]]] = {}

    def before(model: Any, given: Any) -> Any:
        own[id(model)] = [(module, module.training) for module in model.modules()]
        model.train(training.torch.is_grad_enabled())
        return given

    def after(model: Any, result: Any) -> Any:
        for module, mode in own.pop(id(model), []):
            module.training = mode
        return result

    training.at_forward(before, after)


MODES = Intervention(
    "modes",
    what="a pass with gradients is in training mode, one without in evaluation mode",
    source="PyTorch documentation of Module.train and Module.eval",
    levels=_levels,
    apply=_apply,
    harmless=True,
    answers=("wrong_mode",),
    cannot="a model that is judged with gradients on is taken for one that trains",
)
