"""What a step has moved is taken back before the next one: an average or an old copy is written over the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.optimisers import ids_held_by
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard, OptimiserHeard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor

# First steps of each optimiser that are followed.
STEPS = 50
# Pairs of steps that are needed; of these so many must have so much of their way taken back. Lookahead goes half of
# the way back, once in some steps; a bound on the weights stops some of them. Where so many stand, too few can be
# undone until the last of the first steps: nothing more is looked at.
LEAST, MOST, UNDONE = 20, 0.9, 0.9
STANDING = round((1 - MOST) * STEPS) + 1


class UpdatesUndone(Check):
    name = "updates_undone"
    looks_at = (
        "how much of what an optimiser's step has moved is taken back before its next step, over the first fifty steps"
    )
    cost = (
        "two copies of three small weight matrices at each of the first fifty steps, until it is known that most are "
        "not taken back"
    )
    source = "Mnih et al. (2015): the target network gets the net's weights, and not the other way round"
    expected = "weights that only the optimiser moves, once they train"
    remedy = (
        "look for what writes to the weights after a step (copy_, load_state_dict): an average or a copy of the net "
        "is to get its weights, and not to give its own back"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each optimiser: the number of a step, and matrices with what they were before and after it.
        self._before: dict[int, tuple[int, list[tuple[Tensor, Tensor]]]] = {}
        self._moved: dict[int, tuple[int, list[tuple[Tensor, Tensor, Tensor]]]] = {}
        self._shares: dict[int, list[float]] = {}

    def before_step(self, step: Step) -> None:
        key = id(step.heard)
        last, moved = self._moved.pop(key, (0, []))
        if last and last == step.number - 1:
            way = sum(float((after - before).square().sum()) for _, before, after in moved)
            back = sum(float(((after - one.detach()) * (after - before)).sum()) for one, before, after in moved)
            if way > 0:
                self._shares.setdefault(key, []).append(back / way)
        standing = sum(share < UNDONE for share in self._shares.get(key, ()))
        if step.number <= STEPS and standing < STANDING:
            self._before[key] = (step.number, step.copies)

    def after_step(self, step: Step) -> None:
        number, before = self._before.pop(id(step.heard), (0, []))
        if number == step.number:
            after = {id(one): now for one, now in step.copies}
            moved = [(one, was, after[id(one)]) for one, was in before if id(one) in after]
            self._moved[id(step.heard)] = (number, moved)

    def end(self) -> None:
        for heard in self.heard.optimisers:
            shares = sorted(self._shares.get(id(heard), []))
            undone = [share for share in shares if share >= UNDONE]
            if len(shares) >= LEAST and len(undone) >= MOST * len(shares) and not self._is_moved_by_another(heard):
                named = [self.heard.name_of(one) for one in heard.parameters if one.ndim > 1]
                self.finds(
                    joined(named),
                    f"what a step of {type(heard.optimiser).__name__} moves is taken back before the next one: "
                    f"{shares[len(shares) // 2]:.1%} of the way, in the middle of {len(shares)} steps",
                )

    def _is_moved_by_another(self, heard: OptimiserHeard) -> bool:
        """Whether a step may only try something out, which is taken back on purpose: another one makes the real one."""
        own = ids_held_by(heard.optimiser)
        others = (one for one in self.heard.optimisers if one is not heard and one.steps)
        return any(not own.isdisjoint(ids_held_by(one.optimiser)) for one in others)
