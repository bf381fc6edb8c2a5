"""What is planned: functions from the records so far to the next plan. They know no Ray and no torch."""

from backtrack.stages.budget import split_runs
from backtrack.stages.next_plan import Sweep, next_plan

__all__ = ["Sweep", "next_plan", "split_runs"]
