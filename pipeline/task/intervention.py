"""A change that is applied to a training from outside: what it does, where it applies, what a person would write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from backtrack.task.patching import Rewrite, source_at, suggested
from backtrack.vocabulary.factors import Claim

# The level of every intervention at which nothing is changed.
AS_WRITTEN = "as_written"
# What an intervention is for: a mistake mended, a choice made otherwise, a control that measures chance, or a question
# that no repair answers.
REPAIR, TRICK, CONTROL, PROBE = "repair", "trick", "control", "probe"


@dataclass
class Anatomy:
    """What one run as written showed of a training: the pieces that interventions need.

    Args:
        modules: `{class: how many}` of the modules that its models called.
        parameters, frozen, unheld: how many parameters there are, do not learn, and belong to no optimiser.
        pretrained: whether weights were loaded.
        reloaded: where weights are loaded into a model that has begun to train; empty where none are.
        steep: where a root or a logarithm of zeros that have a gradient is taken; empty where none is.
        activations: `{site: function}` of the activations inside the models; see `trial/intervening/sites.py`.
        last: site of the activation that ends in the loss; empty where none does.
        before_last: site of the activation that comes right before that one, with no layer between; empty for none.
        square: square hidden layers, whose inputs could be added to their outputs.
        optimisers: `[{kind, lr, weight_decay, momentum, place, scheduled}]`; `highest`, the highest rate of the first
            group, where something else than what made it sets its rates.
        losses: `[{name, place, output, target, reduction, floats, …}]` of what torch's own loss functions got: shapes,
            and of the targets `mean`, `std`, or `classes` with the shares of the `largest` and `smallest`.
        inputs: `{batch, floats, examples, mean, std, rms}` of the first input of the models; `batch` alone of whole
            numbers.
        maps: `{given, result, narrowest, weighted}`: shapes of a model's first input and of its output, in a pass that
            trains, the layer that lets the fewest numbers of an example through (`trial/intervening/narrowest.py`),
            and the paths of its linear layers, in the order of their calls.
        loaders: `[{place, batch_size, shuffled, stream, judges}]`; `judges`: gone through without gradients alone.
        calls: `{what: how many}` of `detach` and `no_grad` inside forward passes, wrong modes, and the like.
        exchanged: `[{function, place, order, axes}]` of views and reshapes that put sizes into another order.
        reductions: `[{function, place, dim, other, axes}]` of calls over a dimension that may not be the one meant: see
            `search_spaces/reduced_dimension.py`.
        weighed: places where what has a gradient is multiplied by as many numbers of both signs, which have none.
        chosen: place of labels of zeros and ones that choose between two terms of a loss that is written by hand.
        sides: `{name, place}` of a loss that compares, such as a triplet's: see `search_spaces/compared_sides.py`.
        by_hand: where gradients of a loss are asked for that is not all torch's; empty where it is.
        terms: `{count, place, written, weights}` of a loss that is a sum: see `search_spaces/loss_terms.py`.
        autocast, compiled: whether it uses them.
        captured: whether its steps are CUDA graphs, or compiled: no change reaches them.
        processes: how many train together, by torch.distributed.
        own_gradients: names of autograd functions that the program writes itself.
        acts: whether a model is asked about single examples, or scores what it has drawn itself, as an agent does.
        dtype, device: of the first parameter that was used, such as `float32` and `cpu`.
        devices: that this machine has, such as `cpu` and `cuda`.
        files: Python files with further interventions, which somebody wrote.
        sources: the program's own Python files.
        failed: interventions that could not say what they change here, each with the reason: they are left out.

    Example:
        >>> Anatomy(modules={"Linear": 2}).has("Linear", "Conv2d")
        True
    """

    modules: dict[str, int] = field(default_factory=dict)
    parameters: int = 0
    frozen: int = 0
    unheld: int = 0
    pretrained: bool = False
    reloaded: str = ""
    steep: str = ""
    activations: dict[str, str] = field(default_factory=dict)
    last: str = ""
    before_last: str = ""
    square: int = 0
    optimisers: list[dict[str, Any]] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    maps: dict[str, Any] = field(default_factory=dict)
    loaders: list[dict[str, Any]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    exchanged: list[dict[str, Any]] = field(default_factory=list)
    reductions: list[dict[str, Any]] = field(default_factory=list)
    weighed: list[str] = field(default_factory=list)
    chosen: str = ""
    sides: dict[str, Any] = field(default_factory=dict)
    by_hand: str = ""
    terms: dict[str, Any] = field(default_factory=dict)
    autocast: bool = False
    compiled: bool = False
    captured: bool = False
    processes: int = 1
    own_gradients: list[str] = field(default_factory=list)
    acts: bool = False
    dtype: str = "float32"
    device: str = "cpu"
    devices: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def has(self, *kinds: str) -> bool:
        """Whether a module of one of these classes was called."""
        return any(kind in self.modules for kind in kinds)

    def count(self, what: str) -> None:
        """Adds one to the calls of something."""
        self.calls[what] = self.calls.get(what, 0) + 1

    @property
    def optimiser(self) -> dict[str, Any]:
        """The first optimiser; empty where there is none."""
        return self.optimisers[0] if self.optimisers else {}

    @property
    def loss(self) -> dict[str, Any]:
        """The first of torch's loss functions that trained; empty where the loss is written by hand."""
        return self.losses[0] if self.losses else {}

    @property
    def guessed(self) -> float:
        """The share of right answers that guessing among the classes of its loss has; 0 where these are not known.

        Example:
            >>> Anatomy(losses=[{"name": "cross_entropy", "classes": 4}]).guessed
            0.25
        """
        loss = self.loss
        if loss.get("one_hot"):
            return 1 / int(loss["target"][-1])
        # (Several that hold at once are right or wrong one by one.)
        two = loss.get("binary") and not loss.get("multi_hot")
        classes = 2 if two else int(loss.get("classes", 0))
        return 1 / classes if classes else 0.0

    @property
    def limits(self) -> list[str]:
        """What of the training cannot be changed from outside, and why; a sentence each."""
        found = []
        if self.compiled:
            found.append("Its models are compiled: what happens inside of them is left as it is")
        if self.own_gradients:
            names = ", ".join(self.own_gradients)
            said = f"Autograd functions of its own ({names}) are left as they are, with what they compute inside"
            found.append(f"{said}, by all changes but own_gradients")
        return found + [f"Intervention {one}, and is left out; please report it" for one in self.failed]

    def as_json(self) -> dict[str, Any]:
        """It as plain values."""
        return asdict(self)


def anatomy_from(values: Mapping[str, Any]) -> Anatomy:
    """The inverse of `Anatomy.as_json`; unknown fields are left out."""
    known = {one.name for one in fields(Anatomy)}
    return Anatomy(**{name: value for name, value in values.items() if name in known})


class Training(Protocol):
    """The extension points of a training that an intervention may use; `trial/intervening/training.py` has them.

    Example:
        >>> def clip(training: Training, level: str) -> None:
        ...     def before(optimiser):
        ...         weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        ...         training.torch.nn.utils.clip_grad_norm_(weights, 1.0)
        ...     training.at_step(before=before)
    """

    torch: Any
    anatomy: Anatomy

    def at_model(self, change: Callable[[Any], None]) -> None:
        """Calls `change(model)` once for each model, before its first forward pass."""

    def at_forward(self, before: Callable[[Any, Any], Any] | None = None,
                   after: Callable[[Any, Any], Any] | None = None) -> None:  # fmt: skip
        """Calls `before(model, input)` and `after(model, output)` around each pass; what they return counts."""

    def at_arguments(self, told: Callable[[Any, tuple[Any, ...]], None]) -> None:
        """Calls `told(model, arguments)` before each pass, with all that the model gets by place."""

    def at_layer(self, after: Callable[[Any, str, Any, Any], Any]) -> None:
        """Calls `after(module, path, input, output)` after each inner module's call; what it returns counts."""

    def at_optimiser(self, change: Callable[[Any], None]) -> None:
        """Calls `change(optimiser)` once for each, right after it is made."""

    def at_step(self, before: Callable[[Any], None] | None = None, after: Callable[[Any], None] | None = None) -> None:
        """Calls `before(optimiser)` and `after(optimiser)` around each step."""

    def at_backward(self, before: Callable[[], None]) -> None:
        """Calls `before()` before each backward pass."""

    def at_objective(self, change: Callable[[Any], Any]) -> None:
        """Calls `change(value)` before each backward pass; the pass begins from what it returns."""

    def at_loss(self, change: Callable[[LossCall], None] | None = None,
                after: Callable[[LossCall, Any], Any] | None = None) -> None:  # fmt: skip
        """Calls `change(call)` before each of torch's loss functions, which it may change, and `after(call, value)`.

        What the latter returns, unless it is None, is the loss.
        """

    def at_activation(self, change: Callable[[str, str], Callable[[Any], Any] | None]) -> None:
        """Calls `change(site, function)` at each activation; what it returns is used instead."""

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Puts `make(own)` in the place of `owner.name`, until the training ends."""

    def weights_of(self, module: Any) -> list[Any]:
        """A module's own parameters, and tensors that it keeps as plain attributes and that want a gradient."""

    def at_end(self, undo: Callable[[], None]) -> None:
        """Calls `undo()` when the training ends."""


def is_added_to(total: Any, values: Sequence[Any]) -> bool:
    """Whether a program trains on a sum, and one loss function's value is a part of it.

    Args:
        total: what a backward pass begins from.
        values: of torch's loss functions since the last backward pass.
    """
    added = type(getattr(total, "grad_fn", None)).__name__.startswith("AddBackward")
    return added and len(values) == 1 and total is not values[0] and values[0].numel() == 1


def add_weights(optimiser: Any, weights: Sequence[Any], *, without_gradients: bool) -> None:
    """Gives an optimiser further weights, just before one of its steps.

    Args:
        optimiser: gets a group with all options of its first: a schedule reads them, and some have no default.
        weights: at least one.
        without_gradients: whether this step leaves them out: a gradient scaler has divided the gradients of the others
            by its scale before it, and does not know of these.
    """
    optimiser.add_param_group({**optimiser.param_groups[0], "params": weights})
    if without_gradients:
        for weight in weights:
            weight.grad = None


def train_beside(training: Training, layers: Sequence[Any]) -> None:
    """Trains layers that are no part of a model: the optimiser that steps next gets their weights.

    Args:
        training: the optimisers are those that step in it.
        layers: modules; more may join.
    """
    held: list[Any] = []

    def hold(optimiser: Any) -> None:
        new = [layer for layer in layers if not any(layer is one for one in held)]
        held.extend(new)
        if new:
            add_weights(optimiser, [one for layer in new for one in layer.parameters()], without_gradients=True)

    def clear(optimiser: Any) -> None:
        # The model's zero_grad does not reach them.
        for layer in layers:
            for weight in layer.parameters():
                weight.grad = None

    training.at_step(hold, clear)


@dataclass
class LossCall:
    """A call of one of torch's loss functions, which may be changed.

    Args:
        name: of the function.
        output, target: its first two arguments.
        options: the others, by name.
        training: whether a gradient can flow.

    Example:
        >>> LossCall("mse_loss", output=None, target=None, options={}, training=True).name
        'mse_loss'
    """

    name: str
    output: Any
    target: Any
    options: dict[str, Any]
    training: bool


@dataclass(frozen=True)
class Intervention:
    """A factor whose levels are applied from outside to any training with torch.

    Args:
        name: of the factor.
        what: it does, in a sentence; with its equation where there is one.
        source: paper, post or documentation.
        levels: `{level: what a person would write for it}` for a training's anatomy; empty where it does not apply.
        apply: changes a training to a level.
        answers: checks whose fault it mends; where one finds it, this is the direct repair.
        points: checks and symptoms that make it worth trying early.
        kind: `REPAIR`, `TRICK`, `CONTROL` or `PROBE`.
        cannot: what it does not reach.
        harmless: whether its first level does a sound training no harm: so it can be tried together with others.
        tricks: the levels at which it is a trick of the posts, to be swept over on any net.
        claims: what the posts say of these.
        size: how much it changes: 1 for a number, 2 for a part of the training, 3 for a part of the net, 4 for
            another net.
        place: where in the user's code it would be written, for an anatomy.
        patch: what it would be as an edit of that line: `patch(source, level, anatomy)`, the file's new text.
        edited: the line that `patch` edits, where that is not the one of `place`.
        relative_to: the intervention whose levels set the number that this one changes.
        relative: what a person would write for a level of this one beside one of those.
        inside: whether it acts inside of a model's forward pass, which a compiled model does not let it.
        on_suspicion: whether a checkup tries it only where something in `points` or `answers` was seen; or what says
            so of an anatomy.

    Example:
        >>> Intervention("clip", what="clips", source="none", levels=lambda anatomy: {"1": "clip_grad_norm_(…, 1)"},
        ...              apply=lambda training, level: None).kind
        'repair'
    """

    name: str
    what: str
    source: str
    levels: Callable[[Anatomy], Mapping[str, str]]
    apply: Callable[[Training, str], None]
    answers: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    kind: str = REPAIR
    cannot: str = ""
    harmless: bool = False
    tricks: Callable[[Anatomy], Mapping[str, str]] = lambda anatomy: {}
    claims: tuple[Claim, ...] = ()
    size: int = 1
    place: Callable[[Anatomy], str] = lambda anatomy: ""
    patch: Rewrite | None = None
    edited: Callable[[Anatomy], str] | None = None
    on_suspicion: bool | Callable[[Anatomy], bool] = False
    inside: bool = False
    relative_to: str = ""
    relative: Callable[[str], str] = lambda level: ""

    def described(self, anatomy: Anatomy) -> dict[str, Any]:
        """It as plain values, for whoever plans without torch."""
        levels, place = dict(self.levels(anatomy)), self.place(anatomy)
        return {
            "name": self.name,
            "what": self.what,
            "levels": levels,
            "patches": self._patches(levels, place, anatomy),
            "relative_to": self.relative_to,
            "relative": {level: self.relative(level) for level in levels} if self.relative_to else {},
            "answers": list(self.answers),
            "points": list(self.points),
            "kind": self.kind,
            "place": place,
            "harmless": self.harmless,
            "size": self.size,
            "on_suspicion": self.on_suspicion(anatomy) if callable(self.on_suspicion) else self.on_suspicion,
            "tricks": dict(self.tricks(anatomy)),
            "claims": [asdict(claim) for claim in self.claims],
        }

    def _patches(self, levels: Collection[str], place: str, anatomy: Anatomy) -> dict[str, str]:
        """`{level: edit}`; the program is read once, and only where there may be one."""
        line = place if self.edited is None else self.edited(anatomy)
        source = source_at(line) if self.patch is not None else None
        if self.patch is None or source is None:
            return {}
        return {level: suggested(line, source, self.patch(source, level, anatomy)) for level in levels}
