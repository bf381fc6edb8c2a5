"""The process that trains: kept apart from the engine, so that a worker imports no more than it needs to start."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# As in the engine, whose environment does not reach the workers of other nodes.
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")

from ray import tune

from backtrack.errors import BacktrackError
from backtrack.running.travelling import Parcel
from backtrack.task import Task, TorchTask
from backtrack.trial import Limits, run_trial
from backtrack.trial.rehearsal import Rehearsed, rehearse
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.places import place_of
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial, objective


class Worker(tune.Trainable):  # type: ignore[misc]
    """A warm process that trains one trial after another."""

    def setup(self, config: dict[str, Any], parcel: Parcel, device: str, limits: Limits) -> None:
        self.device = device
        self.limits = limits
        self.planned = config
        # Another node may lack what this task imports: that is no result of a training.
        self.task, self.unloadable = _unpacked(parcel)
        if isinstance(self.task, TorchTask):
            import torch

            torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.planned = new_config
        return True

    def step(self) -> dict[str, Any]:
        told = {"node": socket.gethostname(), "unloadable": self.unloadable, "done": True}
        if self.task is None:
            return {**told, "results": [], "objective": 0.0}
        config = Config(json.loads(self.planned["levels"]))
        seeds = json.loads(self.planned["seeds"])
        patience = json.loads(self.planned["patience"])
        results = run_trial(self.task, config, seeds, device=self.device, limits=self.limits, patience=patience)
        planned = PlannedTrial(self.planned["trial"], self.planned["stage"], config, tuple(seeds))
        return {
            **told,
            "results": results,
            "objective": objective(FinishedTrial(planned, tuple(results)), self.task.mode),
        }


def try_once(parcel: Parcel, said: str, planned: Sequence[PlannedTrial], device: str = "cpu") -> tuple[str, Rehearsed]:
    """Loads a task in this process and rehearses some trials: why it cannot be loaded, and what they showed.

    Args:
        parcel: the task.
        said: a file that keeps what is written to standard error meanwhile, where it is on this machine: a process that
            ends at once leaves nothing else.
        planned: to be rehearsed; none for a task that has been run.
        device: of a torch task.

    Returns:
        A text, empty where it can be loaded; and as `rehearse` returns.
    """
    before = os.dup(2)
    try:
        if Path(said).exists():
            with Path(said).open("ab") as kept:
                os.dup2(kept.fileno(), 2)
        task, unloadable = _unpacked(parcel)
        return unloadable, rehearse(task, planned, device) if task is not None else Rehearsed()
    finally:
        os.dup2(before, 2)
        os.close(before)


def _unpacked(parcel: Parcel) -> tuple[Task | None, str]:
    """The task, and an empty text; or None, and why it cannot be loaded."""
    try:
        return parcel.unpack(), ""
    except (Exception, SystemExit) as fault:
        place = place_of(fault)
        known = isinstance(fault, BacktrackError)
        return None, str(fault) if known else f"{type(fault).__name__}: {fault}" + (f" ({place})" if place else "")
