"""How a task reaches the processes that train it: here, on another node, and inside a submitted job, by one mechanism.

A task of a user's file is loaded from that file, with its project beside it. Where the file is not on the worker's
machine, the project's files come along. A task that was made in Python is pickled, and its project comes along too, so
that what its functions import is there.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from backtrack.errors import TaskError
from backtrack.running.scratch import for_this_process
from backtrack.task import FunctionTask, ScriptTask, Task, TorchTask, load_task
from backtrack.task.loading import make_importable
from backtrack.task.project import PROJECT_MARK, is_marked, project_root
from backtrack.vocabulary.places import is_own

# A project is code and small files. Larger ones stay where they are, and a project of more than this does not travel.
LARGEST_FILE, LARGEST_PROJECT = 20 * 1024**2, 200 * 1024**2
# Folders that hold no part of a project: environments, caches, and what sweeps and trackers write.
LEFT_OUT = {"__pycache__", "node_modules", "venv", "env", "studies", "mlruns", "mlartifacts", "wandb", "lightning_logs"}


@dataclass(frozen=True)
class Project:
    """The folder that a task's code lies in.

    Args:
        root: where it begins, on the machine that sent it.
        file: the task's file, relative to the root.
        digest: of that file.
        contents: a ZIP archive of its files; None where every worker can read the folder itself.
    """

    root: str
    file: str
    digest: str
    contents: bytes | None = field(default=None, repr=False)

    def here(self) -> Path:
        """The task's file on this machine: where it was, or unpacked.

        Raises:
            TaskError: where it is neither.
        """
        own = Path(self.root) / self.file
        if own.is_file() and digest_of(own) == self.digest:
            return own
        if self.contents is None:
            raise TaskError(f"the task file {own} is not on this machine, and did not travel here")
        folder = for_this_process("task")
        with zipfile.ZipFile(io.BytesIO(self.contents)) as archive:
            archive.extractall(folder)
        (folder / PROJECT_MARK).touch()
        return folder / self.file


@dataclass(frozen=True)
class Parcel:
    """What a worker needs in order to have a task.

    Args:
        name: of the task.
        pickled: the task itself, where it does not come from a file; else None.
        options, fixed, thresholds: that were set for a task from a file.
        project: its code; None for a built-in task, and where it has no file.
    """

    name: str
    pickled: bytes | None
    options: Mapping[str, Any]
    fixed: Mapping[str, Any]
    thresholds: Mapping[str, float]
    project: Project | None

    def unpack(self) -> Task:
        """The task, in this process.

        Raises:
            TaskError: where its file does not run here.
            Exception: whatever unpickling raises, such as an import error.
        """
        key = self.key
        if key not in _unpacked:
            _unpacked[key] = self._unpack()
        return _unpacked[key]

    @property
    def key(self) -> tuple[str, ...]:
        """The same for parcels of the same task with the same code."""
        contents = self.project.contents if self.project is not None else None
        bytes_ = (self.pickled or b"", contents or b"")
        # The project's own text has its root, file and digest; its contents are not shown.
        return (*(hashlib.sha256(part).hexdigest() for part in bytes_), repr(replace(self, pickled=None)))

    def _unpack(self) -> Task:
        file = self.project.here() if self.project is not None else None
        if self.pickled is None:
            assert file is not None
            task = load_task(self.name, file).with_options(self.options).with_fixed(self.fixed)
            _let_travel_on(file)
            return task.with_thresholds(self.thresholds)
        if file is not None:
            make_importable(file)
        from ray import cloudpickle

        found: Task = cloudpickle.loads(self.pickled)
        return _moved(found, file) if isinstance(found, ScriptTask) and file is not None else found


def _moved(task: ScriptTask, file: Path) -> ScriptTask:
    """A script task whose script lies elsewhere on this machine."""
    script = task.script
    if script is None or script == file:
        return task
    assert not isinstance(task.command, str)
    command = tuple(str(file) if part == str(script) else part for part in task.command)
    here = "" if task.directory == str(script.parent) else task.directory
    return replace(task, command=command, directory=here or str(file.parent))


def _let_travel_on(file: Path) -> None:
    """Lets a training send its own code to processes that it starts through Ray: they could not import it.

    Args:
        file: the task's.
    """
    from ray import cloudpickle

    root = project_root(file)
    for module in list(sys.modules.values()):
        own = getattr(module, "__file__", None)
        ours = own is not None and is_own(own) and root in Path(own).parents
        if ours and module.__name__ in sys.modules and module.__name__ != "__main__":
            cloudpickle.register_pickle_by_value(module)


# A worker is used again for the next sweep of its driver: what it has loaded it keeps.
_unpacked: dict[tuple[str, ...], Task] = {}


def pack(task: Task, everywhere: bool) -> Parcel:
    """A task as what travels.

    Args:
        task: to be trained.
        everywhere: whether it has to reach other machines: its project's files then come along.

    Raises:
        TaskError: where its project is too large to travel.
    """
    if task.source is not None and task.source.file is not None and _as_loaded(task):
        return Parcel(
            name=task.name,
            pickled=None,
            options=_options_of(task),
            fixed=dict(task.fixed),
            thresholds=dict(task.thresholds),
            project=_project(task.source.file, everywhere),
        )
    from ray import cloudpickle

    own = _own_modules(task)
    file = task.script if isinstance(task, ScriptTask) else _file_of(own)
    with _by_value(own):
        pickled = cloudpickle.dumps(task)
    project = _project(file, everywhere) if file is not None else None
    return Parcel(name=task.name, pickled=pickled, options={}, fixed={}, thresholds={}, project=project)


def _as_loaded(task: Task) -> bool:
    """Whether loading the task's file again, and setting its options, gives the same task."""
    loaded = task.source.loaded if task.source is not None else None
    if not isinstance(loaded, Task) or task.changes.names:
        # What is changed from outside is no part of the file; all of its own factors are fixed then.
        return False
    again: Task = loaded.with_options(_options_of(task)).with_fixed(task.fixed).with_thresholds(task.thresholds)
    return again == task


def _options_of(task: Task) -> dict[str, Any]:
    """What was set for a task, as `with_options` takes it."""
    return {"epochs": task.epochs, **task.options} if isinstance(task, TorchTask) else dict(task.options)


def project_files(file: Path) -> list[Path]:
    """The files of a task file's project that travel, relative to its root; those that are too large are left out.

    Of a folder that nothing marks as a project only the files beside the task file and the packages beside it, since
    such a folder may hold anything.

    Args:
        file: the task file.

    Raises:
        TaskError: where they are too much together.
    """
    root = project_root(file)
    marked = is_marked(root)
    found, size = [], 0
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _travels(here / name, marked))
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or name.endswith(".pyc") or not path.is_file():
                continue
            bytes_ = path.stat().st_size
            if bytes_ <= LARGEST_FILE:
                found.append(path.relative_to(root))
                size += bytes_
    if size > LARGEST_PROJECT:
        raise TaskError(
            f"the project {root} of the task file {file} has {size / 1024**2:.0f} MiB in files of up to "
            f"{LARGEST_FILE // 1024**2} MiB; a project of up to {LARGEST_PROJECT // 1024**2} MiB travels to other "
            "machines: move its data to where they can read it, or the task file to a folder of its own"
        )
    return found


def digest_of(file: Path) -> str:
    """SHA-256 of a file, in hex digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _travels(folder: Path, marked: bool) -> bool:
    if folder.name.startswith(".") or folder.name in LEFT_OUT or folder.name.endswith(".egg-info"):
        return False
    if (folder / "pyvenv.cfg").exists() or ((folder / "manifest.json").exists() and (folder / "trials").is_dir()):
        return False
    return marked or any(folder.glob("*.py"))


def _project(file: Path, everywhere: bool) -> Project:
    root = project_root(file)
    contents = None
    if everywhere:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in project_files(file):
                archive.write(root / name, name)
        contents = packed.getvalue()
    return Project(str(root), str(file.resolve().relative_to(root)), digest_of(file), contents)


def _own_modules(task: Task) -> list[ModuleType]:
    """Modules of the user's that define the task: their code travels by value, since a worker may not have them."""
    functions: list[Any] = []
    if isinstance(task, FunctionTask):
        functions = [task.run]
    elif isinstance(task, TorchTask):
        functions = [task.data, task.model, task.loss, task.score]
    modules = [sys.modules.get(getattr(function, "__module__", "")) for function in functions]
    own = {
        module.__name__: module
        for module in modules
        if module is not None
        and module.__name__.split(".")[0] != "backtrack"
        and (module.__name__ == "__main__" or is_own(str(getattr(module, "__file__", None) or "<built in>")))
    }
    return list(own.values())


def _file_of(modules: list[ModuleType]) -> Path | None:
    """The file that the first of them was made of; None in a notebook, or at a prompt."""
    files = [Path(str(file)) for module in modules if (file := getattr(module, "__file__", None))]
    return next((file.resolve() for file in files if file.is_file()), None)


@contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    """Lets the code of these modules be pickled inside the block."""
    from ray import cloudpickle

    # What was run as a script is pickled by value anyway.
    named = [module for module in modules if module.__name__ != "__main__"]
    for module in named:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in named:
            cloudpickle.unregister_pickle_by_value(module)
