"""The dimension that a largest number, a log-sum-exp, a softmax or a norm is taken over, by lines of a program."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.task.patching import Source
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

PROGRAM = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
seen = []
net = nn.Linear(6, 5)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    # The net is judged in the same line, without gradients.
    for learns in (True, False):
        with torch.set_grad_enabled(learns):
            out = net(torch.randn(8, 4, 6))
            flat = out[:, 0]
            taken = EXPRESSION
        seen.append(taken.detach())
        if learns:
            opt.zero_grad(); taken.sum().backward(); opt.step()
    with torch.no_grad():
        aside = net(torch.randn(8, 6)).max(0)[0].sum()
"""
LINE = 15


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], dict[str, object]]:
    def run_of(expression: str) -> dict[str, object]:
        file = tmp_path / "train.py"
        file.write_text(PROGRAM.replace("EXPRESSION", expression))
        linecache.checkcache(str(file))
        names: dict[str, object] = {"__name__": "__main__"}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names

    return run_of


def looked(run: Callable[[str], dict[str, object]], expression: str) -> Anatomy:
    anatomist = Anatomist(torch)
    try:
        run(expression)
    finally:
        concluded = anatomist.conclude()
    return anatomy_from(concluded["anatomy"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("torch.logsumexp(flat, dim=0)", "torch.logsumexp(flat, dim=1)"),
        ("flat.logsumexp(0)", "flat.logsumexp(1)"),
        ("torch.logsumexp(flat, -2)", "torch.logsumexp(flat, 1)"),
        ("F.softmax(flat, dim=0) ** 2", "F.softmax(flat, dim=1) ** 2"),
        ("F.log_softmax(flat, 0)", "F.log_softmax(flat, 1)"),
        ("torch.softmax(flat, 0) ** 2", "torch.softmax(flat, 1) ** 2"),
        ("F.normalize(flat, dim=0)", "F.normalize(flat, dim=1)"),
        ("F.normalize(flat, 2.0, 0)", "F.normalize(flat, 2.0, 1)"),
        ("flat.max(dim=0)[0]", "flat.max(dim=1)[0]"),
        ("torch.amax(flat, 0)", "torch.amax(flat, 1)"),
        ("out[:, :, :4].max(dim=2).values", "out[:, :, :4].max(dim=1).values"),
    ],
)
def test_it_is_taken_over_the_other_dimension_and_written_so(
    run: Callable[[str], dict[str, object]], written: str, meant: str
) -> None:
    anatomy = looked(run, written)
    change = all_interventions()["reduced_dimension"]
    (level,) = change.levels(anatomy)
    assert change.place(anatomy).endswith(f"train.py:{LINE}")
    training = apply_levels(torch, {"reduced_dimension": level}, anatomy.as_json())
    try:
        turned = run(written)["seen"]
    finally:
        training.end()
    rightly = run(meant)["seen"]
    # And nothing else changes: the same random numbers, the same steps.
    assert all(torch.equal(one, other) for one, other in zip(turned, rightly, strict=True))  # type: ignore[call-overload]
    text = PROGRAM.replace("EXPRESSION", written)
    assert change.patch is not None
    # (The file as it was looked at.)
    run(written)
    assert change.patch(Source(text, LINE), level, anatomy) == PROGRAM.replace("EXPRESSION", meant)


@pytest.mark.parametrize(
    "written",
    [
        "torch.logsumexp(flat, dim=1)",
        "F.softmax(out, -1) ** 2",
        # Another length: the program would not run on.
        "out.max(dim=2).values",
        # Of a weight's columns, of two tensors, of the mean over examples.
        "F.normalize(net.weight, dim=0)",
        "torch.max(flat, flat * 2)",
        "flat.mean(0)",
        # A layer of torch's own takes it.
        "nn.Softmax(dim=0)(flat) ** 2",
        "flat.detach().amax(0) + flat.sum()",
    ],
)
def test_what_is_usual_is_left_alone(run: Callable[[str], dict[str, object]], written: str) -> None:
    anatomy = looked(run, written)
    assert not anatomy.reductions
    assert not all_interventions()["reduced_dimension"].levels(anatomy)
