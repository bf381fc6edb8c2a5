"""The state of a recurrent cell from one step of a line to the next."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.recurrent import CELLS, LAYERS, layers_in, reads_one_step


def _levels(anatomy: Anatomy) -> dict[str, str]:
    found = anatomy.has(*CELLS, *LAYERS)
    return {"kept": "the state made once, before the loop over steps: h = cell(x[:, t], h)"} if found else {}


def _apply(training: Training, level: str) -> None:
    states: dict[int, Any] = {}

    def carrying(module: Any, own: Any) -> Any:
        def forward(given: Any, state: Any = None) -> Any:
            if not reads_one_step(module, given):
                return own(given, state)
            before = states.get(id(module))
            if before is not None and _is_empty(state) and _fits(before, module, given):
                state = before
            result = own(given, state)
            states[id(module)] = result if type(module).__name__ in CELLS else result[1]
            return result

        return forward

    def change(model: Any) -> None:
        for module in layers_in(model, (*CELLS, *LAYERS)):
            module.forward = carrying(module, module.forward)

    def begin(model: Any, given: Any) -> Any:
        # What one line has left is none of the next one's.
        states.clear()
        return given

    training.at_model(change)
    training.at_forward(before=begin)


def _parts(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, tuple) else () if state is None else (state,)


def _is_empty(state: Any) -> bool:
    return not any(bool(part.any()) for part in _parts(state))


def _fits(state: Any, module: Any, given: Any) -> bool:
    """Whether a state is of as many examples as what is read now."""
    if given.ndim < 2:
        return True
    examples = given.shape[0] if type(module).__name__ in CELLS or module.batch_first else given.shape[1]
    return bool(_parts(state)[0].shape[-2] == examples)


STATE_CARRIED = Intervention(
    "state_carried",
    what="a cell that gets an empty state gets the one that it returned at the step before: h(t) = f(x(t), h(t - 1))",
    source="PyTorch documentation of RNNCell, GRUCell and LSTMCell",
    levels=_levels,
    apply=_apply,
    answers=("state_not_carried",),
    inside=True,
    on_suspicion=True,
    cannot="cells that are written by hand, and lines whose steps are passes of the model",
)
