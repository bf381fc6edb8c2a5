"""What a machine without a GPU cannot test: trainings on a CUDA device, against the same on the CPU.

    python benchmarks/gpu.py

Each line is one check with what was measured; the exit status is 1 where one of them fails. Needs no Ray.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch

from backtrack import Categorical, Numeric, TorchTask, load_task, sweep
from backtrack.running.doctor import examine
from backtrack.task import Data
from backtrack.trial import Limits, run_trial
from backtrack.trial.measuring import measured_share
from backtrack.vocabulary.result import RunResult

SQUIRREL = load_task("squirrel").with_options({"rows": 1000, "epochs": 2})
WINNERS = load_task("winners")
MEBIBYTE = 1024**2


def trained(task: TorchTask, seeds: tuple[int, ...] = (0,), device: str = "cuda", **fixed: Any) -> list[RunResult]:
    """One config's runs: the reference levels, but for `fixed`."""
    limits = fixed.pop("limits", Limits())
    levels = {factor.name: _reference(factor) for factor in task.space if not factor.when}
    config = task.space.repair({**levels, **fixed}, {})
    return run_trial(task, config, seeds, device=device, limits=limits)


def _reference(factor: Any) -> Any:
    return factor.at(0.5) if isinstance(factor, Numeric) else next(iter(factor.levels))


def same_training() -> str:
    """The same config and seed reaches about the same on both devices, and the GPU's memory is measured."""
    (gpu,), (cpu,) = trained(WINNERS), trained(WINNERS, device="cpu")
    assert gpu.outcome == cpu.outcome == "ok", (gpu, cpu)
    assert abs((gpu.value or 0) - (cpu.value or 0)) < 0.05, (gpu.value, cpu.value)
    assert gpu.device.startswith("cuda"), gpu.device
    assert gpu.peak_memory > MEBIBYTE / 4
    return (
        f"accuracy {gpu.value:.3f} against {cpu.value:.3f}, {gpu.peak_memory / MEBIBYTE:.1f} MiB, {gpu.seconds:.2f} s "
        f"against {cpu.seconds:.2f} s, first call {gpu.warmup_seconds:.2f} s apart"
    )


def stacked_replicates() -> str:
    """Eight stacked replicates give what each gives alone; their time as a share of eight alone."""
    seeds = tuple(range(8))
    trained(WINNERS, seeds)
    start = time.perf_counter()
    together = trained(WINNERS, seeds)
    middle = time.perf_counter()
    alone = [trained(WINNERS, (seed,))[0] for seed in seeds]
    end = time.perf_counter()
    apart = [abs((a.value or 0) - (b.value or 0)) for a, b in zip(together, alone, strict=True)]
    assert max(apart) < 0.05, apart
    return f"largest difference {max(apart):.4f}; {(middle - start) / (end - middle):.2f} of the time of eight alone"


def recurrent_net() -> str:
    """A recurrent net trains, with its symptoms."""
    (gpu,), (cpu,) = trained(SQUIRREL), trained(SQUIRREL, device="cpu")
    assert gpu.outcome in ("ok", "no_learning"), gpu.error
    measured = {point.name for point in gpu.curve if point.name.startswith("symptom/")}
    assert measured == {point.name for point in cpu.curve if point.name.startswith("symptom/")}
    reached = f"{gpu.outcome} {gpu.value:.3f} (CPU {cpu.outcome} {cpu.value:.3f})"
    return f"{reached}; {len(measured)} symptoms measured on either"


def lower_precision() -> str:
    """bfloat16 by autocast."""
    task = _runtime_task([Categorical("precision", ["float32", "bfloat16"])])
    plain, lower = (trained(task, precision=level)[0] for level in ("float32", "bfloat16"))
    assert lower.outcome == "ok", lower.error
    return f"score {lower.value:.3f} against {plain.value:.3f} in float32"


def compiled_model() -> str:
    """torch.compile; its time counts as warm-up."""
    task = _runtime_task([Categorical("compile", ["off", "on"])])
    plain, faster = (trained(task, compile=level)[0] for level in ("off", "on"))
    assert faster.outcome == "ok", faster.error
    return f"score {faster.value:.3f} against {plain.value:.3f}; warm-up {faster.warmup_seconds:.1f} s apart"


def device_by_level() -> str:
    """The level `cpu` of a factor `device` trains on the CPU of a worker that has a GPU."""
    task = _runtime_task([Categorical("device", ["cpu", "gpu"])])
    devices = [
        run_trial(task, task.space.config({"lr": 0.01, "device": level}), (0,), device="cuda")[0].device
        for level in ("cpu", "gpu")
    ]
    assert devices[0] == "cpu", devices
    assert devices[1].startswith("cuda"), devices
    return " and ".join(devices)


def out_of_memory() -> str:
    """A limit on the device's memory ends a training as out_of_memory, and the next one trains."""
    task = _runtime_task([Categorical("width", [64, 16384])])
    (large,) = trained(task, width=16384, limits=Limits(memory=50 * MEBIBYTE))
    (after,) = trained(task, width=64, limits=Limits(memory=50 * MEBIBYTE))
    assert large.outcome == "out_of_memory", (large.outcome, large.error)
    assert after.outcome == "ok", (after.outcome, after.error)
    return "16384 units: out_of_memory; 64 units in the same process: ok"


def shared_device() -> str:
    """A share of the allocator is a limit too, and what trainings take is measured as a share."""
    task = _runtime_task([Categorical("width", [64, 16384])])
    share = measured_share(task, [task.space.config({"lr": 0.01, "width": width}) for width in (64, 16384)])
    (large,) = trained(task, width=16384, limits=Limits(gpu_share=(share or 1) / 4))
    assert share is not None
    assert large.outcome == "out_of_memory", (large.outcome, large.error)
    return f"the larger net takes {share:.2%} of the device; with a quarter of that it ends out_of_memory"


def lost_device() -> str:
    """A device-side assertion is no result of the training: the process is given up."""
    code = (
        "import torch\n"
        "from backtrack.trial.limits import DeviceLost\n"
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import gpu\n"
        "task = gpu._runtime_task([gpu.Categorical('classes', ['right', 'wrong'])])\n"
        "try:\n"
        "    print(gpu.trained(task, classes='wrong')[0].outcome)\n"
        "except DeviceLost as lost:\n"
        "    print('DeviceLost')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = done.stdout.strip().splitlines()[-1:] or [done.stderr[-300:]]
    assert said == ["DeviceLost"], (said, done.stderr[-500:])
    return said[0]


def whole_sweep() -> str:
    """A sweep in this process, with its report."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        study = sweep(WINNERS, 40, f"{folder}/study", stages=("screen",), track=False, here=True)
        outcomes, memory = (study.trials[name].to_pylist() for name in ("outcome", "peak_memory"))
    assert outcomes.count("ok") > 30, outcomes
    return (
        f"40 runs in {time.perf_counter() - start:.0f} s, {outcomes.count('ok')} ok, {max(memory) / MEBIBYTE:.0f} MiB"
    )


def examined() -> str:
    """What `backtrack doctor` finds of the device."""
    found = {finding.name: finding for finding in examine()}
    assert found["GPU 0"].good, found
    named = [finding for name, finding in found.items() if "GPU" in name or "driver" in name or "call" in name]
    return "; ".join(f"{finding.name}: {finding.value}" for finding in named)


def _runtime_task(factors: list[Any]) -> TorchTask:
    """A small classifier of blobs whose levels say how it runs."""

    def data(options: Any) -> Data:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(1200, 32, generator=generator)
        targets = (inputs[:, :4].sum(1) > 0).long()
        return Data(inputs[:1000], targets[:1000], inputs[1000:], targets[1000:])

    def model(config: Any) -> torch.nn.Module:
        width = config.get("width", 64)
        return torch.nn.Sequential(torch.nn.Linear(32, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(outputs, targets)

    def wrong_model(config: Any) -> torch.nn.Module:
        built = model(config)
        return torch.nn.Sequential(built, _Lookup()) if config.get("classes") == "wrong" else built

    return TorchTask(
        name="small",
        data=data,
        model=wrong_model,
        loss=loss,
        score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        metric="accuracy",
        mode="max",
        factors=[Numeric("lr", 1e-3, 1e-1, log=True), *factors],
        epochs=4,
    )


class _Lookup(torch.nn.Module):
    """Looks rows up that a table does not have, once it trains: a device-side assertion on a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(2, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        rows = torch.full((len(inputs),), 7 if self.training else 0, device=inputs.device)
        found: torch.Tensor = self.table(rows) + inputs
        return found


CHECKS: tuple[Callable[[], str], ...] = (
    same_training,
    stacked_replicates,
    recurrent_net,
    lower_precision,
    compiled_model,
    device_by_level,
    out_of_memory,
    shared_device,
    lost_device,
    whole_sweep,
    examined,
)


def main() -> None:
    """Runs every check."""
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device is here: nothing to check")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Python {sys.version.split()[0]}")
    failed = 0
    for check in CHECKS:
        try:
            print(f"ok      {check.__name__}: {check()}", flush=True)
        except Exception:  # noqa: BLE001 - the other checks go on
            failed += 1
            print(f"FAILED  {check.__name__}:\n{traceback.format_exc(limit=-3)}", flush=True)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
