"""How long a program trains is read from its source, and made four times as long without changing it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backtrack import Categorical, Config, ScriptTask
from backtrack.task.command import Program, program_of
from backtrack.task.intervention import AS_WRITTEN
from backtrack.task.length import LENGTH, LONGER, described_length, lengthened
from backtrack.trial.trial import run_replicate

ARGPARSE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
for epoch in range(parser.parse_args().epochs):
    print("count:", epoch + 1)
"""
CONSTANT = """
EPOCHS = 3
for epoch in range(EPOCHS):
    print("count:", epoch + 1)
"""
LOOP = """
for epoch in range(1, 4):
    print("count:", epoch)
"""
LIBRARY = """
class Trainer:
    def __init__(self, max_epochs, every=2):
        self.epochs = max_epochs
    def fit(self):
        for number in range(self.epochs):
            print("count:", number + 1)
Trainer(max_epochs=3, every=7).fit()
"""
NONE = """
epoch = 0
while epoch < 3:
    epoch += 1
    print("count:", epoch)
"""


def task(folder: Path, text: str, *arguments: str) -> ScriptTask:
    (folder / "train.py").write_text(text)
    made = ScriptTask(
        name="train", command=[str(folder / "train.py"), *arguments], metric="count", mode="max",
        factors=[Categorical(LENGTH, [AS_WRITTEN, LONGER])],
    )  # fmt: skip
    return made.with_changes((), {}).within(folder)


def started(made: ScriptTask, folder: Path) -> Program:
    from dataclasses import replace

    from backtrack.task.swept import Changes

    return program_of(replace(made, changes=Changes((LENGTH,))), {LENGTH: LONGER}, 0, folder)


@pytest.mark.parametrize(
    ("text", "arguments", "count", "said"),
    [
        (ARGPARSE, (), 12, "--epochs 12: 4 times as long"),
        (ARGPARSE, ("--epochs", "2"), 8, "--epochs 8: 4 times as long"),
        (CONSTANT, (), 12, "EPOCHS 12: 4 times as long"),
        # From 1 to below 4: to below 16 then.
        (LOOP, (), 15, "for epoch in range(16): 4 times as long"),
        (LIBRARY, (), 12, "max_epochs=12: 4 times as long"),
    ],
)
def test_a_program_trains_four_times_as_long(
    tmp_path: Path, text: str, arguments: tuple[str, ...], count: int, said: str
) -> None:
    from dataclasses import replace

    from backtrack.task.swept import Changes

    made = task(tmp_path, text, *arguments)
    described = described_length(made)
    assert described is not None and described["levels"] == {LONGER: said}
    changed = replace(made, changes=Changes((LENGTH,)))
    result = run_replicate(changed, Config({LENGTH: LONGER}), 0)
    assert (result.outcome, result.value) == ("ok", count), result.error
    assert run_replicate(changed, Config({LENGTH: AS_WRITTEN}), 0).value == (2 if arguments else 3)
    assert started(made, tmp_path).changes == {}


def test_what_the_source_does_not_say_is_not_made_longer(tmp_path: Path) -> None:
    assert described_length(task(tmp_path, NONE)) is None


def test_only_loops_over_epochs_grow() -> None:
    tree = ast.parse("for epoch in tqdm(range(5)):\n    for step in range(7):\n        pass")
    assert "range(20)" in ast.unparse(lengthened(tree, 4)) and "range(7)" in ast.unparse(tree)


@pytest.mark.parametrize(
    ("text", "grown"),
    [
        ("net.fit(x, y, epochs=5)", "net.fit(x, y, epochs=20)"),
        ("for epoch in range(5):\n    learn(x, steps=3)", "for epoch in range(20):\n    learn(x, steps=3)"),
        ("PPO(n_epochs=8).learn(total_timesteps=50)", "PPO(n_epochs=8).learn(total_timesteps=200)"),
        ("sample(x, steps=3)", "sample(x, steps=3)"),
        ("s = OneCycleLR(o, 0.1, epochs=5)", "s = OneCycleLR(o, 0.1, epochs=5)"),
        ("s = get_linear_schedule(o, num_steps=5)", "s = get_linear_schedule(o, num_steps=5)"),
        ("a = Arguments(max_steps=-1, num_train_epochs=n)", "a = Arguments(max_steps=-1, num_train_epochs=n)"),
    ],
)
def test_what_a_library_is_told_of_the_length_grows_where_no_loop_is_there(text: str, grown: str) -> None:
    assert ast.unparse(lengthened(ast.parse(text), 4)) == grown
