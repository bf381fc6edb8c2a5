"""The places of torch that have no hook of their own: losses, backward, loaders, weights that are loaded or drawn.

Each is wrapped by a function of the same name, and put back when the listening ends (see `standing_back`).
"""

from __future__ import annotations

import functools
import inspect
import sys
import time
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.drawing import DRAWS, Draws, initialisers, seeders
from backtrack.vocabulary.loss_sides import in_order
from backtrack.vocabulary.probabilities import OF_LOGITS
from backtrack.watch.listening.standing_back import Undo, replace

# Functions of two tensors that torch's loss modules call.
LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "soft_margin_loss",
    "hinge_embedding_loss",
    "multilabel_soft_margin_loss",
    "multilabel_margin_loss",
    "multi_margin_loss",
    "ctc_loss",
)
# Functions of two outputs, whose target comes third: they are heard, and not changed.
OF_TWO_OUTPUTS = ("cosine_embedding_loss", "margin_ranking_loss")
# Losses whose output and target are not one to one.
UNLIKE = ("ctc_loss", *OF_TWO_OUTPUTS)

# Functions that draw by probabilities, means or deviations that they are given; `torch.distributions` calls them.
SAMPLES = ("multinomial", "normal", "bernoulli")

# Functions of a tensor, the share that is dropped, and whether it is.
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


def on_losses(
    torch: Any, after: Callable[[str, Any, Any, dict[str, Any], Any], None], wanted: Callable[[], bool]
) -> list[Undo]:
    """Calls `after(name, output, target, options, value)` after each of torch's loss functions, while `wanted()`."""
    functional = torch.nn.functional
    inside: list[bool] = []

    def wrapped(name: str) -> Callable[..., Any]:
        own = getattr(functional, name)
        both_of = output_and_target_of(own, 2 if name in OF_TWO_OUTPUTS else 1)

        @functools.wraps(own)
        def loss(*arguments: Any, **options: Any) -> Any:
            # Under a `TorchFunctionMode` torch calls the function by its name once more.
            if inside or not wanted():
                return own(*arguments, **options)
            inside.append(True)
            try:
                value = own(*arguments, **options)
            finally:
                inside.clear()
            output, target, rest = both_of(arguments, options)
            if isinstance(output, torch.Tensor) and isinstance(target, torch.Tensor):
                after(name, output, target, rest, value)
            return value

        return loss

    names = (*LOSSES, *OF_TWO_OUTPUTS)
    return [replace(functional, name, wrapped(name)) for name in names if hasattr(functional, name)]


def output_and_target_of(
    function: Callable[..., Any], place: int = 1
) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, Any, dict[str, Any]]]:
    """How a loss function's arguments are read: its output, its target (None where one is not given), others by name.

    Args:
        function: the loss function.
        place: of the target among its parameters.
    """
    names = list(inspect.signature(function).parameters)
    first, second = names[0], names[place]
    loss = function.__name__

    def both_of(arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        given = {**dict(zip(names, arguments, strict=False)), **options}
        output, target = in_order(loss, given.pop(first, None), given.pop(second, None))
        return output, target, given

    return both_of


def share_dropped_by(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[float, bool]]:
    """How a dropout function's arguments are read: the share that it drops, and whether it does. Defaults differ."""
    signature = inspect.signature(function)

    def share_of(arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[float, bool]:
        given = signature.bind(*arguments, **options)
        given.apply_defaults()
        share = float(given.arguments["p"])
        return share, bool(given.arguments["training"]) and share > 0

    return share_of


def on_dropouts(torch: Any, dropped: Callable[[float, bool, bool], None], wanted: Callable[[], bool]) -> list[Undo]:
    """Calls `dropped(share, active, by_module)` after each of torch's dropout functions, while `wanted()`."""
    functional = torch.nn.functional

    def wrapped(name: str) -> Callable[..., Any]:
        own = getattr(functional, name)
        share_of = share_dropped_by(own)

        @functools.wraps(own)
        def dropout(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            if wanted():
                share, active = share_of(arguments, options)
                caller = sys._getframe(1).f_globals.get("__name__")
                dropped(share, active, caller == "torch.nn.modules.dropout")
            return result

        return dropout

    return [replace(functional, name, wrapped(name)) for name in DROPOUTS if hasattr(functional, name)]


def on_clipping(torch: Any, clipped: Callable[[Any, float, Callable[[], float]], None]) -> list[Undo]:
    """Calls `clipped(norm, bound, scale)` after gradients are clipped by their norm.

    `scale()` says what a gradient scaler has multiplied them by; 1 where none has, or where they were unscaled since.
    """
    scaler, utils = torch.amp.GradScaler, torch.nn.utils
    scale, unscale, clip = scaler.scale, scaler.unscale_, utils.clip_grad_norm_
    # The scaler whose scaled loss came last; none once anything of it is unscaled.
    last: list[Any] = []

    @functools.wraps(scale)
    def scaled(self: Any, outputs: Any) -> Any:
        last[:] = [self] if self.is_enabled() else []
        return scale(self, outputs)

    @functools.wraps(unscale)
    def unscale_(self: Any, optimizer: Any) -> None:
        last.clear()
        unscale(self, optimizer)

    @functools.wraps(clip)
    def clip_grad_norm_(*arguments: Any, **options: Any) -> Any:
        norm = clip(*arguments, **options)
        bound = arguments[1] if len(arguments) > 1 else options.get("max_norm")
        if isinstance(bound, (int, float)):
            by = last[0] if last else None
            clipped(norm, float(bound), lambda: float(by.get_scale()) if by is not None else 1.0)
        return norm

    return [
        replace(scaler, "scale", scaled),
        replace(scaler, "unscale_", unscale_),
        replace(utils, "clip_grad_norm_", clip_grad_norm_),
    ]


def on_backward(torch: Any, before: Callable[[Any], None]) -> list[Undo]:
    """Calls `before(loss)` before a backward pass that fills `.grad`."""
    own, tensor = torch.autograd.backward, torch.Tensor

    @functools.wraps(own)
    def backward(tensors: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(tensors, tensor):
            before(tensors)
        elif isinstance(tensors, (tuple, list)) and tensors and isinstance(tensors[0], tensor):
            before(tensors[0])
        return own(tensors, *arguments, **options)

    return [replace(torch.autograd, "backward", backward)]


def on_gradients(torch: Any, before: Callable[[str], bool]) -> list[Undo]:
    """Calls `before(name)` wherever a program asks for gradients by `backward` or `grad`, outside of what torch does.

    Once it returns False it is not called any more, unless somebody else has put something on top of it meanwhile.
    """

    def heard(owner: Any, name: str) -> Undo:
        own = getattr(owner, name)

        @functools.wraps(own)
        def ask(*arguments: Any, **options: Any) -> Any:
            if not before(name) and getattr(owner, name) is ask:
                undo()
            return own(*arguments, **options)

        undo = replace(owner, name, ask)
        return undo

    return [heard(torch.Tensor, "backward"), heard(torch.autograd, "grad")]


def on_initialising(torch: Any, initialised: Callable[[str, Any], None]) -> list[Undo]:
    """Calls `initialised(name, tensor)` after each of torch's initialisers."""
    init = torch.nn.init

    def wrapped(name: str) -> Callable[..., Any]:
        own = getattr(init, name)

        @functools.wraps(own)
        def initialise(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            if isinstance(result, torch.Tensor):
                initialised(name, result)
            return result

        return initialise

    return [replace(init, name, wrapped(name)) for name in initialisers(torch)]


def on_sampling(torch: Any, sampled: Callable[[], None]) -> list[Undo]:
    """Calls `sampled()` after something is drawn by given probabilities, without gradients: actions, words."""

    def wrapped(own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def sample(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            if not torch.is_grad_enabled():
                sampled()
            return result

        return sample

    return [replace(torch, name, wrapped(getattr(torch, name))) for name in SAMPLES]


def on_seeding(torch: Any, seeded: Callable[[str, Any], None]) -> list[Undo]:
    """Calls `seeded(name, seed)` after a generator of torch, of numpy or of Python is given its seed.

    One of the program's own is heard where it draws: from a state that it was in before, it was given its seed again.
    """

    def wrapped(where: str, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def seed(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            given = [*arguments, *options.values()]
            if given and given[0] is not None:
                seeded(f"{where}.{own.__name__}", given[0])
            return result

        return seed

    def drawing(own: Callable[..., Any]) -> Callable[..., Any]:
        draws = Draws()

        @functools.wraps(own)
        def draw(*arguments: Any, **options: Any) -> Any:
            generator = options.get("generator")
            if generator is not None and draws.come_again(generator):
                seeded("torch.Generator.manual_seed", generator.initial_seed())
            return own(*arguments, **options)

        return draw

    return [
        *(replace(owner, name, wrapped(where, getattr(owner, name))) for where, owner, name in seeders(torch)),
        *(replace(torch, name, drawing(getattr(torch, name))) for name in DRAWS),
    ]


def on_loading(torch: Any, loaded: Callable[[Any, Any, Any], None], iterated: Callable[[Any], None]) -> list[Undo]:
    """Calls `loaded(module, state, result)` where weights are loaded, and `iterated(loader)` where a DataLoader is gone
    through."""
    module, loader = torch.nn.Module, torch.utils.data.DataLoader
    load, iterate = module.load_state_dict, loader.__iter__

    @functools.wraps(load)
    def load_state_dict(self: Any, state_dict: Any, *arguments: Any, **options: Any) -> Any:
        result = load(self, state_dict, *arguments, **options)
        loaded(self, state_dict, result)
        return result

    @functools.wraps(iterate)
    def __iter__(self: Any) -> Any:
        iterated(self)
        return iterate(self)

    return [replace(module, "load_state_dict", load_state_dict), replace(loader, "__iter__", __iter__)]


def on_fetching(torch: Any, fetched: Callable[[float], bool]) -> list[Undo]:
    """Calls `fetched(seconds)` behind each batch that a DataLoader gives, until it returns False."""
    iteration = torch.utils.data.dataloader._BaseDataLoaderIter
    following = iteration.__next__

    @functools.wraps(following)
    def __next__(self: Any) -> Any:
        asked = time.perf_counter()
        batch = following(self)
        if not fetched(time.perf_counter() - asked) and iteration.__next__ is __next__:
            undo()
        return batch

    undo = replace(iteration, "__next__", __next__)
    return [undo]


def on_distributions(torch: Any, made: Callable[[str, Any], None]) -> list[Undo]:
    """Calls `made(name, logits)` after a distribution was made of logits that have a gradient."""

    def wrapped(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __init__(self: Any, *arguments: Any, **options: Any) -> None:
            own(self, *arguments, **options)
            given = arguments[1] if len(arguments) > 1 else options.get("logits")
            if getattr(given, "requires_grad", False) and type(self).__name__ == name:
                made(name, given)

        return __init__

    kinds = [getattr(torch.distributions, name) for name in OF_LOGITS]
    return [replace(kind, "__init__", wrapped(kind.__name__, kind.__init__)) for kind in kinds]


def on_plateaus(torch: Any, stepped: Callable[[Any, float, bool], None]) -> list[Undo]:
    """Calls `stepped(schedule, value, lowered)` after each step of a schedule that waits for a plateau."""
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau
    own = schedule.step

    @functools.wraps(own)
    def step(self: Any, metrics: Any, *arguments: Any, **options: Any) -> Any:
        before = [group["lr"] for group in self.optimizer.param_groups]
        result = own(self, metrics, *arguments, **options)
        lowered = any(group["lr"] < rate for group, rate in zip(self.optimizer.param_groups, before, strict=False))
        stepped(self, float(metrics), lowered)
        return result

    return [replace(schedule, "step", step)]


def _ordering(loader: Any) -> tuple[Any, Any]:
    """What orders a DataLoader's examples, and what makes batches of them (None where nothing does)."""
    batches: Any = getattr(loader, "batch_sampler", None)
    while getattr(batches, "batch_sampler", None) is not None:
        batches = batches.batch_sampler
    return getattr(batches, "sampler", None) or batches or getattr(loader, "sampler", None), batches


def weights_of(loader: Any) -> int:
    """How many weights a DataLoader's examples are drawn by; 0 for none, or for a sampler of somebody's own."""
    order, _ = _ordering(loader)
    # Another class may hold weights of classes, and draw by them as it likes.
    return len(order.weights) if type(order).__name__ == "WeightedRandomSampler" else 0


def drawn_by(loader: Any) -> tuple[str, int, int]:
    """The class that orders a DataLoader's examples, how many batches it has (-1: not known), and their size (or 0).

    Where somebody gave it batches, as libraries for several devices do, its own sampler orders nothing.
    """
    order, batches = _ordering(loader)
    size = getattr(loader, "batch_size", None) or getattr(batches, "batch_size", None) or 0
    try:
        count = len(loader)
    except TypeError:
        count = -1
    return type(order).__name__, count, int(size)


def on_warnings(warned: Callable[[str, str], str]) -> list[Undo]:
    """Calls `warned(category, message)` at each warning that is shown; it returns the `file:line` to show."""
    import warnings

    own = warnings.showwarning

    @functools.wraps(own)
    def showwarning(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        place = warned(category.__name__, str(message))
        if place and filename == __file__:
            # A warning says who called: that is the function that wraps it.
            filename, number = place.rsplit(":", 1)
            lineno = int(number)
        own(message, category, filename, lineno, file, line)

    return [replace(warnings, "showwarning", showwarning)]
