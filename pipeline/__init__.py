"""Backtrack: sweeps that explain why a model does not train, or why it trains better.

    from backtrack import load_task, sweep

    study = sweep(load_task("squirrel"), runs=170, directory="studies/mine", seed=0)
    print(study.factors.to_pandas())

This is the public door: everything named here stays. A name is imported when it is first used, so that
`import backtrack` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtrack.errors import (
        BacktrackError,
        DataError,
        EngineError,
        Interrupted,
        PlanError,
        ResourceError,
        SpaceError,
        StudyError,
        TaskError,
        TrackingError,
        TrialFailed,
    )
    from backtrack.evidence.checkup.verdict import Checkup, CheckupCause
    from backtrack.evidence.comparing import Comparison, Difference
    from backtrack.evidence.health.examined import Flag
    from backtrack.running.analysing import analyse
    from backtrack.running.checking import CheckupStudy, checkup
    from backtrack.running.comparing import compare, merge
    from backtrack.running.explaining import Story, why, why_config
    from backtrack.running.extending import extend
    from backtrack.running.judging import health
    from backtrack.running.reporting import write_report
    from backtrack.running.resources import Resources
    from backtrack.running.sweeping import resume, sweep
    from backtrack.task import Data, FunctionTask, Loaders, ScriptTask, Task, TorchTask, load_task
    from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
    from backtrack.views.study import Study, open_study
    from backtrack.vocabulary.config import Config
    from backtrack.vocabulary.factors import Categorical, Claim, Composite, Numeric
    from backtrack.vocabulary.finding import Finding
    from backtrack.vocabulary.goals import Goal
    from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
    from backtrack.vocabulary.progress import Progress
    from backtrack.vocabulary.result import CurvePoint, RunResult
    from backtrack.vocabulary.space import SearchSpace
    from backtrack.watch.telling import report
    from backtrack.watch.watching import Watched, watching

# Each public name, and the module that it lives in.
_HOMES = {
    "BacktrackError": "errors",
    "DataError": "errors",
    "EngineError": "errors",
    "Interrupted": "errors",
    "PlanError": "errors",
    "ResourceError": "errors",
    "SpaceError": "errors",
    "StudyError": "errors",
    "TaskError": "errors",
    "TrackingError": "errors",
    "TrialFailed": "errors",
    "Categorical": "vocabulary.factors",
    "Claim": "vocabulary.factors",
    "Composite": "vocabulary.factors",
    "Numeric": "vocabulary.factors",
    "SearchSpace": "vocabulary.space",
    "Goal": "vocabulary.goals",
    "Config": "vocabulary.config",
    "FinishedTrial": "vocabulary.plan",
    "PlannedTrial": "vocabulary.plan",
    "Progress": "vocabulary.progress",
    "CurvePoint": "vocabulary.result",
    "RunResult": "vocabulary.result",
    "Data": "task",
    "FunctionTask": "task",
    "Loaders": "task",
    "ScriptTask": "task",
    "Finding": "vocabulary.finding",
    "report": "watch.telling",
    "Watched": "watch.watching",
    "watching": "watch.watching",
    "Anatomy": "task.intervention",
    "Intervention": "task.intervention",
    "LossCall": "task.intervention",
    "Training": "task.intervention",
    "Task": "task",
    "TorchTask": "task",
    "load_task": "task",
    "Study": "views.study",
    "open_study": "views.study",
    "Resources": "running.resources",
    "sweep": "running.sweeping",
    "resume": "running.sweeping",
    "analyse": "running.analysing",
    "compare": "running.comparing",
    "merge": "running.comparing",
    "Comparison": "evidence.comparing",
    "Difference": "evidence.comparing",
    "extend": "running.extending",
    "health": "running.judging",
    "Flag": "evidence.health.examined",
    "Checkup": "evidence.checkup.verdict",
    "CheckupCause": "evidence.checkup.verdict",
    "CheckupStudy": "running.checking",
    "checkup": "running.checking",
    "Story": "running.explaining",
    "why": "running.explaining",
    "why_config": "running.explaining",
    "write_report": "running.reporting",
}

__all__ = [
    "Anatomy",
    "BacktrackError",
    "Categorical",
    "Checkup",
    "CheckupCause",
    "CheckupStudy",
    "Claim",
    "Comparison",
    "Composite",
    "Config",
    "CurvePoint",
    "Data",
    "DataError",
    "Difference",
    "EngineError",
    "Finding",
    "FinishedTrial",
    "Flag",
    "FunctionTask",
    "Goal",
    "Interrupted",
    "Intervention",
    "Loaders",
    "LossCall",
    "Numeric",
    "PlanError",
    "PlannedTrial",
    "Progress",
    "ResourceError",
    "Resources",
    "RunResult",
    "ScriptTask",
    "SearchSpace",
    "SpaceError",
    "Story",
    "Study",
    "StudyError",
    "Task",
    "TaskError",
    "TorchTask",
    "TrackingError",
    "Training",
    "TrialFailed",
    "Watched",
    "analyse",
    "checkup",
    "compare",
    "extend",
    "health",
    "load_task",
    "merge",
    "open_study",
    "report",
    "resume",
    "sweep",
    "watching",
    "why",
    "why_config",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'backtrack' has no attribute {name!r}")
    return getattr(importlib.import_module(f"backtrack.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
