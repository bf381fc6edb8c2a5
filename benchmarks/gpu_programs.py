"""People's programs on a CUDA device: heard, they train as they do alone; sound ones are not accused, faults are named.

    python benchmarks/gpu_programs.py [--ray]

Programs that use a GPU where there is one: mixed precision, fused optimisers, compiled models, CUDA graphs, cuDNN's
recurrent nets. `--ray` also sweeps one of them on Ray with four trainings a GPU, and a task that loses its GPU. The
exit status is 1 where something fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backtrack.records.directory import Records
from backtrack.vocabulary.crashes import message_in

HERE = Path(__file__).parent / "gpu_programs"
PLAIN_NET = "nn.Linear(64, 4)).to(device)\n"
UNCLEARED = ("        opt.zero_grad()\n", "")
# `{name: (program, [(what is written, what is written instead)], the check that says what is wrong or nothing)}`.
VARIANTS: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "compiled": ("mlp_loader", [(PLAIN_NET, PLAIN_NET + "net = torch.compile(net)\n")], ""),
    "compiled to graphs": (
        "mlp_loader",
        [(PLAIN_NET, PLAIN_NET + 'net = torch.compile(net, mode="reduce-overhead")\n')],
        "",
    ),
    "compiled in place": ("mlp_loader", [(PLAIN_NET, PLAIN_NET + "net.compile()\n")], ""),
    "compiled loss": (
        "mlp_loader",
        [
            ("for epoch in", "@torch.compile\ndef loss_of(x, y):\n    return loss_fn(net(x), y)\n\n\nfor epoch in"),
            ("loss_fn(net(xb), yb)", "loss_of(xb, yb)"),
        ],
        "",
    ),
    "data parallel": ("mlp_loader", [(PLAIN_NET, PLAIN_NET + "net = nn.DataParallel(net)\n")], ""),
    "fused under a scaler": (
        "amp_convolutions",
        [
            (
                "SGD(model.parameters(), lr=0.05, momentum=0.9)",
                'Adam(model.parameters(), lr=2e-3, fused=DEV == "cuda")',
            ),
            ("        scaler.unscale_(optimizer)\n", ""),
            ("        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n", ""),
        ],
        "",
    ),
    "clipped while scaled": (
        "amp_convolutions",
        [("        scaler.unscale_(optimizer)\n", ""), ("parameters(), 5.0)", "parameters(), 1.0)")],
        "gradients_clipped_scaled",
    ),
    "inputs beyond float16": (
        "amp_convolutions",
        [("[:, None] / 16", "[:, None] * 4000"), ("self.b1(self.c1(x))", "self.c1(x)"), ("lr=0.05", "lr=0.01")],
        "inputs",
    ),
    "compiled and never cleared": (
        "mlp_loader",
        [(PLAIN_NET, PLAIN_NET + "net = torch.compile(net)\n"), UNCLEARED, ("default=1e-3", "default=3e-3")],
        "gradients_never_cleared",
    ),
    "softmax twice": ("mlp_loader", [(PLAIN_NET, "nn.Linear(64, 4), nn.Softmax(1)).to(device)\n")], "loss_input"),
    "half precision": ("lstm_packed", [("Reader().to(dev)", "Reader().half().to(dev)")], "epsilon_underflows"),
    "no backward pass": ("lstm_packed", [("        loss.backward()\n", "")], "weights_that_stay"),
    "detached": ("lstm_packed", [("h[-1])", "h[-1].detach())")], "parameters_without_gradient"),
}
# Programs side by side, and how far a metric may move: kernels of a GPU do not add up in one order.
SIDE_BY_SIDE, APART = 4, 0.05
METRIC = re.compile(r"(?:accuracy|val_loss):? ([\d.]+)")

LOSES_ITS_GPU = """
import torch
from backtrack import Categorical, TorchTask
from backtrack.task import Data

def data(options):
    x = torch.randn(1200, 8, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    return Data(x[:1000], y[:1000], x[1000:], y[1000:])

class Lookup(torch.nn.Embedding):
    def forward(self, x):
        return super().forward(torch.full((len(x),), 7 if self.training else 0, device=x.device)) + x

def model(config):
    last = [Lookup(2, 2)] if config["rows"] == "wrong" else []
    return torch.nn.Sequential(torch.nn.Linear(8, 2), *last)

task = TorchTask(name="lost", data=data, model=model, loss=torch.nn.functional.cross_entropy, metric="accuracy",
                 score=lambda o, t: float((o.argmax(1) == t).float().mean()), mode="max", epochs=2,
                 factors=[Categorical("rows", ["right", "wrong"]), Categorical("width", [1, 2])])
"""


def command(*arguments: object, folder: str = ".") -> subprocess.CompletedProcess[str]:
    """Runs Python, as a user would."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=folder
    )


def last_metric(text: str) -> float:
    """The last number that a program printed."""
    found = METRIC.findall(text)
    return float(found[-1]) if found else float("nan")


def written(folder: Path) -> dict[str, tuple[Path, str]]:
    """`{name: (file, check)}` of all programs, and their variants written into a folder."""
    found = {script.stem: (script, "") for script in sorted(HERE.glob("*.py"))}
    for name, (base, edits, check) in VARIANTS.items():
        text = found[base][0].read_text()
        for old, new in edits:
            assert old in text, (name, old)
            text = text.replace(old, new, 1)
        script = folder / f"{name.replace(' ', '_')}.py"
        script.write_text(text)
        found[name] = (script, check)
    return found


def heard_and_alone(script: Path, fault: str) -> tuple[bool, str]:
    """Whether a program trains the same heard and alone, and what checks say of it."""
    alone, heard = command(script), command("-m", "backtrack", "watch", "--json", script)
    if alone.returncode or heard.returncode:
        return False, (alone.stderr + heard.stderr)[-400:]
    seen = json.loads(heard.stdout)
    wrong = {one["check"] for one in seen["checks"] if one["weight"] == "wrong"}
    listening = any(one["check"] == "listening" for one in seen["checks"])
    name = "accuracy" if "accuracy" in seen["numbers"] else "val_loss"
    values = last_metric(alone.stdout), seen["numbers"].get(name, {"last": float("nan")})["last"]
    named = fault in wrong if fault else not wrong
    same = bool(fault) or abs(values[0] - values[1]) < APART
    return same and named and not listening, f"{values[0]:.4f} alone, {values[1]:.4f} heard; {sorted(wrong) or 'sound'}"


def on_ray(folder: str) -> list[tuple[bool, str]]:
    """Four trainings a GPU; and a task that loses it, whose other trainings go on."""
    program = ["--metric", "accuracy", "--mode", "max", "--factor", "lr=1e-4..1:log", "--gpus-per-trial", "0.25"]
    script = HERE / "mlp_loader.py"
    shared = command("-m", "backtrack", "sweep", script, *program, "--runs", 12, "--no-mlflow",
                     "--study", f"{folder}/shared", folder=folder)  # fmt: skip
    (Path(folder) / "lost.py").write_text(LOSES_ITS_GPU)
    lost = command("-m", "backtrack", "sweep", "lost.py", "--runs", 12, "--no-mlflow", "--study", f"{folder}/lost",
                   folder=folder)  # fmt: skip
    found = []
    for name, done in (("shared", shared), ("lost", lost)):
        if done.returncode:
            found.append((False, f"{name}: {done.stderr[-400:]}"))
            continue
        rows = Records.open(f"{folder}/{name}").trials().to_pylist()
        if name == "shared":
            good = all(row["outcome"] == "ok" and row["device"] == "cuda" for row in rows)
            found.append((good, f"shared: {len(rows)} runs, on {sorted({row['device'] for row in rows})}"))
        else:
            crashed = [row for row in rows if row["config.rows"] == "wrong"]
            good = all((row["outcome"] == "crashed") == (row["config.rows"] == "wrong") for row in rows)
            said = {message_in(row["error"]) for row in crashed}
            found.append((good and all("CUDA error" in row["error"] for row in crashed),
                          f"lost: {len(crashed)} of {len(rows)} runs lost their GPU: {sorted(said)}"))  # fmt: skip
    return found


def main() -> None:
    """Runs everything, a line each."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--ray", action="store_true", help="sweep on Ray as well")
    given = arguments.parse_args()
    os.environ["OMP_NUM_THREADS"] = "2"
    failed = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool, tempfile.TemporaryDirectory() as folder:
        programs = written(Path(folder))
        results = pool.map(lambda one: heard_and_alone(*one), programs.values())
        lines = [(good, f"{name}: {said}") for name, (good, said) in zip(programs, results, strict=True)]
        for good, said in [*lines, *(on_ray(folder) if given.ray else [])]:
            failed += not good
            print(f"{'ok     ' if good else 'FAILED '} {said}", flush=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
