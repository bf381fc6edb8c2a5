"""The sum that a backward pass begins from, as a program writes it, and the same with other terms."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from backtrack.task.patching import Source, name_of
from backtrack.task.written import made_of


class Term(NamedTuple):
    """One term of a sum: what is added, or taken away."""

    taken_away: bool
    node: ast.expr


def begun_at(source: Source) -> str:
    """`loss` of `loss.backward()` at a source's line; empty where that is no name, or there are several.

    Example:
        >>> begun_at(Source("loss = a + b\\nloss.backward()", 2))
        'loss'
    """
    owners = [call.func.value for call in source.calls("backward") if isinstance(call.func, ast.Attribute)]
    names = {one.id for one in owners if isinstance(one, ast.Name)}
    return names.pop() if len(names) == 1 else ""


def last_made(source: Source, name: str, before: int) -> ast.expr | None:
    """What is assigned to a name at the last line before another one; None where nothing is.

    Args:
        source: of the file.
        name: a variable.
        before: the line.
    """
    found = [
        one
        for one in source.nodes
        if isinstance(one, ast.Assign) and one.lineno < before and [ast.unparse(to) for to in one.targets] == [name]
    ]
    return max(found, key=lambda one: one.lineno).value if found else None


def sum_in(source: Source, value: ast.expr) -> ast.expr:
    """The sum inside of a value: behind numbers that it is multiplied with, its mean, and a function of the file's own.

    Of a function that is called once alone: another call may be of what is judged.

    Example:
        >>> source = Source("def loss(a, b):\\n    return 0.5 * (a + b).mean()\\ntotal = loss(x, y)", 3)
        >>> ast.unparse(sum_in(source, source.statement.value))
        'a + b'
    """
    inner = _inside(source, value)
    while inner is not None:
        value, inner = inner, _inside(source, inner)
    return value


def _inside(source: Source, value: ast.expr) -> ast.expr | None:
    """What a product with a number, a sign, a mean or a function of the file's own is of; None for anything else."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        return value.operand
    if not isinstance(value, ast.Call):
        whole = unweighted(Term(False, value))
        return whole.node if whole is not None else None
    if isinstance(value.func, ast.Attribute) and value.func.attr in ("mean", "sum"):
        owner = value.func.value
        return value.args[0] if isinstance(owner, ast.Name) and owner.id == "torch" and value.args else owner
    return _returned(source, value.func.id) if isinstance(value.func, ast.Name) else None


def _returned(source: Source, name: str) -> ast.expr | None:
    """What a function of the file returns, in its one `return`; None where that is not known, or it is called again."""
    made = [one for one in source.nodes if isinstance(one, ast.FunctionDef) and one.name == name]
    calls = [one for one in source.nodes if isinstance(one, ast.Call) and ast.unparse(one.func) == name]
    if len(made) != 1 or len(calls) != 1:
        return None
    ends = [one for one in ast.walk(made[0]) if isinstance(one, ast.Return)]
    return ends[0].value if len(ends) == 1 else None


def terms_in(value: ast.expr, *, taken_away: bool = False) -> list[Term]:
    """The terms of a sum, in their order; the whole where it is none.

    Example:
        >>> [(ast.unparse(one.node), one.taken_away) for one in terms_in(ast.parse("a - (b - c)", mode="eval").body)]
        [('a', False), ('b', True), ('c', False)]
    """
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        other = taken_away != isinstance(value.op, ast.Sub)
        return [*terms_in(value.left, taken_away=taken_away), *terms_in(value.right, taken_away=other)]
    return [Term(taken_away, value)]


def as_sum(source: Source, terms: Sequence[Term]) -> str:
    """A sum of these terms.

    Example:
        >>> source = Source("loss = a - 2 * b", 1)
        >>> as_sum(source, terms_in(source.statement.value)[1:])
        '-2 * b'
        >>> source = Source("loss = a + (b if wanted else c)", 1)
        >>> as_sum(source, terms_in(source.statement.value)[::-1])
        '(b if wanted else c) + a'
    """
    first, *others = terms
    text = ("-" if first.taken_away else "") + _as_term(source, first.node)
    return text + "".join(f" {'-' if one.taken_away else '+'} {_as_term(source, one.node)}" for one in others)


def _as_term(source: Source, node: ast.expr) -> str:
    """A term as it is written, in brackets where a sign before it would not count for the whole."""
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    looser = is_sum or isinstance(node, ast.IfExp | ast.BoolOp | ast.Compare | ast.Lambda | ast.NamedExpr)
    return source.operand(node) if looser else source.segment(node)


def unweighted(term: Term) -> Term | None:
    """A term without the positive number that it is multiplied with, or divided by; None where none is written.

    Example:
        >>> ast.unparse(unweighted(terms_in(ast.parse("0.5 * a", mode="eval").body)[0]).node)
        'a'
    """
    value = term.node
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult | ast.Div):
        return None
    sides = [value.left, value.right] if isinstance(value.op, ast.Mult) else [value.right]
    numbers = [one for one in sides if isinstance(one, ast.Constant)]
    if len(numbers) != 1:
        return None
    return Term(term.taken_away, value.right if numbers[0] is value.left else value.left)


def without_additions(source: Source, backward: int, function: str) -> str | None:
    """The file whose loss is that of the source's line alone; None where what is added to it is not seen.

    Args:
        source: at the line that calls a loss function.
        backward: the line of the backward pass.
        function: the loss function's name, such as `mse_loss`.

    Example:
        >>> source = Source("loss = 0.1 * w.norm() + F.mse_loss(net(x), y)\\nloss.backward()\\n", 1)
        >>> without_additions(source, 2, "mse_loss").splitlines()[0]
        'loss = F.mse_loss(net(x), y)'
    """
    made, begun = source.statement, begun_at(Source(source.text, backward))
    if not begun or not isinstance(made, ast.Assign) or not isinstance(made.targets[0], ast.Name):
        return None
    own = made.targets[0].id
    if own != begun:
        whole = last_made(source, begun, backward)
        named = [one for one in terms_in(whole) if _is_named(one.node, own)] if whole else []
        return source.replaced(whole, own) if len(named) == 1 else None
    terms = terms_in(made.value)
    losses = [one for one in terms if _is_loss(source, one.node, function) and not one.taken_away]
    added = [one for one in source.nodes if _adds_to(one, own) and made.lineno < one.lineno < backward]  # type: ignore[attr-defined]
    if len(terms) > 1 and not added:
        return source.replaced(made.value, source.segment(losses[0].node)) if len(losses) == 1 else None
    return source.without(added[0]) if len(terms) == 1 and len(added) == 1 else None  # type: ignore[arg-type]


def _is_loss(source: Source, term: ast.expr, function: str) -> bool:
    """Whether a term is a loss function's value: `F.mse_loss(…)`, or `criterion(…)` of one of torch's losses."""
    if not isinstance(term, ast.Call):
        return False
    made = made_of(source, term.func.id) if isinstance(term.func, ast.Name) else None
    return name_of(term) == function or (isinstance(made, ast.Call) and name_of(made).endswith("Loss"))


def _adds_to(node: ast.AST, name: str) -> bool:
    """Whether a statement adds to a variable: `loss += …`, or `loss = loss + …`."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and ast.unparse(node.target) == name
    if not isinstance(node, ast.Assign) or [ast.unparse(one) for one in node.targets] != [name]:
        return False
    terms = terms_in(node.value)
    return len(terms) > 1 and _is_named(terms[0].node, name)


def _is_named(value: ast.expr, name: str) -> bool:
    return isinstance(value, ast.Name) and value.id == name
