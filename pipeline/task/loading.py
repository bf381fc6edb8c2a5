"""How a task is found: a built-in one by its name, a user's by its file, with the modules beside it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import io
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from backtrack.errors import BacktrackError, TaskError
from backtrack.task.function_task import FunctionTask
from backtrack.task.project import project_root
from backtrack.task.script_task import ScriptTask
from backtrack.task.swept import Source
from backtrack.task.torch_task import TorchTask
from backtrack.vocabulary.places import place_of

Task = FunctionTask | TorchTask | ScriptTask


def builtin_tasks() -> list[str]:
    """Names of the tasks in the package `backtrack.tasks`: one a file."""
    from backtrack import tasks

    return sorted(module.name for module in pkgutil.iter_modules(tasks.__path__) if not module.name.startswith("_"))


def load_task(name: str | None = None, file: str | Path | None = None) -> Task:
    """A built-in task, or one of the user's own file.

    Args:
        name: of a built-in task; or a Python file that exposes `task`; or, with `file`, which of its tasks.
        file: a Python file. Without a name it has to hold one task, or one in a variable called `task`.

    Raises:
        TaskError: where there is no such task, or the file does not run or exposes none.

    Example:
        >>> load_task("squirrel").metric
        'accuracy'
    """
    if file is None and name is not None and (name.endswith(".py") or Path(name).is_file()):
        name, file = None, name
    if file is not None:
        return _from_file(Path(file), name)
    if name is None:
        raise TaskError(f"no task was named; expected a task file such as mine.py, or one of {_known()}")
    if name not in builtin_tasks():
        raise TaskError(
            f"there is no task {name!r}; known: {_known()}. A task of your own is a Python file: give its path, such "
            "as mine.py"
        )
    task = getattr(importlib.import_module(f"backtrack.tasks.{name}"), "task", None)
    if not isinstance(task, Task):
        raise TaskError(f"the built-in module backtrack.tasks.{name} exposes no task: it holds {task!r}")
    return replace(task, source=Source(task.name))


def _known() -> str:
    return ", ".join(builtin_tasks())


def _from_file(file: Path, name: str | None) -> Task:
    module = _module_from(file)
    found = {task.name: task for task in vars(module).values() if isinstance(task, Task)}
    named = getattr(module, "task", None)
    if name is not None:
        if name not in found:
            has = f"holds the task {', '.join(map(repr, found))}" if found else "exposes no task"
            raise TaskError(f"{file} {has}, but {name!r} was asked for; use the task's own name, or leave it out")
        chosen = found[name]
    elif isinstance(named, Task):
        chosen = named
    elif len(found) == 1:
        (chosen,) = found.values()
    elif found:
        raise TaskError(f"{file} holds the tasks {', '.join(found)}; say which: NAME --task {file}")
    else:
        raise TaskError(
            f"{file} exposes no task: expected a variable `task` that is a FunctionTask, TorchTask or ScriptTask, "
            f"found {named!r}"
        )
    if isinstance(chosen, ScriptTask):
        # What it runs stands beside it, wherever the sweep is started.
        chosen = chosen.within(file.resolve().parent)
    return replace(chosen, source=Source(chosen.name, file.resolve(), chosen))


def _module_from(file: Path) -> ModuleType:
    """Executes a task file as a module, with its project importable.

    Raises:
        TaskError: where it does not exist or does not run, with the line in it.
    """
    if not file.is_file():
        raise TaskError(f"task file {file} does not exist; expected a Python file that exposes `task`")
    file = file.resolve()
    make_importable(file)
    name = _dotted_name(file)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise TaskError(f"task file {file} is not a Python file; expected a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    with _told(file):
        if "." in name:
            importlib.import_module(name.rpartition(".")[0])
        # Dataclasses and pickling look a module up by name while it is still being executed.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
    return module


@contextlib.contextmanager
def _told(file: Path) -> Iterator[None]:
    """Turns whatever ends the execution of a task file into a `TaskError` that says where and why."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(_Both(said)):
            yield
    except BacktrackError:
        raise
    except SystemExit as end:
        words = said.getvalue().strip().splitlines()[-1:] or [f"exit code {end.code}"]
        raise TaskError(
            f"task file {file} ends the process when it is imported: {words[0]}{_at(end)}. A task file is imported, "
            'not run: move argparse and sys.exit under `if __name__ == "__main__":`'
        ) from end
    except Exception as fault:
        raise TaskError(
            f"task file {file} does not run: {type(fault).__name__}: {fault}{_at(fault)}; mend the file first"
        ) from fault


class _Both(io.TextIOBase):
    """Standard error that is also kept."""

    def __init__(self, kept: io.StringIO) -> None:
        self._kept, self._shown = kept, sys.stderr

    def write(self, text: str) -> int:
        self._kept.write(text)
        return self._shown.write(text) if self._shown is not None else len(text)

    def flush(self) -> None:
        if self._shown is not None:
            self._shown.flush()


def _at(fault: BaseException) -> str:
    place = place_of(fault)
    return f" ({place})" if place else ""


def _dotted_name(file: Path) -> str:
    """The name that a task file is imported under: its own in its package, else one that nothing else has."""
    parts, folder = [file.stem], file.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts) if len(parts) > 1 else f"backtrack_task_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"


def import_folders(file: Path) -> list[Path]:
    """The folders whose modules a task file may import: its own first, and those above it up to its project's root."""
    root, folder = project_root(file), file.resolve().parent
    folders = [folder]
    while folder != root:
        folder = folder.parent
        folders.append(folder)
    return folders


def make_importable(file: Path) -> None:
    """Puts the task file's folder, and those above it up to the project's root, at the head of the import path.

    As when Python runs the file, its neighbours come before installed packages of their name. Modules of another
    project that were imported under a neighbour's name make way for it.
    """
    folders = import_folders(file)
    for place in reversed(folders):
        if str(place) in sys.path:
            sys.path.remove(str(place))
        sys.path.insert(0, str(place))
    for name, module in list(sys.modules.items()):
        own = getattr(module, "__file__", None)
        if "." in name or own is None or name in ("__main__", "backtrack") or _is_below(Path(own), folders):
            continue
        if name not in sys.stdlib_module_names and _beside(name, folders) and not _is_installed(own):
            for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
                del sys.modules[loaded]
    importlib.invalidate_caches()


def _beside(name: str, folders: list[Path]) -> bool:
    return any((folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file() for folder in folders)


def _is_below(file: Path, folders: list[Path]) -> bool:
    return any(folder in file.parents for folder in folders)


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file
