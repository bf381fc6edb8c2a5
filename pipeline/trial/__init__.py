"""One trial: train a config's replicates, name their outcomes. Knows torch; knows no Ray and no MLflow."""

from backtrack.trial.limits import Limits
from backtrack.trial.trial import run_replicate, run_trial

__all__ = ["Limits", "run_replicate", "run_trial"]
