"""A training that takes several GPUs: Ray Train's data-parallel trainer inside a trial.

The trial itself holds one CPU; the trainer's workers ask Ray for theirs beside it, on whatever nodes have them. So let
as many trainings run side by side as the cluster has room for:

    backtrack sweep several_gpus --task examples/several_gpus.py --runs 60 --workers 1

With GPUs each worker takes a whole one, and talks over NCCL; without, half a CPU core, over gloo. Set WORKERS to taste.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from backtrack import Categorical, FunctionTask, Numeric

WORKERS = int(os.environ.get("WORKERS", "2"))
EPOCHS, ROWS, FEATURES = 4, 512, 16


def train(config: dict[str, Any]) -> None:
    """What each worker does: its share of every batch, gradients averaged by Ray Train's wrapper."""
    import ray.train
    from ray.train.torch import get_device, prepare_model

    context = ray.train.get_context()
    device = get_device()
    generator = torch.Generator().manual_seed(int(config["seed"]))
    inputs = torch.randn(ROWS, FEATURES, generator=generator)
    targets = (inputs[:, 0] * inputs[:, 1] > 0).float()
    own = slice(context.get_world_rank(), None, context.get_world_size())
    torch.manual_seed(int(config["seed"]))
    width = int(config["width"])
    model = prepare_model(nn.Sequential(nn.Linear(FEATURES, width), nn.ReLU(), nn.Linear(width, 1)))
    optimiser = torch.optim.Adam(model.parameters(), lr=float(config["lr"]))
    batch = int(config["batch_size"]) // context.get_world_size()
    for epoch in range(EPOCHS):
        wrong = []
        for x, y in zip(inputs[own].split(batch), targets[own].split(batch), strict=True):
            x, y = x.to(device), y.to(device)
            logits = model(x)[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(logits, y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            wrong.append(((logits > 0) != (y > 0.5)).float().mean().item())
        ray.train.report({})
        if context.get_world_rank() == 0:
            config["reports"].put(
                {"error": sum(wrong) / len(wrong), "workers": context.get_world_size(), "epoch": epoch}
            )


def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
    """One training over `WORKERS` workers; passes on what the first of them reports."""
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.util.queue import Empty, Queue

    use_gpu = torch.cuda.is_available()
    reports = Queue(actor_options={"num_cpus": 0})
    faults: list[BaseException] = []
    with tempfile.TemporaryDirectory() as scratch:
        trainer = TorchTrainer(
            train,
            train_loop_config={**config, "seed": seed, "reports": reports},
            scaling_config=ScalingConfig(
                num_workers=WORKERS, use_gpu=use_gpu, resources_per_worker=None if use_gpu else {"CPU": 0.5}
            ),
            run_config=RunConfig(name="trial", storage_path=scratch),
        )

        def fit() -> None:
            try:
                trainer.fit()
            except Exception as fault:
                # Raised again below, where the trial can name the outcome.
                faults.append(fault)

        thread = threading.Thread(target=fit)
        thread.start()
        while thread.is_alive() or not reports.empty():
            try:
                yield reports.get(timeout=0.2)
            except Empty:
                continue
        thread.join()
    reports.shutdown()
    if faults:
        raise faults[0]


task = FunctionTask(
    name="several_gpus",
    run=run,
    metric="error",
    mode="min",
    chance=0.5,
    factors=[
        Categorical("width", [8, 64]),
        Categorical("batch_size", [32, 128], role="nuisance"),
        Numeric("lr", 1e-3, 1e-1, log=True),
    ],
)
