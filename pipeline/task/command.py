"""One run of a script task as what is started: its arguments, its environment, its files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backtrack.errors import TaskError
from backtrack.task.intervention import AS_WRITTEN
from backtrack.task.length import LENGTH, LONGER, TIMES, length_of, length_option, scaled
from backtrack.task.program_options import ProgramOption
from backtrack.task.script_task import ScriptTask, placeholders
from backtrack.task.stopping import OFF, STOPPING
from backtrack.vocabulary.config import label


@dataclass(frozen=True)
class Program:
    """What is started for one run.

    Args:
        script: a Python file; empty for a module or another command.
        module: a Python module.
        arguments: of the script or module; or the whole command.
        constants: `{name: value}` of constants at the top of the script that take a level.
        environment: variables besides those of the worker.
        directory: working directory.
        changes: `{intervention: level}` that are applied from outside.
        anatomy: of a run as written, for these.
        shifted: what is added to seeds that the program sets itself.
        times: how many times as long its loops over epochs are.
        stops: whether what leaves these early does so.
    """

    script: str
    module: str
    arguments: tuple[str, ...]
    constants: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    anatomy: Mapping[str, Any] = field(default_factory=dict)
    shifted: int = 0
    times: float = 1.0
    stops: bool = True

    @property
    def is_python(self) -> bool:
        """Whether it can be run inside a Python that has imports done already."""
        return bool(self.script or self.module)

    @property
    def shown(self) -> str:
        """It as somebody would type it."""
        constants = "".join(f"{name}={shlex.quote(label(value))} " for name, value in self.constants.items())
        start = ["python", self.script] if self.script else ["python", "-m", self.module] if self.module else []
        changed = "".join(f" [{name}: {level}]" for name, level in self.changes.items())
        return constants + shlex.join([*start, *self.arguments]) + changed


def program_of(task: ScriptTask, levels: Mapping[str, Any], seed: int, run: Path) -> Program:
    """What one run of a script task starts; writes its config file.

    Args:
        task: with its paths resolved (`ScriptTask.within`).
        levels: of the factors, composites opened.
        seed: of the run.
        run: the run's own directory.

    Raises:
        TaskError: for a config file that cannot be read.
    """
    levels, changes = task.divided(levels)
    times = task.length * (TIMES if changes.pop(LENGTH, AS_WRITTEN) == LONGER else 1)
    length = length_option(task) if times != 1 else None
    stops = changes.pop(STOPPING, AS_WRITTEN) != OFF
    values = {name: label(level) for name, level in levels.items()} | {"seed": str(seed), "run": str(run)}
    own = [argument.replace("{run}", str(run)).replace("{seed}", str(seed)) for argument in task.own_arguments]
    constants: dict[str, Any] = {}
    if task.config_file:
        values["config_file"] = str(_write_config(task, levels, seed, run))
        own = [values["config_file"] if _same_file(argument, task) else argument for argument in own]
    arguments = list(own)
    if task.arguments:
        arguments += _filled(task.arguments, values)
    elif not task.config_file:
        for name, level in _plain(task, levels).items():
            option = task.option_of(name)
            if option is not None and option.kind == "constant":
                constants[option.name] = level
            elif name not in _in_environment(task):
                arguments += _as_arguments(option, task.spelled.get(name, name), level)
    elif "config_file" not in placeholders(" ".join(task.own_arguments)) and values["config_file"] not in own:
        arguments += ["--config", values["config_file"]]
    if length is not None and length.kind == "constant":
        constants[length.name] = scaled(length_of(task, length), times)
    elif length is not None:
        arguments += _as_arguments(length, length.name, scaled(length_of(task, length), times))
    arguments = [argument.replace("{config_file}", values.get("config_file", "")) for argument in arguments]
    arguments += _seed_arguments(task, seed, constants)
    environment = {
        name: "".join(_filled_text(template, values))
        for name, template in task.environment.items()
        if all(placeholder in values for placeholder in placeholders(template))
    }
    script, module = task.script or task.console, task.module
    if script is None and not module:
        assert not isinstance(task.command, str)
        arguments.insert(0, task.command[0])
    return Program(
        script=str(script or ""),
        module=module,
        arguments=tuple(arguments),
        constants=constants,
        environment={**environment, "BACKTRACK_RUN_DIR": str(run), "BACKTRACK_SEED": str(seed)},
        directory=str(run) if task.directory == "{run}" else task.directory,
        changes={name: level for name, level in changes.items() if level != AS_WRITTEN},
        anatomy=task.changes.anatomy,
        # Runs as written and changed ones are compared over seeds: they must not all have the program's own.
        shifted=seed if task.changes.names else 0,
        times=times if length is None else 1.0,
        stops=stops,
    )


def _plain(task: ScriptTask, levels: Mapping[str, Any]) -> dict[str, Any]:
    """The levels that are passed one by one: a composite as its components, where the program has options for these."""
    found: dict[str, Any] = {}
    for name, level in levels.items():
        parts = [other for other in levels if other.startswith(f"{name}.")]
        if "." in name and name.partition(".")[0] in levels:
            continue
        opened = parts and all(task.option_of(part.partition(".")[2]) is not None for part in parts)
        found |= {part.partition(".")[2]: levels[part] for part in parts} if opened else {name: level}
    return found


def _in_environment(task: ScriptTask) -> set[str]:
    return {name for template in task.environment.values() for name in placeholders(template)}


def _as_arguments(option: ProgramOption | None, name: str, level: Any) -> list[str]:
    if option is None:
        return [f"{name}={label(level)}"] if "." in name else [f"--{name}", label(level)]
    on = level in (True, "true", "True", 1)
    if option.kind == "override":
        return [f"{option.flag}={label(level)}"]
    if option.kind == "switch":
        return [option.flag] if on else []
    if option.kind == "off switch":
        return [] if on else [option.flag]
    if option.kind == "either":
        return [option.flag if on else "--no-" + option.flag.lstrip("-")]
    return [option.flag, str(level) if isinstance(level, bool) else label(level)]


def _seed_arguments(task: ScriptTask, seed: int, constants: dict[str, Any]) -> list[str]:
    if task.seed_argument == "" or "seed" in placeholders(" ".join([task.arguments, *task.own_arguments])):
        return []
    if task.seed_argument is not None:
        if "{seed}" in task.seed_argument:
            return _filled(task.seed_argument, {"seed": str(seed)})
        return [task.seed_argument, str(seed)]
    option = task.own_seed
    if option is None:
        return []
    if option.kind == "constant":
        constants[option.name] = seed
        return []
    return _as_arguments(option, option.name, seed)


def _filled(template: str, values: Mapping[str, str]) -> list[str]:
    """The words of a template, filled in; those that name a factor that does not exist in this config are left out."""
    return [
        "".join(_filled_text(word, values))
        for word in shlex.split(template)
        if all(name in values for name in placeholders(word))
    ]


def _filled_text(text: str, values: Mapping[str, str]) -> str:
    for name in placeholders(text):
        text = text.replace("{" + name + "}", values[name])
    return text


def _same_file(argument: str, task: ScriptTask) -> bool:
    path = Path(argument) if Path(argument).is_absolute() else Path(task.directory or ".") / argument
    return path.exists() and path.resolve() == Path(task.config_file)


def _write_config(task: ScriptTask, levels: Mapping[str, Any], seed: int, run: Path) -> Path:
    """A copy of the task's config file with the levels in it, in the run's directory."""
    file = Path(task.config_file)
    text = file.read_text()
    is_json = file.suffix == ".json"
    try:
        if is_json:
            config = json.loads(text)
        else:
            import yaml

            config = yaml.safe_load(text)
    except Exception as fault:
        raise TaskError(f"config file {file}: {fault}; expected JSON (.json) or YAML (.yaml, .yml)") from fault
    if not isinstance(config, dict):
        raise TaskError(f"config file {file} holds {type(config).__name__}; expected a mapping of names to values")
    for name, level in levels.items():
        if name not in _in_environment(task):
            _put(config, task.spelled.get(name, name), level)
    if task.seed_argument is None and "seed" in config:
        config["seed"] = seed
    target = run / file.name
    if is_json:
        target.write_text(json.dumps(config, indent=2))
    else:
        import yaml

        target.write_text(yaml.safe_dump(config, sort_keys=False))
    return target


def _put(config: dict[str, Any], path: str, level: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        config = config.setdefault(name, {})
    config[last] = level
