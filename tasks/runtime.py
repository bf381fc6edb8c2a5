"""runtime: what shortens an epoch: device, precision, threads, compilation, the version of the framework?

The question of the post "PyTorch 0.3 - an early Xmas gift". Trainings run in interpreters of their own; other versions
of torch take part where `BACKTRACK_ENVIRONMENTS=NAME=INTERPRETER,…` names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backtrack import search_spaces
from backtrack.search_spaces.interpreters import run_in
from backtrack.search_spaces.runtime import (
    DEFAULT_RUNTIME,
    HERE,
    environment_factor,
    interpreters,
    runtime_factors,
)
from backtrack.task import FunctionTask
from backtrack.vocabulary.factors import Categorical

SCRIPT = Path(search_spaces.__file__).parent / "timed_training.py"

BATCH_SIZE = Categorical("batch_size", [32, 128], description="sequences a step")

DEFAULTS = {
    "rows": 6000,  # sequences
    "epochs": 4,  # passes over them; the first one counts as warm-up
}
_environment = environment_factor()


def run(config: Mapping[str, Any], seed: int, options: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """One training in the environment of the config."""
    spec = {**DEFAULT_RUNTIME, **options, **config, "seed": seed}
    yield from run_in(interpreters()[str(spec.pop("environment", HERE))], SCRIPT, spec)


task = FunctionTask(
    name="runtime",
    run=run,
    metric="error",
    mode="min",
    factors=[*runtime_factors(), *([_environment] if _environment else []), BATCH_SIZE],
    chance=0.5,
    noise=0.01,
    defaults=DEFAULTS,
    description="an epoch of a small net: what do device, precision, threads and compilation gain in time?",
)
