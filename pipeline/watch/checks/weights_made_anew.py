"""Weights that are drawn anew in the middle of their training: what was learnt is thrown away."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard, OptimiserHeard
from backtrack.watch.checks.moments import Initialised, Pass, Step
from backtrack.watch.printed import EPOCHS

if TYPE_CHECKING:
    from torch import Tensor

# What is left of a matrix: the cosine between its numbers before and after.
UNLIKE = 0.5
# Steps of each optimiser between which weights are compared.
STEPS = 50
# How often, with steps between: once may be a fresh start after a first phase.
TIMES = 2
# Models of the same shapes that are trained one after another, from which on it is worth a word.
MODELS = 3


class WeightsMadeAnew(Check):
    name = "weights_made_anew"
    looks_at = (
        "whether weights are drawn anew between two steps of the optimiser that moves them: by torch's "
        "initialisers at any time, in any other way between the first fifty steps; whether a loop over epochs makes "
        "models of the same shapes, one after another"
    )
    cost = "a copy of three small weight matrices at each of the first fifty steps"
    source = "PyTorch documentation of torch.nn.init and Module.apply"
    expected = "weights that only the optimiser moves, once they train"
    remedy = "initialise the weights once, before the loop over the epochs"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each optimiser: the number of its last step, and matrices with what they were after it.
        self._kept: dict[int, tuple[int, list[tuple[Tensor, Tensor]]]] = {}
        # Of each optimiser: after how many of its steps which of its weights were drawn anew.
        self._anew: dict[int, dict[int, set[int]]] = {}
        # The optimisers in the order in which they took their turns.
        self._turns: list[OptimiserHeard] = []
        self._place = ""

    def after_step(self, step: Step) -> None:
        if step.number == 1 or (self._turns and self._turns[-1] is not step.heard):
            self._turns.append(step.heard)
        if step.number <= STEPS:
            self._kept[id(step.heard)] = (step.number, step.copies)

    def before_step(self, step: Step) -> None:
        last, kept = self._kept.pop(id(step.heard), (0, []))
        if last and last == step.number - 1:
            # Most are as they were left, and what was 0 was not learnt.
            moved = [(weight, old) for weight, old in kept if not weight.equal(old) and bool(old.any())]
            unlike = [weight for weight, old in moved if _cosine(weight, old) < UNLIKE]
            if unlike:
                self._count(step.heard, unlike, "", "in the program's own way")

    def initialised(self, call: Initialised) -> None:
        for heard in self.heard.optimisers:
            ours = [one for one in heard.parameters if one.data_ptr() == call.tensor.data_ptr() and one.ndim > 1]
            if ours and heard.steps:
                self._count(heard, ours, call.place, f"by {call.name}")

    def passed(self, call: Pass) -> None:
        self._place = self._place or call.place

    def end(self) -> None:
        held = [{id(weight) for weight in heard.parameters} for heard in self._turns]
        kinds = {tuple(tuple(weight.shape) for weight in heard.parameters) for heard in self._turns}
        # One after another: each took one turn, and none has weights of another.
        apart = len(set.union(set(), *held)) == sum(map(len, held))
        if len(self._turns) < MODELS or len(kinds) > 1 or not apart or self._anew:
            return
        # Folds and ensembles do the same, in loops of other names.
        if not _is_made_in_each_epoch(self._place.rpartition(":")[0], type(self._turns[0].optimiser).__name__):
            return
        steps = sorted({heard.steps for heard in self._turns})
        each = " to ".join(str(number) for number in (steps[0], *steps[1:][-1:]))
        self.finds(
            self.heard.name_of(self._turns[0].parameters[0]).partition(".")[0],
            f"the loop over the epochs makes {len(self._turns)} models of the same shapes, which train one after "
            f"another, for {each} steps each: none knows what those before it have learnt",
            weight=UNUSUAL,
            remedy="where they are meant to be one, make the model and its optimiser once, before that loop",
        )

    def _count(self, heard: OptimiserHeard, weights: list[Tensor], place: str, how: str) -> None:
        times = self._anew.setdefault(id(heard), {})
        times.setdefault(heard.steps, set()).update(id(weight) for weight in weights)
        if len(times) < TIMES:
            return
        ever = set.union(*times.values())
        matrices = [one for one in heard.parameters if one.ndim > 1]
        named = [self.heard.name_of(one) for one in matrices if id(one) in ever]
        after = " and ".join(str(number) for number in sorted(times)[:TIMES])
        self.finds(
            place or joined(named),
            f"{joined(named)} are drawn anew {how}, after {after} steps of the optimiser that trains them",
            # Of a net whose last layer alone begins anew it may be meant.
            weight="" if 2 * len(named) > len(matrices) else UNUSUAL,
        )


def _is_made_in_each_epoch(file: str, optimiser: str) -> bool:
    """Whether a file's loop over epochs makes an optimiser of this class, and no loop inside of it does."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        # A notebook's cell may hold what is no Python.
        return False
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    return any(getattr(loop.target, "id", "") in EPOCHS and _makes(loop, optimiser) for loop in loops)


def _makes(node: ast.AST, optimiser: str) -> bool:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).rpartition(".")[2] == optimiser:
            return True
        if not isinstance(inner, ast.For) and _makes(inner, optimiser):
            return True
    return False


def _cosine(one: Tensor, other: Tensor) -> float:
    a, b = one.detach().float().flatten(), other.float().flatten()
    return float(a @ b / (a.norm() * b.norm()).clamp(min=1e-12))
