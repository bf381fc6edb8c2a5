"""The training loop of a torch task, top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import torch

from backtrack.task import Data, Loaders, TorchTask
from backtrack.trial.chance import Chance, measure_chance, paired_noise
from backtrack.trial.ledger import Ledger
from backtrack.trial.loader_loop import chance_by_control, required, train_loaders
from backtrack.trial.metrics import named_metrics
from backtrack.trial.replicates import Alone, Replicates
from backtrack.trial.runtime import device_for, threads_of
from backtrack.trial.stacked import Stacked
from backtrack.trial.stacked_recurrent import NotStackable
from backtrack.trial.watched import listened
from backtrack.vocabulary.outcomes import NOISE_FLOOR, judge
from backtrack.watch.instruments import Watch
from backtrack.watch.recorder import Recorder
from backtrack.watch.symptoms import Layer
from backtrack.watch.watches import Watches

VALIDATION_BATCH = 500

# What a process has read and measured, by the task's own functions and options (`_key`): workers are reused, and two
# tasks of one name are two tasks.
_data: dict[Hashable, Data | Loaders] = {}
_controls: dict[Hashable, float | None] = {}
_chance: dict[Hashable, Chance] = {}
# More data sets than this are not kept.
MOST_KEPT = 4


def train_torch(
    task: TorchTask,
    levels: Mapping[str, Any],
    seeds: Sequence[int],
    recorders: Sequence[Recorder],
    device: str,
    watched: bool = True,
) -> list[str]:
    """Trains a config's replicates and returns their outcomes; curves and times go to the recorders as they come.

    Several replicates are one stacked model; their time is shared out evenly between them.

    Args:
        task: what to train.
        levels: factor levels, composites opened.
        seeds: one a replicate; it decides initial weights, data order and every other draw, and is shared between
            configs, so that any two of them can be compared with the same luck.
        recorders: one a replicate; each receives "loss" at a few moments an epoch, and "valid_loss" and
            the metric after each.
        device: a torch device.
        watched: whether symptoms are measured.

    Raises:
        NotStackable: where several replicates cannot be one stacked model.
    """
    # Checks hear a single model: stacked replicates share their passes. Inside a compiled one they would break it.
    alone = watched and len(seeds) == 1 and levels.get("compile") != "on"
    with threads_of(levels):
        return _train(task, levels, seeds, recorders, device_for(levels, device), watched, alone)


def _train(
    task: TorchTask,
    levels: Mapping[str, Any],
    seeds: Sequence[int],
    recorders: Sequence[Recorder],
    device: str,
    watched: bool,
    alone: bool,
) -> list[str]:
    data = load_data(task, device, levels)
    if isinstance(data, Loaders):
        if len(seeds) > 1:
            raise NotStackable("what comes from loaders is trained one after another")
        chance_level = loader_chance_of(task, data, levels, device)
        with listened(recorders[0], alone):
            return [train_loaders(task, data, levels, seeds[0], recorders[0], device, chance_level)]
    with listened(recorders[0], alone, symptoms=False):
        return _train_tensors(task, data, levels, seeds, recorders, device, watched)


def _train_tensors(
    task: TorchTask,
    data: Data,
    levels: Mapping[str, Any],
    seeds: Sequence[int],
    recorders: Sequence[Recorder],
    device: str,
    watched: bool,
) -> list[str]:
    shuffles = [torch.Generator().manual_seed(seed) for seed in seeds]
    replicates = _replicates(task, levels, seeds, device)
    batch_size, clip = task.batch_size(levels), task.clip(levels)
    chance = chance_of(task, data, replicates, device)
    for recorder in recorders:
        recorder.device, recorder.chance = device, chance.metric
    ledger = Ledger(recorders, steps=math.ceil(len(data.inputs) / batch_size), device=device)
    # Instruments inside a compiled model would break it into pieces.
    watched = watched and replicates.running is replicates.models[0]
    watches = Watches(replicates.models if watched else (), ledger.steps * task.epochs, task.epochs, recorders)

    for epoch in range(1, task.epochs + 1):
        replicates.mode(training=True)
        ledger.new_epoch()
        for batch in _batches(shuffles, len(data.inputs), batch_size):
            with ledger.fetching():
                rows = torch.stack(batch).to(device)
                inputs, targets = data.inputs[rows], data.targets[rows]
            measured = watches.due(ledger.step + 1)
            losses = replicates.backward(inputs, targets, apart=measured)
            watches.before_update()
            replicates.update(clip)
            ledger.count_step(losses)
            watches.after_update(ledger.step, ledger.epoch)
            if ledger.step == 1:
                watches.first_losses(ledger.end_first_step(), chance.loss, ledger.epoch)
            if ledger.due:
                for number in ledger.write_losses():
                    watches.at_divergence(number, ledger.step, ledger.epoch)
                if ledger.all_diverged:
                    return ["diverged"] * len(seeds)
        ledger.end_training_part()
        outputs = validate(replicates, data, watches, ledger.step, epoch)
        for number, recorder in ledger.finite():
            recorder.point(ledger.step, epoch, "valid_loss", float(task.loss(outputs[number], data.valid_targets)))
            for name, value in named_metrics(task, task.score(outputs[number], data.valid_targets)).items():
                recorder.point(ledger.step, epoch, name, value)
            ledger.close_epoch(recorder, epoch)
            if epoch == 1:
                watches.conclude(number, ledger.first_call(), ledger.step, epoch)
    return [
        "diverged" if number in ledger.diverged else _judged(task, recorder, chance, data, outputs[number])
        for number, recorder in enumerate(recorders)
    ]


def _batches(shuffles: Sequence[torch.Generator], examples: int, batch_size: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """(batch,) indices of the examples of each step of an epoch, for each replicate in its own order."""
    orders = [torch.randperm(examples, generator=shuffle).split(batch_size) for shuffle in shuffles]
    return zip(*orders, strict=True)


def _judged(task: TorchTask, recorder: Recorder, chance: Chance, data: Data, outputs: torch.Tensor) -> str:
    """The outcome of a training that ran to its end.

    Args:
        task, recorder, chance, data: of the training.
        outputs: (N, …) of the trained model for the validation set.
    """

    def judged(values: Sequence[float], noise: float) -> str:
        losses = recorder.values("loss")
        return judge(values, mode=task.mode, chance=chance.metric, noise=noise, losses=losses, chance_loss=chance.loss)

    values = recorder.values(task.metric)
    outcome = judged(values, chance.noise)
    if outcome == "no_learning" and bool(torch.isfinite(outputs).all()):
        # Row by row it may yet be surely better than chance; that is known of its last outputs only.
        floor = NOISE_FLOOR * abs(chance.metric)
        return judged(values[-1:], max(floor, min(chance.noise, paired_noise(task, data, outputs))))
    return outcome


def _replicates(task: TorchTask, levels: Mapping[str, Any], seeds: Sequence[int], device: str) -> Replicates:
    """The models, each made from its own seed."""
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(task.model(levels).to(device))
    if len(models) == 1:
        return Alone(task, models[0], levels, device)
    return Stacked(task, models, levels, device)


@torch.no_grad()
def predict(replicates: Replicates, inputs: torch.Tensor) -> torch.Tensor:
    """(R, N, …) outputs for all (N, …) inputs, in evaluation mode, batch by batch."""
    replicates.mode(training=False)
    return torch.cat([replicates.predict(part).float() for part in inputs.split(VALIDATION_BATCH)], 1)


@torch.no_grad()
def validate(
    replicates: Replicates,
    data: Data,
    watches: Sequence[Watch],
    step: int,
    epoch: int,
) -> torch.Tensor:
    """The outputs for the validation set; `watches` look at the first batch, each at its own model."""
    if not watches or not watches[0].looks_at(epoch):
        return predict(replicates, data.valid_inputs)
    replicates.mode(training=False)
    first, rest = data.valid_inputs[:VALIDATION_BATCH], data.valid_inputs[VALIDATION_BATCH:]
    seen = []
    for model, watch in zip(replicates.models, watches, strict=True):
        layers: list[Layer] = []
        with watch.looking(layers), replicates.precision:
            seen.append(model(first).float())
        watch.after_look(layers, seen[-1], data.valid_targets[:VALIDATION_BATCH], step, epoch)
    outputs = torch.stack(seen)
    return torch.cat([outputs, predict(replicates, rest)], 1) if len(rest) else outputs


def load_data(task: TorchTask, device: str, levels: Mapping[str, Any]) -> Data | Loaders:
    """The task's data, tensors on `device`: read once a process, or for each training if they depend on the config."""
    if required(task.data) >= 2:
        return _on_device(task.data(task.options, levels), device)
    key = _key(task, device, task.data)
    if key not in _data:
        if len(_data) >= MOST_KEPT:
            _data.pop(next(iter(_data)))
        _data[key] = _on_device(task.data(task.options), device)
    return _data[key]


def _on_device(data: Data | Loaders, device: str) -> Data | Loaders:
    """Tensors move as a whole, loaders batch by batch."""
    return data if isinstance(data, Loaders) else Data(*(part.to(device) for part in vars(data).values()))


def loader_chance_of(task: TorchTask, data: Loaders, levels: Mapping[str, Any], device: str) -> float | None:
    """Chance of a task with loaders: as it says, or by the control of shuffled labels, once a process."""
    if task.chance is not None:
        return task.chance
    key = _key(task, device, task.data, task.loss, task.score)
    if key not in _controls:
        _controls[key] = chance_by_control(task, data, levels, device)
    return _controls[key]


def chance_of(task: TorchTask, data: Data, replicates: Replicates, device: str) -> Chance:
    """Chance of the task, measured once a process; the models only tell the shape of the outputs."""
    key = _key(task, device, task.data, task.constant, task.loss, task.score)
    if key not in _chance:
        _chance[key] = measure_chance(task, data, predict(replicates, data.valid_inputs)[0])
    return _chance[key]


def _key(task: TorchTask, device: str, *functions: Callable[..., Any]) -> Hashable:
    """What tells two tasks apart: the functions themselves, which the key keeps alive, and the options."""
    return (*functions, repr(sorted(task.options.items(), key=str)), device)
