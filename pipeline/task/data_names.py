"""Which of a program's names hold what its model is given: followed from its calls back to where they are made."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backtrack.task.patching import Source, name_of
from backtrack.task.written import OWNERS, statements_calling

# What makes another tensor of the same numbers out of its first argument.
PASSING = ("tensor", "as_tensor", "from_numpy", "FloatTensor", "Tensor", "asarray", "array")
# What a name may stand for: numbers; what gives out examples; what gives out batches of these.
NUMBERS, EXAMPLES, BATCHES = "numbers", "examples", "batches"
# What makes the latter two out of its first argument, and what that argument is.
MADE_OF = {EXAMPLES: ("TensorDataset", NUMBERS), BATCHES: ("DataLoader", EXAMPLES)}
# Methods after which numbers are of another kind than those that are kept.
CONVERTING = ("float", "double", "type", "half", "bfloat16")
# Names that are followed, one behind the other.
FAR = 8


@dataclass(frozen=True)
class Held:
    """A name that holds inputs.

    Args:
        name: in the program.
        made: the statement that made it last, in the body of the file or of a function.
        trains: whether the model trains on it.
    """

    name: str
    made: ast.stmt
    trains: bool


def inputs_of(source: Source, model: str) -> list[Held]:
    """The names that hold what a model is called with, those that it trains on first; none where one cannot be told.

    Args:
        source: of the file.
        model: its name there.

    Example:
        >>> text = '''x_train, x_test = load()
        ... for i in range(0, 100, 10):
        ...     loss = criterion(net(x_train[i:i + 10]), y[i:i + 10])
        ...     loss.backward()
        ... print(net(x_test).argmax(1))
        ... '''
        >>> [(one.name, one.trains) for one in inputs_of(Source(text, 1), "net")]
        [('x_train', True), ('x_test', False)]
    """
    backward = statements_calling(source, "backward")
    block = source.block_of(backward[0]) if backward else []
    training = {id(node) for statement in block for node in ast.walk(statement)}
    calls = [one for one in source.all_calls(model) if isinstance(one.func, ast.Name) and one.args]
    if not any(id(one) in training for one in calls):
        return []
    flow = _Flow(source)
    ends = [(flow.follow(call.args[0]), id(call) in training) for call in calls]
    if any(end is None for end, _ in ends):
        return []
    found: dict[str, Held] = {}
    for end, trains in sorted(ends, key=lambda one: not one[1]):
        for name, made in end or ():
            found.setdefault(name, Held(name, made, trains))
    return list(found.values())


class _Flow:
    """Follows names back to where they are made."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parents = {id(inner): node for node in source.nodes for inner in ast.iter_child_nodes(node)}
        # What gives something to a name, by the function around it, or the file, and by the name.
        self._giving: dict[tuple[int, str], list[ast.Assign | ast.For]] = {}
        for node in source.nodes:
            if isinstance(node, ast.Assign | ast.For):
                scope = next(self._scopes(node), None)
                for name in _names_in(node.targets if isinstance(node, ast.Assign) else [node.target]):
                    self._giving.setdefault((id(scope), name), []).append(node)

    def follow(self, value: ast.expr, kind: str = NUMBERS, far: int = FAR) -> list[tuple[str, ast.stmt]] | None:
        """`(name, statement)` of the numbers that an expression comes from; None where that cannot be told.

        Args:
            value: the expression.
            kind: what it stands for.
            far: how many names are followed.
        """
        if not far:
            return None
        if isinstance(value, ast.Name):
            return self._follow_name(value, kind, far)
        if kind in MADE_OF:
            maker, of = MADE_OF[kind]
            made = isinstance(value, ast.Call) and name_of(value) == maker and value.args
            return self.follow(made[0], of, far - 1) if made else None
        if isinstance(value, ast.Subscript):
            return self.follow(value.value, kind, far - 1)
        inner = self._passed_on(value) if isinstance(value, ast.Call) else None
        return self.follow(inner, kind, far - 1) if inner is not None else None

    def _passed_on(self, call: ast.Call) -> ast.expr | None:
        """What a call gives on: its first argument, or the tensor whose method it is."""
        if name_of(call) in PASSING and call.args:
            return call.args[0]
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        named = owner is None or self._source.segment(owner).rpartition(".")[2] in (*OWNERS, "np", "numpy")
        return None if named or name_of(call) in CONVERTING else owner

    def _follow_name(self, name: ast.Name, kind: str, far: int) -> list[tuple[str, ast.stmt]] | None:
        own = next(self._scopes(name), None)
        for scope in self._scopes(name):
            # Of its own function what stands above it; of those around it all.
            bound = [one for one in self._bindings(scope, name.id) if scope is not own or one[0].lineno <= name.lineno]
            if bound:
                statement, value, loop = bound[-1]
                if kind == NUMBERS and not loop and statement in scope.body:
                    return [(name.id, statement)]
                return self.follow(value, loop or kind, far - 1) if value is not None else None
            if isinstance(scope, ast.FunctionDef) and name.id in (given := [one.arg for one in scope.args.args]):
                return self._given(scope.name, given.index(name.id), kind, far)
        return None

    def _given(self, function: str, place: int, kind: str, far: int) -> list[tuple[str, ast.stmt]] | None:
        """What a function is called with at a place of its arguments, from all of its calls."""
        calls = [one for one in self._source.all_calls(function) if len(one.args) > place]
        ends = [self.follow(one.args[place], kind, far - 1) for one in calls]
        if not ends or any(end is None for end in ends):
            return None
        return [one for end in ends for one in end or ()]

    def _scopes(self, node: ast.AST) -> Iterator[Any]:
        """The functions around a node, and the file, the innermost first."""
        parent = self._parents.get(id(node))
        while parent is not None:
            if isinstance(parent, ast.FunctionDef | ast.Module):
                yield parent
            parent = self._parents.get(id(parent))

    def _bindings(self, scope: Any, name: str) -> list[tuple[ast.stmt, ast.expr | None, str]]:
        """`(statement, what the name is made of, kind of what a loop takes it from)` in a scope, by their lines."""
        found: list[tuple[ast.stmt, ast.expr | None, str]] = []
        for node in self._giving.get((id(scope), name), []):
            if isinstance(node, ast.Assign):
                found += [(node, one, "") for to in node.targets for one in _at(to, node.value, name)]
            else:
                each = _each_of(node.iter)
                for one in _at(node.target, each, name):
                    # What is taken apart as a whole is a loader; a tensor's method gives tensors.
                    whole = one is node.iter or (isinstance(each, ast.Tuple) and one is each.elts[-1])
                    batches = whole and isinstance(one, ast.Name) and not _is_zip(node.iter)
                    found.append((node, one, BATCHES if batches else NUMBERS))
        return sorted(found, key=lambda one: one[0].lineno)


def _names_in(targets: Sequence[ast.expr]) -> set[str]:
    return {node.id for to in targets for node in ast.walk(to) if isinstance(node, ast.Name)}


def _is_zip(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and name_of(value) == "zip"


def _each_of(value: ast.expr) -> ast.expr:
    """What a loop's target is taken apart by: `enumerate(a)` gives a number and a, `zip(a, b)` both."""
    if isinstance(value, ast.Call) and _is_zip(value):
        return ast.Tuple(list(value.args))
    if isinstance(value, ast.Call) and name_of(value) == "enumerate" and value.args:
        return ast.Tuple([ast.Constant(0), _each_of(value.args[0])])
    return value


def _at(target: ast.expr, value: ast.expr, name: str) -> list[ast.expr | None]:
    """What a name of a target becomes; None in the list where it is a part that cannot be told."""
    if isinstance(target, ast.Name):
        return [value] if target.id == name else []
    if not isinstance(target, ast.Tuple | ast.List):
        return []
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    found: list[ast.expr | None] = []
    for number, one in enumerate(target.elts):
        if len(parts) == len(target.elts):
            found += _at(one, parts[number], name)
        elif isinstance(one, ast.Name) and one.id == name:
            # Of a loader's batch the first is the input.
            found.append(value if number == 0 else None)
    return found
