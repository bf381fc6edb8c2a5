"""Batches: size, order, accumulation, the weight of classes, one batch alone, and labels that mean nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary

from backtrack.search_spaces.judged_batches import at_sizes
from backtrack.task.intervention import CONTROL, PROBE, Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.mixing import Mixer

SIZES = {"x4": 4.0, "x0.25": 0.25}
# Examples of a stream that wait for each other.
BUFFER = 10_000
# Batches whose gradients make one step.
ACCUMULATED = 4
# Inputs of fewer examples cannot change places.
LEAST_BATCH = 4


def _place(anatomy: Anatomy) -> str:
    """Where the first loader is made that trains, and shuffles nothing, if one does."""
    training = [one for one in anatomy.loaders if not one.get("judges")] or anatomy.loaders
    first = next((one for one in training if not one.get("shuffled")), training[0] if training else {})
    return str(first.get("place", ""))


def _loading(training: Training, change: Any, mix: Any = None) -> None:
    """Changes the options of every DataLoader that draws its examples by itself; `mix` makes another of a stream.

    What `change(options)` returns, unless it is None, gets the loader that is made with them.
    """
    torch: Any = training.torch

    def make(own: Any) -> Any:
        def __init__(loader: Any, dataset: Any, *arguments: Any, **options: Any) -> None:
            named = dict(zip(("batch_size", "shuffle", "sampler", "batch_sampler"), arguments, strict=False))
            rest = arguments[len(named) :]
            then = None
            if not rest:
                options, arguments = {**named, **options}, ()
                plain = options.get("sampler") is None and options.get("batch_sampler") is None
                if plain and not isinstance(dataset, torch.utils.data.IterableDataset):
                    then = change(options)
                elif plain and mix is not None:
                    dataset = mix(dataset)
            own(loader, dataset, *arguments, **options)
            if then is not None:
                then(loader)

        return __init__

    training.replace(torch.utils.data.DataLoader, "__init__", make)


def _sizes(anatomy: Anatomy) -> dict[str, str]:
    sizes = [int(one["batch_size"] or 0) for one in anatomy.loaders]
    if not sizes:
        return {}
    return {level: f"batch_size={max(1, int(sizes[0] * factor))}" for level, factor in SIZES.items()
            if int(sizes[0] * factor) >= 1}  # fmt: skip


def _sized(training: Training, level: str) -> None:
    own: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def change(options: dict[str, Any]) -> Callable[[Any], None]:
        size = options.get("batch_size") or 1
        options["batch_size"] = max(1, int(size * SIZES[level]))
        return lambda loader: own.update({loader: size})

    _loading(training, change)
    # A program may count its steps by the length of a loader, so it is another from the start; what it is judged by
    # keeps its batches.
    at_sizes(training, lambda loader, gradients: loader.batch_size if gradients else own.get(loader, 0))


def _size(value: str, factor: float) -> str:
    return str(max(1, int(int(value) * factor))) if value.isdigit() else f"int({value} * {factor:g})"


BATCH_SIZE_OF_LOADERS = Intervention(
    "batch_size",
    what="every DataLoader that is trained from has batches of another size",
    source="Keskar et al., On large-batch training (2017)",
    levels=_sizes,
    apply=_sized,
    points=("batch_statistics",),
    patch=lambda source, level, anatomy: source.with_keyword("batch_size", lambda value: _size(value, SIZES[level])),
    place=_place,
)


def _accumulates(anatomy: Anatomy) -> dict[str, str]:
    # Where there are loaders, their batches can be larger themselves.
    if anatomy.loaders or not anatomy.optimisers:
        return {}
    return {"x4": f"loss / {ACCUMULATED}, and optimizer.step() and zero_grad() in every {ACCUMULATED}th step only"}


def _accumulated(training: Training, level: str) -> None:
    passed: dict[int, int] = {}

    def made(optimiser: Any) -> None:
        own_step, own_clear, key = optimiser.step, optimiser.zero_grad, id(optimiser)
        passed[key] = 0

        def step(_own: Any, closure: Any = None) -> Any:
            if closure is not None:
                return own_step(closure)
            passed[key] += 1
            if passed[key] % ACCUMULATED:
                return None
            for group in optimiser.param_groups:
                for weight in group["params"]:
                    if weight.grad is not None:
                        weight.grad.div_(ACCUMULATED)
            return own_step()

        def zero_grad(_own: Any, *arguments: Any, **options: Any) -> None:
            if passed[key] % ACCUMULATED == 0:
                own_clear(*arguments, **options)

        # Bound methods, as a scheduler expects that counts the steps.
        optimiser.step, optimiser.zero_grad = MethodType(step, optimiser), MethodType(zero_grad, optimiser)

    def make(own: Any) -> Any:
        def zero_grad(model: Any, *arguments: Any, **options: Any) -> None:
            if not any(count % ACCUMULATED for count in passed.values()):
                own(model, *arguments, **options)

        return zero_grad

    training.at_optimiser(made)
    training.replace(training.torch.nn.Module, "zero_grad", make)


ACCUMULATION = Intervention(
    "accumulation",
    what=f"one step is made by the mean gradient of {ACCUMULATED} batches: g = (g₁ + … + gₖ) / k",
    source="Keskar et al., On large-batch training (2017); Smith et al., Don't decay the learning rate (2018)",
    levels=_accumulates,
    apply=_accumulated,
    on_suspicion=True,
    points=("oscillating_loss", "batch_statistics"),
    cannot="gradients that are cleared one by one, and steps that compute their loss by themselves",
)


def _shuffled(training: Training, level: str) -> None:
    torch: Any = training.torch

    class Mixed(torch.utils.data.IterableDataset):  # type: ignore[misc]
        """A stream by way of a buffer: each example leaves it at random, for the next one."""

        def __init__(self, stream: Any) -> None:
            self.stream, self.luck = stream, random.Random(0)

        def __iter__(self) -> Iterator[Any]:
            kept: list[Any] = []
            for example in self.stream:
                if len(kept) < BUFFER:
                    kept.append(example)
                    continue
                place = self.luck.randrange(BUFFER)
                kept[place], leaving = example, kept[place]
                yield leaving
            self.luck.shuffle(kept)
            yield from kept

    class Counted(Mixed):
        """A stream that knows its length."""

        def __len__(self) -> int:
            return len(self.stream)

    def mix(stream: Any) -> Any:
        return (Counted if hasattr(stream, "__len__") else Mixed)(stream)

    _loading(training, lambda options: options.update(shuffle=True), mix)


def _orders(anatomy: Anatomy) -> dict[str, str]:
    loaders = [one for one in anatomy.loaders if not one.get("judges")]
    if all(one["shuffled"] for one in loaders):
        return {}
    if any(not one["shuffled"] and not one.get("stream") for one in loaders):
        return {"shuffled": "DataLoader(…, shuffle=True)"}
    return {"shuffled": f"mix the stream: a buffer of {BUFFER:,} examples that leave it at random"}


def _shuffling(source: Source, level: str, anatomy: Anatomy) -> str | None:
    if anatomy.loaders and anatomy.loaders[0].get("stream"):
        return None
    written = source.with_keyword("shuffle", lambda value: "True", "DataLoader")
    calls = source.calls("DataLoader")
    return written or (source.with_argument(calls[0], "shuffle=True") if calls else None)


ORDER = Intervention(
    "order",
    what="every DataLoader shuffles; a stream goes through a buffer that it leaves at random",
    source="Bottou, Stochastic Gradient Descent Tricks (2012)",
    levels=_orders,
    apply=_shuffled,
    harmless=True,
    answers=("order_of_examples", "order_of_targets", "same_examples"),
    cannot="batches that are cut by hand are not reached",
    place=_place,
    patch=_shuffling,
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
    mixer, calls = Mixer(torch), [0]

    def change(call: LossCall) -> None:
        if call.training and isinstance(call.target, torch.Tensor):
            # Several losses of one step have targets of their own kinds.
            calls[0] += 1
            call.target = mixer.mixed((calls[0], call.name, tuple(call.output.shape[1:])), call.target)

    def mix(model: Any, given: Any) -> Any:
        if torch.is_grad_enabled() and isinstance(given, torch.Tensor) and given.ndim:
            return mixer.mixed(id(model), given)
        return given

    def again() -> None:
        calls[0] = 0

    if training.anatomy.losses:
        training.at_loss(change)
        training.at_backward(again)
    if not training.anatomy.losses or training.anatomy.by_hand:
        # What is written by hand has labels that nobody sees: inputs that change places do the same.
        training.at_forward(before=mix)


def _untrained(anatomy: Anatomy) -> dict[str, str]:
    return {"none": "no step at all (a control)"} if anatomy.optimisers else {}


def _is_another_control(anatomy: Anatomy) -> bool:
    # Where labels can be shuffled, that tells more; of a loss that is written by hand nobody sees whether it has any.
    return bool(anatomy.losses and _controls(anatomy))


def _without_steps(training: Training, level: str) -> None:
    def stay(_own: Any, closure: Any = None) -> Any:
        return closure() if closure is not None else None

    def made(optimiser: Any) -> None:
        # A bound method, as a scheduler expects that counts the steps.
        optimiser.step = MethodType(stay, optimiser)

    training.at_optimiser(made)


STEPS = Intervention(
    "steps",
    what="no optimiser makes a step: what is reached then is what the untrained net reaches",
    source="Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks (2021)",
    levels=_untrained,
    apply=_without_steps,
    kind=CONTROL,
    on_suspicion=_is_another_control,
    points=("worse_than_chance",),
    cannot="weights that are moved without an optimiser",
)


LABELS = Intervention(
    "labels",
    what="the targets of each training batch (and its inputs, where the loss or a part of it is "
    "written by hand) change places with each other and with earlier ones: what is reached then is chance",
    source="Zhang et al., Understanding deep learning requires rethinking generalization (2017)",
    levels=_controls,
    apply=_control,
    kind=CONTROL,
)


def _one(training: Training, level: str) -> None:
    first: dict[str, Any] = {}

    def kept(name: str, value: Any) -> Any:
        there = first.setdefault(name, value)
        same = there.shape[1:] == value.shape[1:] and there.dtype == value.dtype and len(value) <= len(there)
        return there[: len(value)] if same else value

    def before(model: Any, given: Any) -> Any:
        # A tensor with a gradient is another net's output, and no data.
        tensor = isinstance(given, training.torch.Tensor) and given.ndim > 0 and not given.requires_grad
        return kept(f"inputs of {id(model)}", given) if tensor and training.torch.is_grad_enabled() else given

    def change(call: LossCall) -> None:
        if call.training and isinstance(call.target, training.torch.Tensor) and call.target.ndim:
            call.target = kept(call.name, call.target)

    training.at_forward(before=before)
    training.at_loss(change)


ONE_BATCH = Intervention(
    "one_batch",
    what="the net trains on its first batch alone, which a net that is wired rightly learns by heart",
    source="Karpathy, A Recipe for Training Neural Networks (2019): overfit one batch",
    levels=lambda anatomy: {"first": "x, y = next(iter(loader)), once"} if anatomy.loss and not anatomy.acts else {},
    apply=_one,
    kind=PROBE,
    cannot="models with several inputs, and losses that are written by hand",
)
