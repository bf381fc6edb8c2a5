"""Ray's own LightGBM example, as a black box; what it reports to Ray Tune it reports to Backtrack."""

import numpy as np
from ray.tune.examples import lightgbm_example as example

from backtrack import Categorical, FunctionTask, Numeric
from backtrack.integrations.lightgbm import reporter

example.TuneReportCheckpointCallback = lambda names: reporter()


def run(config, seed):
    np.random.seed(seed)
    example.train_breast_cancer({"objective": "binary", "metric": "binary_logloss", "verbose": -1, **config})


kinds = [Categorical("boosting_type", ["gbdt", "dart", "rf"]), Categorical("bagging_fraction", [0.5, 1.0])]
factors = [*kinds, Numeric("learning_rate", 1e-4, 1.0, log=True), Numeric("num_leaves", 4, 256, integer=True)]
task = FunctionTask(name="boosted", run=run, metric="eval_binary_logloss", mode="min", factors=factors, unit="tree")
