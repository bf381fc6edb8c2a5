"""Where a program writes what a run showed of it: its layers, its activations, and calls in any of its files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from backtrack.task.patching import Source, name_of, source_at

# The modules that call torch's activation functions: `{function: class}`.
CLASSES = {
    "relu": "ReLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "gelu": "GELU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "selu": "SELU",
    "relu6": "ReLU6",
    "hardtanh": "Hardtanh",
    "softplus": "Softplus",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "softmin": "Softmin",
}
# What functions are called by: anything else before their name is the tensor itself.
OWNERS = ("torch", "nn", "F", "functional", "special")
# Modules that hold others by number.
HOLDERS = ("Sequential", "ModuleList")


def first_line(files: Sequence[str], find: Callable[[Source], Sequence[Any]]) -> str:
    """`file:line` of the first node that `find` finds in one of these files; empty where none has any.

    Args:
        files: of the program.
        find: what is looked for in a file, in the order of its lines.
    """
    for file in files:
        source = source_at(f"{file}:1")
        found = find(source) if source is not None else []
        if found:
            return f"{file}:{found[0].lineno}"
    return ""


def calls_of(*names: str) -> Callable[[Source], list[ast.Call]]:
    """What finds the calls of functions with these last names in a file."""
    return lambda source: source.all_calls(*names)


def activation_calls(source: Source, function: str) -> list[ast.Call]:
    """The calls in a file of an activation, and those that make its module."""
    return source.all_calls(function, *(name for name in [CLASSES.get(function)] if name))


def handed_on(source: Source, function: str) -> list[ast.Attribute]:
    """Where the class of an activation's module is named in a file, and not called.

    Example:
        >>> [one.col_offset for one in handed_on(Source("net = mlp(nn.ReLU(), nn.ReLU)", 1), "relu")]
        [21]
    """
    nodes = list(source.nodes)
    called = {id(one.func) for one in nodes if isinstance(one, ast.Call)}
    named = [one for one in nodes if isinstance(one, ast.Attribute) and one.attr == CLASSES.get(function)]
    return [one for one in named if id(one) not in called]


def is_method(source: Source, call: ast.Call) -> bool:
    """Whether a call is a tensor's method: `x.relu()`, and not `F.relu(x)`."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return owner is not None and source.segment(owner).rpartition(".")[2] not in OWNERS


def first_dimensions(source: Source, names: Sequence[str], place_in: Callable[[ast.Call], int]) -> list[ast.expr]:
    """The dimensions that calls of these functions are given as 0, by `dim=0` or at their place among the arguments.

    Args:
        source: of the file.
        names: of the functions.
        place_in: the place of a call's dimension.

    Example:
        >>> source = Source("a = F.normalize(x, dim=0); b = F.normalize(x, 2, 0); c = F.normalize(x, 2, 1)", 1)
        >>> len(first_dimensions(source, ["normalize"], lambda call: 2))
        2
    """
    given = [one for call in source.all_calls(*names) for one in dimensions_of(call, place_in(call))]
    return [one for one in given if isinstance(one, ast.Constant) and one.value == 0]


def dimensions_of(call: ast.Call, place: int) -> list[ast.expr]:
    """What a call gives as its dimension: at this place among its arguments, or by `dim=`."""
    return [*call.args[place : place + 1], *(one.value for one in call.keywords if one.arg == "dim")]


def is_number(node: ast.expr) -> bool:
    """Whether a whole number is written there, such as -1."""
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int)


def over_the_last(source: Source, dimensions: Sequence[ast.expr]) -> str | None:
    """The file with -1 in the place of these dimensions; None where there are none."""
    return source.all_replaced((one, "-1") for one in dimensions) if dimensions else None


def statements_calling(source: Source, *names: str, of: str = "") -> list[ast.stmt]:
    """The statements of a file that are a call of a method with one of these names, and nothing else.

    Args:
        source: of the file.
        names: of methods, or of functions.
        of: whose method; anybody's where it is empty.
    """
    found = [one for one in source.nodes if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)]
    owned = [one for one in found if not of or source.segment(one.value.func) in [f"{of}.{name}" for name in names]]  # type: ignore[attr-defined]
    return [one for one in owned if name_of(one.value) in names]  # type: ignore[arg-type]


def given_to(source: Source, kind: str) -> tuple[ast.expr | None, list[str]]:
    """What an optimiser is given at a source's line, and the models whose parameters that is, as they are written.

    Args:
        source: at the line that makes it.
        kind: its class.

    Example:
        >>> source = Source("both = [*net.head.parameters(), *body.parameters()]\\nopt = SGD(both, lr=0.1)", 2)
        >>> given_to(source, "SGD")[1]
        ['net.head', 'body']
    """
    given = next((call.args[0] for call in source.calls(kind) if call.args), None)
    if given is None:
        return None, []
    made = made_of(source, given.id) if isinstance(given, ast.Name) else given
    calls = [one for one in ast.walk(made or given) if isinstance(one, ast.Call) and name_of(one) == "parameters"]
    return given, [source.segment(one.func.value) for one in calls if isinstance(one.func, ast.Attribute)]


def imported_by(source: Source) -> set[str]:
    """The names that a file's imports give it.

    Example:
        >>> sorted(imported_by(Source("import torch.nn as nn, os.path\\nfrom torch import optim as o", 1)))
        ['nn', 'o', 'os']
    """
    imports = [one for one in source.nodes if isinstance(one, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name.partition(".")[0] for one in imports for alias in one.names}


def nn_of(source: Source) -> str:
    """How a file names `torch.nn`."""
    return "nn" if "nn" in imported_by(source) else "torch.nn"


def in_forward(source: Source) -> list[ast.AST]:
    """All that stands in a file's forward methods."""
    methods = [one for one in source.nodes if isinstance(one, ast.FunctionDef) and one.name == "forward"]
    return [node for one in methods for node in ast.walk(one)]


def models_of(optimiser: Mapping[str, Any]) -> list[str]:
    """The models whose parameters an optimiser of a run gets, as they are written where it is made.

    Args:
        optimiser: of an anatomy.
    """
    made = source_at(str(optimiser.get("place", "")))
    return given_to(made, str(optimiser.get("kind")))[1] if made is not None else []


def made_of(source: Source, name: str) -> ast.expr | None:
    """What is assigned to a name, where that is done once in the file."""
    found = [
        one.value
        for one in source.nodes
        if isinstance(one, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in one.targets)
    ]
    return found[0] if len(found) == 1 else None


def place_of(site: str, files: Sequence[str]) -> str:
    """Where an activation is written: its function's line, or the one that makes its module; empty where it is unknown.

    Args:
        site: as `trial/intervening/sites.py` names it, such as `relu at train.py:12#0` or `relu at Net.body.1#0`.
        files: of the program.
    """
    where = site.partition(" at ")[2].rpartition("#")[0]
    if where.rpartition(":")[2].isdigit():
        return where
    for file in files:
        source = source_at(f"{file}:1")
        call = made_at(source, site) if source is not None else None
        if call is not None:
            return f"{file}:{call.lineno}"
    return ""


def made_at(source: Source, site: str) -> ast.Call | None:
    """The call that makes an activation's module; None where the file has none, or several that it may be.

    Example:
        >>> source = Source("net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1), nn.ReLU())", 1)
        >>> made_at(source, "relu at Sequential.3#0").col_offset
        65
    """
    function, _, where = site.partition(" at ")
    top, *path = where.rpartition("#")[0].split(".")
    begins = _made_in(source, top, path[0]) if path else []
    if top in HOLDERS and path:
        begins, path = list(source.all_calls(top)), ["", *path]
    found = [one for begin in begins for one in _behind(source, begin, path[1:])]
    fitting = [one for one in found if name_of(one) == CLASSES.get(function)]
    return fitting[0] if len(fitting) == 1 else None


def _made_in(source: Source, name: str, attribute: str) -> list[ast.Call]:
    """What a class of this name assigns to an attribute of its objects."""
    classes = [one for one in source.nodes if isinstance(one, ast.ClassDef) and one.name == name]
    assigned = [one for kind in classes for one in ast.walk(kind) if isinstance(one, ast.Assign)]
    return [
        one.value
        for one in assigned
        if isinstance(one.value, ast.Call)
        and any(isinstance(to, ast.Attribute) and to.attr == attribute for to in one.targets)
    ]


def _behind(source: Source, made: ast.Call, path: Sequence[str]) -> Iterator[ast.Call]:
    """The calls that make what lies at a path inside of a module."""
    if not path:
        yield made
        return
    if name_of(made) not in HOLDERS:
        inner: Sequence[Any] = _made_in(source, name_of(made), path[0])
    else:
        held = made.args[0].elts if len(made.args) == 1 and isinstance(made.args[0], ast.List) else made.args
        number = int(path[0]) if path[0].isdigit() else len(held)
        # Behind a `*layers` no number is known.
        known = not any(isinstance(one, ast.Starred) for one in held[: number + 1])
        inner = held[number : number + 1] if known else ()
    for one in inner:
        if isinstance(one, ast.Call):
            yield from _behind(source, one, path[1:])
