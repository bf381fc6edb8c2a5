"""The learning rate of any training, a power of ten away from where it is, and without its schedule."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of, times
from backtrack.task.written import first_line, statements_calling

FACTORS = {"x0.01": 0.01, "x0.1": 0.1, "x10": 10.0, "x100": 100.0}
# Further away, for a rate that no optimiser is used with.
FAR = {"x0.001": 0.001, "x10000": 1e4}
LEAST, LARGEST = 5e-5, 2.0
# Share of another group's rate below which a group of parameters hardly moves beside it.
HARDLY = 1e-3
# Schedules of torch.optim.lr_scheduler.
SCHEDULES = ("StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR",
             "ReduceLROnPlateau", "OneCycleLR", "LinearLR", "PolynomialLR", "CyclicLR", "MultiplicativeLR",
             "ConstantLR")  # fmt: skip
# Weights that a program moves by their gradients itself.
BY_HAND = "weights moved by hand"


def _levels(anatomy: Anatomy) -> dict[str, str]:
    set_later = anatomy.optimiser.get("highest")
    rate = anatomy.optimiser.get("lr") if set_later is None else set_later
    if anatomy.calls.get(BY_HAND):
        return {level: f"steps {factor:g} times as long" for level, factor in FACTORS.items()}
    if not rate:
        return {}
    far = "x10000" if rate < LEAST else "x0.001" if rate > LARGEST else ""
    factors = {**FACTORS, **({far: FAR[far]} if far else {})}
    said = "lr={:.3g} instead of {:.3g}"
    if set_later is not None:
        said = "rates up to {:.3g} instead of {:.3g}, in what sets them at each step"
    return {level: said.format(rate * factor, rate) for level, factor in factors.items()}


def _apply(training: Training, level: str) -> None:
    factor = {**FACTORS, **FAR}[level]
    if training.anatomy.calls.get(BY_HAND):
        # Steps along k g are those of k times the rate.
        training.at_objective(lambda loss: _with_gradient_times(loss, factor))
        return

    def scaled(by: float) -> Any:
        def change(optimiser: Any) -> None:
            for group in optimiser.param_groups:
                group["lr"] = group["lr"] * by

        return change

    # Around each step, so that schedules and rates that the program sets by hand go on as they are.
    training.at_step(before=scaled(factor), after=scaled(1 / factor))


def _with_gradient_times(loss: Any, factor: float) -> Any:
    if loss.requires_grad:
        loss.register_hook(lambda gradient: gradient * factor)
    return loss


def place(anatomy: Anatomy) -> str:
    """Where the first optimiser is made."""
    return str(anatomy.optimiser.get("place", ""))


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    if "highest" in anatomy.optimiser:
        # The rate that stands where the optimiser is made is not the one that counts.
        return None
    return source.with_keyword("lr", lambda value: times(value, {**FACTORS, **FAR}[level]))


LEARNING_RATE = Intervention(
    "learning_rate",
    what="each optimiser steps with its rate times a factor: θ ← θ - k lr u",
    source="Bengio, Practical recommendations for gradient-based training (2012): the rate comes first",
    levels=_levels,
    apply=_apply,
    points=("first_step", "step_size", "not_finite", "constant_output", "update_ratio_off", "exploding_gradient",
            "oscillating_loss", "dead_units", "zero_gradient"),
    place=place,
    patch=_patched,
    relative_to="optimiser",
    relative=lambda level: f"{ {**FACTORS, **FAR}[level]:g} times its rate",
)  # fmt: skip


def _unlike(anatomy: Anatomy) -> dict[str, str]:
    rates = [rate for one in anatomy.optimisers for rate in _held_back(one.get("rates", []))]
    return {"alike": f"one rate for all groups, and not {min(rates):.3g} for some"} if rates else {}


def _held_back(rates: Sequence[float]) -> list[float]:
    """The rates of groups that hardly move beside the others of their optimiser."""
    return [rate for rate in rates if rate < HARDLY * max(rates)]


def _alike(training: Training, level: str) -> None:
    def raised(optimiser: Any, rates: Sequence[float]) -> list[float]:
        slow = _held_back(rates)
        return [max(rates) if rate in slow else rate for rate in rates]

    _step_at(training, raised)


def _step_at(training: Training, wanted: Callable[[Any, Sequence[float]], Sequence[float]]) -> None:
    """Each optimiser steps at the rates `wanted(optimiser, own)` of its groups; what is written stays around it."""
    own: dict[int, list[float]] = {}

    def write(optimiser: Any, rates: Sequence[float]) -> None:
        for group, rate in zip(optimiser.param_groups, rates, strict=False):
            group["lr"] = rate

    def before(optimiser: Any) -> None:
        rates = own[id(optimiser)] = [group["lr"] for group in optimiser.param_groups]
        write(optimiser, wanted(optimiser, rates))

    training.at_step(before, after=lambda optimiser: write(optimiser, own[id(optimiser)]))


GROUP_RATES = Intervention(
    "group_rates",
    what=f"groups of parameters whose rate is below {HARDLY:g} of another group's, or zero, step at that other rate",
    source="PyTorch documentation of per-parameter options; Howard & Ruder, Universal language model fine-tuning "
    "(2018)",
    levels=_unlike,
    apply=_alike,
    answers=("weights_that_stay",),
    place=place,
)


def _scheduled(anatomy: Anatomy) -> dict[str, str]:
    if not any(one["scheduled"] for one in anatomy.optimisers):
        return {}
    return {"none": f"lr={anatomy.optimiser['lr']:.3g} throughout: no scheduler, and nothing else that sets it"}


def _constant(training: Training, level: str) -> None:
    first: dict[int, list[float]] = {}

    def made(optimiser: Any) -> None:
        first[id(optimiser)] = [group["lr"] for group in optimiser.param_groups]

    training.at_optimiser(made)
    _step_at(training, lambda optimiser, own: first.get(id(optimiser), []))


def _schedule_steps(source: Source) -> list[ast.stmt]:
    """The statements of a file that step a schedule of torch's."""
    made = [
        to.id
        for one in source.nodes
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call)
        for to in one.targets
        if isinstance(to, ast.Name) and name_of(one.value) in SCHEDULES
    ]
    return [one for name in dict.fromkeys(made) for one in statements_calling(source, "step", of=name)]


def _unscheduled(source: Source, level: str, anatomy: Anatomy) -> str | None:
    steps = _schedule_steps(source)
    return source.without(steps[0]) if len(steps) == 1 else None


SCHEDULE = Intervention(
    "schedule",
    what="each optimiser steps with the rate that it was made with",
    source="PyTorch documentation of lr_scheduler",
    levels=_scheduled,
    apply=_constant,
    harmless=True,
    answers=("learning_rate", "plateau_mode"),
    place=place,
    patch=_unscheduled,
    edited=lambda anatomy: first_line(anatomy.sources, _schedule_steps),
)
