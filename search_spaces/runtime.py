"""Where and how a training runs: device, precision, threads, compilation, framework version. Factors of speed.

A torch task has these by listing them among its factors: the trial reads the levels. A level that this machine lacks
(a GPU, a compiler, a second environment) is left out, and a factor with one level left is absent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from backtrack.errors import TaskError
from backtrack.search_spaces import ROAD, XMAS_GIFT
from backtrack.vocabulary.factors import Categorical, Claim
from backtrack.vocabulary.machine import usable_cpus

# `NAME=INTERPRETER,NAME=INTERPRETER`: Python interpreters with other versions of torch, each a level of ENVIRONMENT.
ENVIRONMENTS = "BACKTRACK_ENVIRONMENTS"
HERE = "here"


def _devices() -> list[str]:
    return ["cpu", *(["gpu"] if torch.cuda.is_available() else [])]


def _threads() -> list[int]:
    return sorted({1, min(2, usable_cpus()), usable_cpus()})


def _compilers() -> list[str]:
    # torch.compile makes C++ for the CPU, and needs a compiler on the way to a GPU as well.
    return ["off", *(["on"] if shutil.which("g++") or shutil.which("clang++") else [])]


def runtime_factors(*names: str) -> tuple[Categorical, ...]:
    """The factors of these names (default: all) that have two levels or more on this machine."""
    gpu = Claim("the GPU's gain is visible, except in the first call", ROAD, level="gpu", against="cpu",
                response="epoch_time", expect="better")  # fmt: skip
    table: dict[str, tuple[list[Any], str, tuple[Claim, ...]]] = {
        "device": (_devices(), "where it runs; the first call is measured apart", (gpu,)),
        "precision": (
            ["float32", "bfloat16"],
            "of the forward pass; bfloat16 by autocast, weights stay float32",
            (),
        ),
        "threads": (_threads(), "CPU threads of one training", ()),
        "compile": (_compilers(), "torch.compile; its time counts as warm-up", ()),
    }
    return tuple(
        Categorical(name, levels, description=description, claims=claims)
        for name, (levels, description, claims) in table.items()
        if len(levels) > 1 and (not names or name in names)
    )


# What a training has where nobody says otherwise: the first level of each.
DEFAULT_RUNTIME = {"device": "cpu", "precision": "float32", "threads": 1, "compile": "off"}


def interpreters() -> dict[str, str]:
    """`{level: interpreter}` of the environments to compare: this one, and those that `BACKTRACK_ENVIRONMENTS` names.

    Raises:
        TaskError: where the variable cannot be read, or an interpreter does not run or has no torch.
    """
    found = {HERE: sys.executable}
    for entry in filter(None, os.environ.get(ENVIRONMENTS, "").split(",")):
        name, equals, interpreter = entry.partition("=")
        if not equals or not name or name in found:
            raise TaskError(
                f"{ENVIRONMENTS}={entry!r}: expected NAME=INTERPRETER,… with distinct names other than {HERE!r}, such "
                "as torch26=/opt/torch26/bin/python"
            )
        if not Path(interpreter).is_file():
            raise TaskError(f"{ENVIRONMENTS}: {interpreter} is not there; make the environment first: python -m venv")
        done = subprocess.run([interpreter, "-c", "import torch"], capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["it does not run"]
            raise TaskError(f"{ENVIRONMENTS}: {interpreter} cannot be used ({said[0]}); install torch into it")
        found[name] = interpreter
    return found


def environment_factor() -> Categorical | None:
    """The factor whose levels are environments; None where there is only this one."""
    levels = list(interpreters())
    if len(levels) < 2:
        return None
    return Categorical(
        "environment",
        levels,
        description="Python environment with its version of torch; each run in an interpreter of its own",
        claims=tuple(
            Claim("a newer version of the framework shortens the epoch", XMAS_GIFT, level=HERE, against=other,
                  response="epoch_time", expect="better")
            for other in levels[1:]
        ),
    )  # fmt: skip
