"""A schedule that lets the learning rate die, explode, or never reach what was asked for."""

from __future__ import annotations

from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import OptimiserHeard

STEPS, DEAD, EXPLODED = 40, 0.05, 30.0
# Of a rate that dies early: the share of the steps in which it falls below a tenth, and what is left half-way.
EARLY, LEFT = 0.2, 1e-3
# Share of the rate that an optimiser was made with, below which a warm-up has not got anywhere.
COLD = 0.1
# A search for a rate goes up by so much, and then down below such a share of where it ended.
SEARCHED, DROPPED = 1e3, 0.5


class LearningRate(Check):
    name = "learning_rate"
    looks_at = "the learning rate at every step, at the end"
    cost = "a comparison a step"
    source = (
        "PyTorch documentation of lr_scheduler: steps an epoch or a batch; PyTorch forum, scheduler stepped per batch; "
        "Goyal et al. (2017), 2.2: warm-up"
    )
    expected = "a rate that is worth something over most of the steps"
    remedy = "step the scheduler once an epoch if its numbers are epochs, or give it the number of batches"

    def end(self) -> None:
        for heard in self.heard.optimisers:
            if heard.steps < STEPS:
                continue
            place = heard.place
            if not any(rate for _, rates in heard.rates for rate in rates):
                self.finds(
                    place,
                    f"the learning rate is 0 at each of its {heard.steps} steps",
                    remedy="check what the scheduler multiplies it with: whole numbers divided by // end at 0",
                )
            elif len(heard.rates) > 1:
                self._look_at_schedule(place, _without_search(heard))

    def _look_at_schedule(self, place: str, heard: OptimiserHeard) -> None:
        first, most, last = heard.rates[0][1][0], max(rates[0] for _, rates in heard.rates), heard.rates[-1][1][0]
        # What a scheduler notes of the rate that the optimiser was made with: a warm-up begins below it.
        made = heard.optimiser.param_groups[0].get("initial_lr", first)
        half = next((start for start, rates in heard.rates if rates[0] < 0.1 * most and start > 1), None)
        mean = _mean(heard)
        grows = first > 0 and last >= 0.9 * most
        early = half is not None and half <= EARLY * heard.steps and _halfway(heard) < LEFT * most
        if most > 0 and (mean < DEAD * most or early) and last < 0.02 * most and half is not None:
            self.finds(
                place,
                f"the learning rate falls from {first:.3g} to {last:.3g}: below a tenth at step "
                f"{half} of {heard.steps}, on average {mean / most:.1%} of its largest",
            )
        elif grows and most < COLD * made:
            self.finds(
                place,
                f"the learning rate is warmed up to {most:.3g} in {heard.steps} steps: {most / made:.2%} of the "
                f"{made:.3g} that the optimiser was made with",
                remedy="let the warm-up end within the training: it takes fewer steps than this, or epochs",
            )
        elif grows and last > EXPLODED * max(first, made) and not self.heard.is_succeeded(heard):
            # Where another takes its place, a rate was searched for.
            self.finds(
                place,
                f"the learning rate grows from {first:.3g} to {last:.3g} in {heard.steps} steps",
                remedy="check the scheduler's factor: it should be below 1",
            )


def _without_search(heard: OptimiserHeard) -> OptimiserHeard:
    """The optimiser as it was after a search for its rate (Smith 2017: the range test), where it began with one."""
    rates = [each[0] for _, each in heard.rates]
    top = next((place for place in range(1, len(rates)) if rates[place] < rates[place - 1]), len(rates)) - 1
    if top + 1 == len(rates) or rates[top] < SEARCHED * rates[0] or rates[top + 1] > DROPPED * rates[top]:
        return heard
    start = heard.rates[top + 1][0]
    later = [(step - start + 1, each) for step, each in heard.rates[top + 1 :]]
    return OptimiserHeard(heard.optimiser, heard.steps - start + 1, later)


def _halfway(heard: OptimiserHeard) -> float:
    """The rate of the first group at the middle step."""
    return next(rates[0] for start, rates in reversed(heard.rates) if start <= max(1, heard.steps // 2))


def _mean(heard: OptimiserHeard) -> float:
    """The mean rate of the first group over all steps."""
    ends = [start for start, _ in heard.rates[1:]] + [heard.steps + 1]
    weighted = sum((end - start) * rates[0] for (start, rates), end in zip(heard.rates, ends, strict=True))
    return weighted / heard.steps
