"""Who imports whom, room by room: prints the table in docs/architecture.md, which `tests/test_layout.py` checks.

    python docs/rooms.py

Imports are read from the source, also those inside functions; nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folders of the repository, and the names that they install under.
PACKAGES = {"pipeline": "backtrack", "search_spaces": "backtrack.search_spaces", "tasks": "backtrack.tasks"}
# A room may import those before it, never those behind it.
ROOMS = (
    "vocabulary",
    "watch",
    "integrations",
    "task",
    "trial",
    "records",
    "readers",
    "evidence",
    "stages",
    "views",
    "running",
    "cluster",
    "cli",
)


@cache
def modules() -> dict[str, Path]:
    """`{module name: file}` of everything that installs as `backtrack`."""
    found = {}
    for folder, package in PACKAGES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = file
    return found


@cache
def imports(module: str, lazy: bool) -> frozenset[str]:
    """The modules that a module imports, ours by their full names; others too.

    Args:
        module: name.
        lazy: whether those inside functions count.
    """
    found: set[str] = set()
    for node in _imports(ast.parse(modules()[module].read_text()), lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in modules() else node.module)
    return frozenset(found)


def _imports(node: ast.AST, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not lazy:
            continue
        elif isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            # For readers and type checkers only: nothing is imported.
            continue
        else:
            yield from _imports(child, lazy)


def path_to(module: str, package: str) -> list[str]:
    """The shortest way from a module to an outside package over what is imported with it; empty where there is none.

    Importing a module imports the packages that it lies in.

    Args:
        module: ours.
        package: such as "torch".
    """
    ways = [[module]]
    seen = {module}
    while ways:
        way = ways.pop(0)
        # The public door imports lazily; what it lets through is not a module's own doing.
        parents = [way[-1].rsplit(".", n)[0] for n in range(1, way[-1].count("."))]
        for name in sorted({*imports(way[-1], lazy=False), *parents}):
            if name.split(".")[0] == package:
                return [*way, name]
            if name in modules() and name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def room_of(module: str) -> str:
    """The room of one of our modules; its own name for what lies beside the rooms."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "the door"


def room_imports() -> dict[str, dict[str, int]]:
    """`{room: {room that it imports: number of modules that do}}`."""
    table: dict[str, dict[str, int]] = {}
    for module in modules():
        own = room_of(module)
        for other in {room_of(name) for name in imports(module, lazy=True) if name in modules()} - {own}:
            table.setdefault(own, {}).setdefault(other, 0)
            table[own][other] += 1
    return table


def climbs() -> list[str]:
    """Imports of a room that lies behind the importer's own."""
    return [
        f"{module} imports {name}"
        for module in modules()
        for name in sorted(imports(module, lazy=True))
        if name in modules()
        and room_of(module) in ROOMS
        and room_of(name) in ROOMS
        and ROOMS.index(room_of(name)) > ROOMS.index(room_of(module))
    ]


def circles() -> list[list[str]]:
    """Modules that import each other in a circle, lazy imports too."""
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> None:
        if module in way:
            found.append([*way[way.index(module) :], module])
            return
        if module in done:
            return
        for name in sorted(imports(module, lazy=True)):
            if name in modules():
                walk(name, [*way, module])
        done.add(module)

    for module in modules():
        walk(module, [])
    return found


def functions() -> dict[str, int]:
    """`{module.function: lines of its body}`, the docstring left out."""
    found = {}
    for module, file in modules().items():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                if body:
                    found[f"{module}.{node.name}"] = (node.end_lineno or 0) - body[0].lineno + 1
    return found


def wide_values() -> set[str]:
    """Names of the dataclasses with more than five fields."""
    return {
        node.name
        for file in modules().values()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
        and sum(isinstance(statement, ast.AnnAssign) for statement in node.body) > 5
    }


def table() -> str:
    """The rooms as a Markdown table: a row a room, a column a room, in each cell how many modules import it."""
    counts = room_imports()
    head = ["room", *ROOMS[:-1]]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for number, room in enumerate(ROOMS):
        cells = [str(counts.get(room, {}).get(other, "")) if place < number else "" for place, other in
                 enumerate(ROOMS[:-1])]  # fmt: skip
        lines.append("| " + " | ".join([f"**{room}**", *cells]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
