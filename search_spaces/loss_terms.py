"""Losses that are a sum: each of its terms left out, or with the other sign, or all of them with the same weight."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, source_at
from backtrack.task.sums import as_sum, begun_at, last_made, sum_in, terms_in, unweighted
from backtrack.vocabulary.graph import number_in

# Terms of which each is left out once; a sum over steps or layers has more.
MOST = 4
# What stands before a sum and changes nothing of what it is made of.
AROUND = ("MulBackward0", "DivBackward0", "NegBackward0", "MeanBackward0", "SumBackward0", "ToCopyBackward0")
SUMS = ("AddBackward0", "SubBackward0")
# What has a weight that is a number, and between which weights of terms the heavier outdoes the lighter.
WEIGHED, APART = ("MulBackward0", "DivBackward0"), 10.0
ALIKE, TURNED = "weighted_alike", "negated_"
ORDINALS = ("first", "second", "third", "fourth")


def terms_of(total: Any) -> list[tuple[Any, int]]:
    """Where the terms of a sum come into a loss: each as (node of an addition or subtraction, its number among those).

    Args:
        total: what a backward pass begins from.

    Returns:
        The edges of the graph, in the order of the program; none where it is no sum, or one of more than `MOST` terms.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> [type(node).__name__ for node, _ in terms_of((weight.exp().sum() - 0.5 * weight.sum()) / 3)]
        ['SubBackward0', 'SubBackward0']
    """
    node: Any = getattr(total, "grad_fn", None)
    while node is not None and type(node).__name__ in AROUND:
        behind = [one for one, _ in node.next_functions if one is not None]
        node = behind[0] if len(behind) == 1 else None
    waiting: list[Any] = _edges(node) if type(node).__name__ in SUMS else []
    found: list[tuple[Any, int]] = []
    while waiting and len(found) <= MOST:
        above, number = waiting.pop(0)
        below = above.next_functions[number][0]
        if type(below).__name__ in SUMS:
            waiting = [*_edges(below), *waiting]
        else:
            found.append((above, number))
    return found if 1 < len(found) <= MOST else []


def weights_of(total: Any) -> list[float]:
    """The numbers that the terms of a sum are multiplied with, before the backward pass; 1 where there is none.

    Args:
        total: what the pass begins from.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> weights_of(0.5 * (weight**2).sum() + weight.exp().sum() / 4)
        [0.5, 0.25]
    """
    return [_weight(node.next_functions[number][0]) for node, number in terms_of(total)]


def _weight(node: Any) -> float:
    found = 1.0
    while type(node).__name__ in WEIGHED:
        number = number_in(node)
        if number is None:
            break
        found = found / number if type(node).__name__ == "DivBackward0" else found * number
        node = node.next_functions[0][0]
    return found


def _edges(node: Any) -> list[tuple[Any, int]]:
    return [(node, number) for number, (below, _) in enumerate(node.next_functions) if below is not None]


def written(place: str, count: int) -> list[str]:
    """The terms as the program writes them, in the last sum of `count` terms before a backward pass; none: not known.

    Args:
        place: `file:line` of the call of `backward`.
        count: of the terms.
    """
    source = source_at(place)
    value = _sum_behind(source, place) if source is not None else None
    terms = terms_in(value) if value is not None else []
    return [source.segment(one.node) for one in terms] if source is not None and len(terms) == count else []


def _sum_behind(source: Source, place: str) -> ast.expr | None:
    name = begun_at(source)
    made = last_made(source, name, int(place.rpartition(":")[2] or 0)) if name else None
    return sum_in(source, made) if made is not None else None


def _levels(anatomy: Anatomy) -> dict[str, str]:
    terms = anatomy.terms
    if not terms:
        return {}
    sizes = [abs(one) for one in terms.get("weights", [])]
    alike = {}
    if sizes and 0 < APART * min(sizes) <= max(sizes):
        alike = {ALIKE: f"each term with a weight of 1, and not {', '.join(f'{one:g}' for one in sizes)}"}
    # What is added to one of torch's loss functions is left out at once: `added_terms`.
    if anatomy.calls.get("added to the loss"):
        return alike
    said = [f" ({one})" if one else "" for one in terms["written"] or [""] * terms["count"]]
    without = {
        f"without_{number + 1}": f"the loss without its {ORDINALS[number]} term{said[number]}, or with less weight "
        "on it"
        for number in range(terms["count"])
    }
    # What is to be large is as easily minimised, or the logarithm of a variance taken for its opposite.
    turned = {
        f"{TURNED}{number + 1}": f"the loss with the other sign of its {ORDINALS[number]} term{said[number]}"
        for number in range(terms["count"])
    }
    return without | turned | alike


def _without(number: int) -> Any:
    """A hook of a node after which one of its inputs gets a gradient of zero."""

    def silenced(gradients: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, ...]:
        left_out = gradients[number]
        zero = None if left_out is None else left_out.new_zeros(left_out.shape)
        return (*gradients[:number], zero, *gradients[number + 1 :])

    return silenced


def _times(number: int, factor: float) -> Any:
    """A hook of a node after which one of its inputs gets its gradient times a factor."""

    def scaled(gradients: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, ...]:
        own = gradients[number]
        return (*gradients[:number], None if own is None else own * factor, *gradients[number + 1 :])

    return scaled


def _apply(training: Training, level: str) -> None:
    count = training.anatomy.terms["count"]
    if level == ALIKE:
        training.at_objective(lambda total: _weigh_alike(total, count))
        return
    number = int(level.rpartition("_")[2]) - 1

    def begin(total: Any) -> Any:
        terms = terms_of(total)
        if len(terms) == count:
            node, edge = terms[number]
            node.register_hook(_times(edge, -1.0) if level.startswith(TURNED) else _without(edge))
        return total

    training.at_objective(begin)


def _weigh_alike(total: Any, count: int) -> Any:
    terms = terms_of(total)
    if len(terms) == count:
        for (node, edge), weight in zip(terms, weights_of(total), strict=True):
            if weight:
                node.register_hook(_times(edge, 1 / abs(weight)))
    return total


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The sum with a term less, with the other sign of one, or without the numbers before its terms."""
    value = _sum_behind(source, str(anatomy.terms["place"]))
    terms = terms_in(value) if value is not None else []
    if len(terms) != anatomy.terms["count"]:
        return None
    if level == ALIKE:
        weighed = [weight != 1 for weight in anatomy.terms["weights"]]
        others = [unweighted(one) if has else one for one, has in zip(terms, weighed, strict=True)]
        return None if None in others else source.replaced(value, as_sum(source, [one for one in others if one]))
    number = int(level.rpartition("_")[2]) - 1
    other = [terms[number]._replace(taken_away=not terms[number].taken_away)] if level.startswith(TURNED) else []
    return source.replaced(value, as_sum(source, [*terms[:number], *other, *terms[number + 1 :]]))


LOSS_TERMS = Intervention(
    "loss_terms",
    what="one term of a sum that the net trains on gives no gradient, or one of the other sign, or all have a weight "
    "of 1 that have weights far apart; what the program says of its loss stays",
    source="Kendall, Gal & Cipolla, Multi-task learning using uncertainty to weigh losses (2018); Bowman et al., "
    "Generating sentences from a continuous space (2016)",
    levels=_levels,
    apply=_apply,
    size=2,
    cannot=f"sums of more than {MOST} terms, and terms that the loss function adds by itself",
    place=lambda anatomy: str(anatomy.terms.get("place", "")),
    patch=_patched,
)
