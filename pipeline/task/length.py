"""How long a program trains, where its source says it: an option, a constant at its top, a loop, a library's call."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backtrack.task.of_source import EPOCHS, described_of_source, range_of, tree_of
from backtrack.task.patching import name_of, source_at, suggested
from backtrack.task.program_options import ProgramOption

if TYPE_CHECKING:
    from backtrack.task.script_task import ScriptTask

# Name of the factor, its level, and what it means.
LENGTH, LONGER, TIMES = "length", "x4", 4
# Names of options and constants that say it, and of a loop's variable.
OPTIONS = (
    *(
        "epochs",
        "num_epochs",
        "n_epochs",
        "max_epochs",
        "num_train_epochs",
        "total_timesteps",
        "max_steps",
        "num_steps",
    ),
    *("steps", "iterations", "num_iterations", "max_iters", "iters", "episodes", "num_episodes"),
)
VARIABLES = (*EPOCHS, "episode")
# What libraries call it, the surest first: an agent's `n_epochs` go through each of its rollouts.
KEYWORDS = (
    *("total_timesteps", "num_train_epochs", "max_epochs", "num_epochs", "epochs"),
    *("n_epochs", "max_steps", "max_iters"),
)


def length_option(task: ScriptTask) -> ProgramOption | None:
    """The program's option, or constant, for its length; None where it has none with a whole number."""
    known = {option.name.lower().rpartition(".")[2]: option for option in task.declared}
    for name in OPTIONS:
        option = known.get(name)
        if option is not None and isinstance(_given(task, option), int):
            return option
    return None


def length_of(task: ScriptTask, option: ProgramOption) -> int:
    """Of an option of `length_option`: the length as the program is run now."""
    return int(_given(task, option))


def scaled(length: int, times: float) -> int:
    """So many times a length; one at least.

    Example:
        >>> scaled(20, 0.25), scaled(2, 0.1)
        (5, 1)
    """
    return max(1, round(length * times))


def longer_text(task: ScriptTask) -> str:
    """What a person would write to train four times as long; empty where nothing in the source says how long."""
    option = length_option(task)
    if option is not None:
        return f"{option.flag} {scaled(length_of(task, option), TIMES)}: {TIMES} times as long"
    first = _first_length(task)
    return "" if first is None else f"{first.before}{_longer(first)}{first.after}: {TIMES} times as long"


class Written(NamedTuple):
    """A length as a program's source has it.

    Args:
        number: the node, a whole number.
        before, after: what stands around it.
    """

    number: Any
    before: str
    after: str


def lengths_in(tree: ast.Module) -> list[Written]:
    """The ends of a program's loops over epochs; where it has none, what it tells a library of its length.

    Example:
        >>> [one.before for one in lengths_in(ast.parse("trainer = Trainer(max_epochs=5)"))]
        ['max_epochs=']
        >>> lengths_in(ast.parse("schedule = OneCycleLR(optimizer, 0.1, epochs=5)"))
        []
    """
    loops = loops_over_epochs(tree)
    if loops:
        return [Written(_end(one), f"for {one.target.id} in range(", ")") for one in loops]  # type: ignore[attr-defined]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and not _is_schedule(node)]
    given = [one for call in calls for one in call.keywords if type(getattr(one.value, "value", None)) is int]
    name = next((name for name in KEYWORDS if any(one.arg == name for one in given)), "")
    return [Written(one.value, f"{name}=", "") for one in given if one.arg == name]


def _first_length(task: ScriptTask) -> Written | None:
    """The first of the lengths in a program's source; None where it has none."""
    if task.script is None or not task.script.is_file():
        return None
    return next(iter(lengths_in(tree_of(task.script))), None)


def _longer(length: Written) -> str:
    return str(scaled(length.number.value, TIMES))


def _is_schedule(call: ast.Call) -> bool:
    """Whether a call makes a schedule of the rate, which goes by the length and does not set it."""
    name = name_of(call)
    return name.endswith("LR") or "schedule" in name.lower()


def loops_over_epochs(tree: ast.Module) -> list[ast.For]:
    """The loops `for epoch in range(…)` whose end is written as a number."""
    found = []
    for node in ast.walk(tree):
        named = isinstance(node, ast.For) and isinstance(node.target, ast.Name) and node.target.id in VARIABLES
        if named and isinstance(node, ast.For) and isinstance(_end(node), ast.Constant):
            found.append(node)
    return found


def lengthened(tree: ast.Module, times: float) -> ast.Module:
    """A program whose loops over epochs, or its library's, are so many times as long; one epoch at least."""
    for one in lengths_in(tree):
        one.number.value = scaled(one.number.value, times)
    return tree


def _end(loop: ast.For) -> Any:
    """The end of a loop's `range(end)` or `range(start, end)`, where it is written as a whole number; else None."""
    call = range_of(loop)
    if call is None:
        return None
    end = call.args[0] if len(call.args) == 1 else call.args[1]
    return end if isinstance(end, ast.Constant) and type(end.value) is int else None


def _given(task: ScriptTask, option: ProgramOption) -> Any:
    """The value that an option has in the task's own command; its default where the command does not say it."""
    arguments: Sequence[str] = task.own_arguments
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == option.flag:
            text = value if equals else arguments[position + 1] if position + 1 < len(arguments) else ""
            return int(text) if text.isdigit() else None
    return option.default if type(option.default) is int else None


def _longer_loop(task: ScriptTask) -> str:
    """The edit of the first length, as a unified diff; empty where an option says how long."""
    first = _first_length(task) if length_option(task) is None else None
    if first is None:
        return ""
    place = f"{task.script}:{first.number.lineno}"
    source = source_at(place)
    return suggested(place, source, source.replaced(first.number, _longer(first))) if source is not None else ""


def described_length(task: ScriptTask) -> Mapping[str, Any] | None:
    """The length as an intervention, in the form of `Intervention.described`; None where it is not known."""
    text = longer_text(task)
    if not text:
        return None
    return described_of_source(
        LENGTH,
        f"the program trains {TIMES} times as long",
        LONGER,
        text,
        _longer_loop(task),
        points=["step_size", "update_ratio_off"],
    )
