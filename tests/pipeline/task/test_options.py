from __future__ import annotations

import pytest

from backtrack import Categorical, FunctionTask, TaskError
from backtrack.cli.options import pairs_from

TASK = FunctionTask(
    name="mine",
    run=lambda config, seed, options: iter([{"error": 1.0}]),
    metric="error",
    mode="min",
    factors=[Categorical("a", [1, 2])],
    defaults={"augment": True, "sizes": [64, 64], "names": ("a", "b"), "rate": 0.5, "rows": 10, "path": ""},
)
SPELLINGS = [("false", False), ("no", False), ("0", False), ("true", True), ("ON", True)]


@pytest.mark.parametrize(("text", "value"), SPELLINGS)
def test_set_augment_false_sets_false(text: str, value: bool) -> None:
    assert TASK.with_options({"augment": text}).options["augment"] is value


def test_a_list_option_does_not_become_its_letters() -> None:
    task = TASK.with_options({"sizes": "128, 32", "names": "x,yz"})
    assert task.options["sizes"] == [128, 32]
    assert task.options["names"] == ("x", "yz")
    assert TASK.with_options({"sizes": [1, 2, 3]}).options["sizes"] == [1, 2, 3]
    assert TASK.with_options({"sizes": ""}).options["sizes"] == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("augment", "maybe", "expected true or false, such as true"),
        ("sizes", "64,many", "expected a whole number such as 64"),
        ("rate", "much", "expected a number such as 0.5"),
        ("rows", "ten", "expected a whole number such as 10"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_do(name: str, text: str, said: str) -> None:
    with pytest.raises(TaskError, match=f"option {name}.*{said}"):
        TASK.with_options({name: text})


@pytest.mark.parametrize("option", ["--set", "--fix", "--threshold"])
def test_the_complaint_names_the_option_that_was_given(option: str) -> None:
    with pytest.raises(TaskError, match=f"^{option} x: expected NAME=VALUE, such as {option} a=1$"):
        pairs_from(option, ["x"], "a=1")
