"""Seeds that a program gives its generators again and again, so that it draws the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Intervention, Training
from backtrack.vocabulary.drawing import DRAWS, Draws, seeders

SEEN = "seeds given again"


def at_seeding(training: Training, seeds: Callable[[], bool]) -> None:
    """Asks `seeds()` where a generator is given its seed after the first step: where it says no, it draws on."""
    torch, steps = training.torch, list[Any]()
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

    def going_on(own: Any) -> Any:
        draws = Draws()
        # What a generator that begins anew is replaced by, by its seed: it goes on.
        others: dict[int, Any] = {}

        def draw(*arguments: Any, **options: Any) -> Any:
            generator = options.get("generator")
            if generator is not None and draws.come_again(generator) and steps and not seeds():
                seed = generator.initial_seed()
                if seed not in others:
                    others[seed] = torch.Generator(generator.device).manual_seed(seed + 1)
                options = {**options, "generator": others[seed]}
            return own(*arguments, **options)

        return draw

    training.at_step(after=stepped)
    for _, owner, name in seeders(torch):
        make = drawing if name == "default_rng" else guarded(torch.default_generator if owner is torch else None)
        training.replace(owner, name, make)
    for name in DRAWS:
        training.replace(torch, name, going_on)


SEEDS = Intervention(
    "seeds",
    what="once a training steps, no generator is given its seed again: what it draws differs from step to step",
    source="PyTorch documentation, Reproducibility: torch.manual_seed",
    levels=lambda anatomy: {"once": "give the seed once, before the loop"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_seeding(training, lambda: False),
    answers=("same_examples",),
    on_suspicion=True,
    cannot="a random.Random or a numpy RandomState of the program's own",
)
