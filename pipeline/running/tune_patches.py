"""Keeps Ray Tune from throwing warm and starting workers away. The only place that reaches into Tune.

With `reuse_actors`, Tune ends workers in two cases in which a sweep of short trials still needs them:

- A worker that has just finished a trial takes over a trial whose own worker is starting, and the one that starts is
  ended. Where a trial takes less time than the start of a process (seconds; on another node more), one warm worker so
  swallows trial after trial, and the others never come up. Measured on three nodes: 45 of 45 trials went to one of
  three workers.
- Of workers that finish at about the same time, all but one are ended, since no trial waits for them just then.

So a trial keeps the worker that starts for it, and a warm one takes the next trial; and as many warm workers are kept
as the sweep has places. Only a worker that does not come up in time loses its trial: soon where it still waits for a
place (its machine was lost, or has yet to be rented), later where its process is starting.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.tune.execution.tune_controller import TuneController

from backtrack.errors import EngineError

# Seconds for a worker whose process is starting, and for one that has no place yet. The latter is long enough for an
# autoscaler to see that a machine is wanted, which it does every five seconds.
PATIENCE_SECONDS, PATIENCE_WITHOUT_PLACE = 45.0, 6.0


@contextmanager
def workers_kept(workers: int) -> Iterator[None]:
    """Inside the block, Tune keeps so many warm workers, and those that are starting.

    Args:
        workers: places for trials side by side; all trials ask for the same resources.
    """
    _check_that_it_can()
    reuse = TuneController._maybe_reuse_cached_actor
    since: dict[str, float] = {}
    roomy: set[int] = set()

    def keeping(controller: Any, trial: Any) -> bool:
        if id(controller) not in roomy:
            roomy.add(id(controller))
            for _ in range(workers):
                controller._actor_cache.increase_max(trial.placement_group_factory)
        own = controller._trial_to_actor.get(trial)
        if own is not None and trial not in controller._resetting_trials:
            placed = own in controller._actor_manager._live_actors_to_ray_actors_resources
            patience = PATIENCE_SECONDS if placed else PATIENCE_WITHOUT_PLACE
            if time.monotonic() - since.setdefault(trial.trial_id, time.monotonic()) < patience:
                return False
        since.pop(trial.trial_id, None)
        return bool(reuse(controller, trial))

    TuneController._maybe_reuse_cached_actor = keeping
    try:
        yield
    finally:
        TuneController._maybe_reuse_cached_actor = reuse


def _check_that_it_can() -> None:
    """Refuses a version of Ray whose private parts are others.

    Raises:
        EngineError: naming what is missing, and which versions have it.
    """
    own = inspect.getsource(TuneController)
    wanted = ("_maybe_reuse_cached_actor", "_actor_cache", "_trial_to_actor", "_resetting_trials", "_actor_manager")
    missing = [name for name in wanted if name not in own]
    if missing:
        raise EngineError(
            f"Ray {ray.__version__} has no TuneController.{missing[0]}, which keeps workers warm; install a "
            "version that backtrack-sweep supports: pip install 'ray[default,tune]>=2.50,<2.61'"
        )
