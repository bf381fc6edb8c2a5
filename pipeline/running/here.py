"""Carries plans out in this process, one training after another, without Ray.

The twin of `on_ray`: the same plans, the same records. A breakpoint in a model stops there, and a debugger can be
opened where a training crashed.
"""

from __future__ import annotations

import pdb
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backtrack.errors import ResourceError
from backtrack.running.engine import Work
from backtrack.running.hopeless import check_rehearsed
from backtrack.stages.search import config_from, suggest_levels
from backtrack.task import Task, TorchTask
from backtrack.trial import Limits, run_trial
from backtrack.trial.rehearsal import rehearse
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, PlannedTrial, SearchPlan, objective

Train = Callable[[PlannedTrial], FinishedTrial]


def execute(work: Work, debugger: bool = False) -> bool:
    """Trains one planned trial after another; see `engine.Engine`.

    Ctrl-C ends the training that runs, which is not recorded.

    Args:
        work: what to do.
        debugger: whether to open pdb where a training crashes.

    Raises:
        ResourceError: where a cluster is asked for.
        TaskError: where every trial run crashes.
    """
    device = _device(work)
    limits = Limits(work.resources.time_limit, work.resources.max_memory)
    if work.rehearsed and not debugger:
        with _one_thread(work.task):
            rehearsed = rehearse(work.task, work.rehearsed, device)
        check_rehearsed(work, rehearsed)
    work.on_start(1, device)

    def train(planned: PlannedTrial) -> FinishedTrial:
        work.on_tick(1)
        results = run_trial(
            work.task,
            planned.config,
            planned.seeds,
            device=device,
            limits=limits,
            on_crash=_debug if debugger else None,
            patience=work.patience(planned),
        )
        finished = FinishedTrial(planned, tuple(results), 1, socket.gethostname(), time.time())
        work.record(finished)
        return finished

    try:
        with _one_thread(work.task):
            while (plan := work.next_plan(())) is not None:
                if isinstance(plan, SearchPlan):
                    _search(work, plan, train)
                else:
                    _train_all(plan, train)
    except KeyboardInterrupt:
        return False
    return True


def _train_all(plan: FixedPlan, train: Train) -> None:
    for planned in plan.trials:
        train(planned)


def _search(work: Work, plan: SearchPlan, train: Train) -> None:
    """Asks the search for one config after another, each seeing the results so far."""
    study, space = work.search_study(plan.first), work.task.space
    for identifier in plan.ids:
        suggested = study.ask()
        suggest_levels(space, suggested)
        finished = train(plan.planned(identifier, config_from(space, suggested.params)))
        study.tell(suggested, objective(finished, work.task.mode))


def _device(work: Work) -> str:
    if work.resources.address:
        raise ResourceError("--here trains in this process, and --address names a cluster: leave one of them out")
    if not isinstance(work.task, TorchTask):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() and work.resources.gpus_per_trial != 0 else "cpu"


@contextmanager
def _one_thread(task: Task) -> Iterator[None]:
    """Lets torch use one thread, as a worker does: with another number it would round differently."""
    if not isinstance(task, TorchTask):
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _debug(fault: BaseException) -> None:
    print(f"{type(fault).__name__}: {fault}")
    pdb.post_mortem(fault.__traceback__)
