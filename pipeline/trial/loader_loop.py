"""The training loop for whatever people have: DataLoaders, batches of any structure, schedulers, accumulation.

The tensors-only form (`backtrack.trial.loop`) is faster, and stacks replicates; this one asks for nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from backtrack.errors import TaskError
from backtrack.task import Loaders, TorchTask
from backtrack.trial.metrics import as_heard, named_metrics
from backtrack.trial.runtime import compiled, precision_of
from backtrack.vocabulary.mixing import Mixer
from backtrack.vocabulary.outcomes import judge
from backtrack.watch.listening.tensors import tensors_in
from backtrack.watch.recorder import Recorder

# Points of the training loss within an epoch.
POINTS_PER_EPOCH = 8
# Names under which a batch that is a dict keeps its targets.
TARGETS = ("targets", "target", "labels", "label", "y")


def train_loaders(
    task: TorchTask,
    data: Loaders,
    levels: Mapping[str, Any],
    seed: int,
    recorder: Recorder,
    device: str,
    chance: float | None,
    shuffled: bool = False,
) -> str:
    """Trains one model and returns the outcome; the seed decides weights, order and every other draw.

    Args:
        task: what to train.
        data: its loaders.
        levels: factor levels, composites opened.
        seed: of the run.
        recorder: receives "loss" at a few moments an epoch, and "valid_loss" and the metrics at each validation.
        device: a torch device.
        chance: the metric of a model that has learnt nothing, or None.
        shuffled: whether each batch's targets change places: the control that measures chance.

    Raises:
        TaskError: where a batch has no targets that a loss of two arguments could take.
    """
    torch.manual_seed(seed)
    recorder.device, recorder.chance = device, chance
    run = _Run(task, levels, device, shuffled)
    train = _loader(data.train, task.batch_size(levels), seed)
    clock, step, values = time.perf_counter(), 0, list[float]()
    for epoch in range(1, task.epochs + 1):
        batches = len(train) if hasattr(train, "__len__") else None
        stride, losses = max(1, (batches or 8) // POINTS_PER_EPOCH), list[torch.Tensor]()
        for number, batch in enumerate(train, start=1):
            losses.append(run.step(batch, number, batches))
            step += 1
            at = epoch - 1 + (number / batches if batches else 0.0)
            if len(losses) == stride or number == batches:
                recorder.train_seconds = time.perf_counter() - clock
                mean = float(torch.stack(losses).mean())
                recorder.point(step, at, "loss", mean)
                losses.clear()
                if not math.isfinite(mean):
                    return "diverged"
            if task.validate_every and step % task.validate_every == 0:
                values.append(_validate(run, data, recorder, step, at))
        run.end_epoch()
        if not task.validate_every or step % task.validate_every:
            values.append(_validate(run, data, recorder, step, float(epoch)))
        recorder.epochs, recorder.train_seconds = epoch, time.perf_counter() - clock
        if task.stop is not None and task.stop(values):
            break
    return judge(values, mode=task.mode, chance=chance, losses=recorder.values("loss"))


def chance_by_control(task: TorchTask, data: Loaders, levels: Mapping[str, Any], device: str) -> float | None:
    """The metric that a model reaches whose training labels were shuffled: one run; None where there are no labels."""
    control = Recorder()
    try:
        train_loaders(task, data, levels, 0, control, device, None, shuffled=True)
    except TaskError:
        return None
    return control.last_finite(task.metric)


@dataclass
class _Run:
    """One model with all that moves it.

    Args:
        task, levels, device, shuffled: as for `train_loaders`.
    """

    task: TorchTask
    levels: Mapping[str, Any]
    device: str
    shuffled: bool
    model: torch.nn.Module = field(init=False)
    mixer: Mixer = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.task.model(self.levels).to(self.device)
        self.running = compiled(self.model, self.levels)
        self.optimiser = self.task.optimiser(self.model, self.levels)
        self.scheduler: Any = None
        self.clip, self.accumulate = self.task.clip(self.levels), max(1, self.task.accumulate(self.levels))
        self.precision = precision_of(self.levels, self.device)
        self.mixer = Mixer(torch)
        self.optimiser.zero_grad(set_to_none=True)

    def step(self, batch: Any, number: int, batches: int | None) -> torch.Tensor:
        """A batch: gradients, and an update where enough of them have come together. Returns the loss, detached."""
        if self.scheduler is None and self.task.scheduler is not None:
            steps = math.ceil((batches or 1) / self.accumulate)
            self.scheduler = self.task.scheduler(self.optimiser, self.levels, steps)
        self.running.train()
        batch = moved(batch, self.device)
        if self.shuffled:
            batch = _with_shuffled_targets(batch, self.mixer, self.task.name)
        with self.precision:
            loss = self.loss(self.outputs(batch), batch)
        (loss / self.accumulate).backward()
        if number % self.accumulate == 0 or number == batches:
            if self.clip is not None:
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
            if self.scheduler is not None and self.task.scheduler_every == "step":
                self.scheduler.step()
        return loss.detach().float()

    def end_epoch(self) -> None:
        """Steps a scheduler that counts epochs."""
        if self.scheduler is not None and self.task.scheduler_every == "epoch":
            self.scheduler.step()

    def outputs(self, batch: Any) -> Any:
        """What the model puts out for a batch."""
        if self.task.forward is not None:
            return self.task.forward(self.running, batch)
        return self.running(batch[0] if isinstance(batch, (tuple, list)) else batch)

    def loss(self, outputs: Any, batch: Any) -> torch.Tensor:
        """The loss of a batch."""
        if required(self.task.loss) >= 3:
            return self.task.loss(outputs, batch, self.levels)
        return as_heard(self.task.loss)(outputs, targets_of(batch, self.task.name))


@torch.no_grad()
def _validate(run: _Run, data: Loaders, recorder: Recorder, step: int, at: float) -> float:
    """Judges the model on the validation set, and returns the metric."""
    run.running.eval()
    task, whole = run.task, required(run.task.score) < 3
    kept: list[tuple[Any, Any]] = []
    sums: dict[str, float] = {}
    examples = 0
    for batch in _loader(data.valid, task.batch_size(run.levels), None):
        batch = moved(batch, run.device)
        with run.precision:
            outputs = run.outputs(batch)
            loss = float(run.loss(outputs, batch))
        size = _size(batch)
        found = {} if whole else named_metrics(task, task.score(outputs, batch, run.levels))  # type: ignore[call-arg]
        for name, value in {"valid_loss": loss, **found}.items():
            sums[name] = sums.get(name, 0.0) + size * value
        examples += size
        if whole:
            kept.append((outputs, targets_of(batch, task.name)))
    metrics = {name: value / max(1, examples) for name, value in sums.items()}
    if whole:
        outputs, targets = (torch.cat(list(parts)) for parts in zip(*kept, strict=True))
        metrics |= named_metrics(task, task.score(outputs.float(), targets))
    for name, value in metrics.items():
        recorder.point(step, at, name, value)
    return metrics[task.metric]


def _loader(data: Any, batch_size: int, seed: int | None) -> Any:
    """A loader of a dataset, shuffled by the seed where there is one; a loader as it is."""
    if isinstance(data, torch.utils.data.Dataset) and not isinstance(data, torch.utils.data.IterableDataset):
        generator = torch.Generator().manual_seed(seed) if seed is not None else None
        return torch.utils.data.DataLoader(data, batch_size, shuffle=seed is not None, generator=generator)
    if seed is not None and isinstance(data, torch.utils.data.DataLoader) and data.generator is not None:
        data.generator.manual_seed(seed)
    return data


def moved(batch: Any, device: str) -> Any:
    """A batch of any structure on a device; what cannot be moved stays as it is."""
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: moved(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(part, device) for part in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(moved(part, device) for part in batch)
    return batch


def targets_of(batch: Any, name: str) -> torch.Tensor:
    """The targets of a batch: its second part, or what a dict or an object calls so.

    Raises:
        TaskError: where it has none.
    """
    place = _place_of_targets(batch)
    if place is None:
        raise TaskError(
            f"task {name!r}: a batch of type {type(batch).__name__} has no targets; expected (inputs, targets), a dict "
            f"with one of {', '.join(TARGETS)}, or a loss of three arguments, loss(outputs, batch, config)"
        )
    found = getattr(batch, place) if isinstance(place, str) and not isinstance(batch, Mapping) else batch[place]
    assert isinstance(found, torch.Tensor)
    return found


def _place_of_targets(batch: Any) -> Any:
    if isinstance(batch, (tuple, list)):
        last = len(batch) - 1
        return last if last >= 1 and isinstance(batch[last], torch.Tensor) else None
    for name in TARGETS:
        if isinstance(batch, Mapping) and isinstance(batch.get(name), torch.Tensor):
            return name
        if not isinstance(batch, (Mapping, torch.Tensor)) and isinstance(getattr(batch, name, None), torch.Tensor):
            return name
    return None


def _with_shuffled_targets(batch: Any, mixer: Mixer, name: str) -> Any:
    targets = targets_of(batch, name)
    place = _place_of_targets(batch)
    mixed = mixer.mixed(place, targets)
    if isinstance(batch, Mapping):
        return {**batch, place: mixed}
    if hasattr(batch, "_replace"):
        return batch._replace(**{batch._fields[place]: mixed})
    if isinstance(batch, (tuple, list)):
        return [*batch[:place], mixed, *batch[place + 1 :]]
    setattr(batch, place, mixed)
    return batch


def _size(batch: Any) -> int:
    """Examples in a batch: the length of its first tensor."""
    for part in tensors_in(batch):
        return len(part) if part.ndim else 1
    return 1


def required(function: Callable[..., Any]) -> int:
    """How many arguments a function cannot do without; 2 where that is not known."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds and one.default is inspect.Parameter.empty for one in parameters)
