"""The training loop of a torch task, top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from pipeline.task import Data, TorchTask
from pipeline.training.chance import Chance, measure_chance
from pipeline.training.outcomes import judge
from pipeline.training.recorder import Recorder

# Training loss is recorded this often within an epoch: enough to see a curve bend, cheap to keep.
POINTS_PER_EPOCH = 8
VALIDATION_BATCH = 500

_data: dict[str, Data] = {}
_chance: dict[str, Chance] = {}


def train_torch(task: TorchTask, levels: Mapping[str, Any], seed: int, recorder: Recorder, device: str) -> str:
    """Trains one model and returns the outcome; curves and times go to `recorder` as they come.

    Args:
        task: what to train.
        levels: factor levels, composites opened.
        seed: decides initial weights, data order and every other draw; shared between configs, so that any
            two of them can be compared with the same luck.
        recorder: receives "loss" at `POINTS_PER_EPOCH` moments an epoch, and "valid_loss" and the metric after each.
        device: a torch device.
    """
    data = load_data(task, device)
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    model = task.model(levels).to(device)
    optimiser = task.optimiser(model, levels)
    batch_size, clip = task.batch_size(levels), task.clip(levels)
    chance = chance_of(task, data, model, device)
    recorder.chance = chance.metric

    step, steps = 0, math.ceil(len(data.inputs) / batch_size)
    stride = max(1, steps // POINTS_PER_EPOCH)
    first_step, clock = 0.0, time.perf_counter()
    for epoch in range(task.epochs):
        model.train()
        since = torch.zeros((), device=device)
        counted = 0
        for rows in torch.randperm(len(data.inputs), generator=shuffle).split(batch_size):
            rows = rows.to(device)
            loss = task.loss(model(data.inputs[rows]), data.targets[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.step()
            since, counted, step = since + loss.detach(), counted + 1, step + 1
            if step == 1:
                # Reading the loss waits for the device: without it a GPU's first step would look free.
                since.item()
                first_step = time.perf_counter() - clock
            if counted == stride or step % steps == 0:
                mean = since.item() / counted
                recorder.train_seconds = time.perf_counter() - clock - first_step
                recorder.point(step, step / steps, "loss", mean)
                if not math.isfinite(mean):
                    return "diverged"
                since, counted = torch.zeros((), device=device), 0
        validate(task, data, model, recorder, step, epoch + 1)
        recorder.train_seconds = time.perf_counter() - clock - first_step
        recorder.epochs = epoch + 1
        if epoch == 0:
            ordinary = recorder.train_seconds / max(1, step - 1) if step > 1 else 0.0
            recorder.warmup_seconds = max(0.0, first_step - ordinary)
    return judge(
        recorder.values(task.metric),
        mode=task.mode,
        chance=chance.metric,
        noise=chance.noise,
        losses=recorder.values("loss"),
        chance_loss=chance.loss,
    )


@torch.no_grad()
def predict(model: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The model's outputs for all `inputs`, in evaluation mode, batch by batch."""
    model.eval()
    return torch.cat([model(part) for part in inputs.split(VALIDATION_BATCH)])


def validate(task: TorchTask, data: Data, model: torch.nn.Module, recorder: Recorder, step: int, epoch: float) -> None:
    """Adds the validation loss and the metric to the curve."""
    outputs = predict(model, data.valid_inputs)
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
