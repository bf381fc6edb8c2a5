"""A program that stays as it is: levels reach it as arguments, numbers come from what it prints or logs."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from backtrack.errors import TaskError
from backtrack.task.entry import PYTHONS, console_script, source_behind
from backtrack.task.program_options import ProgramOption, option_for, options_of, seed_option
from backtrack.task.swept import Changes, Levels, Mode, Source, Swept, check_common
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.space import SearchSpace


@dataclass(frozen=True)
class ScriptTask(Swept):
    """A program that stays as it is.

    Each run is a process of its own, with a directory of its own (`BACKTRACK_RUN_DIR` in its environment, `{run}` in
    templates) and the program's folder as working directory. Numbers are read from its output, from
    `backtrack.report(…)`, and from what it logs to TensorBoard, MLflow, W&B or Lightning.

    Args:
        name: the task's name.
        command: a Python script with its arguments, `["train.py", "--epochs", "3"]`, or any command; one text is split
            as a shell would. Paths are relative to where the task is made, or to the task file's folder.
        metric: the number to judge by, as the program prints or reports it; `accuracy` also finds `val_acc` (see
            `backtrack.watch.printed.series_for`). The last value is the result.
        mode: "min" or "max".
        factors: the search space; a checkup needs none.
        arguments: how levels reach the program, such as "optim.lr={lr} model={model}"; the parts of inactive factors
            are left out. Default: `--NAME LEVEL` for each factor, spelled as the script declares it; a constant at the
            top of a script takes its level there.
        environment: `{variable: template}` of environment variables, such as `{"LR": "{lr}"}`.
        config_file: a JSON or YAML file that each run gets a copy of, with the levels put in at the factors' (dotted)
            names. The copy's path stands in for `{config_file}`, or for the file's own path in the command.
        spelled: `{factor: the program's name for it}`, such as `{"optim_lr": "optim.lr"}`.
        seed_argument: how the seed is passed, such as "--seed" or "seed={seed}"; None: as the script declares one;
            "": not at all. Where the seed is not passed, the random numbers of Python, NumPy and torch start from it.
        directory: working directory; "{run}" for the run's own. Default: the folder of the script, or of the task.
        chance, noise: as for `FunctionTask`.
        unit: what the x axis counts: "epoch", "step", "environment step", "token", "second".
        description: one line for `backtrack tasks`.
        length: how many times its own length it trains, such as 0.25, where its source says how long that is.
        fixed, thresholds, source, changes, goals: as for `FunctionTask`.

    Raises:
        TaskError, SpaceError: for a program that is not there, a template that names no factor, or an unusable space.

    Example:
        >>> from backtrack import Categorical
        >>> task = ScriptTask(name="mine", command=["python", "-c", "print('error: 0.5')"], metric="error", mode="min",
        ...                   factors=[Categorical("speed", [1, 2])], arguments="{speed}")
        >>> task.space.factors[0].name
        'speed'
    """

    name: str
    command: Sequence[str] | str
    metric: str
    mode: Mode
    factors: Sequence[Factor] = ()
    arguments: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    config_file: str = ""
    spelled: Mapping[str, str] = field(default_factory=dict)
    seed_argument: str | None = None
    directory: str = ""
    chance: float | None = None
    noise: float | None = None
    unit: str = "epoch"
    description: str = ""
    length: float = 1.0
    fixed: Levels = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False)
    changes: Changes = field(default=Changes(), compare=False)
    goals: Sequence[Goal] = ()
    space: SearchSpace = field(init=False, repr=False, compare=False)
    whole_space: SearchSpace = field(init=False, repr=False, compare=False)
    options: Mapping[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        check_common(self.name, self.metric, self.mode)
        parts = shlex.split(self.command) if isinstance(self.command, str) else [str(part) for part in self.command]
        if not parts:
            raise TaskError(f"task {self.name!r}: command is empty; expected a script such as ['train.py']")
        object.__setattr__(self, "command", tuple(parts))
        self._set_spaces()
        names = {factor.name for factor in self.whole_space}
        components = {f"{name}.{part}" for name in names for part in getattr(self.whole_space[name], "components", ())}
        for template in (self.arguments, *self.environment.values()):
            unknown = sorted(set(placeholders(template)) - names - components - {"seed", "run", "config_file"})
            if unknown:
                raise TaskError(
                    f"task {self.name!r}: the template {template!r} names {unknown}; expected factors "
                    f"({', '.join(sorted(names))}), seed, run or config_file"
                )

    def with_options(self, options: Mapping[str, Any]) -> ScriptTask:
        """This task; a program has no options of its own.

        Raises:
            TaskError: where some are given.
        """
        if options:
            raise TaskError(
                f"a script takes no --set {sorted(options)[0]}=…: give its own arguments after --, such as "
                "-- --epochs 3"
            )
        return self

    def within(self, folder: Path) -> ScriptTask:
        """This task with its paths resolved against a folder: where the task file, or the person, is.

        Raises:
            TaskError: where the program is not there.
        """
        assert not isinstance(self.command, str)
        first = list(self.command)
        place = self._script_position(folder)
        if place is not None:
            first[place] = str(_resolved(folder, first[place], self.name))
        elif "/" in first[0] or (folder / first[0]).is_file():
            first[0] = str(_resolved(folder, first[0], self.name))
        elif shutil.which(first[0]) is None:
            raise TaskError(f"there is no program {first[0]!r}; expected a script such as train.py, or a command")
        config = str(_resolved(folder, self.config_file, self.name)) if self.config_file else ""
        directory = self.directory
        if directory and directory != "{run}":
            directory = str((folder / directory).resolve())
        elif not directory:
            directory = str(Path(first[place]).parent if place is not None else folder.resolve())
        return replace(self, command=tuple(first), config_file=config, directory=directory)

    def _script_position(self, folder: Path | None = None) -> int | None:
        """Where in the command the Python file stands; None where it is no Python file."""
        assert not isinstance(self.command, str)
        first = self.command[0]
        if first.endswith(".py"):
            return 0
        if PYTHONS.match(Path(first).name) and len(self.command) > 1 and self.command[1].endswith(".py"):
            return 1
        return None

    @property
    def script(self) -> Path | None:
        """The Python file that it runs; None for a module or another command."""
        place = self._script_position()
        return Path(self.command[place]) if place is not None else None

    @property
    def digest(self) -> str:
        """SHA-256 of the Python file, in hex digits; empty where it runs none, or that is not there."""
        script = self.script
        return hashlib.sha256(script.read_bytes()).hexdigest() if script is not None and script.is_file() else ""

    @property
    def module(self) -> str:
        """The Python module that it runs by `python -m`; empty for anything else."""
        assert not isinstance(self.command, str)
        start = self.command[:3]
        is_module = len(start) == 3 and PYTHONS.match(Path(start[0]).name) and start[1] == "-m"
        return start[2] if is_module else ""

    @property
    def console(self) -> Path | None:
        """The file of a console script of this environment, which is Python too; None for anything else."""
        assert not isinstance(self.command, str)
        return console_script(self.command[0]) if self.script is None and not self.module else None

    @property
    def own_arguments(self) -> tuple[str, ...]:
        """What the command gives the program besides the levels."""
        assert not isinstance(self.command, str)
        place = self._script_position()
        if place is not None:
            return tuple(self.command[place + 1 :])
        return tuple(self.command[3:] if self.module else self.command[1:])

    @property
    def declared(self) -> list[ProgramOption]:
        """The options that the program's source declares."""
        file = self.script or source_behind(self.console, self.module, Path(self.directory or "."))
        return options_of(file) if file is not None and file.is_file() else []

    def option_of(self, factor: str) -> ProgramOption | None:
        """The program's option for a factor, where its source shows one."""
        return option_for(self.spelled.get(factor, factor), self.declared)

    @property
    def own_seed(self) -> ProgramOption | None:
        """The program's option for its seed, where its source shows one."""
        return seed_option(self.declared)

    def validate(self) -> None:
        """Checks that the program is there, before any trial.

        Raises:
            TaskError: where it is not.
        """
        self.within(Path.cwd())

    def described(self) -> dict[str, Any]:
        """It as plain JSON values, without factors and what was set for it; `script_from` reads them."""
        kept = {"name", "command", "metric", "mode", "arguments", "environment", "config_file", "spelled",
                "seed_argument", "directory", "chance", "noise", "unit", "description", "length"}  # fmt: skip
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name in kept}
        return {**found, "command": list(self.command), "environment": dict(self.environment),
                "spelled": dict(self.spelled)}  # fmt: skip


def script_from(described: Mapping[str, Any], factors: Sequence[Factor]) -> ScriptTask:
    """The inverse of `ScriptTask.described`."""
    return ScriptTask(**described, factors=factors)


def placeholders(template: str) -> list[str]:
    """The names in braces of a template.

    Example:
        >>> placeholders("optim.lr={lr} model={model}")
        ['lr', 'model']
    """
    return re.findall(r"\{([A-Za-z_][\w.]*)\}", template)


def _resolved(folder: Path, name: str, task: str) -> Path:
    path = Path(name) if Path(name).is_absolute() else folder / name
    if not path.is_file():
        raise TaskError(f"task {task!r}: {path} does not exist; expected a script or command that can be run")
    return path.resolve()
