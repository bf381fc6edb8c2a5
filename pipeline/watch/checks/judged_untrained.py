"""What is judged is not what trains: a copy of the model whose weights never change, or hardly follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.copies import some_weights, twins_of
from backtrack.watch.checks.heard import Heard, ModelHeard
from backtrack.watch.checks.moments import Step

# Steps of the training between two looks at the copy, and passes of it.
STEPS, PASSES = 20, 2
# Of the way that the training model's weights went, what an average that is judged has to have followed.
FOLLOWED = 0.2
# Of that way, squared, what is left to go for a copy when it is first asked, which was made a few steps before.
COPIED = 0.5


class JudgedUntrained(Check):
    name = "judged_untrained"
    looks_at = (
        "a model that is only asked without gradients, while another of its class trains and never is: whether its "
        "weights follow those that train"
    )
    cost = "a copy of a few weights of each model, once"
    source = "PyTorch documentation of torch.optim.swa_utils; PyTorch forum: EMA weights that are never updated"
    expected = "the model that is judged has the weights that are trained, or an average of them"
    remedy = (
        "ask the model that trains, or bring its weights over before (load_state_dict, copy_, lerp_ in place, "
        "AveragedModel.update_parameters)"
    )
    at_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each model its first weights, and the step at which they were seen; no weights of those that were copied
        # from one that had trained: members of an ensemble, the best so far.
        self._seen: dict[int, tuple[int, list[Any]]] = {}

    def after_step(self, step: Step) -> None:
        for model in self.heard.models:
            if id(model) not in self._seen:
                trained = [] if model.trained else [one for one in self.heard.models if one.trained]
                copied = any(self._is_copy(model, one) for one in trained)
                first = [] if copied else [one.detach().clone() for one in some_weights(model)]
                self._seen[id(model)] = (self.heard.steps, first)

    def _is_copy(self, model: ModelHeard, trained: ModelHeard) -> bool:
        """Whether a model that is asked for the first time has come along with one that trains."""
        begun, first = self._seen.get(id(trained), (self.heard.steps, []))
        now, goal = some_weights(model), some_weights(trained)
        shapes = [[one.shape for one in each] for each in (first, now, goal)]
        if begun == self.heard.steps or shapes[0] != shapes[1] or shapes[0] != shapes[2]:
            # (A model may get further layers as it trains.)
            return False
        return _apart(now, goal) < COPIED * _apart(first, goal)

    def end(self) -> None:
        for model in self.heard.models:
            begun, before = self._seen.get(id(model), (self.heard.steps, []))
            asked = sum(passes.number for passes in model.passes.values())
            if model.trained or not before or asked < PASSES or self.heard.steps - begun < STEPS:
                continue
            now = some_weights(model)
            twins = twins_of(model, self.heard)
            if len(now) != len(before) or not twins or any(_is_judged(one) for one in twins):
                continue
            followed = _followed(before, now, some_weights(twins[0]))
            if followed < FOLLOWED:
                place = next(iter(model.passes.values())).place
                same = "are the same" if not followed else f"have come {followed:.1%} of the way of those that train"
                self.finds(
                    place or model.name,
                    f"{model.name} is asked {asked} times without gradients, and its weights {same} after "
                    f"{self.heard.steps - begun} steps; {twins[0].name}, which trains, is never asked so",
                    remedy=""
                    if not followed
                    else "average over fewer steps (a smaller decay: 1 - 1 / steps averages "
                    "over so many), or judge the model that trains",
                )


def _followed(before: list[Any], now: list[Any], trained: list[Any]) -> float:
    """How much of the trained weights' way a copy has gone along; 1 where these have not moved either."""
    way = along = 0.0
    for was, stands, goal in zip(before, now, trained, strict=True):
        # An average may lie on another device than what trains.
        whole, own = ((one.detach().to(was) - was).double() for one in (goal, stands))
        way += float((whole * whole).sum())
        along += float((whole * own).sum())
    return along / way if way else 1.0


def _apart(ones: list[Any], others: list[Any]) -> float:
    """How far two models' weights lie apart, squared."""
    return sum(
        float((one.detach() - other.detach().to(one)).double().square().sum())
        for one, other in zip(ones, others, strict=True)
    )


def _is_judged(model: ModelHeard) -> bool:
    return any(not gradients for gradients, _ in model.passes)
