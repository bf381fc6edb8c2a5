"""Backtrack: sweeps that explain why a model does not train, or why it trains better.

This is the public door; everything named here stays. Names are imported when first used, so that
`import pipeline` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.errors import BacktrackError, TrialFailed
    from pipeline.space import Categorical, Claim, Composite, Config, Numeric, SearchSpace
    from pipeline.study import Study, open_study
    from pipeline.sweeping import resume, sweep
    from pipeline.task import Data, FunctionTask, TorchTask, load_task
    from pipeline.why import why, why_config

_HOMES = {
    "BacktrackError": "errors",
    "TrialFailed": "errors",
    "Categorical": "space",
    "Claim": "space",
    "Composite": "space",
    "Config": "space",
    "Numeric": "space",
    "SearchSpace": "space",
    "Data": "task",
    "FunctionTask": "task",
    "TorchTask": "task",
    "load_task": "task",
    "Study": "study",
    "open_study": "study",
    "sweep": "sweeping",
    "resume": "sweeping",
    "why": "why",
    "why_config": "why",
}

__all__ = [
    "BacktrackError",
    "Categorical",
    "Claim",
    "Composite",
    "Config",
    "Data",
    "FunctionTask",
    "Numeric",
    "SearchSpace",
    "Study",
    "TorchTask",
    "TrialFailed",
    "load_task",
    "open_study",
    "resume",
    "sweep",
    "why",
    "why_config",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pipeline.{_HOMES[name]}"), name)
