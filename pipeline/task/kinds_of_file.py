"""Whether a Python file is a task file, which is imported, or a script, which is run: read, never imported."""

from __future__ import annotations

import ast
from pathlib import Path

CONSTRUCTORS = {"FunctionTask", "TorchTask", "ScriptTask"}


def is_task_file(file: Path) -> bool:
    """Whether a file makes a task, or takes one from elsewhere under the name `task`."""
    try:
        tree = ast.parse(file.read_text(errors="replace"))
    except (SyntaxError, ValueError, OSError):
        # Loading it as a task file says what is wrong, and where.
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in CONSTRUCTORS:
            return True
        if isinstance(node, ast.Attribute) and node.attr in CONSTRUCTORS:
            return True
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and any((a.asname or a.name) == "task" for a in statement.names):
            return True
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "task" for target in targets):
            return True
    return False
