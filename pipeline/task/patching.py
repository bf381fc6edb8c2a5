"""A suggested patch: what a change from outside would be as an edit of the line that it corresponds to."""

from __future__ import annotations

import ast
import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Lines around an edit.
AROUND = 1
# What needs no brackets before a method's name.
_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Tuple)


class Source:
    """A Python file, and the calls at one of its lines.

    Args:
        text: of the file.
        line: counted from 1.

    Raises:
        SyntaxError: where the text is no Python.

    Example:
        >>> source = Source("opt = SGD(net.parameters(), lr=0.5)\\n", 1)
        >>> source.with_keyword("lr", lambda value: "0.05")
        'opt = SGD(net.parameters(), lr=0.05)\\n'
    """

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self._lines = text.splitlines(keepends=True)
        covering = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.stmt | ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        statements = [node for node in covering if isinstance(node, ast.stmt) and not hasattr(node, "body")]
        self.statement: Any = statements[-1] if statements else None
        begin = self.statement.lineno if self.statement is not None else line
        self._calls = [node for node in covering if isinstance(node, ast.Call) and node.lineno >= begin]

    def calls(self, *names: str) -> list[ast.Call]:
        """The calls of the line's statement, the outermost first; of functions with these last names, where given."""
        return [one for one in self._calls if not names or name_of(one) in names]

    def segment(self, node: ast.AST) -> str:
        """A node as it is written."""
        return ast.get_source_segment(self.text, node) or ""

    def operand(self, node: ast.AST) -> str:
        """A node as it is written, in brackets where what is put around it would bind more tightly.

        Example:
            >>> source = Source("loss = (a - b).abs()", 1)
            >>> source.operand(source.calls("abs")[0].func.value)
            '(a - b)'
        """
        return self.segment(node) if isinstance(node, _CLOSED) else f"({self.segment(node)})"

    def replaced(self, node: Any, text: str) -> str:
        """The whole file with another text in the place of a node."""
        encoded = [line.encode() for line in self._lines]
        begin = sum(map(len, encoded[: node.lineno - 1])) + node.col_offset
        end = sum(map(len, encoded[: node.end_lineno - 1])) + node.end_col_offset
        whole = self.text.encode()
        return (whole[:begin] + text.encode() + whole[end:]).decode()

    def with_keyword(self, name: str, make: Callable[[str], str], *functions: str) -> str | None:
        """The file with another value of a keyword of the line's calls; None where no call has it."""
        for call in self.calls(*functions):
            for keyword in call.keywords:
                if keyword.arg == name:
                    return self.replaced(keyword.value, make(self.segment(keyword.value)))
        return None

    def with_argument(self, call: ast.Call, text: str) -> str:
        """The file with one more argument of a call."""
        given: list[Any] = [*call.args, *call.keywords]
        last = max(given, key=lambda one: (one.end_lineno, one.end_col_offset))
        return self.replaced(last, f"{self.segment(last)}, {text}")

    def before(self, text: str) -> str | None:
        """The file with a further statement before the line's."""
        if self.statement is None:
            return None
        number = self.statement.lineno - 1
        indent = self._lines[number][: self.statement.col_offset]
        if indent.strip():
            # Another statement stands before it on the line.
            return None
        return "".join([*self._lines[:number], f"{indent}{text}\n", *self._lines[number:]])


# What rewrites a file at a line: `rewrite(source, level, anatomy)`; None where it cannot.
Rewrite = Callable[[Source, str, Any], str | None]


def name_of(call: ast.Call) -> str:
    """The last name of what is called: `relu` of `torch.relu(x)`; empty where it has none."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def times(value: str, factor: float) -> str:
    """A number in the source times a factor; an expression becomes a product.

    Example:
        >>> times("0.5", 0.1), times("args.lr", 0.1)
        ('0.05', 'args.lr * 0.1')
    """
    try:
        return f"{float(value) * factor:.6g}"
    except ValueError:
        plain = value.replace("_", "a").replace(".", "a").isalnum()
        return f"{value if plain else f'({value})'} * {factor:g}"


def assigned_at(place: str) -> str:
    """The variable that the statement at `file:line` assigns to; empty where it is no plain name."""
    source = source_at(place)
    targets = getattr(source.statement, "targets", []) if source is not None else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def suggested(place: str, source: Source, new: str | None) -> str:
    """An edit as a unified diff; empty where there is none.

    Args:
        place: `file:line`.
        source: of `source_at(place)`.
        new: the file's new text.
    """
    if new is None or new == source.text:
        return ""
    file = place.rpartition(":")[0]
    near = os.path.relpath(file)
    name = file if near.startswith("..") else near
    return "\n".join(
        difflib.unified_diff(source.text.splitlines(), new.splitlines(), name, name, n=AROUND, lineterm="")
    )


def source_at(place: str) -> Source | None:
    """The file of `file:line`; None where it cannot be read, or is no Python."""
    file, _, line = place.rpartition(":")
    if not line.isdigit() or not Path(file).is_file():
        return None
    try:
        return Source(Path(file).read_text(encoding="utf-8"), int(line))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
