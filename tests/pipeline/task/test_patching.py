"""Changes from outside as edits of the line that they correspond to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backtrack.task.intervention import Anatomy
from backtrack.task.patching import Source, assigned_at, source_at, suggested
from backtrack.trial.intervening.catalogue import all_interventions

PROGRAM = """\
import torch
from torch.utils.data import DataLoader
import torch.nn.functional as F

loader = DataLoader(data, batch_size=args.size,
                    shuffle=False)
plain = DataLoader(data, 32)
opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.999, weight_decay=args.decay)

def forward(x):
    return torch.softmax(out(F.relu(x)), dim=1)

for x, y in loader:
    loss = F.mse_loss(net(x), y, reduction="sum")
    loss.backward()
    opt.step()
images = load().float().view(-1, 3, 32, 32)
robust = 2 * ((net(x) - y) ** 2).clamp(max=4.0).mean()
scaled = F.relu(net(x) + 1) * 3
part = F.mse_loss(net(x) * 2, y)
turned = (load() / 255).view(-1, 3, 32, 32)
"""
RATE = {"optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:8", "momentum": 0.999}]}
LOSS = {"losses": [{"name": "mse_loss", "place": "train.py:14", "output": [8, 1], "target": [8]}]}


def edited(name: str, level: str, anatomy: dict[str, Any], line: int, program: str = PROGRAM) -> list[str]:
    """The lines that an intervention's patch takes out and puts in."""
    patch = all_interventions()[name].patch
    new = patch(Source(program, line), level, Anatomy(**anatomy)) if patch is not None else None
    if new is None:
        return []
    old_lines, new_lines = program.splitlines(), new.splitlines()
    compile(new, "train.py", "exec")
    return [one.strip() for one in new_lines if one not in old_lines]


@pytest.mark.parametrize(
    ("name", "level", "anatomy", "line", "wanted"),
    [
        ("learning_rate", "x0.1", RATE, 8, "opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.999, "
         "weight_decay=args.decay)"),
        ("optimiser", "adam_usual", RATE, 8, "opt = torch.optim.Adam(net.parameters(), lr=0.001, "
         "weight_decay=args.decay)"),
        ("optimiser", "sgd_momentum", RATE, 8, "opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9, "
         "weight_decay=args.decay)"),
        ("momentum", "usual", RATE, 8, "opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9, "
         "weight_decay=args.decay)"),
        ("weight_decay", "none", RATE, 8, "opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.999, "
         "weight_decay=0.0)"),
        ("axes", "permuted", {"exchanged": [{"function": "view", "place": "train.py:17", "order": [0, 3, 1, 2],
                                            "axes": 4}]}, 17, "images = load().float().permute(0, 3, 1, 2)"),
        ("order", "shuffled", {}, 5, "shuffle=True)"),
        ("order", "shuffled", {}, 7, "plain = DataLoader(data, 32, shuffle=True)"),
        ("batch_size", "x4", {}, 5, "loader = DataLoader(data, batch_size=int(args.size * 4),"),
        ("last_activation", "none", {"last": "softmax at train.py:11#0"}, 11, "return out(F.relu(x))"),
        ("loss_shapes", "alike", LOSS, 14, 'loss = F.mse_loss(net(x).squeeze(-1), y, reduction="sum")'),
        ("last_activation", "none", {"last": "clamp at train.py:18#0"}, 18, "robust = 2 * ((net(x) - y) ** 2).mean()"),
        ("last_activation", "none", {"last": "relu at train.py:19#0"}, 19, "scaled = (net(x) + 1) * 3"),
        ("loss_shapes", "alike", LOSS, 20, "part = F.mse_loss((net(x) * 2).squeeze(-1), y)"),
        ("axes", "permuted", {"exchanged": [{"function": "view", "place": "train.py:21", "order": [0, 3, 1, 2],
                                            "axes": 4}]}, 21, "turned = (load() / 255).permute(0, 3, 1, 2)"),
        ("loss_reduction", "mean", LOSS, 14, 'loss = F.mse_loss(net(x), y, reduction="mean")'),
    ],
)  # fmt: skip
def test_an_intervention_is_an_edit_of_its_line(
    name: str, level: str, anatomy: dict[str, Any], line: int, wanted: str
) -> None:
    assert edited(name, level, anatomy, line) == [wanted]


WHOLE = {
    "sign": "loss = likelihood(net(x))\nloss.backward()\n",
    "sign with accelerate": "loss = likelihood(net(x)) - 1\naccelerator.backward(loss - 1)\n",
    "weighed": "loss = 0.001 * fit + other / 4\nloss.backward()\n",
    "terms": "loss = fit - 2 * (kl - prior)\nloss.backward()\n",
    "own loss": "def fit(m, v, y):\n    return 0.5 * (v + (y - m) ** 2 * v.exp()).mean()\nloss = fit(*net(x), y)\n"
    "loss.backward()\n",
    "below": "loss = 2 / (a + b)\nloss.backward()\n",
    "own metric": "def fit(m, y):\n    return (m + y).mean()\nloss = fit(net(x), y)\nloss.backward()\n"
    "said = fit(net(u), v)\n",
    "penalty": "for x, y in loader:\n    loss = F.mse_loss(net(x), y) + 9 * w.norm()\n    loss.backward()\n",
    "penalty first": "criterion = nn.MSELoss()\nloss = size(w) + criterion(net(x), y)\nloss.backward()\n",
    "weighed sum": "loss = fit - 0.01 * (one + other)\nloss.backward()\n",
    "penalty behind": "loss = F.mse_loss(net(x), y)\nfor w in weights:\n    loss += 9 * w.norm()\nloss.backward()\n",
    "penalty apart": "fit = F.mse_loss(net(x), y)\nloss = fit + 9 * size(w)\nloss.backward()\n",
    "frozen": "for p in net.parameters():\n    p.requires_grad = False\nopt = SGD(net.parameters(), lr=0.1)\n",
    "part frozen": "net.body.requires_grad_(False)\nopt = SGD(net.head.parameters(), lr=0.1)\n",
    "masks": "h = enc(x, src_key_padding_mask=x != PAD)\nh = dec(h, y, memory_key_padding_mask=~pad)\n",
    "binary": "criterion = nn.MSELoss()\nloss = criterion(net(x), y)\n",
    "several hold": "loss = F.cross_entropy(net(x), y, reduction='sum')\n",
    "smoothed": "loss = F.cross_entropy(net(x), y, label_smoothing=0.1)\n",
    "bytes": "loss = criterion(net(x), y)\n",
    "pairs": "loss = ((1 - y) * near**2 + 0.5 * y * far).mean()\n",
    "halves": "def loss(p, y):\n    return -(y * torch.log(1 - p) + (1 - y) * torch.log(p)).mean()\n",
}
TERMS = {"terms": {"count": 2, "weights": [0.001, 0.25], "place": "train.py:2"}}
WEIGHED = {"terms": {"count": 2, "weights": [1.0, 0.01], "place": "train.py:2"}}
THREE = {"terms": {"count": 3, "weights": [1.0, 1.0, 1.0], "place": "train.py:2"}}


@pytest.mark.parametrize(
    ("program", "name", "level", "anatomy", "line", "wanted"),
    [
        ("sign", "loss_sign", "negated", {}, 2, ["(-loss).backward()"]),
        ("sign with accelerate", "loss_sign", "negated", {}, 2, ["accelerator.backward(-(loss - 1))"]),
        ("sign", "loss_sign", "negated_2", {}, 2, []),
        ("weighed", "loss_terms", "weighted_alike", TERMS, 2, ["loss = fit + other"]),
        ("weighed", "loss_terms", "without_1", TERMS, 2, ["loss = other / 4"]),
        ("terms", "loss_terms", "weighted_alike", TERMS, 2, []),
        ("terms", "loss_terms", "without_1", TERMS, 2, ["loss = -2 * (kl - prior)"]),
        ("terms", "loss_terms", "negated_2", TERMS, 2, ["loss = fit + 2 * (kl - prior)"]),
        ("terms", "loss_terms", "without_1", THREE, 2, []),
        ("own loss", "loss_terms", "negated_1", {"terms": {**TERMS["terms"], "place": "train.py:4"}}, 4,
         ["return 0.5 * (-v + (y - m) ** 2 * v.exp()).mean()"]),
        ("below", "loss_terms", "negated_1", TERMS, 2, []),
        ("own metric", "loss_terms", "negated_1", {"terms": {**TERMS["terms"], "place": "train.py:4"}}, 4, []),
        ("penalty", "added_terms", "off", LOSS, 2, ["loss = F.mse_loss(net(x), y)"]),
        ("penalty first", "added_terms", "off", LOSS, 2, ["loss = criterion(net(x), y)"]),
        ("weighed sum", "loss_terms", "weighted_alike", WEIGHED, 2, ["loss = fit - (one + other)"]),
        ("penalty behind", "added_terms", "off", {}, 1, []),
        ("penalty apart", "added_terms", "off", {}, 1, ["loss = fit"]),
        ("masks", "attention_mask", "turned", {}, 1,
         ["h = enc(x, src_key_padding_mask=~(x != PAD))", "h = dec(h, y, memory_key_padding_mask=pad)"]),
        ("binary", "loss_function", "cross_entropy", {"losses": [{"name": "mse_loss"}]}, 1,
         ["criterion = nn.BCEWithLogitsLoss()"]),
        ("binary", "loss_function", "cross_entropy", {"losses": [{"name": "mse_loss"}], "last": "sigmoid at a.py:1#0"},
         1, ["criterion = nn.BCELoss()"]),
        ("binary", "loss_function", "cross_entropy", {"losses": [{"name": "mse_loss", "one_hot": True}]}, 1, []),
        ("several hold", "loss_function", "one_by_one", {"losses": [{"name": "cross_entropy"}]}, 1,
         ["loss = F.binary_cross_entropy_with_logits(net(x), y, reduction='sum')"]),
        ("smoothed", "loss_function", "one_by_one", {"losses": [{"name": "cross_entropy"}]}, 1, []),
        ("bytes", "loss_targets", "zero_one", {"losses": [{"low": 0.0, "high": 255.0}]}, 1,
         ["loss = criterion(net(x), y / 255)"]),
        ("bytes", "loss_targets", "zero_one", {"losses": [{"low": 1.0, "high": 2.0}]}, 1,
         ["loss = criterion(net(x), y - 1)"]),
        ("bytes", "loss_targets", "zero_one", {"losses": [{"low": -1.0, "high": 1.0}]}, 1,
         ["loss = criterion(net(x), (y + 1) / 2)"]),
        ("bytes", "loss_targets", "signed", {}, 1, ["loss = criterion(net(x), 2 * y - 1)"]),
        ("pairs", "chosen_terms", "turned", {}, 1, ["loss = (y * near**2 + 0.5 * (1 - y) * far).mean()"]),
        ("halves", "chosen_terms", "turned", {}, 2,
         ["return -((1 - y) * torch.log(1 - p) + y * torch.log(p)).mean()"]),
        ("bytes", "chosen_terms", "turned", {}, 1, []),
        ("bytes", "score_scale", "tenth", {}, 1, ["loss = criterion(net(x) / 0.1, y)"]),
    ],
)  # fmt: skip
def test_a_loss_is_edited_where_it_is_written(
    program: str, name: str, level: str, anatomy: dict[str, Any], line: int, wanted: list[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(WHOLE[program])
    assert edited(name, level, anatomy, line, WHOLE[program]) == wanted


def test_a_penalty_that_is_added_in_a_loop_is_left_out() -> None:
    patch = all_interventions()["added_terms"].patch
    assert patch is not None
    new = patch(Source(WHOLE["penalty behind"], 1), "off", Anatomy())
    assert new == "loss = F.mse_loss(net(x), y)\nloss.backward()\n"


@pytest.mark.parametrize(
    ("program", "unheld", "wanted"),
    [
        ("frozen", 0, "opt = SGD(net.parameters(), lr=0.1)\n"),
        ("frozen", 2, None),
        # What its optimiser does not get would not be trained: leaving a line out is not enough.
        ("part frozen", 0, None),
    ],
)
def test_frozen_weights_are_let_loose_where_they_are_frozen(
    program: str, unheld: int, wanted: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(WHOLE[program])
    line = WHOLE[program].count("\n")
    optimisers = [{"kind": "SGD", "lr": 0.1, "place": f"train.py:{line}"}]
    anatomy = Anatomy(optimisers=optimisers, frozen=3, unheld=unheld, sources=["train.py"])
    patch = all_interventions()["trained_parameters"].patch
    assert patch is not None
    assert patch(Source(WHOLE[program], line), "unfrozen", anatomy) == wanted


def test_lines_are_those_that_python_counts() -> None:
    source = Source("a = 1  # \x0c\u2028 ü\nopt = SGD(w, lr=0.5)\n", 2)
    assert source.with_keyword("lr", lambda value: f"{value}0") == "a = 1  # \x0c\u2028 ü\nopt = SGD(w, lr=0.50)\n"
    assert source.segment(source.calls("SGD")[0]) == "SGD(w, lr=0.5)"


def test_what_is_no_edit_of_the_line_suggests_none() -> None:
    assert edited("learning_rate", "x0.1", RATE, 14) == []
    assert edited("last_activation", "softmax", {"last": "sigmoid at train.py:11#0"}, 11) == []
    assert edited("inputs", "standardised", {}, 8) == []


def test_clearing_is_a_line_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(PROGRAM)
    assert assigned_at("train.py:8") == "opt"
    anatomy = Anatomy(**RATE, **LOSS, calls={"gradients kept": 3})
    patch = all_interventions()["clear_gradients"].described(anatomy)["patches"]["each_step"]
    assert patch.splitlines()[:2] == ["--- train.py", "+++ train.py"]
    assert [line for line in patch.splitlines()[2:] if line[0] == "+"] == ["+    opt.zero_grad()"]


def test_a_place_that_is_no_line_of_a_file_suggests_none(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def (:\n")
    for place in ("", "nowhere.py:3", "Net.fc1", f"{broken}:1"):
        assert source_at(place) is None
        anatomy = Anatomy(optimisers=[{"kind": "SGD", "lr": 0.5, "place": place}])
        assert not any(all_interventions()["learning_rate"].described(anatomy)["patches"].values())


@pytest.mark.parametrize(
    ("works_in", "file", "marked", "name"),
    [
        ("project", "project/train.py", "", "train.py"),
        ("project", "project/src/train.py", "", "src/train.py"),
        ("elsewhere", "project/src/train.py", "project/pyproject.toml", "src/train.py"),
        ("elsewhere", "project/mine.py", "", "mine.py"),
    ],
)
def test_the_names_in_a_patch_lead_out_of_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works_in: str, file: str, marked: str, name: str
) -> None:
    for folder in ("project/src", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    if marked:
        (tmp_path / marked).touch()
    (tmp_path / file).write_text("lr = 1.0\n")
    monkeypatch.chdir(tmp_path / works_in)
    place = f"{tmp_path / file}:1"
    source = source_at(place)
    assert source is not None
    assert suggested(place, source, "lr = 0.1\n").splitlines()[:2] == [f"--- {name}", f"+++ {name}"]


def test_the_file_that_trains_is_edited_before_one_that_computes_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("metrics.py").write_text("def error(a, b):\n    return F.mse_loss(a, b)\n")
    Path("train.py").write_text(WHOLE["binary"])
    loss = {"name": "mse_loss", "place": "train.py:2", "binary": True, "std": 1.0}
    anatomy = Anatomy(losses=[loss], sources=["metrics.py", "train.py"])
    patch = all_interventions()["loss_function"].described(anatomy)["patches"]["cross_entropy"]
    assert patch.splitlines()[0] == "--- train.py" and "+criterion = nn.BCEWithLogitsLoss()" in patch
