"""`with backtrack.watching():` listens to what trains inside the block, in a notebook or a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.result import CurvePoint
from backtrack.watch.symptoms import symptoms_by_model, symptoms_in


@dataclass
class Watched:
    """What was seen of a training so far.

    Example:
        >>> print(Watched())
        nothing found

    Attributes:
        findings: of the checks.
        points: of the symptoms.
    """

    findings: list[Finding] = field(default_factory=list)
    points: list[CurvePoint] = field(default_factory=list)

    @property
    def symptoms(self) -> tuple[str, ...]:
        """Names of the symptoms that it shows."""
        return symptoms_in(self.points)

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """Takes a number of a symptom."""
        self.points.append(CurvePoint(step=step, epoch=epoch, name=name, value=value, seconds=0.0))

    def found(self, finding: Finding) -> None:
        """Takes a finding."""
        self.findings.append(finding)

    def __str__(self) -> str:
        lines = [f"{one.check} ({one.weight}) at {one.place}: {one.measured}; {one.remedy}" for one in self.findings]
        lines += [f"symptom {name}{of_models(models)}" for name, models in symptoms_by_model(self.points).items()]
        return "\n".join(lines) or "nothing found"


def of_models(models: tuple[str, ...]) -> str:
    """Whose a symptom is, in words, where it is not the first model's.

    Example:
        >>> of_models(("Critic",)), of_models(("", "Critic")), of_models(("",))
        (' (of Critic)', ' (of the first model and Critic)', '')
    """
    further = [model or "the first model" for model in models]
    return f" (of {' and '.join(further)})" if any(models) else ""


@contextmanager
def watching(quiet: bool = False) -> Iterator[Watched]:
    """Listens to whatever trains with torch inside the block; see docs/checks.md.

    Args:
        quiet: whether nothing is printed at the end.

    Yields:
        What is seen, as it grows.

    Example:
        >>> import torch
        >>> net = torch.nn.Linear(4, 2)
        >>> step = torch.optim.SGD(net.parameters(), lr=0.1)
        >>> with watching(quiet=True) as seen:
        ...     for _ in range(5):
        ...         outputs = net(torch.randn(8, 4)).softmax(1)
        ...         torch.nn.functional.cross_entropy(outputs, torch.ones(8).long()).backward()
        ...         step.step()
        >>> sorted({found.check for found in seen.findings})
        ['gradients_never_cleared', 'loss_input']
    """
    import torch

    from backtrack.watch.listening.ears import Ears

    seen = Watched()
    ears = Ears(torch, seen)
    ears.attach()
    try:
        yield seen
    finally:
        ears.detach()
        if not quiet:
            print(seen)
