"""Target networks that follow: a copy of the net gets its weights every some steps."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.optimisers import ids_held_by

# Steps of the net between two copies.
EVERY = 25


def _levels(anatomy: Anatomy) -> dict[str, str]:
    followed = f"target.load_state_dict(net.state_dict()) every {EVERY} steps"
    return {"followed": followed} if anatomy.optimisers else {}


def _follow(training: Training, level: str) -> None:
    torch: Any = training.torch
    models: list[tuple[Any, list[Any]]] = []
    held: set[int] = set()
    steps = [0]

    def seen(model: Any) -> None:
        models.append((model, [weight.detach().clone() for weight in model.parameters()]))

    def is_copy(copy: Any, first: list[Any], net: Any, begin: list[Any]) -> bool:
        """Whether a model that no optimiser has began with the weights of one that trains."""
        trains = any(id(weight) in held for weight in net.parameters())
        stays = not any(id(weight) in held for weight in copy.parameters())
        alike = type(net) is type(copy) and [one.shape for one in first] == [one.shape for one in begin]
        return trains and stays and alike and all(map(torch.equal, first, begin))

    def follow(optimiser: Any) -> None:
        held.update(ids_held_by(optimiser))
        steps[0] += 1
        if steps[0] % EVERY:
            return
        for copy, first in models:
            for net, begin in models:
                if is_copy(copy, first, net, begin):
                    copy.load_state_dict(net.state_dict())

    training.at_model(seen)
    training.at_step(after=follow)


TARGET_NETWORK = Intervention(
    "target_network",
    what="a copy of a model from before its first step, which no optimiser has, gets the model's weights every "
    f"{EVERY} steps",
    source="Mnih et al., Human-level control through deep reinforcement learning (2015)",
    levels=_levels,
    apply=_follow,
    answers=("target_network",),
    on_suspicion=True,
    cannot="copies of which an optimiser holds a part",
)
