"""What shorter trainings would have told, from the curves of whole ones."""

from __future__ import annotations

import math
import random

import pyarrow as pa
from offline import sweep_offline

from backtrack import Categorical, FunctionTask
from backtrack.evidence.analysis import analyse
from backtrack.evidence.shorter import shorter
from backtrack.records.rows import curve_rows, trial_rows


def read_early(reports: int):
    """A study in which `fast` decides the beginning of a training, and `good` its end."""

    def run(config, seed):
        draw = random.Random(f"{seed}{sorted(config.items())}")
        own = 0.02 * draw.gauss(0, 1)
        pace = 1.0 if config["fast"] == "yes" else 0.25
        for report in range(1, reports + 1):
            start = math.exp(-8 * pace * report / reports)
            yield {"error": 0.5 * start + (0.2 if config["good"] == "no" else 0.0) * (report / reports) ** 4 + own}

    factors = [Categorical("fast", ["yes", "no"]), Categorical("good", ["yes", "no"])]
    task = FunctionTask(name="mine", run=run, metric="error", mode="min", factors=factors)
    done = sweep_offline(task, 40, 0, ["screen"])
    curves = pa.concat_tables([curve_rows(one) for one in done])
    analysis = analyse(task.space, trial_rows(task.space, *done), curves, "error", "min")
    return shorter(analysis, curves, "error", "min")


def test_a_factor_that_acts_late_is_not_seen_early():
    quarter, half, most = read_early(8)
    assert quarter.share == 0.25 and "good" in quarter.lost and "fast" in (*quarter.kept, *quarter.new)
    assert "good" in most.kept
    assert quarter.agreement < half.agreement < most.agreement


def test_trainings_that_hardly_report_cannot_be_read_early():
    assert read_early(2) == []
