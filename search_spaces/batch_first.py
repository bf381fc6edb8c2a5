"""Which dimension of what a layer gets counts the examples."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import calls_of, first_line
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.vocabulary.recurrent import layers_in

# Among an anatomy's calls: layers that take the second dimension for the examples, by class.
SECOND = "second dimension counts examples in "
ATTENTION = "MultiheadAttention"


def second_in(model: Any) -> list[Any]:
    """Layers of a model that take the second dimension for the examples, in the order of its modules.

    Example:
        >>> import torch
        >>> second_in(torch.nn.ModuleList([torch.nn.GRU(3, 4), torch.nn.LSTM(3, 4, batch_first=True)]))
        [GRU(3, 4)]
    """
    return [one for one in layers_in(model, (*RECURRENT, ATTENTION)) if not one.batch_first]


def _kinds(anatomy: Anatomy) -> list[str]:
    return sorted(name.removeprefix(SECOND) for name in anatomy.calls if name.startswith(SECOND))


def _levels(anatomy: Anatomy) -> dict[str, str]:
    kinds = _kinds(anatomy)
    if not kinds:
        return {}
    named = ", ".join(f"nn.{kind}" for kind in kinds)
    recurrent = [kind for kind in kinds if kind in RECURRENT]
    given = {"given": f"x.transpose(0, 1) before nn.{recurrent[0]}"} if recurrent else {}
    return {"set": f"batch_first=True in {named}"} | given


def _apply(training: Training, level: str) -> None:
    def change(model: Any) -> None:
        for module in second_in(model):
            if level == "set":
                module.batch_first = True
            elif type(module).__name__ in RECURRENT:
                module.forward = _transposing(training, module.forward)

    training.at_model(change)


def _transposing(training: Training, own: Any) -> Any:
    def forward(inputs: Any, *rest: Any) -> Any:
        whole = isinstance(inputs, training.torch.Tensor) and inputs.ndim == 3
        return own(inputs.transpose(0, 1) if whole else inputs, *rest)

    return forward


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """Each of the file's layers of these kinds with batch_first=True."""
    made = source.all_calls(*_kinds(anatomy))
    if level != "set" or not made or any(one.arg == "batch_first" for call in made for one in call.keywords):
        return None
    return source.all_replaced(source.longer(call, "batch_first=True") for call in made)


BATCH_FIRST = Intervention(
    "batch_first",
    what="the first dimension of what a recurrent or attention layer gets counts the examples: batch_first=True, or a "
    "recurrent layer's input transposed",
    source="PyTorch documentation of RNN and MultiheadAttention, batch_first",
    levels=_levels,
    apply=_apply,
    inside=True,
    on_suspicion=True,
    answers=("mixed_examples",),
    place=lambda anatomy: first_line(anatomy.sources, calls_of(*_kinds(anatomy))),
    patch=_patched,
    cannot="layers of the program's own, and what is transposed back behind them",
)
