"""Backtrack: the runs that carry each investigation of a dead end further."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline.analysis.backtracking import backtrack_all
from pipeline.plan import FinishedTrial, PlannedTrial
from pipeline.rows import trial_rows, trials_schema
from pipeline.space import SearchSpace


def plan_backtrack(
    space: SearchSpace, finished: Sequence[FinishedTrial], left: int, mode: str, alpha: float
) -> list[PlannedTrial]:
    """What the investigations want to know next, at most `left` runs; empty when they have come to their end.

    A trial's id is made of its config and seed: an interrupted stage asks for the same trials again, and no run is
    done twice.

    Args:
        space: the factors.
        finished: every recorded trial.
        left: runs that the stage may still use.
        mode: of the task.
        alpha: error rate of the verdicts.
    """
    tables = [trials_schema(space).empty_table(), *(trial_rows(space, trial) for trial in finished)]
    _, wanted = backtrack_all(space, pa.concat_tables(tables), mode, alpha)
    return [
        PlannedTrial(f"backtrack-{config.hash[:10]}-{one}", "backtrack", config, (one,))
        for config, one in wanted[:left]
    ]
