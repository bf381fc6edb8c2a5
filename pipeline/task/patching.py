"""A suggested patch: what a change from outside would be as an edit of the line that it corresponds to."""

from __future__ import annotations

import ast
import difflib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from backtrack.task.project import project_root

# Lines around an edit.
AROUND = 1
# What needs no brackets before a method's name.
_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Tuple)


class Source:
    """A Python file, and the calls at one of its lines.

    Args:
        text: of the file; `tree` is what Python reads in it, `nodes` all that this holds.
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
        # (As Python counts lines: a form feed ends none.)
        self._lines = io.StringIO(text).readlines()
        # (Python's own way to a node's text splits the file each time.)
        self._bytes = text.encode()
        self._starts = [0, *accumulate(len(line.encode()) for line in self._lines)]
        self.tree, self.nodes = _parsed(text)
        covering = [
            node
            for node in self.nodes
            if isinstance(node, ast.stmt | ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        statements = [node for node in covering if isinstance(node, ast.stmt) and not hasattr(node, "body")]
        self.statement: Any = statements[-1] if statements else None
        begin = self.statement.lineno if self.statement is not None else line
        self._calls = [node for node in covering if isinstance(node, ast.Call) and node.lineno >= begin]

    def calls(self, *names: str) -> list[ast.Call]:
        """The calls of the line's statement, the outermost first; of functions with these last names, where given."""
        return [one for one in self._calls if not names or name_of(one) in names]

    def all_calls(self, *names: str) -> list[ast.Call]:
        """The calls in the whole file of functions with these last names, in the order of their lines.

        Example:
            >>> [one.lineno for one in Source("a = nn.ReLU()\\nb = relu(c)\\n", 1).all_calls("ReLU", "relu")]
            [1, 2]
        """
        found = [node for node in self.nodes if isinstance(node, ast.Call) and name_of(node) in names]
        return sorted(found, key=lambda one: (one.lineno, one.col_offset))

    def segment(self, node: ast.AST) -> str:
        """A node as it is written."""
        begin, end = self._span(node)
        return self._bytes[begin:end].decode()

    def operand(self, node: ast.AST) -> str:
        """A node as it is written, in brackets where what is put around it would bind more tightly.

        Example:
            >>> source = Source("loss = (a - b).abs()", 1)
            >>> source.operand(source.calls("abs")[0].func.value)
            '(a - b)'
        """
        return self.segment(node) if isinstance(node, _CLOSED) else f"({self.segment(node)})"

    def in_brackets(self, node: ast.expr) -> Any:
        """What covers a node and the brackets right around it, to be replaced as one; the node where it has none.

        Example:
            >>> source = Source("loss = (1 - y) * a", 1)
            >>> source.replaced(source.in_brackets(source.statement.value.left), "y")
            'loss = y * a'
        """
        whole = ast.Name("")
        whole.lineno, whole.col_offset = node.lineno, node.col_offset - 1
        whole.end_lineno, whole.end_col_offset = node.end_lineno, (node.end_col_offset or 0) + 1
        text = self.segment(whole) if node.col_offset else ""
        return whole if text[:1] == "(" and text[-1:] == ")" else node

    def replaced(self, node: Any, text: str) -> str:
        """The whole file with another text in the place of a node."""
        return self.all_replaced([(node, text)])

    def all_replaced(self, edits: Iterable[tuple[Any, str]]) -> str:
        """The whole file with another text in the place of each of these nodes, none of which holds another."""
        whole = self._bytes
        for (begin, end), text in sorted(((self._span(node), text) for node, text in edits), reverse=True):
            whole = whole[:begin] + text.encode() + whole[end:]
        return whole.decode()

    def _span(self, node: Any) -> tuple[int, int]:
        """Where a node begins and ends, in bytes."""
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def with_keyword(self, name: str, make: Callable[[str], str], *functions: str) -> str | None:
        """The file with another value of a keyword of the line's calls; None where no call has it."""
        for call in self.calls(*functions):
            for keyword in call.keywords:
                if keyword.arg == name:
                    return self.replaced(keyword.value, make(self.segment(keyword.value)))
        return None

    def with_argument(self, call: ast.Call, text: str) -> str:
        """The file with one more argument of a call."""
        return self.replaced(*self.longer(call, text))

    def longer(self, call: ast.Call, text: str) -> tuple[ast.AST, str]:
        """What of a call is replaced, and by what, where it gets one more argument."""
        given: list[Any] = [*call.args, *call.keywords]
        if not given:
            return call, f"{self.segment(call.func)}({text})"
        last = max(given, key=lambda one: (one.end_lineno, one.end_col_offset))
        return last, f"{self.segment(last)}, {text}"

    def renamed(self, call: ast.Call, name: str) -> tuple[ast.AST, str]:
        """What of a call is replaced, and by what, where another function of the same owner is called."""
        owner = f"{self.segment(call.func.value)}." if isinstance(call.func, ast.Attribute) else ""
        return call.func, f"{owner}{name}"

    def before(self, text: str, statement: Any = None) -> str | None:
        """The file with a further statement before the line's, or before another one."""
        statement = statement or self.statement
        if statement is None or not self._is_alone(statement):
            return None
        return self._put(text, statement, statement.lineno - 1)

    def before_each(self, added: Sequence[tuple[ast.stmt, str]]) -> str | None:
        """The file with a further statement before each of these; None where one of them cannot be there."""
        if not all(self._is_alone(one) for one, _ in added):
            return None
        text = {one.lineno - 1: f"{self._indent(one)}{line}\n" for one, line in added}
        return "".join(f"{text.get(number, '')}{line}" for number, line in enumerate(self._lines))

    def behind(self, text: str, statement: ast.stmt) -> str | None:
        """The file with a further statement behind another one."""
        return self._put(text, statement, statement.end_lineno or 0) if self._is_alone(statement) else None

    def _put(self, text: str, beside: ast.stmt, number: int) -> str:
        lines = [f"{self._indent(beside)}{line}\n" for line in text.splitlines()]
        return "".join([*self._lines[:number], *lines, *self._lines[number:]])

    def without(self, statement: ast.stmt) -> str | None:
        """The file without a statement, or the loop that does nothing else; None where others stand on its lines.

        Example:
            >>> source = Source("opt.step()\\nfor p in weights:\\n    p.clamp_(0, 1)\\n", 3)
            >>> source.without(source.statement)
            'opt.step()\\n'
        """
        block = self.block_of(statement)
        if len(block) == 1:
            around = [one for one in self.nodes if isinstance(one, ast.For | ast.With) and one.body is block]
            return self.without(around[0]) if around and not getattr(around[0], "orelse", []) else None
        if not block or not self._is_alone(statement):
            return None
        return "".join([*self._lines[: statement.lineno - 1], *self._lines[statement.end_lineno or 0 :]])

    def moved(self, statement: ast.stmt, beside: ast.stmt, *, behind: bool = False) -> str | None:
        """The file with a statement moved before another one, or behind it, as deep as that is; None where it cannot.

        Example:
            >>> source = Source("for x in loader:\\n    loss.backward()\\n    print(x)\\nopt.step()\\n", 1)
            >>> step, inner = source.tree.body[1], source.tree.body[0].body[0]
            >>> source.moved(step, inner, behind=True).splitlines()[1:3]
            ['    loss.backward()', '    opt.step()']
        """
        if not (self._is_alone(statement) and self._is_alone(beside)) or len(self.block_of(statement)) < 2:
            return None
        gone = range(statement.lineno - 1, statement.end_lineno or 0)
        at = (beside.end_lineno or 0) if behind else beside.lineno - 1
        text = f"{self._indent(beside)}{self.segment(statement)}\n"
        lines = {number: line for number, line in enumerate(self._lines) if number not in gone}
        return "".join([*(lines[n] for n in lines if n < at), text, *(lines[n] for n in lines if n >= at)])

    def as_other_calls(self, names: Mapping[str, str]) -> str | None:
        """The file with other functions, and classes, called in the place of these; None where it cannot.

        Example:
            >>> Source("loss = nn.BCELoss()", 1).as_other_calls({"BCELoss": "MSELoss"})
            'loss = nn.MSELoss()'
        """
        calls = self.all_calls(*names)
        if not calls or not all(map(self.knows_others, calls)):
            return None
        return self.all_replaced(self.renamed(call, names[name_of(call)]) for call in calls)

    def knows_others(self, call: ast.Call) -> bool:
        """Whether a function is called by its owner's name, `nn.ReLU`, so that another of the owner's is known too."""
        return isinstance(call.func, ast.Attribute)

    def blocks(self) -> list[list[ast.stmt]]:
        """The bodies of the file: its own, and those of its functions, loops and branches."""
        bodies = (getattr(node, name, None) for node in self.nodes for name in ("body", "orelse", "finalbody"))
        return [one for one in bodies if isinstance(one, list) and one]

    def block_of(self, statement: ast.stmt) -> list[ast.stmt]:
        """The body that a statement stands in; empty where it is none of the file's."""
        return next((one for one in self.blocks() if statement in one), [])

    def _indent(self, statement: ast.stmt) -> str:
        return self._lines[statement.lineno - 1][: statement.col_offset]

    def _is_alone(self, statement: ast.stmt) -> bool:
        """Whether no other statement stands on a statement's lines."""
        # (Of a block, such as a loop, the last line is its body's.)
        behind = self._lines[(statement.end_lineno or 1) - 1].encode()[statement.end_col_offset or 0 :].decode()
        return not self._indent(statement).strip() and (not behind.strip() or behind.lstrip().startswith("#"))


# What rewrites a file at a line: `rewrite(source, level, anatomy)`; None where it cannot.
Rewrite = Callable[[Source, str, Any], str | None]


def name_of(call: ast.Call) -> str:
    """The last name of what is called: `relu` of `torch.relu(x)`; empty where it has none."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


@lru_cache(maxsize=256)
def _source(text: str, line: int) -> Source:
    return Source(text, line)


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[ast.Module, list[ast.AST]]:
    """A file's tree and its nodes, which many changes look into and none changes."""
    tree = ast.parse(text)
    return tree, list(ast.walk(tree))


def spanning(first: ast.AST, last: ast.AST) -> Any:
    """What covers two nodes and all that stands between them, to be replaced as one."""
    whole = ast.Name("")
    whole.lineno, whole.col_offset = first.lineno, first.col_offset  # type: ignore[attr-defined]
    whole.end_lineno, whole.end_col_offset = last.end_lineno, last.end_col_offset  # type: ignore[attr-defined]
    return whole


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
    name = _name_of(Path(file))
    return "\n".join(
        difflib.unified_diff(source.text.splitlines(), new.splitlines(), name, name, n=AROUND, lineterm="")
    )


def _name_of(file: Path) -> str:
    """A file's name from the folder that a training works in, or from where its project begins.

    A worker of Ray works elsewhere, and on another machine the project lies elsewhere as well. (`patch` refuses names
    that lead out of the folder that it works in.)
    """
    own = file.resolve()
    return own.relative_to(Path.cwd() if own.is_relative_to(Path.cwd()) else project_root(own)).as_posix()


def source_at(place: str) -> Source | None:
    """The file of `file:line`; None where it cannot be read, or is no Python."""
    file, _, line = place.rpartition(":")
    if not line.isdigit() or not Path(file).is_file():
        return None
    try:
        return _source(Path(file).read_text(encoding="utf-8"), int(line))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
