"""The process that trains: kept apart from the engine, so that a worker imports no more than it needs to start."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

# As in the engine, whose environment does not reach the workers of other nodes.
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")

from ray import cloudpickle, tune

from pipeline.plan import FinishedTrial, PlannedTrial, objective
from pipeline.space import Config
from pipeline.task import FunctionTask, Task
from pipeline.training import Limits, run_trial


class Worker(tune.Trainable):  # type: ignore[misc]
    """A warm process that trains one trial after another."""

    def setup(self, config: dict[str, Any], blob: bytes, device: str, limits: Limits) -> None:
        self.task: Task = cloudpickle.loads(blob)
        self.device = device
        self.limits = limits
        self.planned = config
        if not isinstance(self.task, FunctionTask):
            import torch

            torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.planned = new_config
        return True

    def step(self) -> dict[str, Any]:
        config = Config(json.loads(self.planned["levels"]))
        seeds = json.loads(self.planned["seeds"])
        results = run_trial(self.task, config, seeds, device=self.device, limits=self.limits)
        planned = PlannedTrial(self.planned["trial"], self.planned["stage"], config, tuple(seeds))
        return {
            "results": results,
            "objective": objective(FinishedTrial(planned, tuple(results)), self.task.mode),
            "node": socket.gethostname(),
            "done": True,
        }
