"""What has been heard of a training so far: its models, optimisers and loaders."""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.shapes import shares_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


# Loaders of a training that is no agent's, at most: who makes a loader of each rollout makes many.
FEW = 4
# Weight matrices of an optimiser that are followed from step to step, and numbers of one, at most.
MATRICES, SMALL = 3, 1 << 16
# Nodes of a graph that data and what is added to them make, at most.
FEW_NODES = 16


@dataclass
class Passes:
    """Passes of one kind.

    Args:
        place: `file:line` of the first.
        number, examples: so far.
        begun: steps of the training before the first.
        steps: before how many steps there were any; counted of those without gradients.
        at: the number of steps before the last of these.
    """

    place: str
    number: int = 0
    examples: int = 0
    begun: int = 0
    steps: int = 0
    at: int = -1


@dataclass
class ModelHeard:
    """A model: a module that is called from outside of any other.

    Args:
        name: of its class, with a number where several have it.
        module: itself.
        loaded: whether weights were loaded into it.
        passes: `{(gradients enabled, in training mode): how many, of how many examples, place of the first}`.
        told: of how many examples in these the checks were told, with gradients and without, a few of each pass.
    """

    name: str
    module: nn.Module
    loaded: bool = False
    passes: dict[tuple[bool, bool], Passes] = field(default_factory=dict)
    told: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    @property
    def trained(self) -> int:
        """Passes with gradients."""
        return sum(passes.number for (gradients, _), passes in self.passes.items() if gradients)


@dataclass
class OptimiserHeard:
    """An optimiser.

    Args:
        optimiser: itself.
        steps: so far.
        rates: `[(step, [learning rate of each group])]`, wherever they changed.
        due: the next step that is looked at closely.
        before: how many steps the others had made at its first one, by their ids.
    """

    optimiser: torch.optim.Optimizer
    steps: int = 0
    rates: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    due: int = 1
    before: dict[int, int] = field(default_factory=dict)

    @property
    def parameters(self) -> list[Tensor]:
        """All of its parameters."""
        return [weight for group in self.optimiser.param_groups for weight in group["params"]]

    @property
    def small_matrices(self) -> list[Tensor]:
        """The first weight matrices that are cheap to copy at a step, a few."""
        matrices = (one for one in self.parameters if one.ndim > 1 and 8 <= one.numel() <= SMALL)
        return list(islice(matrices, MATRICES))

    @property
    def place(self) -> str:
        """Where a finding of it is."""
        return f"optimiser {type(self.optimiser).__name__}"

    @property
    def rates_now(self) -> str:
        """The learning rates of its first groups, as text."""
        return ", ".join(f"{group['lr']:g}" for group in self.optimiser.param_groups[:3])


@dataclass
class Heard:
    """What has been heard of a training so far.

    Args:
        models, optimisers: in the order of their first call.
        backwards, steps: so far, of all optimisers.
        asked: how often gradients were asked for by torch.autograd.grad, up to the second step.
        single: forward passes of a single example (an agent that acts).
        forwards: all of them.
        sampled: how often something was drawn by what a model may have put out, without gradients.
        last: model, inputs and outputs of the last pass with gradients.
        losses: what the last backward passes between close looks began from.
        loaders: `{id: (sampler's name, batches, batch size)}` of the DataLoaders that were iterated over.
    """

    models: list[ModelHeard] = field(default_factory=list)
    optimisers: list[OptimiserHeard] = field(default_factory=list)
    backwards: int = 0
    steps: int = 0
    asked: int = 0
    single: int = 0
    forwards: int = 0
    sampled: int = 0
    last: tuple[ModelHeard, Any, Any] | None = None
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    loaders: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    modules: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    _names: dict[int, str] = field(default_factory=dict)

    def is_succeeded(self, one: OptimiserHeard) -> bool:
        """Whether another optimiser began where this one ended, and made as many steps or more."""
        return any(other.before.get(id(one)) == one.steps <= other.steps for other in self.optimisers)

    def name_of(self, weight: Tensor) -> str:
        """A parameter's name in its model, such as `Net.fc.weight`; its shape where no model has it."""
        if id(weight) not in self._names:
            for model in self.models:
                for name, one in model.module.named_parameters():
                    self._names[id(one)] = f"{model.name}.{name}"
        return self._names.get(id(weight), f"a tensor of shape {tuple(weight.shape)}")

    @property
    def acts(self) -> bool:
        """Whether a model is asked about single examples, as an agent is; what a few loaders feed is none."""
        fed = 0 < len(self.loaders) <= FEW and any(batches > 1 for _, batches, _ in self.loaders.values())
        return self.single > 0.2 * max(1, self.forwards) and not fed

    @property
    def follows(self) -> bool:
        """Whether what a model gets without gradients follows from what it said before: its actions, its own words."""
        return self.acts or self.sampled > 0.2 * max(1, self.forwards)


def _is_perturbed(values: Tensor) -> bool:
    """Whether data have a gradient since something of their own shape, and no weight, was added to them: an attack."""
    waiting: list[Any] = [values.grad_fn]
    leaves: list[Any] = []
    for _ in range(FEW_NODES):
        if not waiting:
            break
        node = waiting.pop()
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            leaves.append(leaf)
        waiting += [before for before, _ in node.next_functions if before is not None]
    # Weights that are moved by hand are no parameters, and have another shape.
    of_data = all(type(leaf).__name__ != "Parameter" and leaf.shape == values.shape for leaf in leaves)
    return bool(leaves) and not waiting and of_data


def is_computed(values: Tensor, heard: Heard, model: ModelHeard | None = None) -> bool:
    """Whether a model's input is what another net has made: it has a gradient to give, or is the last net's output.

    Args:
        values: the input.
        heard: of the training.
        model: that gets it. Where another one was called last, an input of the shape of its output is taken for what an
            activation has made of that: of a frozen net no gradient tells.
    """
    if values.grad_fn is not None:
        return not _is_perturbed(values)
    outputs = heard.last[2] if heard.last is not None else ()
    each = [one for one in (outputs if isinstance(outputs, (tuple, list)) else [outputs]) if hasattr(one, "shape")]
    another = model is not None and heard.last is not None and heard.last[0] is not model
    if another and any(one.shape == values.shape for one in each):
        return True
    return shares_memory(values, (one for one in each if hasattr(one, "untyped_storage")))
