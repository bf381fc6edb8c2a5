"""A task file for a script: its options as factors, with ranges around the values that they have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtrack.task.program_options import ProgramOption, options_of, seed_option

# Options that say how long, where or how verbosely a program runs, not what it does.
NO_FACTORS = frozenset(
    {
        "epochs",
        "epoch",
        "num_epochs",
        "n_epochs",
        "max_epochs",
        "steps",
        "max_steps",
        "iterations",
        "total_timesteps",
        "log_interval",
        "save",
        "save_model",
        "output",
        "out",
        "out_dir",
        "output_dir",
        "log_dir",
        "logdir",
        "data",
        "data_dir",
        "data_path",
        "dataset",
        "path",
        "device",
        "gpu",
        "gpus",
        "cuda",
        "no_cuda",
        "workers",
        "num_workers",
        "verbose",
        "dry_run",
        "test_batch_size",
        "checkpoint",
        "resume",
        "wandb",
        "project",
        "name",
    }
)
RATES = ("lr", "learning_rate", "rate", "eta", "weight_decay", "wd", "eps")
CHOICES = {
    "optimizer": ["sgd", "adam"],
    "optimiser": ["sgd", "adam"],
    "opt": ["sgd", "adam"],
}


def task_file_for(script: Path, target: Path, metric: str | None) -> str:
    """The text of a task file that sweeps a script.

    Args:
        script: the script.
        target: where the file will stand; it names the script relative to that.
        metric: to judge by; None for the one that the script seems to print.
    """
    options = options_of(script)
    seed = seed_option(options)
    asked = [
        option for option in options if option.name not in NO_FACTORS and (seed is None or option.name != seed.name)
    ]
    lines = [line for option in asked if (line := factor_line(option)) is not None]
    left = [option.name for option in options if factor_line(option) is None or option not in asked]
    spelled = {_identifier(option.name): option.name for option in asked if _identifier(option.name) != option.name}
    found, mode = _metric_of(script, metric)
    kinds = [kind for kind in ("Categorical", "Numeric") if any(kind in line for line in lines)]
    where = os.path.relpath(script, target.parent)
    text = [
        f'"""Sweeps {script.name}: which of its options explain failures and gains?',
        "",
        f"    backtrack sweep {target.name} --runs 120",
        '"""',
        "",
        f"from backtrack import {', '.join([*kinds, 'ScriptTask'])}",
        "",
        "task = ScriptTask(",
        f'    name="{_identifier(script.stem)}",',
        f'    command=["{where}"],  # its other arguments: ["{where}", "--epochs", "3"]',
        f'    metric="{found}",  # the number to judge by, as the script prints it',
        f'    mode="{mode}",  # "max": more is better',
        "    # chance=0.5,  # the metric of a model that has learnt nothing: then no_learning is known",
        "    factors=[",
        *(f"        {line}" for line in lines or ['# Categorical("option", ["a", "b"]),']),
        "    ],",
        *([f"    spelled={spelled!r},"] if spelled else []),
        *(["    # The seed of each run is passed by " + seed.flag + "."] if seed is not None else []),
        ")",
        *([f"# Not varied: {', '.join(left)}."] if left else []),
        "",
    ]
    return "\n".join(text)


def factor_line(option: ProgramOption) -> str | None:
    """The factor that an option makes, as Python text; None where nothing can be proposed."""
    name, value = _identifier(option.name), option.default
    if option.choices and len(option.choices) > 1:
        return f'Categorical("{name}", {list(option.choices)!r}),'
    if isinstance(value, bool) or option.kind in ("switch", "off switch", "either"):
        first = bool(value)
        return f'Categorical("{name}", [{first}, {not first}]),'
    last = option.name.rpartition(".")[2].lower()
    if last in CHOICES:
        return f'Categorical("{name}", {_with(CHOICES[last], value)!r}),'
    if isinstance(value, (int, float)) and value:
        return _numeric(name, last, value)
    if value == 0 and ("dropout" in last or last.startswith("p_")):
        return f'Numeric("{name}", 0.0, 0.5),'
    return None


def _numeric(name: str, last: str, value: float) -> str | None:
    if value < 0:
        return None
    rate = any(last == word or last.endswith(f"_{word}") for word in RATES)
    if rate:
        role = ', role="nuisance"' if last in ("lr", "learning_rate") else ""
        note = "  # nuisance: tuned, not asked about; leave role out to ask about it" if role else ""
        return f'Numeric("{name}", {value / 100:.3g}, {value * 10:.3g}, log=True{role}),{note}'
    if isinstance(value, int):
        whole = f'Numeric("{name}", {max(1, value // 4)}, {value * 4}, log=True, integer=True),'
        return whole if value > 1 else None
    if 0 < value < 1:
        low, high = (0.0, min(0.9, 2 * value)) if "drop" in last else (value / 4, min(1.0, value * 4))
        if last in ("gamma", "momentum", "beta1", "beta2", "beta"):
            low, high = max(0.0, 1 - 10 * (1 - value)), 1 - (1 - value) / 4
        return f'Numeric("{name}", {low:.3g}, {high:.3g}),'
    return f'Numeric("{name}", {value / 4:.3g}, {value * 4:.3g}, log=True),'


def _with(levels: Sequence[str], value: Any) -> list[Any]:
    return [value, *(level for level in levels if level != value)] if isinstance(value, str) else list(levels)


def _identifier(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign == "_" else "_" for sign in name)


def _metric_of(script: Path, metric: str | None) -> tuple[str, str]:
    """The metric, asked for or seen in what the script prints, and its mode."""
    text = script.read_text(errors="replace").lower()
    known = (("accuracy", "max"), ("acc", "max"), ("f1", "max"), ("reward", "max"), ("return", "max"), ("r2", "max"),
             ("val_loss", "min"), ("perplexity", "min"), ("ppl", "min"), ("rmse", "min"), ("mse", "min"))  # fmt: skip
    if metric is not None:
        small = metric.lower()
        return metric, next((mode for name, mode in known if name in small), "min")
    printed = "\n".join(line for line in text.splitlines() if "print" in line or "log" in line or "report" in line)
    return next(((name, mode) for name, mode in known if name in printed), ("loss", "min"))
