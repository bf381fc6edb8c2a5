"""CTGAN, with its two optimisers, as a black box: how far are the rows that it makes from real ones?"""

import numpy as np
import torch
from ctgan import CTGAN
from scipy.stats import wasserstein_distance
from sklearn.datasets import load_wine

from backtrack import Categorical, FunctionTask, Numeric

REAL = load_wine(as_frame=True).data.iloc[:, :4]


def run(config, seed):
    torch.manual_seed(seed), np.random.seed(seed)
    net = CTGAN(epochs=30, batch_size=60, **config)
    net.fit(REAL)
    made = net.sample(len(REAL))
    return {"distance": sum(wasserstein_distance(REAL[name], made[name]) / REAL[name].std() for name in REAL)}


rates = [Numeric(f"{net}_lr", 1e-5, 1e-2, log=True) for net in ("generator", "discriminator")]
factors = [*rates, Categorical("discriminator_steps", [1, 5]), Categorical("pac", [1, 10])]
task = FunctionTask(name="gan", run=run, metric="distance", mode="min", factors=factors)
