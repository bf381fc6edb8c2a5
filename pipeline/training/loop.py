"""The training loop of a torch task, top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from pipeline.task import Data, TorchTask
from pipeline.training.chance import Chance, measure_chance
from pipeline.training.outcomes import judge
from pipeline.training.recorder import Recorder
from pipeline.training.replicates import Alone, Replicates
from pipeline.training.runtime import device_for, threads_of
from pipeline.training.stacked import Stacked
from pipeline.training.symptoms import Layer
from pipeline.training.watching import Watch

# Training loss is recorded this often within an epoch: enough to see a curve bend, cheap to keep.
POINTS_PER_EPOCH = 8
VALIDATION_BATCH = 500

_data: dict[str, Data] = {}
_chance: dict[str, Chance] = {}


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
        recorders: one a replicate; each receives "loss" at `POINTS_PER_EPOCH` moments an epoch, and "valid_loss" and
            the metric after each.
        device: a torch device.
        watched: whether symptoms are measured.

    Raises:
        NotStackable: where several replicates cannot be one stacked model.
    """
    with threads_of(levels):
        return _train(task, levels, seeds, recorders, device_for(levels, device), watched)


def _train(
    task: TorchTask,
    levels: Mapping[str, Any],
    seeds: Sequence[int],
    recorders: Sequence[Recorder],
    device: str,
    watched: bool,
) -> list[str]:
    data = load_data(task, device)
    shuffles = [torch.Generator().manual_seed(seed) for seed in seeds]
    replicates = _replicates(task, levels, seeds, device)
    batch_size, clip = task.batch_size(levels), task.clip(levels)
    chance = chance_of(task, data, replicates, device)
    for recorder in recorders:
        recorder.device, recorder.chance = device, chance.metric

    count, step, steps = len(seeds), 0, math.ceil(len(data.inputs) / batch_size)
    stride = max(1, steps // POINTS_PER_EPOCH)
    # Instruments inside a compiled model would break it into pieces.
    watched = watched and replicates.running is replicates.models[0]
    watches = [
        Watch(model, steps * task.epochs, task.epochs, recorder)
        for model, recorder in zip(replicates.models, recorders, strict=True)
        if watched
    ]
    diverged: set[int] = set()
    first_step, waited, longest, clock = 0.0, 0.0, 0.0, time.perf_counter()

    def share_of_time() -> float:
        return (time.perf_counter() - clock - first_step) / count

    for epoch in range(task.epochs):
        replicates.mode(training=True)
        since = torch.zeros(count, device=device)
        counted = 0
        orders = [torch.randperm(len(data.inputs), generator=shuffle).split(batch_size) for shuffle in shuffles]
        for batch in zip(*orders, strict=True):
            asked = time.perf_counter()
            rows = torch.stack(batch).to(device)
            inputs, targets = data.inputs[rows], data.targets[rows]
            wait = time.perf_counter() - asked
            waited, longest = waited + wait, max(longest, wait)
            # Each has to be asked: asking also arms it.
            measured = max([watch.due(step + 1) for watch in watches], default=False)
            losses = replicates.backward(inputs, targets, apart=measured)
            moments = [watch.before_update() for watch in watches if measured]
            replicates.update(clip)
            since, counted, step = since + losses, counted + 1, step + 1
            if measured:
                for watch, moment in zip(watches, moments, strict=True):
                    watch.after_update(moment, step, step / steps)
            if step == 1:
                # Reading the losses waits for the device: without it a GPU's first step would look free.
                first_losses = since.tolist()
                first_step, waited, longest = time.perf_counter() - clock, 0.0, 0.0
                for watch, first_loss in zip(watches, first_losses, strict=bool(watches)):
                    if chance.loss > 0:
                        watch.conclude({"wrong_first_loss": first_loss / chance.loss}, step, step / steps)
            if counted == stride or step % steps == 0:
                means = (since / counted).tolist()
                for number, (recorder, mean) in enumerate(zip(recorders, means, strict=True)):
                    if number in diverged:
                        continue
                    recorder.train_seconds = share_of_time()
                    recorder.point(step, step / steps, "loss", mean)
                    if not math.isfinite(mean):
                        diverged.add(number)
                        if watches:
                            watches[number].at_divergence(step, step / steps)
                if len(diverged) == count:
                    return ["diverged"] * count
                since, counted = torch.zeros(count, device=device), 0
        trained = time.perf_counter() - clock - first_step
        outputs = validate(replicates, data, recorders, watches, step, epoch + 1)
        for number, recorder in enumerate(recorders):
            if number in diverged:
                continue
            recorder.point(step, epoch + 1, "valid_loss", float(task.loss(outputs[number], data.valid_targets)))
            recorder.point(step, epoch + 1, task.metric, float(task.score(outputs[number], data.valid_targets)))
            recorder.train_seconds = share_of_time()
            recorder.epochs = epoch + 1
            if epoch == 0 and step > 1:
                ordinary = trained / (step - 1)
                recorder.warmup_seconds = max(0.0, first_step - ordinary) / count
                if watches and ordinary > 0:
                    # One long wait is as likely the machine's doing as the loader's.
                    starved = (waited - longest) / (trained - longest)
                    numbers = {"slow_first_call": first_step / ordinary, "starved_device": starved}
                    watches[number].conclude(numbers, step, epoch + 1)
    return [
        "diverged"
        if number in diverged
        else judge(
            recorder.values(task.metric),
            mode=task.mode,
            chance=chance.metric,
            noise=chance.noise,
            losses=recorder.values("loss"),
            chance_loss=chance.loss,
        )
        for number, recorder in enumerate(recorders)
    ]


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
    recorders: Sequence[Recorder],
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


def load_data(task: TorchTask, device: str) -> Data:
    """The task's data on `device`: read once a process, since workers are reused."""
    key = f"{task.name}|{sorted(task.options.items(), key=str)}|{device}"
    if key not in _data:
        data = task.data(task.options)
        _data[key] = Data(*(part.to(device) for part in vars(data).values()))
    return _data[key]


def chance_of(task: TorchTask, data: Data, replicates: Replicates, device: str) -> Chance:
    """Chance of the task, measured once a process; the models only tell the shape of the outputs."""
    key = f"{task.name}|{sorted(task.options.items(), key=str)}|{device}"
    if key not in _chance:
        _chance[key] = measure_chance(task, data, predict(replicates, data.valid_inputs)[0])
    return _chance[key]
