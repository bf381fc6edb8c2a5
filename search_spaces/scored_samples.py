"""Which sample of a distribution is scored: the one that was acted on, or one that was drawn anew for its score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.drawing import distributions_with

# Among an anatomy's calls: samples that were drawn for their score alone, while one before them never got one. So many
# are a habit.
ANEW, LEAST = "samples drawn anew for their score", 8


@dataclass
class Samples:
    """What was drawn of one distribution.

    Args:
        first, last: sample.
        number: of them.
        scored: whether the probability of anything was asked.
    """

    first: Any = None
    last: Any = None
    number: int = 0
    scored: bool = False

    def drew(self, sample: Any) -> Any:
        """Takes in another one, and gives it."""
        self.number += 1
        self.first, self.last = sample if self.number == 1 else self.first, sample
        return sample


def at_scoring(
    training: Training, drawn: Callable[[Samples, Any], Any], scored: Callable[[Samples, Any], None]
) -> None:
    """Calls both where a distribution is sampled, and where a value is scored by it.

    Args:
        training: whose distributions.
        drawn: `drawn(samples before, sample)`; what it returns is the sample.
        scored: `scored(samples so far, value)`, before the value's probability is computed.
    """
    known: WeakKeyDictionary[Any, Samples] = WeakKeyDictionary()

    def sampling(own: Any) -> Any:
        def sample(distribution: Any, *shape: Any, **named: Any) -> Any:
            samples = known.setdefault(distribution, Samples())
            return samples.drew(drawn(samples, own(distribution, *shape, **named)))

        return sample

    def scoring(own: Any) -> Any:
        def log_prob(distribution: Any, value: Any) -> Any:
            samples = known.setdefault(distribution, Samples())
            scored(samples, value)
            samples.scored = True
            return own(distribution, value)

        return log_prob

    for name, make in (("sample", sampling), ("log_prob", scoring)):
        for kind in distributions_with(training.torch, name):
            training.replace(kind, name, make)


def is_anew(samples: Samples, value: Any) -> bool:
    """Whether a value that is to be scored was drawn for that, and one of its kind before it for something else."""
    is_last = samples.number > 1 and value is samples.last and not samples.scored
    return is_last and bool(value.shape == samples.first.shape)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    kept = "action = dist.sample() once, and log_prob(action) of the action that was taken"
    return {"first": kept} if anatomy.calls.get(ANEW, 0) >= LEAST else {}


def _apply(training: Training, level: str) -> None:
    def drawn(samples: Samples, sample: Any) -> Any:
        return samples.first if samples.number and samples.first.shape == sample.shape else sample

    at_scoring(training, drawn, lambda samples, value: None)


SCORED_SAMPLES = Intervention(
    "scored_samples",
    what="a distribution that is sampled again gives its first sample again, so that the action that was taken is the "
    "one that is scored",
    source="PyTorch documentation of torch.distributions, Score function; Williams (1992)",
    levels=_levels,
    apply=_apply,
    cannot="actions that are drawn anew of another distribution with the same numbers",
)
