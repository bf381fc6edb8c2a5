"""One trial: train a config's replicates, name their outcomes. Knows torch; knows no Ray and no MLflow."""

from pipeline.training.limits import Limits
from pipeline.training.outcomes import OUTCOMES, judge
from pipeline.training.result import CurvePoint, RunResult
from pipeline.training.trial import run_replicate, run_trial

__all__ = ["OUTCOMES", "CurvePoint", "Limits", "RunResult", "judge", "run_replicate", "run_trial"]
