"""Which options a program takes, read from its source: nothing is run.

Knows argparse, click and typer, dataclasses (HfArgumentParser, tyro), Hydra's config file, absl flags, and plain
constants at the top of the file.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["option", "switch", "off switch", "either", "override", "constant"]


@dataclass(frozen=True)
class ProgramOption:
    """One option of a program.

    Args:
        name: as Python code would spell it, such as `batch_size` or `optim.lr`.
        flag: as it is typed, such as `--batch-size`; of an override or a constant the name.
        kind: how a level reaches it: `--lr 0.1` (option), `--amp` (switch), `--no-amp` (off switch), `--amp` or
            `--no-amp` (either), `optim.lr=0.1` (override), or a new value of a constant.
        default: its value where nobody sets it; None where that is not known.
        choices: the values that it takes, or none.
        line: of the source that declares it.
    """

    name: str
    flag: str
    kind: Kind
    default: Any = None
    choices: tuple[Any, ...] = ()
    line: int = 0


def options_of(script: Path) -> list[ProgramOption]:
    """The options of a Python script, in their order; none where it cannot be read.

    Args:
        script: the file. Modules of its own folder that it imports are read too, where it has no options itself.
    """
    try:
        return list(_options_at(script, script.stat().st_mtime_ns))
    except OSError:
        return []


@cache
def _options_at(script: Path, changed: int) -> tuple[ProgramOption, ...]:
    """The options of a script as it was when it was `changed`: each run of a sweep asks for them."""
    found = _options_in(script)
    if not found:
        found = [option for module in _neighbours(script) for option in _options_in(module)]
    if not found:
        found = _constants(_tree(script))
    distinct: dict[str, ProgramOption] = {}
    for option in found:
        distinct.setdefault(option.name, option)
    return tuple(distinct.values())


def option_for(name: str, options: list[ProgramOption]) -> ProgramOption | None:
    """The option that a factor means: hyphens, underscores and leading dashes aside."""
    wanted = name.replace("-", "_").lstrip("_")
    for option in options:
        if option.name == wanted or option.name.replace(".", "_") == wanted.replace(".", "_"):
            return option
    return None


def _options_in(script: Path) -> list[ProgramOption]:
    tree = _tree(script)
    found = [*_argparse(tree), *_decorated(tree), *_typer(tree), *_absl(tree)]
    hydra = _hydra(tree, script)
    if hydra:
        return hydra
    if not found or _uses(tree, {"HfArgumentParser", "tyro", "simple_parsing", "pyrallis", "draccus"}):
        found += _dataclasses(tree)
    return found


def _tree(script: Path) -> ast.Module:
    try:
        return ast.parse(script.read_text(errors="replace"))
    except (SyntaxError, OSError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _neighbours(script: Path) -> Iterator[Path]:
    """Modules of the script's own folder that it imports."""
    for node in ast.walk(_tree(script)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        for name in names:
            file = script.parent / (name.replace(".", "/") + ".py")
            if file.is_file():
                yield file


def _uses(tree: ast.Module, names: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.Import) and any(alias.name in names for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in names)
        for node in ast.walk(tree)
    )


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def _argparse(tree: ast.Module) -> Iterator[ProgramOption]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in ("add_argument", "add"):
            continue
        flags = [_literal(argument) for argument in node.args]
        long = next((flag for flag in flags if isinstance(flag, str) and flag.startswith("--")), None)
        short = next((flag for flag in flags if isinstance(flag, str) and flag.startswith("-")), None)
        flag = long or short
        if flag is None:
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        name = _literal(given.get("dest")) or flag.lstrip("-").replace("-", "_")
        action = given.get("action")
        kind: Kind = {"store_true": "switch", "store_false": "off switch"}.get(str(_literal(action)), "option")  # type: ignore[assignment]
        if isinstance(action, ast.Attribute) and action.attr == "BooleanOptionalAction":
            kind = "either"
        default = _literal(given.get("default"))
        if kind == "switch" and default is None:
            default = False
        if kind == "off switch" and default is None:
            default = True
        choices = _literal(given.get("choices")) or ()
        yield ProgramOption(name=name, flag=flag, kind=kind, default=default, choices=tuple(choices), line=node.lineno)


def _decorated(tree: ast.Module) -> Iterator[ProgramOption]:
    """click: `@click.option("--lr", default=0.1)`."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for call in node.decorator_list:
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "option"):
                continue
            flags = [str(_literal(argument)) for argument in call.args]
            flag = next((one for one in flags if one.startswith("--")), flags[0] if flags else "")
            if not flag.startswith("-"):
                continue
            given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            kind: Kind = "option"
            if _literal(given.get("is_flag")) or "/" in flag:
                kind, flag = ("either" if "/--no-" in flag else "switch"), flag.partition("/")[0]
            choices: tuple[Any, ...] = ()
            of = given.get("type")
            if isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "Choice" and of.args:
                choices = tuple(_literal(of.args[0]) or ())
            name = flag.lstrip("-").replace("-", "_")
            yield ProgramOption(
                name=name,
                flag=flag,
                kind=kind,
                default=_literal(given.get("default")),
                choices=choices,
                line=call.lineno,
            )


def _typer(tree: ast.Module) -> Iterator[ProgramOption]:
    """typer: a command's parameters, or `typer.run(main)`; fire and Hydra-free `jsonargparse.CLI` take them alike."""
    run = {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Name)
        and ast.unparse(node.func) in ("typer.run", "fire.Fire", "Fire", "CLI", "jsonargparse.CLI", "tyro.cli")
    }
    switches = _uses(tree, {"typer"})
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        command = any(ast.unparse(one).endswith(("app.command()", "cli.command()")) for one in node.decorator_list)
        if node.name not in run and not (command and switches):
            continue
        defaults = [None] * (len(node.args.args) - len(node.args.defaults)) + list(node.args.defaults)
        for argument, default in zip(node.args.args, defaults, strict=True):
            if default is None:
                continue
            value = default
            if isinstance(default, ast.Call) and default.args:
                value = default.args[0]
            known = _literal(value)
            kind: Kind = "either" if switches and isinstance(known, bool) else "option"
            dashes = argument.arg.replace("_", "-") if switches else argument.arg
            yield ProgramOption(
                name=argument.arg, flag=f"--{dashes}", kind=kind, default=known, choices=(), line=argument.lineno
            )


def _absl(tree: ast.Module) -> Iterator[ProgramOption]:
    """absl: `flags.DEFINE_float("lr", 0.1, "…")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("DEFINE_"):
            name = _literal(node.args[0]) if node.args else None
            if isinstance(name, str):
                default = _literal(node.args[1]) if len(node.args) > 1 else None
                kind: Kind = "either" if node.func.attr == "DEFINE_boolean" else "option"
                yield ProgramOption(
                    name=name, flag=f"--{name}", kind=kind, default=default, choices=(), line=node.lineno
                )


def _dataclasses(tree: ast.Module) -> Iterator[ProgramOption]:
    """Fields with plain defaults of dataclasses, where a library makes options of them."""
    if not _uses(tree, {"HfArgumentParser", "tyro", "simple_parsing", "pyrallis", "draccus"}):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        if not any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            continue
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                default = _literal(statement.value)
                if default is not None:
                    name = statement.target.id
                    kind: Kind = "either" if isinstance(default, bool) and _uses(tree, {"tyro"}) else "option"
                    dashes = name.replace("_", "-") if _uses(tree, {"tyro"}) else name
                    yield ProgramOption(
                        name=name, flag=f"--{dashes}", kind=kind, default=default, choices=(), line=statement.lineno
                    )


def _hydra(tree: ast.Module, script: Path) -> list[ProgramOption]:
    """Hydra: the numbers, words and booleans of the config that `@hydra.main` names, as overrides."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) in ("hydra.main", "main")):
            continue
        given = {keyword.arg: _literal(keyword.value) for keyword in node.keywords if keyword.arg}
        if "config_name" not in given:
            continue
        folder = script.parent / str(given.get("config_path") or "")
        file = next(
            (
                folder / f"{given['config_name']}{end}"
                for end in ("", ".yaml", ".yml")
                if (folder / f"{given['config_name']}{end}").is_file()
            ),
            None,
        )
        return list(_yaml_values(file)) if file is not None else []
    return []


def _yaml_values(file: Path) -> Iterator[ProgramOption]:
    """`a.b` for each plain value of a YAML file, of which nested blocks and `key: value` lines are read."""
    stack: list[tuple[int, str]] = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        match = re.match(r"^(\s*)([A-Za-z_][\w]*):\s*(.*?)\s*(#.*)?$", line)
        if not match or line.lstrip().startswith(("-", "#")):
            continue
        indent, key, value = len(match[1]), match[2], match[3]
        while stack and stack[-1][0] >= indent:
            stack.pop()
        path = ".".join([*(name for _, name in stack), key])
        if not value:
            stack.append((indent, key))
        elif path.partition(".")[0] not in ("defaults", "hydra"):
            yield ProgramOption(
                name=path, flag=path, kind="override", default=_yaml_scalar(value), choices=(), line=number
            )


def _yaml_scalar(text: str) -> Any:
    words = {"true": True, "false": False, "null": None, "~": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip("'\"")


def _constants(tree: ast.Module) -> list[ProgramOption]:
    """Numbers, words and booleans that are given a name once, at the top level; no counter that begins at nothing."""
    found: dict[str, ProgramOption | None] = {}
    given = Counter(_names_given(tree))
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            value = _literal(statement.value)  # type: ignore[attr-defined]
            plain = isinstance(value, (bool, int, float, str)) and not target.id.startswith("_")
            counts = not value and given[target.id] > 1
            again = target.id in found
            option = (
                ProgramOption(
                    name=target.id, flag=target.id, kind="constant", default=value, choices=(), line=statement.lineno
                )
                if plain and not counts
                else None
            )
            found[target.id] = None if again else option
    return [option for option in found.values() if option is not None]


def _names_given(node: ast.AST) -> Iterator[str]:
    """The names that a program gives outside of its functions and classes, each time that it does."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _names_given(inner)


def with_constants(tree: ast.Module, values: dict[str, Any]) -> ast.Module:
    """A program with other values of the constants at its top level.

    Args:
        tree: the program; changed in place.
        values: `{name: value}`.
    """
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in values:
                statement.value = ast.copy_location(ast.Constant(values[target.id]), statement)  # type: ignore[attr-defined]
    return ast.fix_missing_locations(tree)


def seed_option(options: list[ProgramOption]) -> ProgramOption | None:
    """The option that sets a program's seed."""
    names = ("seed", "random_seed", "rng_seed", "manual_seed", "SEED", "RANDOM_SEED", "random_state")
    for name in names:
        found = option_for(name, options)
        if found is not None:
            return found
    return next((option for option in options if option.name.endswith(".seed")), None)
