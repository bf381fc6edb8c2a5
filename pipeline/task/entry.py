"""Where a command begins in Python: the console scripts of this environment, and the source behind them."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path

PYTHONS = re.compile(r"python(\d(\.\d+)?)?(\.exe)?\Z")
# As pip writes it: `#!/…/bin/python`, or where that is too long for a kernel `'''exec' /…/bin/python "$0" "$@"`.
INTERPRETER = re.compile(r"^(?:#!\s*|'''exec' )[\"']?(\S+?)[\"']?(?:\s|$)", re.MULTILINE)


def console_script(name: str) -> Path | None:
    """The Python file that a command's name stands for, where it runs in the environment of this very Python.

    Args:
        name: of a command, such as `torchrun`, as the shell finds it.

    Returns:
        None for any other program: also for one of another environment, whose packages are not ours.

    Example:
        >>> console_script("ls") is None
        True
    """
    found = shutil.which(name)
    if found is None:
        return None
    try:
        with Path(found).open("rb") as file:
            start = file.read(2048)
    except OSError:
        return None
    if not start.startswith(b"#!"):
        return None
    own = Path(sys.executable).parent
    interpreters = [Path(one) for one in INTERPRETER.findall(start.decode(errors="replace"))]
    ours = any(PYTHONS.match(one.name) and one.parent == own for one in interpreters)
    return Path(found) if ours else None


def source_behind(console: Path | None, module: str, folder: Path) -> Path | None:
    """The file whose source says which options a console script, or `python -m`, takes; nothing is imported.

    Args:
        console: a console script; None for a module.
        module: run by `python -m`; empty for a console script.
        folder: the working directory, where Python looks for a module first.

    Returns:
        None where it is not found.
    """
    if console is not None:
        module = _called(console)
    for place in [str(folder), *sys.path] if module else []:
        base = Path(place or ".") / module.replace(".", "/")
        for file in (base / "__main__.py", base / "__init__.py", base.with_suffix(".py")):
            if file.is_file():
                return file
    return None


def _called(console: Path) -> str:
    """The module whose function a console script calls: the last that it imports besides Python's own."""
    try:
        tree = ast.parse(console.read_text(errors="replace"))
    except (SyntaxError, OSError, ValueError):
        return ""
    found = ""
    for node in tree.body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        found = next((name for name in names if name.partition(".")[0] not in sys.stdlib_module_names), found)
    return found
