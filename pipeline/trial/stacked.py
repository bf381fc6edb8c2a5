"""Replicates of one config trained side by side, as one stacked model.

For small models a step costs what its calls cost, not its arithmetic: R models whose weights are stacked along a first
dimension take little more than one. The numbers are those of training alone: the first step is done both ways and
compared, and which way is faster is measured on the training's own first steps (design, section 6).
"""

from __future__ import annotations

import copy
import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from backtrack.task import TorchTask
from backtrack.trial.runtime import precision_of
from backtrack.trial.stacked_recurrent import NotStackable, make_batchable

log = logging.getLogger(__name__)

# Optimisers that treat each number of a parameter by itself, so that stacking changes nothing for it.
ELEMENTWISE = (
    torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.NAdam, torch.optim.RAdam,
    torch.optim.Adamax, torch.optim.Adadelta,
)  # fmt: skip
# Calls by which each way is warmed up, and then timed in turn.
WARM, TIMED = 1, 3
# Where one way takes so many times as long as the other, once is enough.
CLEAR = 1.5
# Largest difference between the two ways in the first step, as a share: rounding, and nothing else.
ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 5e-2}


class FasterWay:
    """Takes the faster of two ways to the same numbers, after trying both in turn.

    Args:
        what: is done, for the log.

    Attributes:
        together: the way that is known to be taken; None while both are being tried.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.together: bool | None = None
        self._calls: dict[bool, int] = {True: 0, False: 0}
        self._seconds: dict[bool, list[float]] = {True: [], False: []}

    def take(self, call: Callable[[bool], Tensor]) -> Tensor:
        """What `call(together)` returns."""
        if self.together is not None:
            return call(self.together)
        together = self._calls[True] <= self._calls[False]
        self._calls[together] += 1
        started = time.perf_counter()
        result = call(together)
        # Reading one number waits for the device: a time without it would be that of the calls alone.
        result.flatten()[0].item()
        if self._calls[together] > WARM:
            self._seconds[together].append(time.perf_counter() - started)
        counts = {len(seconds) for seconds in self._seconds.values()}
        if counts != {0} and len(counts) == 1:
            ratio = statistics.median(self._seconds[True]) / statistics.median(self._seconds[False])
            if counts == {TIMED} or not 1 / CLEAR < ratio < CLEAR:
                self.together = ratio < 1
                log.info("%s %s", self.what, "together" if self.together else "apart")
        return result


class Stacked:
    """R models with stacked weights; see `Replicates`.

    Each model of `models` stays a model of its own, whose parameters, gradients and buffers are views of the stacked
    ones. So a step may be taken through them one by one: where an instrument listens, or where that is faster.

    Args:
        task: gives the loss and the optimiser.
        models: one a replicate, with its own initial weights.
        levels: of the config.
        device: where the models are.

    Raises:
        NotStackable: where the models or their optimiser cannot be stacked; from `backward`, where the first step is
            not the same both ways.
    """

    def __init__(self, task: TorchTask, models: Sequence[nn.Module], levels: Mapping[str, Any], device: str) -> None:
        if levels.get("compile") == "on":
            raise NotStackable("a compiled model")
        self.models = models
        self.loss = task.loss
        self.precision = precision_of(levels, device)
        self.running = models[0]
        self.template = copy.deepcopy(models[0])
        make_batchable(self.template)
        self.optimiser = task.optimiser(models[0], levels)
        self.weights = _stack([dict(model.named_parameters()) for model in models], nn.Parameter)
        self.buffers = _stack([dict(model.named_buffers()) for model in models], lambda tensor, **_: tensor)
        self._hand_over()
        for copy_number, model in enumerate(models):
            for name, weight in model.named_parameters():
                weight.data = self.weights[name].data[copy_number]
            for prefix, module in model.named_modules():
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = self.buffers[f"{prefix}.{name}" if prefix else name][copy_number]
        self.step = 0
        self.compared = False
        self.training = FasterWay("steps")
        self.predicting = FasterWay("predictions")

    def _hand_over(self) -> None:
        """Gives the optimiser, made for the first model's own shapes, the stacked parameters in their place."""
        optimiser = self.optimiser
        if type(optimiser) not in ELEMENTWISE or optimiser.state:
            raise NotStackable(f"the optimiser {type(optimiser).__name__}, which is not known to be elementwise")
        hooks = [*optimiser._optimizer_step_pre_hooks.values(), *optimiser._optimizer_step_post_hooks.values()]
        if not all(getattr(hook, "elementwise", False) for hook in hooks):
            raise NotStackable("a hook of the optimiser that is not marked as elementwise")
        stacked = {id(weight): self.weights[name] for name, weight in self.models[0].named_parameters()}
        for group in optimiser.param_groups:
            if any(id(weight) not in stacked for weight in group["params"]):
                raise NotStackable("the optimiser has parameters that are not the model's")
            group["params"] = [stacked[id(weight)] for weight in group["params"]]

    def mode(self, training: bool) -> None:
        """Training or evaluation mode."""
        for model in (*self.models, self.template):
            model.train(training)

    def backward(self, inputs: Tensor, targets: Tensor, apart: bool) -> Tensor:
        self.step += 1
        if self.step == 1:
            return self._first_step(inputs, targets)
        torch._foreach_zero_([weight.grad for weight in self.weights.values() if weight.grad is not None])
        if apart:
            return self._gradients(inputs, targets, together=False)
        return self.training.take(lambda together: self._gradients(inputs, targets, together))

    def update(self, clip: float | None) -> None:
        if clip is not None:
            gradients = [weight.grad for weight in self.weights.values() if weight.grad is not None]
            norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
            # As `clip_grad_norm_` has it.
            factors = (clip / (norms + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
        self.optimiser.step()

    def predict(self, inputs: Tensor) -> Tensor:
        if self.step == 0:
            return self._predictions(inputs, together=False)
        if not self.compared:
            self.compared = True
            return self._first_predictions(inputs)
        return self.predicting.take(lambda together: self._predictions(inputs, together))

    def _first_predictions(self, inputs: Tensor) -> Tensor:
        """Both ways, since in evaluation mode a model may do something else; apart from now on if they differ."""
        own = self._predictions(inputs, together=False)
        try:
            together = self._predictions(inputs, together=True)
        except (RuntimeError, ValueError, TypeError, NotStackable) as fault:
            log.info("predictions apart: %s", fault)
            self.predicting.together = False
            return own
        if not _same(together, own, self._rounding):
            self.predicting.together = False
        return own

    def _predictions(self, inputs: Tensor, together: bool) -> Tensor:
        with self.precision:
            if together:
                return vmap(self._outputs, in_dims=(0, 0, None))(self.weights, self.buffers, inputs)
            return torch.stack([model(inputs) for model in self.models])

    def _gradients(self, inputs: Tensor, targets: Tensor, together: bool) -> Tensor:
        """Adds the gradients of one step to those that are there; returns the (R,) losses."""
        if together:
            with self.precision:
                losses = vmap(self._loss)(self.weights, self.buffers, inputs, targets)
            losses.sum().backward()
            return losses.detach()
        apart = []
        for model, own_inputs, own_targets in zip(self.models, inputs, targets, strict=True):
            with self.precision:
                loss = self.loss(model(own_inputs), own_targets)
            loss.backward()
            apart.append(loss.detach())
        return torch.stack(apart)

    def _outputs(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Any:
        return functional_call(self.template, (weights, buffers), (inputs,))

    def _loss(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self._outputs(weights, buffers, inputs), targets)

    def _first_step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Both ways, to see that they agree; what was drawn together is thrown away."""
        before = {name: buffer.clone() for name, buffer in self.buffers.items()}
        try:
            losses = self._gradients(inputs, targets, together=True)
        except Exception as fault:
            raise NotStackable(f"the model has an operation that cannot be stacked: {fault}") from fault
        together = {name: weight.grad for name, weight in self.weights.items()}
        for name, buffer in before.items():
            self.buffers[name].copy_(buffer)
        own = self._gradients(inputs, targets, together=False)
        gradients = [{name: weight.grad for name, weight in model.named_parameters()} for model in self.models]
        for name, weight in self.weights.items():
            parts = [gradient[name] for gradient in gradients]
            dense = [part for part in parts if part is not None and not part.is_sparse]
            if not dense and together[name] is None:
                continue
            if len(dense) < len(parts):
                raise NotStackable(f"the parameter {name}, whose gradient is sparse or not always there")
            weight.grad = torch.stack(dense)
            for number, model in enumerate(self.models):
                model.get_parameter(name).grad = weight.grad[number]
        known = {name: weight.grad for name, weight in self.weights.items() if weight.grad is not None}
        # What is zero but for rounding (a bias before a normalisation) is held against the whole gradient.
        whole = torch.stack([_lines(gradient).norm(dim=1) for gradient in known.values()]).norm(dim=0)
        agree = _same(losses, own, self._rounding)
        for name, gradient in known.items():
            stacked = together[name]
            agree = agree and stacked is not None and _same(stacked, gradient, self._rounding, whole)
        if not agree:
            raise NotStackable("a model whose first step is not the same stacked and alone")
        return own

    @property
    def _rounding(self) -> float:
        return ROUNDING[torch.bfloat16 if self.precision._enabled else torch.float32]


def _stack(parts: Sequence[Mapping[str, Tensor]], kind: Any) -> dict[str, Any]:
    """(R, …) tensors by name.

    Raises:
        NotStackable: where the replicates have tensors of different names or shapes.
    """
    first = parts[0]
    for other in parts[1:]:
        if {name: part.shape for name, part in first.items()} != {name: part.shape for name, part in other.items()}:
            raise NotStackable("replicates of different shapes")
    return {
        name: kind(torch.stack([part[name].detach() for part in parts]), requires_grad=first[name].requires_grad)
        for name in first
    }


def _lines(tensor: Tensor) -> Tensor:
    """(R, numbers): a line a replicate, with what is not finite as zero."""
    return (tensor.flatten(1) if tensor.ndim > 1 else tensor[:, None]).nan_to_num(0, 0, 0).float()


def _same(one: Tensor, other: Tensor, share: float, whole: Tensor | None = None) -> bool:
    """Whether each replicate's numbers are the same but for rounding; the same infinities and NaN count as such.

    Args:
        one, other: (R, …).
        share: of their norm that may differ.
        whole: (R,) norms of what they are a part of; a hundredth of the share of it may differ too.
    """
    if not torch.equal(one.isfinite(), other.isfinite()):
        return False
    allowed = share * _lines(other).norm(dim=1) + 1e-6
    if whole is not None:
        allowed = allowed + share / 100 * whole
    return bool(((_lines(one) - _lines(other)).norm(dim=1) <= allowed).all())
