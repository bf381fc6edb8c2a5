"""How exactly numbers are computed, and where: full or double precision, the other device, deterministic algorithms."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import PROBE, Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source, name_of
from backtrack.task.written import first_line

# Weights of these have two or three digits: a step of less than a hundredth of a weight leaves it as it is.
LOW = ("float16", "bfloat16")
# How a program asks for these.
LOWERING = ("torch.float16", "torch.half", "torch.bfloat16")
OTHER = "tensors that a forward pass makes by itself, and inputs beyond the first"


def _bring(value: Any, torch: Any, to: Any) -> Any:
    """A tensor, or the tensors of a tuple or list, brought to a device, or floating ones to a precision."""
    if isinstance(value, torch.Tensor):
        return value.to(to) if isinstance(to, torch.device) or value.is_floating_point() else value
    if type(value) in (tuple, list):
        return type(value)(_bring(one, torch, to) for one in value)
    return value


def _computed_in(training: Training, dtype: Any) -> None:
    """Models, their inputs and their losses in one precision. A model's parameters stay the same objects."""
    torch: Any = training.torch

    def align(call: LossCall) -> None:
        if isinstance(call.output, torch.Tensor) and isinstance(call.target, torch.Tensor):
            call.output = _bring(call.output, torch, dtype)
            call.target = _bring(call.target, torch, dtype)

    training.at_model(lambda model: model.to(dtype))
    training.at_forward(before=lambda model, given: _bring(given, torch, dtype))
    training.at_loss(align)


def _full(anatomy: Anatomy) -> dict[str, str]:
    if anatomy.dtype in LOW:
        return {"float32": f"model.float() instead of {anatomy.dtype}"}
    return {"float32": "without torch.autocast"} if anatomy.autocast else {}


def _in_full(training: Training, level: str) -> None:
    def off(own: Any) -> Any:
        def __init__(block: Any, *arguments: Any, **options: Any) -> None:
            own(block, *arguments, **options)
            block._enabled = False

        return __init__

    training.replace(training.torch.amp.autocast_mode.autocast, "__init__", off)
    if training.anatomy.dtype in LOW:
        _computed_in(training, training.torch.float32)


def _lowering(source: Source) -> list[Any]:
    """What in a file asks for low precision, in the order of its lines."""
    casts = source.all_calls("autocast")
    inside = {id(node) for call in casts for node in ast.walk(call)}
    named = [one for one in source.nodes if isinstance(one, ast.Attribute) and id(one) not in inside]
    kinds = [one for one in named if source.segment(one) in LOWERING]
    calls = [one for one in source.all_calls("half", "bfloat16") if not one.args and source.knows_others(one)]
    return sorted([*casts, *kinds, *calls], key=lambda one: (one.lineno, one.col_offset))


def _raised(source: Source, level: str, anatomy: Anatomy) -> str | None:
    edits: list[tuple[Any, str]] = []
    for one in _lowering(source):
        if isinstance(one, ast.Attribute):
            edits.append((one, "torch.float32"))
        elif name_of(one) == "autocast":
            edits.append(source.longer(one, "enabled=False"))
        else:
            edits.append(source.renamed(one, "float"))
    return source.all_replaced(edits) if edits else None


PRECISION = Intervention(
    "precision",
    what="autocast does nothing, and weights and inputs of low precision are float32",
    source="Micikevicius et al., Mixed precision training (2018)",
    levels=_full,
    apply=_in_full,
    harmless=True,
    answers=("lost_updates",),
    place=lambda anatomy: first_line(anatomy.sources, _lowering),
    patch=_raised,
    points=("not_finite", "weights_that_stay", "update_ratio_off"),
    cannot=OTHER,
)

DOUBLE = Intervention(
    "double_precision",
    what="weights, inputs and losses are float64: rounding errors are 5e8 times smaller",
    source="Higham, Accuracy and Stability of Numerical Algorithms (2002); PyTorch documentation of Module.double",
    levels=lambda anatomy: (
        {"float64": "model.double(), with inputs in float64"}
        if anatomy.parameters and anatomy.dtype == "float32"
        else {}
    ),
    apply=lambda training, level: _computed_in(training, training.torch.float64),
    on_suspicion=True,
    points=("not_finite",),
    cannot=OTHER,
)


def _devices(anatomy: Anatomy) -> dict[str, str]:
    return {one: f"model.to({one!r}), with inputs there" for one in anatomy.devices if one != anatomy.device}


def _elsewhere(training: Training, level: str) -> None:
    torch: Any = training.torch
    there = torch.device(level)
    own = torch.device(training.anatomy.device)
    training.at_model(lambda model: model.to(there))
    training.at_forward(
        before=lambda model, given: _bring(given, torch, there),
        # What the program computes from the outputs stays where it was.
        after=lambda model, result: _bring(result, torch, own),
    )


DEVICE = Intervention(
    "device",
    what="models compute on the other device; their outputs come back",
    source="IdeaPad 720s - machine learning for the road; PyTorch documentation of Module.to",
    levels=_devices,
    apply=_elsewhere,
    on_suspicion=True,
    points=("not_finite",),
    cannot=OTHER,
    tricks=_devices,
)


def _deterministic(training: Training, level: str) -> None:
    torch: Any = training.torch
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    training.at_end(lambda: torch.use_deterministic_algorithms(before[0], warn_only=before[1]))


DETERMINISTIC = Intervention(
    "deterministic",
    what="torch computes with deterministic algorithms where it has them",
    source="PyTorch documentation, Reproducibility",
    levels=lambda anatomy: (
        {"on": "torch.use_deterministic_algorithms(True, warn_only=True)"} if anatomy.optimisers else {}
    ),
    apply=_deterministic,
    kind=PROBE,
    cannot="seeds that the program does not set",
)
