"""Runs a piece of plain torch code with the ears on, and says what the checks found."""

from __future__ import annotations

import linecache
import textwrap
from typing import Any

import torch

from backtrack.watch.checks import Finding
from backtrack.watch.listening.ears import Ears

START = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
X = torch.randn(512, 6)
Y = (X[:, 0] + X[:, 1] > 0).long()
R = X[:, :2].sum(1) + 0.1 * torch.randn(512)


def batches(size=32, order=None):
    return (torch.randperm(512) if order is None else order).split(size)
"""


class Seen:
    """Keeps what the ears tell."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.points: dict[str, list[float]] = {}

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        self.points.setdefault(name, []).append(value)

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)

    @property
    def names(self) -> set[str]:
        return {finding.check for finding in self.findings if finding.weight == "wrong"}


def listened_to(code: str, file: str = "train.py") -> Seen:
    """What is seen of a program; `START` stands before it."""
    seen = Seen()
    ears = Ears(torch, seen)
    ears.attach()
    names: dict[str, Any] = {"__name__": "__main__"}
    source = START + textwrap.dedent(code)
    # Checks that read a line of the program find it here, as those of a file.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    try:
        exec(compile(source, file, "exec"), names)
    finally:
        ears.detach()
    return seen
