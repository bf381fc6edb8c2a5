"""Gradients: cleared before each step's first backward pass, or clipped."""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, assigned_at
from backtrack.task.written import calls_of, first_line, models_of, statements_calling
from backtrack.vocabulary.graph import MovedByHand

LARGEST_NORM = 1.0
CLIPPING = ("clip_grad_norm_", "clip_grad_value_")


def _backward_place(anatomy: Anatomy) -> str:
    return str(anatomy.loss.get("place", ""))


# Gradients that are there at the next backward pass: of an optimiser, and of weights that are moved without one, or by
# one between two calls of its closure.
KEPT, KEPT_BY_HAND = "gradients kept", "gradients kept by hand"


def _cleared_by_hand(training: Training) -> None:
    seen = MovedByHand()

    def clear(loss: Any) -> Any:
        for weight in seen.look(loss)[1]:
            weight.grad = None
        return loss

    training.at_objective(clear)


def _cleared(training: Training, level: str) -> None:
    if training.anatomy.calls.get(KEPT_BY_HAND):
        _cleared_by_hand(training)
        return
    stepped: list[Any] = []

    def clear() -> None:
        for optimiser in stepped:
            for group in optimiser.param_groups:
                for weight in group["params"]:
                    weight.grad = None
        stepped.clear()

    # Only what has been stepped with: gradients that are accumulated over several batches stay.
    training.at_step(after=stepped.append)
    training.at_backward(clear)


def _clearings(anatomy: Anatomy) -> dict[str, str]:
    if anatomy.calls.get(KEPT_BY_HAND) and not anatomy.optimiser:
        return {"each_step": "weight.grad = None once it has been moved"}
    kept = anatomy.calls.get(KEPT) or anatomy.calls.get(KEPT_BY_HAND)
    return {"each_step": "optimizer.zero_grad() before loss.backward()"} if kept else {}


def _clearing(source: Source, level: str, anatomy: Anatomy) -> str | None:
    name = assigned_at(str(anatomy.optimiser.get("place", "")))
    return source.before(f"{name}.zero_grad()") if name else None


CLEAR_GRADIENTS = Intervention(
    "clear_gradients",
    what="the gradients that an optimiser has stepped with, or weights were moved by, are cleared before the next "
    "backward pass",
    source="PyTorch documentation of Optimizer.zero_grad",
    levels=_clearings,
    apply=_cleared,
    harmless=True,
    answers=("gradients_never_cleared",),
    place=_backward_place,
    patch=_clearing,
)


def _used(training: Training, level: str) -> None:
    torch = training.torch
    waiting: set[int] = set()
    stepping: list[int] = []
    steps: dict[int, Any] = {}

    def use(keys: Iterable[int]) -> None:
        # What a closure computes is the step's own.
        for key in [] if stepping else [one for one in keys if one in waiting]:
            waiting.discard(key)
            steps[key]()

    def wrap(optimiser: Any) -> None:
        own_step, own_clear, key = optimiser.step, optimiser.zero_grad, id(optimiser)
        steps[key] = own_step

        def step(_own: Any, closure: Any = None) -> Any:
            stepping.append(key)
            try:
                return own_step(closure) if closure is not None else own_step()
            finally:
                stepping.pop()
                waiting.discard(key)

        def zero_grad(_own: Any, *arguments: Any, **options: Any) -> None:
            use([key])
            own_clear(*arguments, **options)

        # Bound methods, as a scheduler expects that counts the steps.
        optimiser.step, optimiser.zero_grad = MethodType(step, optimiser), MethodType(zero_grad, optimiser)

    def make(own: Any) -> Any:
        def zero_grad(model: Any, *arguments: Any, **options: Any) -> None:
            use(list(steps))
            own(model, *arguments, **options)

        return zero_grad

    def forward(model: Any, given: Any) -> Any:
        # Where a program clears them between the next forward and backward pass, that is too late for a step.
        if torch.is_grad_enabled():
            use(list(steps))
        return given

    training.at_optimiser(wrap)
    training.at_backward(lambda: waiting.update(steps))
    training.at_forward(before=forward)
    training.replace(torch.nn.Module, "zero_grad", make)


def _stepping(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file with the step, or what clears the gradients, in the loop where it belongs."""
    name = assigned_at(str(anatomy.optimiser.get("place", "")))
    backward = statements_calling(source, "backward")
    step, clear = (statements_calling(source, what, of=name) for what in ("step", "zero_grad"))
    if not name or len(backward) != 1 or len(step) > 1:
        return None
    if not step:
        return source.behind(f"{name}.step()", backward[0])
    block = source.block_of(backward[0])
    if step[0] not in block:
        return source.moved(step[0], backward[0], behind=True)
    between = clear[0] if len(clear) == 1 and clear[0] in block else None
    late = between is not None and block.index(backward[0]) < block.index(between) < block.index(step[0])
    return source.moved(between, backward[0]) if between is not None and late else None


def _steps(anatomy: Anatomy) -> dict[str, str]:
    several = len(anatomy.optimisers) > 1
    which = f"step() of each of the {len(anatomy.optimisers)} optimisers" if several else "optimizer.step()"
    return {"each_batch": f"{which} after each loss.backward(), in the same loop"} if anatomy.optimisers else {}


USED_GRADIENTS = Intervention(
    "used_gradients",
    what="gradients that no step has used are stepped with before they are cleared, or the next forward pass begins",
    source="PyTorch forum: optimizer.step() outside of the loop over batches",
    levels=_steps,
    apply=_used,
    on_suspicion=True,
    answers=("gradients_cleared_unused", "gradients_cleared_before_step", "idle_optimiser"),
    cannot="gradients that are cleared one by one",
    place=_backward_place,
    patch=_stepping,
)


def _clips(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.optimisers:
        return {}
    off = {"off": "leave clip_grad_norm_ (or clip_grad_value_) out"} if anatomy.calls.get("clipped") else {}
    return {**off, "norm_1": "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0) before optimizer.step()"}


def _clipped(training: Training, level: str) -> None:
    if level == "off":
        for name in CLIPPING:
            training.replace(training.torch.nn.utils, name, lambda own: lambda *_, **__: 0.0)
        return

    def clip(optimiser: Any) -> None:
        weights = [weight for group in optimiser.param_groups for weight in group["params"] if weight.grad is not None]
        # A fused optimiser divides by the scale of a gradient scaler itself, after this.
        scale = getattr(optimiser, "grad_scale", None)
        bound = LARGEST_NORM * (1.0 if scale is None else float(scale))
        training.torch.nn.utils.clip_grad_norm_(weights, bound)

    training.at_step(before=clip)


def _clipping(source: Source, level: str, anatomy: Anatomy) -> str | None:
    own = statements_calling(source, *CLIPPING)
    if level == "off":
        return source.without(own[0]) if len(own) == 1 else None
    name = assigned_at(str(anatomy.optimiser.get("place", "")))
    models = models_of(anatomy.optimiser)
    step = statements_calling(source, "step", of=name)
    if own or not (name and len(models) == len(step) == 1):
        return None
    return source.before(f"torch.nn.utils.clip_grad_norm_({models[0]}.parameters(), {LARGEST_NORM})", step[0])


CLIP_GRADIENTS = Intervention(
    "clip_gradients",
    what="g ← g min(1, 1 / ‖g‖), over all parameters of an optimiser; or the program's own clipping does nothing",
    source="Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks (2013)",
    levels=_clips,
    apply=_clipped,
    points=("exploding_gradient", "not_finite", "step_size"),
    place=_backward_place,
    patch=_clipping,
    edited=lambda anatomy: first_line(anatomy.sources, calls_of(*CLIPPING)) or _backward_place(anatomy),
)
