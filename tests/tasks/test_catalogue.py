"""Every row of the design's catalogue is a factor of some task, with its claim; and a trick is one new file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from backtrack import TrialFailed, load_task
from backtrack.errors import TaskError
from backtrack.search_spaces import runtime
from backtrack.search_spaces.interpreters import run_in
from backtrack.task import builtin_tasks
from backtrack.trial import run_replicate
from backtrack.trial.runtime import compiled, device_for, precision_of, threads_of
from backtrack.vocabulary.factors import Factor, Numeric

# Row of the catalogue (design, section 4): factors with the levels that it names.
CATALOGUE = {
    "squirrel": {
        "init": {"default", "heuristic"},
        "optimiser": {"adam", "rmsprop", "sgd", "adamw"},
        "cell": {"rnn", "gru", "lstm"},
        "lr": set(),
    },
    "xmas gift": {"order": {"forward", "reverse", "both"}, "threads": {1}, "precision": {"float32", "bfloat16"},
                  "compile": {"off", "on"}},
    "winners": {"activation": {"relu", "tanh", "maxout", "winners"}, "group_size": {2, 4}},
    "decay": {"decay_scope": {"everything", "matrices", "matrices_but_skipped"}, "weight_decay": {0.0},
              "decay_kind": {"coupled", "decoupled"}},
    "opposite": {
        "loss": {"softmax", "logistic", "margin", "triplet"},
        "negatives": {"uniform", "unigram", "same_topic", "other_topic", "in_batch", "semi_hard", "hard"},
        "number": {1}, "norm": {"free", "ball", "sphere", "l2"}, "margin": {1.0},
    },
    "road": {"weights": {"frozen", "fine_tuned", "scratch"}},
}  # fmt: skip
# Factors of different tasks may share a name.
FACTORS: dict[str, list[Factor]] = {}
for task_name in builtin_tasks():
    for one in load_task(task_name).space:
        FACTORS.setdefault(one.name, []).append(one)
CLAIMED = ["init", "optimiser", "order", "activation", "decay_scope", "negatives", "norm", "weights"]


@pytest.mark.parametrize("row", CATALOGUE)
def test_every_row_is_a_factor_of_some_task(row: str) -> None:
    for name, levels in CATALOGUE[row].items():
        known = [set() if isinstance(factor, Numeric) else set(factor.levels) for factor in FACTORS[name]]
        assert any(levels <= own for own in known), (name, levels, known)


@pytest.mark.parametrize("name", CLAIMED)
def test_the_factors_of_the_posts_carry_their_claims(name: str) -> None:
    claims = [claim for factor in FACTORS[name] for claim in factor.claims]
    assert claims and all(claim.source and claim.contrast for claim in claims)


def test_components_of_the_init_can_each_be_switched_alone() -> None:
    assert set(FACTORS["init"][0].components) == {"embedding", "input", "recurrent", "readout"}


def test_runtime_levels_do_what_they_say() -> None:
    before = torch.get_num_threads()
    with threads_of({"threads": 2}):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    with precision_of({"precision": "bfloat16"}, "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with precision_of({}, "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert device_for({"device": "cpu"}, "cuda:0") == "cpu"
    assert device_for({"device": "gpu"}, "cuda:0") == device_for({}, "cuda:0") == "cuda:0"
    model = torch.nn.Linear(2, 2)
    assert compiled(model, {"compile": "off"}) is model
    assert compiled(model, {"compile": "on"}) is not model


def test_another_environment_is_an_interpreter_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(runtime.ENVIRONMENTS, raising=False)
    assert runtime.environment_factor() is None
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/used\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv(runtime.ENVIRONMENTS, f"other={other}")
    factor = runtime.environment_factor()
    assert factor is not None and factor.levels == ("here", "other")
    assert [claim.against for claim in factor.claims] == ["other"]
    script = tmp_path / "train.py"
    script.write_text(
        "import json, sys\nfor line in sys.stdin:\n    print(json.dumps({'error': json.loads(line)['x']}))\n"
        "    print('{}', flush=True)\n"
    )
    found = list(run_in(runtime.interpreters()["other"], script, {"x": 0.5}))
    assert found == [{"error": 0.5}]
    assert str(script) in (tmp_path / "used").read_text()
    script.write_text("raise ValueError('no such version')")
    with pytest.raises(TrialFailed) as failed:
        list(run_in(sys.executable, script, {}))
    assert "no such version" in failed.value.message
    empty = tmp_path / "empty"
    empty.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 1\n")
    empty.chmod(0o755)
    for wrong, message in (
        ("other", "NAME=INTERPRETER"),
        ("o=/nowhere/python", "not there"),
        (f"o={empty}", "install"),
    ):
        monkeypatch.setenv(runtime.ENVIRONMENTS, wrong)
        with pytest.raises(TaskError, match=message):
            runtime.environment_factor()


def test_the_runtime_task_times_its_epochs() -> None:
    task = load_task("runtime").with_options({"rows": 640, "epochs": 4})
    config = task.space.repair({"precision": "bfloat16"}, {})
    result = run_replicate(task, config, 0)
    assert result.outcome in ("ok", "no_learning"), result.error
    assert len([point for point in result.curve if point.name == "epoch_seconds"]) == 4
    assert result.warmup_seconds > result.seconds / 4  # the interpreter's start is not training


def test_without_its_extra_the_road_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(TaskError, match=r"pip install 'backtrack-sweep\[road\]'"):
        load_task("road").validate()


def test_a_trick_for_a_task_of_ones_own_is_one_new_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom torch import nn\nfrom backtrack import Categorical, Data, TorchTask\n"
        "def data(options):\n"
        "    x = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))\n"
        "    y = (x[:, 0] > 0).long()\n"
        "    return Data(x[:200], y[:200], x[200:], y[200:])\n"
        "task = TorchTask(name='mine', data=data, model=lambda config: nn.Linear(8, 2),\n"
        "    loss=nn.functional.cross_entropy, score=lambda o, t: float((o.argmax(1) == t).float().mean()),\n"
        "    metric='accuracy', mode='max', factors=[Categorical('lr', [0.01, 0.1])])\n"
    )
    before = (tmp_path / "mine.py").read_text()
    (tmp_path / "smoothing.py").write_text(
        '"""Label smoothing, as a factor of my task."""\n'
        "from dataclasses import replace\n"
        "from torch import nn\n"
        "from mine import task as mine\n"
        "from backtrack import Categorical, Claim\n"
        "SMOOTHING = Categorical('smoothing', [0.0, 0.3], claims=[Claim('it helps', 'a paper', 0.3, 0.0)])\n"
        "class Smoothed(nn.Linear):\n"
        "    def __init__(self, config):\n"
        "        super().__init__(8, 2)\n"
        "        self.by = config['smoothing']\n"
        "    def forward(self, x):\n"
        "        return super().forward(x) * (1 - self.by)\n"
        "task = replace(mine, name='mine', factors=[*mine.factors, SMOOTHING], model=Smoothed)\n"
    )
    task = load_task(str(tmp_path / "smoothing.py"))
    assert [factor.name for factor in task.space] == ["lr", "smoothing"]
    values = {
        level: [p.value for p in run_replicate(task, task.space.config({"lr": 0.1, "smoothing": level}), 0).curve
                if p.name == "loss"]
        for level in (0.0, 0.3)
    }  # fmt: skip
    assert values[0.0] != values[0.3]
    assert (tmp_path / "mine.py").read_text() == before
    assert json.dumps(values)
