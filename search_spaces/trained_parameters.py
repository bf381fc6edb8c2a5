"""Which parameters learn: all of them, also those that no optimiser has, that are frozen, or that are cut off."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training, add_weights
from backtrack.task.patching import Source, name_of
from backtrack.task.written import first_line, given_to, in_forward, models_of, nn_of
from backtrack.vocabulary.drawing import distributions_with
from backtrack.vocabulary.optimisers import ids_held_by
from backtrack.vocabulary.places import is_in_own_line

# Among an anatomy's calls: samples of distributions that could keep their gradient.
DRAWN = "sample in forward"
# Among them too: what is computed inside a forward pass, and cut off there from its gradient.
CUTS = DETACHED, BLOCKED, READ = "detach in forward", "no_grad in forward", ".data in forward"


def _levels(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.optimisers:
        return {}
    found = {}
    if anatomy.unheld:
        found["all"] = "give all parameters to the optimiser (layers in nn.ModuleList, tensors as nn.Parameter)"
    if anatomy.frozen and not anatomy.pretrained:
        # Both are done at this level: what is unfrozen and belongs to no optimiser stays.
        given = "give all parameters to the optimiser, and " if anatomy.unheld else ""
        found["unfrozen"] = f"{given}leave requires_grad as it is (True)"
    return found


class _Optimisers:
    """The optimisers of a training, and which of them begins a part of it: pretraining, then a head of its own."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, int]] = {}
        self._last: dict[int, int] = {}
        self._steps = 0

    def made(self, optimiser: Any) -> None:
        """Takes in a new one."""
        self._made[id(optimiser)] = (optimiser, self._steps)

    def step(self, optimiser: Any) -> tuple[bool, bool]:
        """Whether this step is the optimiser's first, and whether it begins a part of the training.

        The first step of all begins one, and that of an optimiser that was made after others' steps.
        """
        key, before = id(optimiser), self._steps
        first = key not in self._last
        self._steps += 1
        self._last[key] = self._steps
        return first, first and (not before or self._made.get(key, (None, 0))[1] > 0)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._made) > 1

    def held_beside(self, optimiser: Any) -> set[int]:
        """Ids of the weights of the others that have not ended before this one was made."""
        made = self._made.get(id(optimiser), (None, 0))[1]
        others = [one for key, (one, _) in self._made.items() if key not in self._last or self._last[key] > made]
        return {key for one in others if one is not optimiser for key in ids_held_by(one)}


def _apply(training: Training, level: str) -> None:
    used: dict[int, Any] = {}
    models: list[Any] = []
    parts = [0]
    # Weights that were frozen at first and belong to no optimiser: they may be let loose later.
    waiting: list[Any] = []
    optimisers = _Optimisers()

    def seen(model: Any) -> None:
        models.append(model)
        if level == "unfrozen":
            model.requires_grad_(True)

    def called(module: Any, path: str, given: Any, result: Any) -> Any:
        if not parts[0]:
            used[id(module)] = module
        return result

    def let_loose(optimiser: Any) -> None:
        learning = [weight for weight in waiting if weight.requires_grad and weight.grad is not None]
        if learning:
            waiting[:] = [weight for weight in waiting if not weight.requires_grad or weight.grad is None]
            held = ids_held_by(optimiser) | optimisers.held_beside(optimiser)
            missing = [weight for weight in learning if id(weight) not in held]
            if missing:
                add_weights(optimiser, missing, without_gradients=training.anatomy.autocast)

    def add(optimiser: Any) -> None:
        first, begins = optimisers.step(optimiser)
        parts[0] += begins
        if not first and parts[0] == 1:
            let_loose(optimiser)
        # Who holds what in a later part is meant there, unless it is frozen.
        if not first or (parts[0] > 1 and level != "unfrozen"):
            return
        modules = [*(one for model in models for one in model.modules()), *used.values()]
        weights = {id(weight): weight for one in modules for weight in training.weights_of(one)}
        if level == "unfrozen" and begins:
            for weight in weights.values():
                weight.requires_grad_(True)
        own, others = ids_held_by(optimiser), optimisers.held_beside(optimiser)
        unheld = [weight for key, weight in weights.items() if key not in own | others]
        missing = [weight for weight in unheld if weight.requires_grad]
        waiting[:] = [weight for weight in unheld if not weight.requires_grad]
        if optimisers.several:
            # Of several, as a generator's and a discriminator's, the one whose loss reaches them.
            missing = [weight for weight in missing if weight.grad is not None or level == "unfrozen"]
        if missing and own <= others:
            # It was made of the parameters of another's model.
            optimiser.param_groups[0]["params"] = missing
        elif missing:
            add_weights(optimiser, missing, without_gradients=training.anatomy.autocast)

    training.at_model(seen)
    training.at_layer(called)
    training.at_optimiser(optimisers.made)
    training.at_step(before=add)


def _unregistered(source: Source) -> list[ast.expr]:
    """What a file's classes keep in plain lists and tensors of their own, and no optimiser hears of.

    Lists of what classes make are kept as `self.layers = [nn.Linear(…), …]`, tensors that want a gradient as
    `self.w = torch.randn(…, requires_grad=True)`.
    """
    kept = [
        one.value
        for kind in source.nodes
        if isinstance(kind, ast.ClassDef)
        for one in ast.walk(kind)
        if isinstance(one, ast.Assign) and any(isinstance(to, ast.Attribute) for to in one.targets)
    ]
    own = {one.name for one in source.nodes if isinstance(one, ast.ClassDef)}
    return [one for one in kept if _is_list_of_layers(source, one, own) or _wants_gradient(one)]


def _is_list_of_layers(source: Source, value: ast.expr, own: set[str]) -> bool:
    inner = value.elts if isinstance(value, ast.List) else [value.elt] if isinstance(value, ast.ListComp) else []
    made = [source.segment(one.func) for one in inner if isinstance(one, ast.Call)]
    return bool(inner) and len(made) == len(inner) and all(one in own or "nn." in one for one in made)


def _wants_gradient(value: ast.expr) -> bool:
    options = value.keywords if isinstance(value, ast.Call) else []
    return any(one.arg == "requires_grad" for one in options) and name_of(value) != "Parameter"  # type: ignore[arg-type]


def _freezing(source: Source) -> list[ast.stmt]:
    """The statements of a file that freeze: `p.requires_grad = False`, `net.requires_grad_(False)`."""
    found: list[ast.stmt] = []
    for one in source.nodes:
        if isinstance(one, ast.Assign):
            value, frozen = one.value, all(getattr(to, "attr", "") == "requires_grad" for to in one.targets)
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and len(one.value.args) == 1:
            value, frozen = one.value.args[0], name_of(one.value) == "requires_grad_"
        else:
            continue
        if frozen and isinstance(value, ast.Constant) and value.value is False:
            found.append(one)
    return sorted(found, key=lambda one: one.lineno)


def _unfrozen(source: Source, anatomy: Anatomy) -> str | None:
    found = _freezing(source)
    parts = [part for one in anatomy.optimisers for part in models_of(one)]
    # What an optimiser gets a part of a model would have to be given the rest, too.
    if len(found) != 1 or anatomy.unheld or not parts or any("." in part for part in parts):
        return None
    return source.without(found[0])


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    return _unfrozen(source, anatomy) if level == "unfrozen" else _registered(source, anatomy)


def _edited(anatomy: Anatomy) -> str:
    frozen = first_line(anatomy.sources, _freezing) if anatomy.frozen and not anatomy.unheld else ""
    return frozen or first_line(anatomy.sources, _unregistered) or str(anatomy.optimiser.get("place", ""))


def _registered(source: Source, anatomy: Anatomy) -> str | None:
    """The file with all of its parameters where the optimiser finds them."""
    found = _unregistered(source)
    if found:
        nn = nn_of(source)
        makers = ["Parameter" if isinstance(one, ast.Call) else "ModuleList" for one in found]
        return source.all_replaced(
            (one, f"{nn}.{maker}({source.segment(one)})") for one, maker in zip(found, makers, strict=True)
        )
    # Of parts of a model, the whole.
    given, parts = given_to(source, str(anatomy.optimiser.get("kind")))
    wholes = {part.rpartition(".")[0] for part in parts}
    return source.replaced(given, f"{wholes.pop()}.parameters()") if len(wholes) == 1 and all(wholes) else None


TRAINED_PARAMETERS = Intervention(
    "trained_parameters",
    what="the optimiser whose loss reaches them also gets the parameters of the models that none has",
    source="PyTorch documentation of nn.ModuleList and Optimizer.add_param_group",
    levels=_levels,
    apply=_apply,
    harmless=True,
    answers=("parameters_without_optimiser", "unreachable_modules", "weights_that_stay"),
    cannot="it does not reach parameters that are used outside of any module",
    place=lambda anatomy: str(anatomy.optimiser.get("place", "")),
    patch=_patched,
    edited=_edited,
)


def _cut(anatomy: Anatomy) -> dict[str, str]:
    found = [name for name in CUTS if anatomy.calls.get(name)]
    said = " and ".join(name.partition(" ")[0] for name in found)
    kept = {"kept": f"leave {said} out of the forward pass"} if found else {}
    # An agent's policy draws its actions on purpose.
    drawn = bool(anatomy.calls.get(DRAWN)) and not anatomy.acts
    return kept | ({"resampled": "rsample() in place of sample()"} if drawn else {})


def at_drawing(training: Training, drawn: Callable[[Any], bool]) -> None:
    """Asks `drawn(distribution)` where one that could keep its gradient draws a sample: where yes, it keeps it."""

    def make(own: Any) -> Any:
        def sample(distribution: Any, *shape: Any, **named: Any) -> Any:
            again = distribution.has_rsample and training.torch.is_grad_enabled() and drawn(distribution)
            return distribution.rsample(*shape, **named) if again else own(distribution, *shape, **named)

        return sample

    for kind in distributions_with(training.torch, "sample"):
        training.replace(kind, "sample", make)


def at_cuts(training: Training, meets: Callable[[str, Any], bool]) -> None:
    """Asks `meets(name, what)` where a line of the program cuts off what is computed: where yes, nothing is cut off.

    Args:
        training: whose program.
        meets: gets one of `CUTS`, and the tensor or the block; what torch and other packages cut off in their own lines
            is left to them.
    """
    torch = training.torch

    def detach(own: Any) -> Any:
        def detached(tensor: Any) -> Any:
            return tensor if tensor.requires_grad and is_in_own_line() and meets(DETACHED, tensor) else own(tensor)

        return detached

    def data(own: Any) -> property:
        def read(tensor: Any) -> Any:
            computed = torch.is_grad_enabled() and tensor.grad_fn is not None
            return tensor if computed and is_in_own_line() and meets(READ, tensor) else own.__get__(tensor)

        return property(read, own.__set__)

    def enter(own: Any) -> Any:
        def entered(block: Any) -> Any:
            if torch.is_grad_enabled() and is_in_own_line() and meets(BLOCKED, block):
                block.prev = True
                return None
            return own(block)

        return entered

    training.replace(torch.Tensor, "detach", detach)
    training.replace(torch.Tensor, "data", data)
    training.replace(torch.no_grad, "__enter__", enter)


def _keep(training: Training, level: str) -> None:
    inside: Any = training
    training.at_forward(after=lambda model, result: result)
    if level == "resampled":
        at_drawing(training, lambda distribution: inside.inside)
    else:
        at_cuts(training, lambda name, what: inside.inside and training.torch.is_grad_enabled())


def _cutting(source: Source) -> list[Any]:
    """What in a file's forward methods cuts the gradient off, in the order of their lines."""
    found = [
        one
        for one in in_forward(source)
        if (isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and name_of(one) in ("detach", "no_grad"))
        or (isinstance(one, ast.Attribute) and one.attr == "data")
    ]
    return sorted(found, key=lambda one: (one.lineno, one.col_offset))


def _uncut(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file whose forward methods cut nothing off."""
    found = _cutting(source)
    if level != "kept" or not found:
        return None

    def without(one: Any) -> str:
        if isinstance(one, ast.Attribute):
            return source.segment(one.value)
        function: Any = one.func
        return source.segment(function.value) + ("" if function.attr == "detach" else ".enable_grad()")

    return source.all_replaced((one, without(one)) for one in found)


GRADIENT_FLOW = Intervention(
    "gradient_flow",
    what="detach(), .data and no_grad() inside a forward pass do nothing, or samples drawn in it keep their gradient",
    source="PyTorch documentation of Tensor.detach; PyTorch forum",
    levels=_cut,
    apply=_keep,
    inside=True,
    harmless=True,
    answers=("parameters_without_gradient", "gradient_cut"),
    cannot="a copy through NumPy and .item() stay as they are, and what torch cuts off in its own lines",
    place=lambda anatomy: first_line(anatomy.sources, _cutting),
    patch=_uncut,
)
