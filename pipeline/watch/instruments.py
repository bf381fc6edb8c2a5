"""Instruments on a torch training: gradients and updates at a few steps, activations at its validations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from backtrack.watch.listening.unheard import unheard
from backtrack.watch.symptoms import PREFIX, Layer, Look, Moment, all_symptoms

# Steps of a training that are measured, evenly spread, and validations that are looked at. An eighth of the steps at
# most, so that a short training does not spend its time on being watched.
SAMPLES, LEAST_STRIDE = 8, 8
LOOKS = 3
# Examples whose activations are looked at: reading those of a whole validation batch is as dear as computing them.
EXAMPLES = 128

_ACTIVATIONS: dict[Any, str] = {
    torch.relu: "relu",
    torch.relu_: "relu",
    torch.Tensor.relu: "relu",
    torch.Tensor.relu_: "relu",
    nn.functional.relu: "relu",
    torch.tanh: "tanh",
    torch.Tensor.tanh: "tanh",
    torch.sigmoid: "sigmoid",
    torch.Tensor.sigmoid: "sigmoid",
}


class Points(Protocol):
    """Takes the numbers of symptoms."""

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """One of them."""


class Watch:
    """Measures what the symptoms want to know of one training, at moments that only its length decides.

    Args:
        model: that is trained.
        steps: update steps of the whole training.
        epochs: validations.
        recorder: receives the curves `symptom/NAME`.
        held: the weights to measure, where they are not all that are trained (one optimiser of several).
    """

    def __init__(
        self, model: nn.Module, steps: int, epochs: int, recorder: Points, held: Sequence[torch.Tensor] | None = None
    ) -> None:
        self.model, self.recorder = model, recorder
        self.stride = max(LEAST_STRIDE, steps // SAMPLES)
        self.every = max(1, -(-epochs // LOOKS))
        self.epochs = epochs
        wanted = None if held is None else {id(weight) for weight in held}
        self.parameters = [
            (name, weight)
            for name, weight in model.named_parameters()
            if (weight.requires_grad if wanted is None else id(weight) in wanted)
        ]
        own = {name for name, _ in self.parameters}
        self.matrices = [name for name, weight in self.parameters if weight.ndim >= 2]
        tables = (f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Embedding))
        self.tables = [name for name in tables if name in own]
        self.armed = False
        self.over_time: torch.Tensor | None = None

    @property
    def held(self) -> list[torch.Tensor]:
        """The weights that are measured."""
        return [weight for _, weight in self.parameters]

    def hear_over_time(self) -> Callable[[], None]:
        """Listens to the gradient by the input of the first recurrent layer, at armed steps; returns what ends it."""
        recurrent = next((module for module in self.model.modules() if isinstance(module, nn.RNNBase)), None)
        return recurrent.register_forward_pre_hook(self._catch_input).remove if recurrent is not None else lambda: None

    def due(self, step: int) -> bool:
        """Whether step number `step` (from 1) is measured; also arms what has to listen to the forward pass."""
        self.armed = step == 1 or step % self.stride == 0
        return self.armed

    def before_update(self) -> dict[str, Any]:
        """Gradients and weights of this moment, on the device; to be given to `after_update`."""
        self.armed = False
        with_gradient = [(name, weight) for name, weight in self.parameters if weight.grad is not None]
        return {
            "names": [name for name, _ in with_gradient],
            "gradients": _norms([_dense(weight.grad) for _, weight in with_gradient]),
            "before": [weight.detach().clone() for name, weight in self.parameters if name in self.matrices],
        }

    def after_update(self, moment: dict[str, Any], step: int, epoch: float) -> None:
        """Adds what the symptoms keep of this step to the curves."""
        after = [weight.detach() for name, weight in self.parameters if name in self.matrices]
        before = moment["before"]
        updates = [new - old for new, old in zip(after, before, strict=True)]
        tables = [weight.detach().norm(dim=1).mean() for name, weight in self.parameters if name in self.tables]
        parts = [moment["gradients"], _norms(before), _norms(updates), torch.stack(tables) if tables else _norms([])]
        over_time, self.over_time = self.over_time, None
        parts.append(over_time if over_time is not None else _norms([]))
        # One reading for all: each waits for the device.
        numbers = iter(torch.cat([part.float().to(parts[0].device) for part in parts]).tolist())
        gradients = {name: next(numbers) for name in moment["names"]}
        weights = {name: next(numbers) for name in self.matrices}
        changes = {name: next(numbers) for name in self.matrices}
        embeddings = {name: next(numbers) for name in self.tables[: len(tables)]}
        taken = Moment(
            gradients=gradients,
            weights=weights,
            updates=changes,
            matrices=self.matrices,
            embeddings=embeddings,
            over_time=tuple(numbers),
        )
        for symptom in all_symptoms():
            value = symptom.at_step(taken)
            if value is not None:
                self.recorder.point(step, epoch, symptom.curve, value)

    def at_divergence(self, step: int, epoch: float) -> None:
        """Keeps the gradient with which a training ended that left the finite numbers between two samples."""
        total = _norms([_dense(weight.grad) for _, weight in self.parameters if weight.grad is not None]).norm()
        self.conclude({"exploding_gradient": float(total)}, step, epoch)

    def looks_at(self, epoch: int) -> bool:
        """Whether the validation after `epoch` (from 1) is looked at; the last one always is."""
        return epoch == self.epochs or epoch % self.every == 0

    @contextmanager
    def looking(self, layers: list[Layer]) -> Iterator[None]:
        """Collects the activations of a forward pass inside the block into `layers`."""
        hooks = [
            module.register_forward_hook(_catch(layers))
            for module in self.model.modules()
            if isinstance(module, nn.RNNBase) or _group_size(module) > 1
        ]
        try:
            with Activations(layers):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def after_look(
        self, layers: list[Layer], outputs: torch.Tensor, targets: torch.Tensor, step: int, epoch: float
    ) -> None:
        """Adds what the symptoms keep of a look to the curves."""
        self.keep(Look(outputs, targets, layers), step, epoch)

    def keep(self, look: Look, step: int, epoch: float) -> None:
        """Adds what the symptoms keep of a look to the curves."""
        for symptom in all_symptoms():
            value = symptom.at_look(look)
            if value is not None:
                self.recorder.point(step, epoch, symptom.curve, value)

    def conclude(self, numbers: Mapping[str, float], step: int, epoch: float) -> None:
        """Adds numbers that the loop measured itself, by the symptom's name."""
        for name, value in numbers.items():
            self.recorder.point(step, epoch, PREFIX + name, value)

    def _catch_input(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Keeps the gradient by the input of the first recurrent layer, a norm a time step."""
        given = inputs[0] if inputs else None
        if self.armed and isinstance(given, torch.Tensor) and given.requires_grad and given.ndim == 3:
            time = 1 if getattr(module, "batch_first", False) else 0

            def keep(gradient: torch.Tensor) -> None:
                self.over_time = gradient.detach().movedim(time, 0).flatten(1).norm(dim=1)

            given.register_hook(keep)


class Activations(TorchFunctionMode):
    """Sees the rectifiers, tanhs and sigmoids of a forward pass, whether they are modules or plain calls."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layers = layers
        self.inside = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = _ACTIVATIONS.get(func)
        if kind is None or self.inside:
            return func(*args, **(kwargs or {}))
        # `functional.relu` calls `torch.relu`: one activation, seen once.
        self.inside = True
        try:
            result = func(*args, **(kwargs or {}))
        finally:
            self.inside = False
        with unheard():
            self.layers.append(Layer(kind, result.detach()[:EXAMPLES]))
        return result


def _catch(layers: list[Layer]) -> Callable[..., None]:
    """A forward hook that keeps a recurrent layer's states, or the units that are about to compete."""

    def keep(module: nn.Module, inputs: tuple[Any, ...], result: Any) -> None:
        if isinstance(module, nn.RNNBase):
            # A packed sequence has no examples along its first dimension: all of it.
            packed = isinstance(result[0], PackedSequence)
            states = result[0].data.detach()
            layers.append(Layer("recurrent", states if packed else states[:EXAMPLES]))
        else:
            layers.append(Layer("group", inputs[0].detach()[:EXAMPLES], _group_size(module)))

    return keep


def _group_size(module: nn.Module) -> int:
    """Of a module whose units compete in groups of neighbours along dimension 1; 1 for any other."""
    size = getattr(module, "group_size", 1)
    return size if isinstance(size, int) else 1


def _dense(gradient: torch.Tensor | None) -> torch.Tensor:
    assert gradient is not None
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _norms(tensors: list[torch.Tensor]) -> torch.Tensor:
    """(n,) their norms."""
    return torch.stack([tensor.norm().float() for tensor in tensors]) if tensors else torch.zeros(0)
