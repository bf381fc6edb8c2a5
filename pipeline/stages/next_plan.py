"""What to run next, stage after stage, from the records alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from backtrack.stages.backtrack import plan_backtrack
from backtrack.stages.claims import plan_claims
from backtrack.stages.confirm import plan_confirm
from backtrack.stages.extension import Extension, plan_extensions
from backtrack.stages.promising import promising_configs
from backtrack.stages.screen import first_of_screen, plan_extension, plan_refined, plan_screen, seed_pool
from backtrack.vocabulary.plan import (
    DESIGN,
    EXTENSION,
    REFINED,
    SEARCHED,
    FinishedTrial,
    FixedPlan,
    Plan,
    PlannedTrial,
    SearchPlan,
    trial_id,
)
from backtrack.vocabulary.space import SearchSpace

# Of the search's trials, those that start from what the analysis's model expects to be best; TPE picks the others.
PROMISING_SHARE = 0.5


@dataclass(frozen=True)
class Sweep:
    """What a sweep was asked to do.

    Args:
        space: the factors.
        runs: training runs for each stage, in the order in which they are run.
        seed: of the study.
        metric, mode: of the task.
        alpha: error rate of the verdicts.
        extensions: more runs that it was given after its end.
    """

    space: SearchSpace
    runs: Mapping[str, int]
    seed: int
    metric: str
    mode: str
    alpha: float = 0.05
    extensions: tuple[Extension, ...] = ()


def next_plan(sweep: Sweep, finished: Sequence[FinishedTrial], running: Collection[PlannedTrial]) -> Plan | None:
    """What to run next, from the records alone; None when the sweep is complete.

    A stage waits for the runs that it reads, so that what is run does not depend on which worker was faster; only
    within the search does it, where each trial sees the results so far.

    Args:
        sweep: what was asked.
        finished: every recorded trial.
        running: trials that have been handed out and are not recorded yet.
    """
    # In the order of the records, whatever order they ended in: the report reads those, and an investigation that
    # started from another run would ask other questions than it then looks for.
    finished = sorted(finished, key=lambda trial: trial.planned.trial)
    known = {trial.planned.trial for trial in finished} | {planned.trial for planned in running}
    for stage, runs in sweep.runs.items():
        if stage == "screen":
            plan = _screen(sweep, finished, running, runs)
            if plan is not None:
                return plan
        elif stage == "search":
            ids = [trial_id("search", number) for number in range(runs)]
            waiting_ids = [identifier for identifier in ids if identifier not in known]
            if waiting_ids:
                if any(planned.stage == "screen" for planned in running):
                    return FixedPlan([])
                return _search(sweep, finished, waiting_ids)
        elif stage == "confirm" and runs:
            ids = [trial_id("confirm", number) for number in range(runs)]
            if not known.issuperset(ids):
                if sum(trial.planned.stage == "screen" for trial in finished) < sweep.runs.get("screen", 0):
                    return FixedPlan([])
                return _unknown(_confirm(sweep, finished, ids, 0), known)
        elif stage == "claims":
            ids = [trial_id("claims", number) for number in range(runs - runs % 2)]
            if not known.issuperset(ids):
                return _unknown(plan_claims(sweep.space, runs, sweep.seed), known)
        elif stage == "backtrack":
            plan = _backtrack(sweep, finished, running, runs)
            if plan is not None:
                return plan
    return plan_extensions(
        sweep.space,
        sweep.extensions,
        finished,
        running,
        seed=sweep.seed,
        metric=sweep.metric,
        mode=sweep.mode,
        alpha=sweep.alpha,
    )


def _screen(
    sweep: Sweep, finished: Sequence[FinishedTrial], running: Collection[PlannedTrial], runs: int
) -> Plan | None:
    """The screen's first part, then its rest where trainings train; None when all of it has been handed out."""
    known = {
        planned.trial
        for planned in (*(trial.planned for trial in finished), *running)
        if planned.stage == "screen" and planned.part in (DESIGN, REFINED)
    }
    if len(known) >= runs:
        # Every later question comes by here: the design and the rules are not made again for it.
        return None
    planned = plan_screen(sweep.space, runs, sweep.seed)
    first, rest = planned[: first_of_screen(runs)], planned[first_of_screen(runs) :]
    waiting = [one for one in first if one.trial not in known]
    if waiting:
        return FixedPlan(waiting)
    ids = {one.trial for one in first}
    ended = [trial for trial in finished if trial.planned.trial in ids]
    if len(ended) < len(first):
        return FixedPlan([])
    waiting = [one for one in plan_refined(sweep.space, rest, ended, sweep.seed, sweep.alpha) if one.trial not in known]
    return FixedPlan(waiting) if waiting else None


def _backtrack(
    sweep: Sweep, finished: Sequence[FinishedTrial], running: Collection[PlannedTrial], runs: int
) -> Plan | None:
    """What the investigations want next; after their end what is left of N becomes evidence, or searches."""
    if any(planned.stage != "backtrack" and planned.part != EXTENSION for planned in running):
        # An investigation reads all of the earlier stages; what it finds must not change under it.
        return FixedPlan([])
    handed_out = [*(trial.planned for trial in finished), *running]
    known = {planned.trial for planned in handed_out}
    done = sum(len(trial.planned.seeds) for trial in finished if trial.planned.stage == "backtrack")
    asked = sum(planned.stage == "backtrack" for planned in running)
    if not any(planned.part == EXTENSION for planned in handed_out):
        wanted = plan_backtrack(sweep.space, finished, runs - done, sweep.metric, sweep.mode, sweep.alpha)
        fresh = [planned for planned in wanted if planned.trial not in known][: max(0, runs - done - asked)]
        if fresh or asked:
            return FixedPlan(fresh)
    ids = [trial_id(EXTENSION, number) for number in range(runs - done)]
    waiting = [identifier for identifier in ids if identifier not in known]
    if not waiting:
        return None
    before = sweep.runs.get("confirm")
    if before == 0:
        # Too few runs in all for a stage of its own: what would have confirmed makes the screen larger.
        return _unknown(plan_extension(sweep.space, ids, sweep.seed), known)
    if before is not None:
        more = _confirm(sweep, finished, ids, before)
        if more:
            return _unknown(more, known)
    return _search(sweep, finished, waiting, EXTENSION)


def _unknown(trials: Sequence[PlannedTrial], known: Collection[str]) -> FixedPlan:
    """Those of `trials` that are neither recorded nor running."""
    return FixedPlan([planned for planned in trials if planned.trial not in known])


def _confirm(sweep: Sweep, finished: Sequence[FinishedTrial], ids: Sequence[str], before: int) -> list[PlannedTrial]:
    """A round of confirm, as `plan_confirm` has it."""
    screen = [trial for trial in finished if trial.planned.stage == "screen"]
    return plan_confirm(sweep.space, screen, ids, before, sweep.seed, sweep.metric, sweep.mode, sweep.alpha)


def _search(sweep: Sweep, finished: Sequence[FinishedTrial], ids: Sequence[str], part: str = SEARCHED) -> SearchPlan:
    """Trials for the searcher; some of them start where the results so far point to."""
    count = round(len(ids) * PROMISING_SHARE)
    first = promising_configs(sweep.space, finished, count, sweep.seed, sweep.metric, sweep.mode, sweep.alpha)
    return SearchPlan(ids, seed_pool(sweep.seed)[:1], first, part)
