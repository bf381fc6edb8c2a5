"""A break that leaves the loop over epochs is found in the source, and does nothing where it is asked to."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from backtrack import Categorical, Config, ScriptTask
from backtrack.task.intervention import AS_WRITTEN
from backtrack.task.stopping import MOST, OFF, STOPPING, breaks_of, described_stopping, unstopped
from backtrack.task.swept import Changes
from backtrack.trial.trial import run_replicate

# Waits for a loss that grows.
WRONG_WAY = """
best, waited = 0.0, 0
for epoch in range(8):
    for batch in range(3):
        if batch == 2:
            break
    train = epoch + 1
    print("count:", train)
    loss = 1 / train
    optimiser.step()
    if loss > best:
        waited += 1
        if waited >= 2:
            break
"""


def task(folder: Path, text: str) -> ScriptTask:
    (folder / "train.py").write_text(text)
    made = ScriptTask(
        name="train", command=[str(folder / "train.py")], metric="count", mode="max",
        factors=[Categorical(STOPPING, [AS_WRITTEN, OFF])],
    )  # fmt: skip
    return replace(made.with_changes((), {}).within(folder), changes=Changes((STOPPING,)))


def test_the_loop_goes_on_where_its_break_does_nothing(tmp_path: Path) -> None:
    text = "import types\noptimiser = types.SimpleNamespace(step=lambda: None)\n" + WRONG_WAY
    made = task(tmp_path, text)
    assert run_replicate(made, Config({STOPPING: AS_WRITTEN}), 0).value == 2
    result = run_replicate(made, Config({STOPPING: OFF}), 0)
    assert (result.outcome, result.value) == ("ok", 8), result.error
    described = described_stopping(made)
    assert described is not None
    assert described["place"].endswith(f"train.py:{len(text.splitlines())}")
    assert described["patches"][OFF].splitlines()[-1:] == ["+            pass"]


@pytest.mark.parametrize(
    "text",
    [
        # No loop that trains is left.
        "for epoch in range(3):\n    train(net)",
        "for x in loader:\n    if seen(x):\n        break",
        # An episode ends, and the training goes on.
        "for episode in range(9):\n    for t in range(9):\n        opt.step()\n        if done:\n            break",
        # It might never end.
        "for batch in cycle(loader):\n    optimiser.step()\n    if done:\n        break",
        "while True:\n    for epoch in range(3):\n        optimiser.step()\n        if done:\n            break",
        "while True:\n    optimiser.step()\n    if done:\n        break",
        "while True:\n    for batch in data:\n        optimiser.step()\n        if done:\n            break",
    ],
)
def test_what_leaves_no_training_stays(text: str) -> None:
    tree = ast.parse(text)
    assert breaks_of(tree) == []
    assert ast.dump(unstopped(ast.parse(text))) == ast.dump(tree)


@pytest.mark.parametrize(
    "text",
    [
        "def main():\n    for epoch in range(9):\n        loss.backward()\n        if bad:\n            break",
        "for epoch in range(9):\n    train_epoch(net)\n    try:\n        f()\n    except E:\n        break",
        "for e in range(9):\n  train(net)\n  match state:\n    case 'worse':\n      break",
        # Over folds, and over seeds.
        "for fold in split(x):\n  for epoch in range(9):\n    for b in x:\n      opt.step()\n    if bad:\n      break",
        "for seed in range(3):\n  net = Net()\n  for epoch in range(9):\n    train(net)\n    if bad:\n      break",
        # A loop over epochs that has a break of its own is the one, whatever stands in it.
        "for e in range(9):\n  for epoch in range(2):\n    train(net)\n  if bad:\n    break",
        "with x:\n  for e in range(9):\n    opt.step()\n    if good:\n      pass\n    else:\n      break",
    ],
)
def test_a_break_is_found_wherever_it_stands(text: str) -> None:
    tree = ast.parse(text)
    assert len(breaks_of(tree)) == 1
    assert "if not __import__" in ast.unparse(unstopped(tree))
    compile(tree, "train.py", "exec")


def test_a_range_that_is_just_large_still_ends(tmp_path: Path) -> None:
    text = """
import types
optimiser = types.SimpleNamespace(step=lambda: None)
for step in range(10**9):
    optimiser.step()
    if step >= 50:
        break
print("count:", step)
"""
    assert run_replicate(task(tmp_path, text), Config({STOPPING: OFF}), 0).value == 50 + MOST
