"""Numbers of both signs that a loss by hand weighs by, with the other sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions
from backtrack.watch.listening.arithmetic import Arithmetic

PROGRAM = """
import torch
from torch import nn
torch.manual_seed(0)
policy = nn.Linear(4, 3)
opt = torch.optim.SGD(policy.parameters(), lr=0.1)
seen = []
for _ in range(3):
    given, taken, worth = torch.randn(16, 4), torch.randint(3, (16,)), SIGN * torch.randn(16)
    with torch.no_grad():
        before = policy(given).log_softmax(1).gather(1, taken[:, None])[:, 0] - 0.1 * torch.rand(16)
    ratio = (policy(given).log_softmax(1).gather(1, taken[:, None])[:, 0] - before).exp()
    loss = EXPRESSION
    opt.zero_grad(); loss.backward(); opt.step()
    seen.append(loss.detach())
"""
CLIPPED = "-torch.min(ratio * worth, ratio.clamp(0.9, 1.1) * worth).mean()"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[torch.Tensor]]:
    def run_of(expression: str, sign: int = 1) -> list[torch.Tensor]:
        file = tmp_path / "train.py"
        file.write_text(PROGRAM.replace("EXPRESSION", expression).replace("SIGN", str(sign)))
        names: dict[str, object] = {"__name__": "__main__"}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return [*names["seen"], names["policy"].weight.detach()]  # type: ignore[misc, attr-defined]

    return run_of


def looked(run: Callable[..., list[torch.Tensor]], expression: str) -> Anatomy:
    anatomist = Anatomist(torch)
    try:
        run(expression)
    finally:
        concluded = anatomist.conclude()
    return anatomy_from(concluded["anatomy"])


@pytest.mark.parametrize("under_a_mode", [False, True])
@pytest.mark.parametrize("expression", [CLIPPED, "-(worth * ratio).mean()", "-torch.mul(ratio, worth).mean()"])
def test_an_agents_advantages_change_their_sign(
    run: Callable[..., list[torch.Tensor]], expression: str, under_a_mode: bool
) -> None:
    anatomy = replace(looked(run, expression), acts=True)
    change = all_interventions()["advantage_sign"]
    assert list(change.levels(anatomy)) == ["negated"] and change.place(anatomy).endswith("train.py:13")
    training = apply_levels(torch, {"advantage_sign": "negated"}, anatomy.as_json())
    mode = Arithmetic(lambda *told: None)
    if under_a_mode:
        mode.begin()
    try:
        turned = run(expression)
    finally:
        mode.end()
        training.end()
    assert all(torch.equal(one, other) for one, other in zip(turned, run(expression, sign=-1), strict=True))
    assert not all_interventions()["advantage_sign"].levels(replace(anatomy, acts=False))


@pytest.mark.parametrize(
    "expression", ["-(ratio * worth.abs()).mean()", "-(ratio * 2).mean()", "(ratio * ratio).mean()"]
)
def test_other_factors_are_left_alone(run: Callable[..., list[torch.Tensor]], expression: str) -> None:
    assert not looked(run, expression).weighed
