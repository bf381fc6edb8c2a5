"""This pipeline against a plain Ray Tune program on the same short trials: trials an hour, as a ratio.

Both run the same black box (`--seconds` of work, nine reports a trial) `--trials` times on all cores, pick configs
by Optuna's TPE, and leave every curve in MLflow on sqlite. The plain program is what the documentation of Ray Tune
shows: `tune.Tuner` with a function trainable, `OptunaSearch` and `MLflowLoggerCallback`.

    python benchmarks/overhead.py [--trials 100] [--seconds 0.2]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

REPORTS = 9


def work(config: dict[str, float], seconds: float) -> Iterator[dict[str, float]]:
    """The trial: sleeps, and reports a falling error."""
    for step in range(REPORTS):
        time.sleep(seconds / REPORTS)
        yield {"error": (config["x"] - 0.3) ** 2 + config["y"] / 10 + 1 / (step + 1)}


def ours(folder: Path, trials: int, seconds: float) -> None:
    """The sweep through this pipeline, MLflow included."""
    import backtrack

    task = backtrack.FunctionTask(
        name="short",
        run=lambda config, seed: work(config, seconds),
        metric="error",
        mode="min",
        chance=2.0,
        factors=[
            backtrack.Numeric("x", 0, 1),
            backtrack.Numeric("y", 0, 1),
            backtrack.Categorical("z", ["a", "b", "c"]),
        ],
    )
    backtrack.sweep(task, runs=trials, directory=folder / "study")


def plain(folder: Path, trials: int, seconds: float) -> None:
    """The same through Ray Tune as documented."""
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search.optuna import OptunaSearch

    def train(config: dict[str, float]) -> None:
        for report in work(config, seconds):
            tune.report(report)

    ray.init(include_dashboard=False, log_to_driver=False)
    tune.Tuner(
        train,
        param_space={"x": tune.uniform(0, 1), "y": tune.uniform(0, 1), "z": tune.choice(["a", "b", "c"])},
        tune_config=tune.TuneConfig(metric="error", mode="min", search_alg=OptunaSearch(), num_samples=trials),
        run_config=tune.RunConfig(
            storage_path=str(folder / "tune"),
            verbose=0,
            callbacks=[MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", experiment_name="short")],
        ),
    ).fit()
    ray.shutdown()


def timed(name: str, trials: int, seconds: float) -> float:
    """Wall seconds of one program in a process of its own, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--only", name, "--folder", folder]
        environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
        start = time.perf_counter()
        subprocess.run(
            [*command, "--trials", str(trials), "--seconds", str(seconds)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        taken = time.perf_counter() - start
        check(Path(folder), trials)
    return taken


def check(folder: Path, trials: int) -> None:
    """Both leave every trial with its whole curve in MLflow, else they did not do the same work."""
    import mlflow

    (store,) = folder.glob("mlflow.db")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{store}")
    experiment = client.get_experiment_by_name("short")
    runs = client.search_runs([experiment.experiment_id], max_results=trials + 10)
    curves = [client.get_metric_history(run.info.run_id, "error") for run in runs]
    whole = sum(len(curve) >= REPORTS for curve in curves)
    if whole != trials:
        raise SystemExit(f"{whole} of {trials} trials have a whole curve in MLflow")


def main() -> None:
    """Runs both and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.2, help="work of one trial")
    parser.add_argument("--only", choices=["ours", "plain"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        {"ours": ours, "plain": plain}[arguments.only](arguments.folder, arguments.trials, arguments.seconds)
        return
    mine = timed("ours", arguments.trials, arguments.seconds)
    theirs = timed("plain", arguments.trials, arguments.seconds)
    print(f"{arguments.trials} trials of {arguments.seconds:g} s on {os.cpu_count()} cores, start to end")
    print(f"backtrack        {mine:8.1f} s  {3600 * arguments.trials / mine:8.0f} trials an hour")
    print(f"plain Ray Tune   {theirs:8.1f} s  {3600 * arguments.trials / theirs:8.0f} trials an hour")
    print(f"ratio            {theirs / mine:8.1f}")


if __name__ == "__main__":
    main()
