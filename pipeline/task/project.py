"""Where a project begins: the folder that its names, imports and edits count from."""

from __future__ import annotations

from pathlib import Path

# What marks the root of a project: modules of the folders between it and the task file can be imported.
PROJECT_MARK = ".backtrack-project"
ROOT_MARKS = (PROJECT_MARK, ".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")


def project_root(file: Path) -> Path:
    """The folder that a task file's project begins in: the nearest one above it with a mark of a project, else its own.

    Args:
        file: the task file.
    """
    own = file.resolve().parent
    return next((folder for folder in (own, *own.parents) if is_marked(folder)), own)


def is_marked(folder: Path) -> bool:
    """Whether something in a folder says that a project begins there."""
    # A home directory under version control is no project: all of it would travel.
    return folder != Path.home() and folder != folder.parent and any((folder / mark).exists() for mark in ROOT_MARKS)
