"""How long a program trains, where its source says it: an option, a constant at its top, or a loop over epochs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backtrack.task.of_source import EPOCHS, described_of_source, range_of, tree_of
from backtrack.task.patching import source_at, suggested
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
    if task.script is not None and task.script.is_file():
        loops = loops_over_epochs(tree_of(task.script))
        if loops:
            return f"for {loops[0].target.id} in range({_end(loops[0]).value * TIMES}): {TIMES} times as long"  # type: ignore[attr-defined]
    return ""


def loops_over_epochs(tree: ast.Module) -> list[ast.For]:
    """The loops `for epoch in range(…)` whose end is written as a number."""
    found = []
    for node in ast.walk(tree):
        named = isinstance(node, ast.For) and isinstance(node.target, ast.Name) and node.target.id in VARIABLES
        if named and isinstance(node, ast.For) and isinstance(_end(node), ast.Constant):
            found.append(node)
    return found


def lengthened(tree: ast.Module, times: float) -> ast.Module:
    """A program whose loops over epochs are so many times as long; one epoch at least."""
    for loop in loops_over_epochs(tree):
        end = _end(loop)
        assert isinstance(end, ast.Constant) and isinstance(end.value, int)
        end.value = scaled(end.value, times)
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
    """The edit of the first loop, as a unified diff; empty where an option says how long."""
    if length_option(task) is not None or task.script is None:
        return ""
    loops = loops_over_epochs(tree_of(task.script))
    if not loops:
        return ""
    end = _end(loops[0])
    place = f"{task.script}:{end.lineno}"
    source = source_at(place)
    return suggested(place, source, source.replaced(end, str(scaled(end.value, TIMES)))) if source is not None else ""


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
