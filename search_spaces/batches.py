"""Batches: their size, the order of their examples, the weight of their classes, and labels that mean nothing."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import CONTROL, Anatomy, Intervention, LossCall, Training

SIZES = {"x4": 4.0, "x0.25": 0.25}
CLASSES = ("cross_entropy", "nll_loss")
# Inputs of fewer examples cannot change places.
LEAST_BATCH = 4
# The largest class has so many times the examples of the smallest before weights are tried.
UNEQUAL = 3.0


def _place(anatomy: Anatomy) -> str:
    return str(anatomy.loaders[0]["place"]) if anatomy.loaders else ""


def _loading(training: Training, change: Any) -> None:
    torch: Any = training.torch

    def make(own: Any) -> Any:
        def __init__(loader: Any, dataset: Any, *arguments: Any, **options: Any) -> None:
            named = dict(zip(("batch_size", "shuffle", "sampler", "batch_sampler"), arguments, strict=False))
            rest = arguments[len(named) :]
            if not rest:
                options, arguments = {**named, **options}, ()
                plain = options.get("sampler") is None and options.get("batch_sampler") is None
                if plain and not isinstance(dataset, torch.utils.data.IterableDataset):
                    change(options)
            own(loader, dataset, *arguments, **options)

        return __init__

    training.replace(torch.utils.data.DataLoader, "__init__", make)


def _sizes(anatomy: Anatomy) -> dict[str, str]:
    sizes = [int(one["batch_size"] or 0) for one in anatomy.loaders]
    if not sizes:
        return {}
    return {level: f"batch_size={max(1, int(sizes[0] * factor))}" for level, factor in SIZES.items()
            if int(sizes[0] * factor) >= 1}  # fmt: skip


def _sized(training: Training, level: str) -> None:
    def change(options: dict[str, Any]) -> None:
        options["batch_size"] = max(1, int((options.get("batch_size") or 1) * SIZES[level]))

    _loading(training, change)


BATCH_SIZE_OF_LOADERS = Intervention(
    "batch_size",
    what="every DataLoader has batches of another size",
    source="Keskar et al., On large-batch training (2017)",
    levels=_sizes,
    apply=_sized,
    points=("batch_statistics",),
    place=_place,
)


def _shuffled(training: Training, level: str) -> None:
    _loading(training, lambda options: options.update(shuffle=True))


ORDER = Intervention(
    "order",
    what="every DataLoader shuffles",
    source="Bottou, Stochastic Gradient Descent Tricks (2012)",
    levels=lambda anatomy: (
        {"shuffled": "DataLoader(…, shuffle=True)"} if any(not one["shuffled"] for one in anatomy.loaders) else {}
    ),
    apply=_shuffled,
    harmless=True,
    answers=("order_of_examples",),
    cannot="batches that are cut by hand are not reached",
    place=_place,
)


def _unequal(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    unequal = loss.get("name") in CLASSES and loss.get("largest", 0) > UNEQUAL * loss.get("smallest", 1)
    return {"balanced": "cross_entropy(…, weight=1 / class frequency)"} if unequal else {}


def _balanced(training: Training, level: str) -> None:
    torch: Any = training.torch
    counts: list[Any] = []

    def change(call: LossCall) -> None:
        if call.name not in CLASSES or not call.training or call.target.is_floating_point():
            return
        classes = call.output.shape[1]
        found = torch.bincount(call.target.flatten().clamp_min(0), minlength=classes)[:classes].double()
        counts[:] = [found + (counts[0] if counts else 0)]
        weights = counts[0].sum() / (classes * counts[0].clamp_min(1))
        call.options = {**call.options, "weight": weights.to(call.output.dtype)}

    training.at_loss(change)


CLASS_WEIGHTS = Intervention(
    "class_weights",
    what="each class has a weight of one over its frequency so far",
    source="King & Zeng, Logistic regression in rare events data (2001)",
    levels=_unequal,
    apply=_balanced,
    points=("collapsed_predictions", "constant_output"),
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
)


def _controls(anatomy: Anatomy) -> dict[str, str]:
    batches = anatomy.inputs.get("batch", 0) >= LEAST_BATCH
    if anatomy.acts:
        # An agent makes its own data: with its targets mixed up it is another agent, and no control.
        return {}
    there = bool(anatomy.loss.get("varies")) if anatomy.losses else batches
    return {"shuffled": "targets in random order (a control)"} if there else {}


def _control(training: Training, level: str) -> None:
    torch: Any = training.torch
    luck = torch.Generator().manual_seed(0)

    def change(call: LossCall) -> None:
        if call.training and isinstance(call.target, torch.Tensor) and call.target.ndim and len(call.target) > 1:
            call.target = call.target[torch.randperm(len(call.target), generator=luck).to(call.target.device)]

    def mix(model: Any, given: Any) -> Any:
        if torch.is_grad_enabled() and isinstance(given, torch.Tensor) and given.ndim and len(given) > 1:
            return given[torch.randperm(len(given), generator=luck).to(given.device)]
        return given

    if training.anatomy.losses:
        training.at_loss(change)
    else:
        # The loss is written by hand: inputs that change places do the same.
        training.at_forward(before=mix)


LABELS = Intervention(
    "labels",
    what="the targets of each training batch (or its inputs, where the loss is written by hand) change places: what is "
    "reached then is chance",
    source="Zhang et al., Understanding deep learning requires rethinking generalization (2017)",
    levels=_controls,
    apply=_control,
    kind=CONTROL,
)
