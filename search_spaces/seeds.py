"""Seeds that a program gives its generators again and again, so that it draws the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Intervention, Training
from backtrack.vocabulary.drawing import seeders

SEEN = "seeds given again"


def at_seeding(training: Training, seeds: Callable[[], bool]) -> None:
    """Asks `seeds()` where a generator is given its seed after the first step: where it says no, it draws on."""
    steps: list[Any] = []
    # Generators of numpy by their seeds: who asks for another goes on with the first.
    made: dict[str, Any] = {}

    def stepped(optimiser: Any) -> None:
        steps[:] = [optimiser]

    def guarded(instead: Any) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def seed(*arguments: Any, **options: Any) -> Any:
                return own(*arguments, **options) if not steps or seeds() else instead

            return seed

        return make

    def drawing(own: Any) -> Any:
        def default_rng(*arguments: Any, **options: Any) -> Any:
            key = repr((arguments, options))
            if not steps or key not in made or seeds():
                made[key] = own(*arguments, **options)
            return made[key]

        return default_rng

    training.at_step(after=stepped)
    torch = training.torch
    for _, owner, name in seeders(torch):
        make = drawing if name == "default_rng" else guarded(torch.default_generator if owner is torch else None)
        training.replace(owner, name, make)


SEEDS = Intervention(
    "seeds",
    what="once a training steps, no generator is given its seed again: what it draws differs from step to step",
    source="PyTorch documentation, Reproducibility: torch.manual_seed",
    levels=lambda anatomy: {"once": "give the seed once, before the loop"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_seeding(training, lambda: False),
    answers=("same_examples",),
    on_suspicion=True,
    cannot="a torch.Generator or a random.Random of the program's own",
)
