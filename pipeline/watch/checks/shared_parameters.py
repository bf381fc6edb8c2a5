"""A parameter that two optimisers move."""

from __future__ import annotations

from backtrack.vocabulary.finding import UNUSUAL
from backtrack.watch.checks.check import Check, joined

# Steps of each, beside the other.
LEAST = 3


class SharedParameters(Check):
    name = "shared_parameters"
    looks_at = "which parameters two optimisers hold that both went on stepping, at the end"
    cost = "a set of ids at the end"
    source = "PyTorch documentation: a parameter appears in one group only"
    expected = "one optimiser moves a parameter"
    remedy = "give each parameter to one optimiser, in one group"
    weight = UNUSUAL

    def end(self) -> None:
        busy = [one for one in self.heard.optimisers if one.steps >= LEAST]
        for number, one in enumerate(busy):
            own = {id(weight): weight for weight in one.parameters}
            for other in busy[number + 1 :]:
                if one.steps - other.before.get(id(one), 0) < LEAST:
                    # One that takes the place of another shares nothing with it.
                    continue
                both = [weight for weight in other.parameters if id(weight) in own]
                if both:
                    names = [self.heard.name_of(weight) for weight in both]
                    self.finds(
                        joined(names),
                        f"{len(both)} parameters are moved by two optimisers, {one.steps} and {other.steps} steps",
                    )
