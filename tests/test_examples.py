"""Three classic bugs, each found as the cause from the sweep alone."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
import torch
from offline import analyse_offline, sweep_offline

from backtrack import load_task
from backtrack.evidence.failures.causes import ExplainedCause

EXAMPLES = Path(__file__).parents[1] / "examples"
STAGES = ["screen", "search", "confirm", "backtrack"]


def dominant(name: str) -> ExplainedCause:
    torch.set_num_threads(1)  # as a worker does: nets this small lose by more
    task = load_task(name, EXAMPLES / f"{name}.py")
    found = analyse_offline(task, sweep_offline(task, 120, 0, STAGES))
    return next(one for one in found.causes if not one.cause.refuted)


@pytest.mark.parametrize(
    ("name", "cause"), [("softmax_twice", "output=softmax"), ("shuffled_labels", "shuffle=inputs")]
)
def test_the_bug_is_the_cause(name: str, cause: str) -> None:
    one = dominant(name)
    assert one.cause.cause == (cause,)
    assert one.cause.verified


def test_a_library_that_refuses_a_combination_is_the_cause_as_a_set_of_levels() -> None:
    pytest.importorskip("lightgbm")
    one = dominant("goss_and_bagging")
    assert one.cause.verified
    assert set(one.cause.cause) == {"sampling=goss", "bagging_fraction<1"}
    assert one.inside[0] == one.inside[1]
    assert one.outside[0] == 0


def test_the_hot_learning_rate_is_the_cause_with_its_threshold() -> None:
    one = dominant("hot_learning_rate")
    assert one.cause.verified
    assert any(part.factor == "lr" and part.sign == ">" for part in one.cause.parts), one.cause.cause


def test_each_recipe_is_a_shell_script_of_few_lines_that_its_table_names() -> None:
    folder = EXAMPLES / "projects"
    table = (folder / "README.md").read_text()
    recipes = sorted(folder.glob("*.sh"))
    assert len([one for one in recipes if one.name != "fetch.sh"]) == 8
    for recipe in recipes:
        assert subprocess.run(["sh", "-n", recipe], check=False).returncode == 0
        assert recipe.name == "fetch.sh" or f"`{recipe.name}`" in table
    for box in folder.glob("*.py"):
        body = [one for one in ast.parse(box.read_text()).body[1:] if not isinstance(one, (ast.Import, ast.ImportFrom))]
        lines = {node.lineno for one in body for node in ast.walk(one) if isinstance(node, (ast.stmt, ast.expr))}
        assert len(lines) <= 10, box.name
