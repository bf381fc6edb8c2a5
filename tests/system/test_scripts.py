"""Programs as they are, by the commands that a person types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backtrack import open_study, resume

TRAIN = """
import argparse
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adam"])
parser.add_argument("--clear", action="store_true")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
x = torch.randn(400, 5)
y = (x[:, 0] > 0).long()
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
kind = torch.optim.SGD if args.optimizer == "sgd" else torch.optim.Adam
opt = kind(net.parameters(), lr=args.lr)
for epoch in range(4):
    for i in torch.randperm(300).split(20):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        if args.clear:
            opt.zero_grad()
        loss.backward()
        opt.step()
    accuracy = (net(x[300:]).argmax(1) == y[300:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val acc {accuracy:.3f}")
"""


def backtrack(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backtrack", *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with names as general as ours."""
    (tmp_path / "train.py").write_text(TRAIN)
    for name in ("tasks.py", "utils.py", "worker.py"):
        (tmp_path / name).write_text("raise SystemExit('nobody asked for me')")
    return tmp_path


@pytest.mark.slow
def test_a_script_is_swept_watched_and_explained(project: Path) -> None:
    done = backtrack(
        *("sweep", "train.py", "--metric", "accuracy", "--mode", "max", "--chance", "0.5"),
        *("--factor", "clear=true,false", "--factor", "optimizer=sgd,adam", "--factor", "lr=1e-3..1e-1:log:nuisance"),
        *("--runs", "30", "--study", "study", "--no-mlflow"),
        folder=project,
    )
    assert done.returncode == 0, done.stderr
    study = open_study(project / "study")
    trials = study.trials.to_pylist()
    assert len(trials) == 30
    unclear = [row for row in trials if not row["config.clear"]]
    shown = [row for row in unclear if "gradients_never_cleared" in row["checks"]]
    assert len(shown) == len(unclear)
    assert not any("gradients_never_cleared" in row["checks"] for row in trials if row["config.clear"])
    (found,) = pq.read_table(project / "study/report/checks.parquet").to_pylist()[:1]
    assert found["check"] == "gradients_never_cleared"
    line = 1 + TRAIN.splitlines().index("        loss.backward()")
    assert found["place"].endswith(f"train.py:{line}")
    assert "gradients never cleared at" in done.stdout
    told = backtrack("logs", "study", trials[0]["trial"], folder=project)
    assert "val acc" in told.stdout
    assert resume(project / "study").complete


def test_try_and_watch_say_what_a_script_does(project: Path) -> None:
    done = backtrack("try", "train.py", "--metric", "accuracy", "--json", folder=project)
    told = json.loads(done.stdout)
    assert told["outcome"] == "ok"
    assert told["metric"] == "val_acc"
    assert {option["name"] for option in told["options"]} == {"lr", "optimizer", "clear", "seed"}
    assert [found["check"] for found in told["checks"]] == ["gradients_never_cleared"]
    assert "gradients never cleared (wrong)" in backtrack("watch", "train.py", folder=project).stdout


def test_try_says_what_to_type_next(project: Path) -> None:
    done = backtrack("try", "train.py", "--metric", "accuracy", "--mode", "max", "--", "--lr", "0.02", folder=project)
    assert "next     backtrack checkup train.py --metric accuracy --mode max -- --lr 0.02\n" in done.stdout
    wrong = backtrack("try", "train.py", "--metric", "accuracy", "--mode", "most", folder=project)
    assert wrong.returncode == 2
    assert "--mode is most; expected max (more is better) or min" in " ".join(wrong.stderr.split())


def test_init_writes_a_task_file_that_runs(project: Path) -> None:
    assert backtrack("init", "train.py", folder=project).returncode == 0
    text = (project / "sweep_train.py").read_text()
    assert "Categorical(\"optimizer\", ['sgd', 'adam'])" in text.replace('"sgd", "adam"', "'sgd', 'adam'")
    assert 'role="nuisance"' in text
    done = backtrack("sweep", "sweep_train.py", "--runs", "12", "--here", "--no-mlflow", "--study", "s", folder=project)
    assert done.returncode == 0, done.stderr
    assert set(open_study(project / "s").trials["outcome"].to_pylist()) == {"ok"}
    again = backtrack("init", "train.py", folder=project)
    assert again.returncode == 2
    assert "--force" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train.py",), "is a script, which stays as it is; say also: --metric NAME"),
        (("train.py", "--metric", "f1", "--mode", "max", "--factor", "lr=0.1,0.2"), "has loss, val_acc"),
        (
            ("train.py", "--metric", "acc", "--mode", "max", "--factor", "rate=0.1,0.2"),
            "unrecognized arguments: --rate",
        ),
        (("train.py", "--metric", "acc", "--mode", "max", "--factor", "lr"), "expected NAME=LEVEL,LEVEL"),
        (("none.py", "--metric", "acc", "--mode", "max", "--factor", "lr=0.1,0.2"), "none.py does not exist"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_planned(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = backtrack("sweep", *arguments, "--here", "--runs", "20", "--study", "s", folder=project)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (project / "s").exists()
