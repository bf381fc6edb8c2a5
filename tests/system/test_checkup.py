"""Checkups of programs as they are, by the command that a person types."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backtrack import Categorical, FunctionTask, Numeric, ScriptTask, checkup, open_study
from backtrack.running.interventions import with_those_of

FAULTS = Path(__file__).parents[2] / "benchmarks" / "faults"
QUIET = """
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 8)
y = (x @ torch.randn(8) > 0).long()
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    for i in torch.randperm(400).split(20):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        accuracy = (net(x[400:]).argmax(1) == y[400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f}")
"""


def backtrack(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backtrack", *arguments], cwd=folder, capture_output=True, text=True, timeout=540
    )


@pytest.mark.slow
def test_a_fault_is_named_with_its_place_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    script = str(FAULTS / "faulty" / "targets_broadcast.py")
    asked = ("checkup", script, "--metric", "mse", "--mode", "min", "--here", "--study", "study")
    begun = subprocess.Popen(
        [sys.executable, "-m", "backtrack", *asked, "--no-mlflow"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert begun.stdout is not None
    lines = [begun.stdout.readline() for _ in range(9)]
    begun.kill()
    begun.wait()
    before = len(list((tmp_path / "study" / "trials").glob("*.parquet")))
    assert before >= 4, lines
    done = backtrack(*asked, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == json.loads((tmp_path / "study" / "report" / "checkup.json").read_text()) | {"study": "study"}
    assert found["learns"] == "no" and len(found["as_written"]) == 7
    cause = found["causes"][0]
    assert (cause["kind"], cause["name"], cause["verified"]) == ("check", "broadcast_loss", True)
    assert cause["place"] == f"{script}:20" and cause["reaches"] < 1 < found["chance"]
    assert cause["repairs"][0]["changes"] == ["loss_shapes=alike"]
    edit = (tmp_path / "study" / "report" / "fix.patch").read_text()
    assert edit == f"{found['edit']}\n"
    assert [line[0] for line in edit.splitlines() if ".squeeze(-1)" in line] == ["+"]
    # No finished run is done twice.
    told = [line for line in done.stderr.splitlines() if line.startswith("  ")]
    assert len(told) + before == found["runs"] <= 60
    page = (tmp_path / "study" / "report" / "report.html").read_text()
    assert "It does not learn" in page and "output.squeeze(1)" in page
    written = min(part.stem for part in (tmp_path / "study" / "trials").glob("*-written-0.parquet"))
    asked_again = (
        ("resume", "study", "--here", "--json"),
        ("report", "study", "--json"),
        ("why", "study", "--json"),
        ("why", "study", written, "--json"),
    )
    for command in asked_again:
        again = backtrack(*command, folder=tmp_path)
        assert json.loads(again.stdout.splitlines()[-1]) == found, again.stderr
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        written = store.execute("select count(*) from runs where lifecycle_stage = 'active'").fetchone()[0]
        notes = store.execute("select value from tags where key = 'mlflow.note.content'").fetchall()
    assert written == found["runs"] + 1, "every training, and their parent"
    assert len(notes) == 1 and notes[0][0].startswith("It does not learn")
    own = ScriptTask(name="own", command=[script], metric="mse", mode="min", factors=[Categorical("lr", [1, 2])])
    said: list[str] = []
    further = with_those_of(own, tmp_path / "study", said.append)
    then = found["then"] or {"causes": [], "gains": []}
    helped = [*(repair for one in [*found["causes"], *then["causes"]] for repair in one["repairs"]), *then["gains"]]
    varied = {change.partition("=")[0] for repair in helped for change in repair["changes"]}
    assert further.chance == found["chance"] and {"loss_shapes"} <= varied <= {one.name for one in further.space}
    assert len(said) == 1 and with_those_of(replace(own, chance=2.0), tmp_path / "study", said.append).chance == 2.0
    refused = backtrack("health", "study", folder=tmp_path)
    assert refused.returncode == 2 and "study is a checkup" in refused.stderr


@pytest.mark.slow
def test_a_sound_training_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(QUIET)
    asked = ("--metric", "accuracy", "--mode", "max", "--here", "--no-mlflow", "--json")
    done = backtrack("checkup", "quiet.py", *asked, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["learns"] == "yes" and found["causes"] == []
    assert len(set(found["as_written"])) == 3, "a program that seeds itself still differs from run to run"


@pytest.mark.slow
def test_tricks_of_the_posts_are_swept_on_a_program_that_knows_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(QUIET)
    asked = ("--metric", "accuracy", "--mode", "max", "--here", "--no-mlflow", "--runs", "24", "--stages", "screen")
    done = backtrack("sweep", "quiet.py", *asked, "--tricks", "--study", "study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "study")
    assert set(study.factors["factor"].to_pylist()) == {"activation", "initialisation", "optimiser"}
    claims = study.claims.to_pylist()
    # The program has Adam itself: "RMSprop against Adam" cannot be asked of interventions.
    assert {claim["factor"] for claim in claims} == {"activation", "initialisation"}
    used = set(study.trials["config.optimiser"].to_pylist())
    assert used == {"as_written", "rmsprop", "sgd_momentum"}
    reached = {
        level: [row["value"] for row in study.trials.to_pylist() if row["config.optimiser"] == level] for level in used
    }
    # The program's Adam at its rate learns; plain SGD at that rate does not in so few epochs.
    assert max(reached["sgd_momentum"]) < max(reached["as_written"])


@pytest.mark.slow
def test_a_named_intervention_is_swept(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(QUIET)
    asked = ("sweep", "quiet.py", "--metric", "accuracy", "--mode", "max", "--here", "--no-mlflow", "--study", "study")
    wrong = backtrack(*asked, "--intervene", "learning_rate=x7", folder=tmp_path)
    assert wrong.returncode == 2 and "learning_rate has no level 'x7' here; it has x0.01" in wrong.stderr
    both = backtrack(*asked, "--intervene", "precision", "--tricks", folder=tmp_path)
    assert both.returncode == 2 and "give one of them" in both.stderr
    one = ("--intervene", "double_precision", "--runs", "12", "--stages", "screen")
    done = backtrack(*asked, *one, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(open_study(tmp_path / "study").trials["config.double_precision"].to_pylist()) == {
        "as_written",
        "float64",
    }


TOGETHER = """
import os, subprocess, sys
import torch
import torch.distributed as dist

rank = int(os.environ.get("RANK", "0"))
if rank == 0:
    other = subprocess.Popen([sys.executable, __file__], env={**os.environ, "RANK": "1"})
dist.init_process_group("gloo", init_method="file://" + os.path.abspath("meeting"), rank=rank, world_size=2)
net = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.randn(8, 2)).square().mean().backward()
dist.all_reduce(net.weight.grad)
opt.step()
dist.destroy_process_group()
if rank == 0:
    other.wait()
    print("accuracy: 0.5")
"""


@pytest.mark.slow
def test_processes_that_train_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TOGETHER)
    asked = ("checkup", "train.py", "--metric", "accuracy", "--mode", "max", "--here", "--study", "study")
    done = backtrack(*asked, folder=tmp_path)
    assert done.returncode == 2 and "trains in 2 processes at once (torch.distributed)" in done.stderr, done.stderr
    assert not (tmp_path / "study").exists()


OWN = """
from backtrack import Intervention


def shift(training, level):
    training.at_forward(before=lambda model, given: given - float(level))


SHIFT = Intervention(
    "shift",
    what="takes a number from all inputs",
    source="my own",
    levels=lambda anatomy: {"1000": "x - 1000"},
    apply=shift,
)
"""


@pytest.mark.slow
def test_an_intervention_of_somebodys_own_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text(QUIET.replace("y = (x @", "x, z = x + 1000, x\ny = (z @"))
    (tmp_path / "mine.py").write_text(OWN)
    asked = ("--metric", "accuracy", "--mode", "max", "--here", "--no-mlflow", "--json", "--intervention", "mine.py")
    done = backtrack("checkup", "far.py", *asked, "--study", "study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    told = [
        *found["helped"],
        *found["tried"],
        *(one for cause in found["causes"] for one in [*cause["repairs"], *cause["hides"]]),
    ]
    assert next(one for one in told if one["changes"] == ["shift=1000"])["reaches"] > 0.8
    (tmp_path / "empty.py").write_text("nothing = 1")
    for file, said in (("none.py", "none.py does not exist"), ("empty.py", "has no Intervention")):
        wrong = backtrack("checkup", "far.py", *asked[:-1], file, "--study", "other", folder=tmp_path)
        assert wrong.returncode == 2 and said in wrong.stderr, wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize("factors", [[Numeric("lr", 0.5, 2.0, log=True)], []], ids=["with factors", "without"])
def test_a_black_box_is_changed_in_its_process_and_left_as_it_was(tmp_path: Path, factors: list[Numeric]) -> None:
    import torch
    from torch import nn

    def run(config, seed):  # type: ignore[no-untyped-def]
        torch.manual_seed(seed)
        x = torch.randn(300, 6)
        y = (x[:, 0] > 0).long()
        net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
        opt = torch.optim.SGD(net.parameters(), lr=config.get("lr", 1.0))
        for _ in range(4):
            for i in torch.randperm(200).split(20):
                opt.zero_grad()
                nn.functional.cross_entropy(net(x[i] * 1e4), y[i]).backward()
                opt.step()
            yield {"accuracy": (net(x[200:] * 1e4).argmax(1) == y[200:]).float().mean().item()}

    own = nn.functional.cross_entropy, torch.Tensor.__sub__, torch.optim.Optimizer.__init__
    task = FunctionTask(name="box", run=run, metric="accuracy", mode="max", factors=factors, chance=0.5)
    found = checkup(task, 40, tmp_path / "study", here=True)
    assert (nn.functional.cross_entropy, torch.Tensor.__sub__, torch.optim.Optimizer.__init__) == own
    assert found.answer.causes[0].name == "inputs"
    assert "inputs" in {name for changes, _, _ in found.answer.causes[0].repairs for name, _ in changes}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        ("print('accuracy: 0.5')", ("--metric", "accuracy", "--mode", "max"), "needs a Python training with torch"),
        ("print('accuracy: 0.5')", ("--mode", "max"), "say also: --metric NAME"),
        ("import torch\nraise ValueError('no data')", ("--metric", "accuracy", "--mode", "max"), "no data"),
        ("print(1)", ("--metric", "a", "--mode", "max", "--runs", "5"), "give at least 12"),
    ],
)
def test_what_cannot_be_checked_is_said_before_anything_is_recorded(
    tmp_path: Path, script: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "train.py").write_text(script)
    done = backtrack("checkup", "train.py", *options, "--here", "--study", "study", folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert not (tmp_path / "study").exists()
