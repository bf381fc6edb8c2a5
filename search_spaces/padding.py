"""Whether a recurrent layer reads the padding of its lines."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.padding import lengths_without_padding
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.vocabulary.recurrent import layers_in, time_axis


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return (
        {"packed": "pack_padded_sequence(inputs, lengths) before the recurrent layer"}
        if anatomy.has(*RECURRENT)
        else {}
    )


def _apply(training: Training, level: str) -> None:
    def change(model: Any) -> None:
        for module in layers_in(model):
            module.forward = _packed(training, module, module.forward)

    training.at_model(change)


def _packed(training: Training, module: Any, own: Any) -> Any:
    torch = training.torch
    first, time = module.batch_first, time_axis(module)

    def forward(inputs: Any, *rest: Any) -> Any:
        lengths = None
        if isinstance(inputs, torch.Tensor) and inputs.ndim == 3 and not rest:
            lengths = lengths_without_padding(inputs.detach(), time)
        if lengths is None:
            return own(inputs, *rest)
        tools = torch.nn.utils.rnn
        packed = tools.pack_padded_sequence(inputs, lengths.cpu(), batch_first=first, enforce_sorted=False)
        states, state = own(packed)
        states, _ = tools.pad_packed_sequence(states, batch_first=True, total_length=inputs.shape[time])
        # Behind its end a line keeps its last state: whoever asks for the last step gets that.
        steps = torch.arange(inputs.shape[time], device=inputs.device)
        kept = torch.minimum(steps[None], lengths.to(inputs.device)[:, None] - 1)
        states = states.gather(1, kept[..., None].expand(-1, -1, states.shape[-1]))
        return (states if first else states.transpose(0, 1)), state

    return forward


PADDING = Intervention(
    "padding",
    what="recurrent layers stop at the end of each line, before its padding, and keep the state that they have there",
    source="PyTorch documentation of torch.nn.utils.rnn.pack_padded_sequence",
    levels=_levels,
    apply=_apply,
    answers=("padding_read",),
    inside=True,
    on_suspicion=True,
    cannot="layers that are given a first state, and cells that are written by hand",
)
