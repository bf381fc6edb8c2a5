"""A schedule that lets the learning rate die, or explode."""

from __future__ import annotations

from backtrack.watch.checks.check import Check

STEPS, DEAD, EXPLODED = 40, 0.05, 30.0


class LearningRate(Check):
    name = "learning_rate"
    looks_at = "the learning rate at every step, at the end"
    cost = "a comparison a step"
    source = (
        "PyTorch documentation of lr_scheduler: steps an epoch or a batch; PyTorch forum, scheduler stepped per batch"
    )
    expected = "a rate that is worth something over most of the steps"
    remedy = "step the scheduler once an epoch if its numbers are epochs, or give it the number of batches"

    def end(self) -> None:
        for heard in self.heard.optimisers:
            if heard.steps >= STEPS and not any(rate for _, rates in heard.rates for rate in rates):
                self.finds(
                    f"optimiser {type(heard.optimiser).__name__}",
                    f"the learning rate is 0 at each of its {heard.steps} steps",
                    remedy="check what the scheduler multiplies it with: whole numbers divided by // end at 0",
                )
            if heard.steps < STEPS or len(heard.rates) < 2:
                continue
            ends = [start for start, _ in heard.rates[1:]] + [heard.steps + 1]
            weighted = sum((end - start) * rates[0] for (start, rates), end in zip(heard.rates, ends, strict=True))
            first, most, last = heard.rates[0][1][0], max(rates[0] for _, rates in heard.rates), heard.rates[-1][1][0]
            name = type(heard.optimiser).__name__
            half = next((start for start, rates in heard.rates if rates[0] < 0.1 * most and start > 1), None)
            mean = weighted / heard.steps
            if most > 0 and mean < DEAD * most and last < 0.02 * most and half is not None:
                self.finds(
                    f"optimiser {name}",
                    f"the learning rate falls from {first:.3g} to {last:.3g}: below a tenth at step "
                    f"{half} of {heard.steps}, on average {mean / most:.1%} of its largest",
                )
            elif first > 0 and last > EXPLODED * first and last >= 0.9 * most:
                self.finds(
                    f"optimiser {name}",
                    f"the learning rate grows from {first:.3g} to {last:.3g} in {heard.steps} steps",
                    remedy="check the scheduler's factor: it should be below 1",
                )
