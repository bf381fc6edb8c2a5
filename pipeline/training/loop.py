"""The training loop of a torch task, top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from pipeline.task import Data, TorchTask
from pipeline.training.chance import Chance, measure_chance
from pipeline.training.outcomes import judge
from pipeline.training.recorder import Recorder
from pipeline.training.runtime import compiled, device_for, precision_of, threads_of
from pipeline.training.symptoms import Layer
from pipeline.training.watching import Watch

# Training loss is recorded this often within an epoch: enough to see a curve bend, cheap to keep.
POINTS_PER_EPOCH = 8
VALIDATION_BATCH = 500

_data: dict[str, Data] = {}
_chance: dict[str, Chance] = {}


def train_torch(
    task: TorchTask, levels: Mapping[str, Any], seed: int, recorder: Recorder, device: str, watched: bool = True
) -> str:
    """Trains one model and returns the outcome; curves and times go to `recorder` as they come.

    Args:
        task: what to train.
        levels: factor levels, composites opened.
        seed: decides initial weights, data order and every other draw; shared between configs, so that any
            two of them can be compared with the same luck.
        recorder: receives "loss" at `POINTS_PER_EPOCH` moments an epoch, and "valid_loss" and the metric after each.
        device: a torch device.
        watched: whether symptoms are measured.
    """
    with threads_of(levels):
        return _train(task, levels, seed, recorder, device_for(levels, device), watched)


def _train(
    task: TorchTask, levels: Mapping[str, Any], seed: int, recorder: Recorder, device: str, watched: bool
) -> str:
    recorder.device = device
    data = load_data(task, device)
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    model = task.model(levels).to(device)
    optimiser = task.optimiser(model, levels)
    precision = precision_of(levels, device)
    batch_size, clip = task.batch_size(levels), task.clip(levels)
    chance = chance_of(task, data, model, device)
    recorder.chance = chance.metric

    step, steps = 0, math.ceil(len(data.inputs) / batch_size)
    stride = max(1, steps // POINTS_PER_EPOCH)
    running = compiled(model, levels)
    # Instruments inside a compiled model would break it into pieces.
    watched = watched and running is model
    watch = Watch(model, steps * task.epochs, task.epochs, recorder) if watched else None
    first_step, waited, clock = 0.0, 0.0, time.perf_counter()
    for epoch in range(task.epochs):
        model.train()
        since = torch.zeros((), device=device)
        counted = 0
        for rows in torch.randperm(len(data.inputs), generator=shuffle).split(batch_size):
            asked = time.perf_counter()
            rows = rows.to(device)
            inputs, targets = data.inputs[rows], data.targets[rows]
            waited += time.perf_counter() - asked
            measured = watch is not None and watch.due(step + 1)
            with precision:
                loss = task.loss(running(inputs), targets)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            moment = watch.before_update() if watch is not None and measured else None
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.step()
            since, counted, step = since + loss.detach(), counted + 1, step + 1
            if watch is not None and moment is not None:
                watch.after_update(moment, step, step / steps)
            if step == 1:
                # Reading the loss waits for the device: without it a GPU's first step would look free.
                first_loss = since.item()
                first_step, waited = time.perf_counter() - clock, 0.0
                if watch is not None and chance.loss > 0:
                    watch.conclude({"wrong_first_loss": first_loss / chance.loss}, step, step / steps)
            if counted == stride or step % steps == 0:
                mean = since.item() / counted
                recorder.train_seconds = time.perf_counter() - clock - first_step
                recorder.point(step, step / steps, "loss", mean)
                if not math.isfinite(mean):
                    if watch is not None:
                        watch.at_divergence(step, step / steps)
                    return "diverged"
                since, counted = torch.zeros((), device=device), 0
        trained = time.perf_counter() - clock - first_step
        with precision:
            validate(task, data, running, recorder, step, epoch + 1, watch)
        recorder.train_seconds = time.perf_counter() - clock - first_step
        recorder.epochs = epoch + 1
        if epoch == 0 and step > 1:
            ordinary = trained / (step - 1)
            recorder.warmup_seconds = max(0.0, first_step - ordinary)
            if watch is not None and ordinary > 0:
                numbers = {"slow_first_call": first_step / ordinary, "starved_device": waited / trained}
                watch.conclude(numbers, step, epoch + 1)
    return judge(
        recorder.values(task.metric),
        mode=task.mode,
        chance=chance.metric,
        noise=chance.noise,
        losses=recorder.values("loss"),
        chance_loss=chance.loss,
    )


@torch.no_grad()
def predict(
    model: torch.nn.Module, inputs: torch.Tensor, first: AbstractContextManager[None] | None = None
) -> torch.Tensor:
    """The model's outputs for all `inputs`, in evaluation mode, batch by batch; the first one inside `first`."""
    model.eval()
    parts = inputs.split(VALIDATION_BATCH)
    with first or nullcontext():
        outputs = [model(parts[0]).float()]
    return torch.cat([*outputs, *(model(part).float() for part in parts[1:])])


@torch.no_grad()
def validate(
    task: TorchTask,
    data: Data,
    model: torch.nn.Module,
    recorder: Recorder,
    step: int,
    epoch: int,
    watch: Watch | None = None,
) -> None:
    """Adds the validation loss and the metric to the curve; `watch` looks at the first batch."""
    layers: list[Layer] = []
    looking = watch is not None and watch.looks_at(epoch)
    outputs = predict(model, data.valid_inputs, watch.looking(layers) if watch is not None and looking else None)
    if watch is not None and looking:
        seen = slice(0, VALIDATION_BATCH)
        watch.after_look(layers, outputs[seen], data.valid_targets[seen], step, epoch)
    recorder.point(step, epoch, "valid_loss", float(task.loss(outputs, data.valid_targets)))
    recorder.point(step, epoch, task.metric, float(task.score(outputs, data.valid_targets)))


def load_data(task: TorchTask, device: str) -> Data:
    """The task's data on `device`: read once a process, since workers are reused."""
    key = f"{task.name}|{sorted(task.options.items(), key=str)}|{device}"
    if key not in _data:
        data = task.data(task.options)
        _data[key] = Data(*(part.to(device) for part in vars(data).values()))
    return _data[key]


def chance_of(task: TorchTask, data: Data, model: torch.nn.Module, device: str) -> Chance:
    """Chance of the task, measured once a process; `model` only tells the shape of the outputs."""
    key = f"{task.name}|{sorted(task.options.items(), key=str)}|{device}"
    if key not in _chance:
        _chance[key] = measure_chance(task, data, predict(model, data.valid_inputs))
    return _chance[key]
