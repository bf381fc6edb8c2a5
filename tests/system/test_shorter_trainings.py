"""A sweep of shorter trainings, checked at full length."""

from __future__ import annotations

import ast
import json

import pytest

from backtrack import FunctionTask, Numeric, PlanError, TaskError, load_task
from backtrack.running.shortening import HOLDS, OPEN, REVERSES, SHRINKS, sentences_of, sweep_short, verdict_of
from backtrack.task.command import program_of
from backtrack.task.length import lengthened
from backtrack.task.script_task import ScriptTask, script_from
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


def script_of(folder, text, *arguments):
    (folder / "train.py").write_text(text)
    factors = [Numeric("lr", 0.01, 1.0, log=True)]
    command = [str(folder / "train.py"), *arguments]
    return ScriptTask(name="mine", command=command, metric="loss", mode="min", factors=factors)


def test_a_script_is_shortened_where_it_says_its_length(tmp_path):
    by_option = shortened(script_of(tmp_path, SCRIPT, "--epochs", "20"), 0.25)
    assert program_of(by_option, {"lr": 0.1}, 0, tmp_path).arguments[-2:] == ("--epochs", "5")
    by_constant = shortened(script_of(tmp_path, "EPOCHS = 8\nLR = 0.1\nprint('loss', LR)"), 0.5)
    assert program_of(by_constant, {}, 0, tmp_path).constants == {"EPOCHS": 4}
    loop = "lr = 0.1\nfor epoch in range(12):\n    print(f'epoch {epoch} loss {lr / (epoch + 1)}')"
    by_loop = shortened(script_of(tmp_path, loop), 0.25)
    assert program_of(by_loop, {}, 0, tmp_path).times == 0.25
    assert "range(3)" in ast.unparse(lengthened(ast.parse(loop), 0.25))
    assert script_from(by_loop.described(), by_loop.factors).length == 0.25
    with pytest.raises(TaskError, match="nothing in the script says how long"):
        shortened(script_of(tmp_path, "print('loss', 1)"), 0.5)
    with pytest.raises(TaskError, match="between 0 and 1"):
        shortened(by_option, 1.5)


def test_a_black_box_is_shortened_by_its_own_option():
    def run(config, seed, options):
        for _ in range(options["epochs"]):
            yield {"e": config["lr"]}

    factors = [Numeric("lr", 0.01, 1.0, log=True)]
    box = FunctionTask(name="box", run=run, metric="e", mode="min", factors=factors, defaults={"epochs": 8})
    assert shortened(box, 0.25).options == {"epochs": 2}
    silent = FunctionTask(name="box", run=lambda config, seed: {"e": 0}, metric="e", mode="min", factors=factors)
    with pytest.raises(TaskError, match="says nothing of its length"):
        shortened(silent, 0.5)


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
