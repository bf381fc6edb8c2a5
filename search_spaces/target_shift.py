"""The next token as the target of each step, where the program asks for one that the net has read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.search_spaces.loss_targets import LEAVING_OUT, NONE
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.recurrent import LAYERS

# Among an anatomy's calls: losses of this kind.
SEEN = "targets that were read"


def at_read_targets(training: Training, read: Callable[[LossCall, Any], None]) -> None:
    """Calls `read(call, target)` for each loss whose targets are the tokens that its model reads, or read a step ago.

    `target` is the next token of each step, in the shape of the loss's own.
    """
    last: list[tuple[Any, int]] = []

    def before(model: Any, given: Any) -> Any:
        is_line = isinstance(given, training.torch.Tensor) and not given.is_floating_point() and given.ndim == 2
        last[:] = [(given, _axis_of_steps(model))] if is_line else []
        return given

    def change(call: LossCall) -> None:
        if not last or call.name not in LEAVING_OUT or not call.training or call.target.is_floating_point():
            return
        given, axis = last[0]
        if given.device != call.target.device:
            return
        # Unless it is told otherwise, the loss leaves out what has no target: the last step has no next token.
        if call.target.numel() == given.numel() and call.options.get("ignore_index", NONE) == NONE:
            asked = call.target.reshape(given.shape)
            if _was_read(asked, given, axis):
                following = given.roll(-1, axis)
                following.select(axis, -1).fill_(NONE)
                read(call, following.reshape(call.target.shape).to(call.target.dtype))

    training.at_forward(before=before)
    training.at_loss(change)


def _axis_of_steps(model: Any) -> int:
    """Of (batch, steps) or (steps, batch): torch's recurrent layers read the latter unless they are told."""
    recurrent = [one for one in model.modules() if type(one).__name__ in LAYERS]
    return 0 if recurrent and not recurrent[0].batch_first else 1


def _was_read(asked: Any, given: Any, axis: int) -> bool:
    steps = given.shape[axis]
    if steps < 3 or bool((given == given.select(axis, 0).unsqueeze(axis)).all()):
        return False
    earlier = given.narrow(axis, 0, steps - 1)
    return bool((asked == given).all()) or bool((asked.narrow(axis, 1, steps - 1) == earlier).all())


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return (
        {"next": "outputs[:, :-1] against tokens[:, 1:]: each step tells the next"} if anatomy.calls.get(SEEN) else {}
    )


def _apply(training: Training, level: str) -> None:
    def turn(call: LossCall, target: Any) -> None:
        call.target = target

    at_read_targets(training, turn)


TARGET_SHIFT = Intervention(
    "target_shift",
    what="a net that is asked at each step for the token that it reads there, or read before, is asked for the next: "
    "y(t) = x(t + 1)",
    source="Bengio et al., A neural probabilistic language model (2003): each word from those before it",
    levels=_levels,
    apply=_apply,
    place=place,
    cannot="losses that are told what to ignore, and lines that come with their transpose as target",
)
