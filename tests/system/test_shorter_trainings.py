"""A sweep of shorter trainings, checked at full length."""

from __future__ import annotations

import json

import pytest

from backtrack import FunctionTask, Numeric, PlanError, TaskError, load_task
from backtrack.running.shortening import HOLDS, OPEN, REVERSES, SHRINKS, sentences_of, sweep_short, verdict_of
from backtrack.task.script_task import ScriptTask
from backtrack.task.shortening import shortened

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--lr", type=float, default=0.1)
options = parser.parse_args()
for epoch in range(options.epochs):
    print(f"epoch {epoch} loss {options.lr / (epoch + 1)}")
"""


def test_what_became_of_an_effect():
    assert verdict_of(0.2, (0.2, 0.05, 0.35)) == HOLDS
    assert verdict_of(0.2, (0.02, -0.04, 0.08)) == SHRINKS
    assert verdict_of(0.2, (-0.2, -0.3, -0.1)) == REVERSES
    assert verdict_of(0.2, (0.1, -0.1, 0.3)) == OPEN


def test_a_script_is_shortened_by_its_own_option(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    script = ScriptTask(
        name="mine",
        command=[str(tmp_path / "train.py"), "--epochs", "20"],
        metric="loss",
        mode="min",
        factors=[Numeric("lr", 0.01, 1.0, log=True)],
    )
    assert tuple(shortened(script, 0.25).command[1:]) == ("--epochs", "20", "--epochs", "5")
    with pytest.raises(TaskError, match="between 0 and 1"):
        shortened(script, 1.5)
    box = FunctionTask(name="box", run=lambda config, seed: {"e": 0}, metric="e", mode="min", factors=script.factors)
    with pytest.raises(TaskError, match="says nothing of its length"):
        shortened(box, 0.5)


def test_what_shorter_trainings_name_is_checked_in_pairs(tmp_path):
    held = {"activation": "relu", "net": "mlp", "batch_size": "32", "decay_scope": "everything", "weight_decay": "0"}
    task = load_task("winners").with_options({"epochs": 4})
    known = {factor.name for factor in task.space}
    task = task.with_fixed({name: level for name, level in held.items() if name in known})
    with pytest.raises(PlanError, match="for pairs at full length"):
        sweep_short(task, 0.25, 20, str(tmp_path / "study"), here=True, track=False)
    study, found = sweep_short(task, 0.25, 72, str(tmp_path / "study"), here=True, track=False)
    assert study.records.manifest["task"]["options"]["epochs"] == 1
    full = json.loads((tmp_path / "study-full" / "manifest.json").read_text())
    assert full["task"]["options"]["epochs"] == 4 and full["stages"] == {"claims": 18}
    assert found and {one.verdict for one in found} <= {HOLDS, SHRINKS, REVERSES, OPEN}
    assert all(one.full is None or one.full_low <= one.full <= one.full_high for one in found)
    assert json.loads((tmp_path / "study/report/length.json").read_text())[0]["factor"] == found[0].factor
    assert sentences_of(found)[0].startswith("At full length, ")
