"""Counts what a program calls: what cuts gradients off, and the parts of torch that it uses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from backtrack.search_spaces import compared_shapes, dataset_items, kept_weights, seeds, target_shift
from backtrack.search_spaces.bag_offsets import LENGTHS, at_offsets
from backtrack.search_spaces.batch_first import SECOND, second_in
from backtrack.search_spaces.batch_state import GIVEN, at_states
from backtrack.search_spaces.chosen_terms import at_choices, chooses, in_model
from backtrack.search_spaces.compared_sides import at_sides
from backtrack.search_spaces.dataset_rows import SHORT, at_short
from backtrack.search_spaces.gradient_between import count_between
from backtrack.search_spaces.last_weights import at_reloading
from backtrack.search_spaces.loss_mask import MASKED, PICKED, WEIGHED, are_picked, at_masks, is_either, is_mask
from backtrack.search_spaces.own_noise import DRAWN as NOISE
from backtrack.search_spaces.own_noise import at_noise
from backtrack.search_spaces.plateau_mode import MADE, at_plateaus
from backtrack.search_spaces.pretrained import NAMES_APART, at_loading, at_names
from backtrack.search_spaces.roots_of_zero import at_roots
from backtrack.search_spaces.row_order import APART, at_rows
from backtrack.search_spaces.sampling import WEIGHTED, at_sampling
from backtrack.search_spaces.scored_samples import ANEW, Samples, at_scoring, is_anew
from backtrack.search_spaces.stored_rows import kind_of, read_in_place
from backtrack.search_spaces.trained_parameters import DRAWN, at_cuts, at_drawing
from backtrack.search_spaces.weight_clipping import SEEN, at_clipping
from backtrack.task.intervention import LossCall
from backtrack.trial.intervening.training import HookedTraining
from backtrack.vocabulary.places import is_called_by_own, is_own_class
from backtrack.vocabulary.shapes import exchanged_axes, is_square
from backtrack.vocabulary.steep import zeros_in
from backtrack.watch.listening.patches import DROPOUTS, drawn_by, share_dropped_by
from backtrack.watch.listening.places import own_place

# Among an anatomy's calls: samples whose probability under what drew them is asked. So many of the last are kept.
SCORED, KEPT = "own samples scored", 16
# Views and reshapes that exchange axes: so many are kept.
MOST_EXCHANGED = 4


def count_cuts(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Counts `detach`, `.data` and `no_grad` in forward passes, outputs and targets that become squares, clippings.

    Args:
        training: whose anatomy has the counts.
        is_early: whether the first steps are not over: only these are counted.
    """
    torch, count = training.torch, training.anatomy.count

    def compared(own: Any) -> Any:
        def computed(left: Any, right: Any, *rest: Any, **options: Any) -> Any:
            tensors = isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)
            if tensors and is_early() and is_square(left, right) and own_place():
                count("square difference")
            return own(left, right, *rest, **options)

        return computed

    def clip(own: Any) -> Any:
        def clipped(*arguments: Any, **options: Any) -> Any:
            count("clipped")
            return own(*arguments, **options)

        return clipped

    for name in ("__sub__", "__rsub__", "sub", "__mul__", "__rmul__", "mul"):
        training.replace(torch.Tensor, name, compared)
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        training.replace(torch.nn.utils, name, clip)

    def drawn(distribution: Any) -> bool:
        if is_early() and training.inside and own_place():
            count(DRAWN)
        return False

    at_drawing(training, drawn)

    def met(name: str, what: Any) -> bool:
        if is_early() and training.inside:
            count(name)
        return False

    at_cuts(training, met)
    count_between(training, lambda name: count(name) if is_early() else None)


def count_exchanged_axes(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees views and reshapes that put the sizes of a tensor into another order, while `is_early()`."""
    torch, found = training.torch, training.anatomy.exchanged

    def watched(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def shaped(tensor: Any, *sizes: Any, **named: Any) -> Any:
                result = own(tensor, *sizes, **named)
                if is_early() and len(found) < MOST_EXCHANGED:
                    order = exchanged_axes(tuple(tensor.shape), tuple(result.shape))
                    place = own_place() if order and is_called_by_own() else ""
                    if place and place not in {one["place"] for one in found}:
                        found.append({"function": name, "place": place, "order": list(order), "axes": tensor.ndim})
                return result

            return shaped

        return make

    for name in ("view", "reshape"):
        training.replace(torch.Tensor, name, watched(name))


def count_loads(training: HookedTraining) -> None:
    """Sees weights that come from outside before the first step, and those that are loaded into a net that trains."""
    anatomy = training.anatomy

    def seen() -> bool:
        anatomy.pretrained = True
        return True

    def seen_again() -> bool:
        anatomy.reloaded = anatomy.reloaded or own_place()
        return True

    def named_apart() -> bool:
        anatomy.count(NAMES_APART)
        return False

    at_loading(training, seen)
    at_reloading(training, seen_again)
    at_names(training, named_apart)


def count_clipped_weights(training: HookedTraining) -> None:
    """Sees weights that the program clips in place."""

    def seen() -> bool:
        training.anatomy.count(SEEN)
        return True

    at_clipping(training, seen)


def count_again(training: HookedTraining) -> None:
    """Sees weights that are written over and seeds that are given again, once it trains, and wrong comparisons."""

    def seen(what: str) -> bool:
        training.anatomy.count(what)
        return True

    def compared() -> bool:
        training.anatomy.count(compared_shapes.SEEN)
        return False

    kept_weights.at_writing(training, lambda: seen(kept_weights.SEEN))
    seeds.at_seeding(training, lambda: seen(seeds.SEEN))
    compared_shapes.at_comparing(training, compared)


def count_uses(training: HookedTraining) -> None:
    """Sees autocast, several processes and dropout."""
    torch, anatomy = training.torch, training.anatomy

    def autocast(own: Any) -> Any:
        def __init__(block: Any, *arguments: Any, **options: Any) -> None:
            own(block, *arguments, **options)
            anatomy.autocast |= bool(getattr(block, "_enabled", False))

        return __init__

    def dropout(own: Any) -> Any:
        share_of = share_dropped_by(own)

        def dropping(*arguments: Any, **options: Any) -> Any:
            if share_of(arguments, options)[1]:
                anatomy.count("dropout")
            return own(*arguments, **options)

        return dropping

    def joining(own: Any) -> Any:
        def init_process_group(*arguments: Any, **options: Any) -> Any:
            made = own(*arguments, **options)
            anatomy.processes = max(anatomy.processes, torch.distributed.get_world_size())
            return made

        return init_process_group

    for name in DROPOUTS:
        training.replace(torch.nn.functional, name, dropout)
    if torch.distributed.is_available():
        training.replace(torch.distributed, "init_process_group", joining)
    training.replace(torch.amp.autocast_mode.autocast, "__init__", autocast)


def count_loaders(training: HookedTraining) -> None:
    """Sees DataLoaders, and which of them a net is judged by."""
    torch, anatomy = training.torch, training.anatomy
    entries: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()

    def loader(own: Any) -> Any:
        def __init__(made: Any, *arguments: Any, **options: Any) -> None:
            own(made, *arguments, **options)
            # Whether a stream is mixed, nobody sees.
            stream = isinstance(made.dataset, torch.utils.data.IterableDataset)
            shuffled = drawn_by(made)[0] != "SequentialSampler" and not stream
            anatomy.loaders.append(
                {"place": own_place(), "batch_size": made.batch_size, "shuffled": shuffled, "stream": stream}
            )
            entries[made] = anatomy.loaders[-1]

        return __init__

    def looped(own: Any) -> Any:
        def __iter__(loader: Any) -> Any:
            if loader in entries:
                # One that is gone through without gradients alone is what the net is judged by.
                entries[loader]["judges"] = not torch.is_grad_enabled() and entries[loader].get("judges", True)
            return own(loader)

        return __iter__

    training.replace(torch.utils.data.DataLoader, "__init__", loader)
    training.replace(torch.utils.data.DataLoader, "__iter__", looped)


def count_rows_apart(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees losses whose outputs and targets were flattened in different orders, while `is_early()`."""

    def seen(call: LossCall, shape: tuple[int, ...]) -> None:
        if is_early() and call.training:
            training.anatomy.count(APART)

    at_rows(training, seen)


def count_read_targets(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees losses that ask for tokens which the net has read, while `is_early()`."""

    def seen(call: LossCall, target: Any) -> None:
        if is_early():
            training.anatomy.count(target_shift.SEEN)

    target_shift.at_read_targets(training, seen)


def count_steep(training: HookedTraining) -> None:
    """Sees roots and logarithms of zeros."""
    anatomy = training.anatomy

    def seen(name: str, arguments: Sequence[Any]) -> bool:
        if not anatomy.steep and zeros_in(name, arguments):
            anatomy.steep = own_place()
        return False

    at_roots(training, seen)


def count_sides(training: HookedTraining) -> None:
    """Sees the first loss that compares."""
    anatomy = training.anatomy

    def seen(name: str) -> bool:
        if not anatomy.sides:
            anatomy.sides = {"name": name, "place": own_place()}
        return False

    at_sides(training, seen)


def count_masks(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees losses of each element that are masked or weighed by hand, while `is_early()`."""

    def seen(mask: Any) -> Any:
        if is_early():
            training.anatomy.count(MASKED if is_mask(training.torch, mask) else WEIGHED)
        return mask

    def ended(total: Any, losses: set[Any]) -> None:
        if is_early() and are_picked(training.torch, total, losses):
            training.anatomy.count(PICKED)

    at_masks(training, seen, ended, is_either)


def count_choices(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees labels of zeros and ones that choose between two terms of a loss, while `is_early()`."""
    # Of this step: where what terms were multiplied by is not 0, with its place, and where labels are not whose rest,
    # 1 - labels, was taken.
    factors: list[tuple[Any, str]] = []
    labelled: list[Any] = []
    torch, same = training.torch, training.torch.equal

    def look() -> None:
        for labels in labelled:
            by = [place for factor, place in factors if same(factor, labels)]
            if by and any(same(factor, ~labels) for factor, _ in factors):
                training.anatomy.chosen = by[0]

    def met(labels: Any) -> Any:
        factors.append((labels.detach().bool(), own_place()))
        look()
        return labels

    def rest(own: Any) -> Any:
        def subtract(labels: Any, one: Any, *more: Any, **options: Any) -> Any:
            result = own(labels, one, *more, **options)
            is_rest = is_early() and isinstance(one, (int, float)) and one == 1
            # (What is no label, as pictures that are inverted, need not be held.)
            if is_rest and not in_model(training) and chooses(torch, labels):
                labelled.append(labels.detach().bool())
            return result

        return subtract

    def end(total: Any) -> Any:
        factors.clear()
        labelled.clear()
        return total

    at_choices(training, met, is_early)
    training.replace(torch.Tensor, "__rsub__", rest)
    training.at_objective(end)


def count_noise(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees random numbers that the program's own modules draw as they train, while `is_early()`."""

    def drawn(module: Any) -> None:
        if is_early():
            training.anatomy.count(NOISE)

    at_noise(training, drawn)


def count_states(training: HookedTraining) -> None:
    """Sees batches that a recurrent layer begins with a state of numbers."""

    def given() -> bool:
        training.anatomy.count(GIVEN)
        return False

    at_states(training, given)


def count_offsets(training: HookedTraining) -> None:
    """Sees embedding bags whose offsets go back."""

    def seen() -> bool:
        training.anatomy.count(LENGTHS)
        return False

    at_offsets(training, seen)


def count_second(training: HookedTraining) -> None:
    """Sees layers that take the second dimension for the examples."""

    def seen(model: Any) -> None:
        for kind in {type(module).__name__ for module in second_in(model)}:
            training.anatomy.count(SECOND + kind)

    training.at_model(seen)


def count_samplers(training: HookedTraining) -> None:
    """Sees samplers that draw some examples more often than others."""

    def seen(sampler: Any) -> bool:
        training.anatomy.count(WEIGHTED)
        return False

    at_sampling(training, seen)


def count_plateaus(training: HookedTraining) -> None:
    """Sees in which mode schedules wait for a plateau."""

    def seen(mode: str) -> str:
        training.anatomy.count(MADE + mode)
        return mode

    at_plateaus(training, seen)


def count_short(training: HookedTraining) -> None:
    """Sees datasets that hold more rows than their length says."""

    def seen(dataset: Any) -> bool:
        training.anatomy.count(SHORT)
        return False

    at_short(training, seen)


def count_items(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Sees datasets that write all examples to one place, change their rows, or draw numbers, while `is_early()`."""
    count = training.anatomy.count
    is_shared, got = dataset_items.shared_items(training.torch), dataset_items.drawing_items(training.torch)

    def returned(dataset: Any, index: Any, get: Callable[[], Any]) -> Any:
        if not is_early():
            return get()
        (item, changed), drawn = got(lambda: read_in_place(training.torch, dataset, index, get))
        if drawn:
            count(dataset_items.DRAWN)
        for row, _ in changed[:1]:
            count(kind_of(training.torch, row))
        if is_shared(item):
            count(dataset_items.SHARED)
        return item

    dataset_items.at_items(training, returned)


def count_scored(training: HookedTraining) -> None:
    """Sees samples of a distribution whose own probability is asked: an agent's actions, which are its doing."""
    kept, count = deque[Any](maxlen=KEPT), training.anatomy.count

    def drawn(samples: Samples, sample: Any) -> Any:
        kept.append(sample)
        return sample

    def scored(samples: Samples, value: Any) -> None:
        if any(value is one for one in kept):
            count(SCORED)
        if is_anew(samples, value):
            count(ANEW)

    at_scoring(training, drawn, scored)


def count_compiled(training: HookedTraining) -> None:
    """Sees what is compiled, scripted or captured."""
    torch, anatomy = training.torch, training.anatomy

    def compiling(own: Any) -> Any:
        def compile(*arguments: Any, **options: Any) -> Any:
            anatomy.compiled = True
            return own(*arguments, **options)

        return compile

    def tracing(own: Any, frames: int = 0) -> Any:
        def trace(made: Any, *arguments: Any, **options: Any) -> Any:
            anatomy.compiled |= isinstance(made, torch.nn.Module)
            if frames:
                # It looks names up where it is called.
                options["_frames_up"] = options.get("_frames_up", 0) + frames
            return own(made, *arguments, **options)

        return trace

    def capturing(own: Any) -> Any:
        def capture_begin(*arguments: Any, **options: Any) -> Any:
            anatomy.captured = True
            return own(*arguments, **options)

        return capture_begin

    training.replace(torch, "compile", compiling)
    training.replace(torch.jit, "script", lambda own: tracing(own, frames=1))
    training.replace(torch.jit, "trace", tracing)
    training.replace(torch.cuda.CUDAGraph, "capture_begin", capturing)


def own_gradients(torch: Any) -> list[str]:
    """Names of the autograd functions that are written in the program's own files."""
    waiting, found = [*torch.autograd.Function.__subclasses__()], []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if is_own_class(kind):
            found.append(kind.__name__)
    return sorted(set(found))
