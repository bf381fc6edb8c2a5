"""Options of a task: what `--set NAME=VALUE` gives, as the type of the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtrack.errors import TaskError

# What a person types for a boolean; `bool("false")` would be true.
BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def typed_options(task: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given options as the types of the known ones.

    Args:
        task: its name, for messages.
        known: every option with its default.
        given: text from the command line, or values that have their type already.

    Raises:
        TaskError: for an option that is not known, or of another type.

    Example:
        >>> typed_options("mine", {"epochs": 2, "augment": True}, {"epochs": "5", "augment": "false"})
        {'epochs': 5, 'augment': False}
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TaskError(f"task {task!r} has no option {unknown}; it has {sorted(known) or 'none'}")
    return {name: as_type_of(known[name], value, f"task {task!r}: option {name}") for name, value in given.items()}


def as_type_of(default: Any, value: Any, what: str) -> Any:
    """`value` as the type of `default`.

    A boolean is spelled true or false (also yes, no, on, off, 1, 0). A list or tuple is spelled with commas; its items
    take the type of the default's first item.

    Args:
        default: a value of the wanted type; of None and of text everything is taken as it is.
        value: text, or a value that has the type already.
        what: is being set, for messages.

    Raises:
        TaskError: where `value` cannot be read so.

    Example:
        >>> as_type_of([64, 64], "128,32", "option sizes")
        [128, 32]
    """
    if default is None or isinstance(default, str):
        return value
    try:
        if isinstance(default, bool):
            return BOOLEANS[str(value).strip().lower()]
        if isinstance(default, (list, tuple)):
            items = value.split(",") if isinstance(value, str) else list(value)
            like = default[0] if default else ""
            return type(default)(as_type_of(like, _stripped(item), what) for item in items if item != "")
        return type(default)(value)
    except (KeyError, TypeError, ValueError):
        raise TaskError(f"{what}={value!r}; expected {_kind(default)} such as {_spelled(default)}") from None


def _stripped(item: Any) -> Any:
    return item.strip() if isinstance(item, str) else item


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false,"
    if isinstance(default, (list, tuple)):
        return "values with commas between them,"
    return {int: "a whole number", float: "a number"}.get(type(default), f"a value of type {type(default).__name__}")


def _spelled(default: Any) -> str:
    """A default as one would type it."""
    if isinstance(default, bool):
        return "true" if default else "false"
    return ",".join(map(str, default)) if isinstance(default, (list, tuple)) else str(default)
