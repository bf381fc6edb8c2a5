"""Edits of what a program writes somewhere else than where it was seen: the modules, the loop, the loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backtrack.task.intervention import Anatomy
from backtrack.task.patching import Source, source_at
from backtrack.task.written import made_at, place_of
from backtrack.trial.intervening.catalogue import all_interventions

PROGRAM = """\
from torch import nn
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
        self.act = nn.ReLU(inplace=True)
        self.layers = [nn.Linear(4, 4) for _ in range(3)]
        self.scale = torch.ones(4, requires_grad=True)

    def forward(self, x):
        with torch.no_grad():
            seen = self.body(x)
        return self.act(F.relu(seen.detach()) * x.data)

net = nn.Sequential(Block(), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.9), nn.GRU(8, 4), nn.Softmax(dim=0))
head = nn.Sequential(nn.Linear(4, 1),
                     nn.Sigmoid())
opt = torch.optim.SGD(net.head.parameters(), lr=0.5)
criterion = nn.BCEWithLogitsLoss()
for x, y in loader:
    loss = criterion(net(x), y)
    loss.backward()
    opt.zero_grad()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-4)
    print(loss)
    opt.step()
"""
OPTIMISER = {"optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:18"}]}


def edits(folder: Path, program: str, name: str, level: str, anatomy: dict[str, Any]) -> list[str]:
    """The lines of an intervention's patch that come in, and go; the file is still Python with them."""
    file = folder / "train.py"
    file.write_text(program, encoding="utf-8")

    def here(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: here(one) for key, one in value.items()}
        if isinstance(value, list):
            return [here(one) for one in value]
        return value.replace("train.py", str(file)) if isinstance(value, str) else value

    seen = Anatomy(**here({**OPTIMISER, "sources": ["train.py"], **anatomy}))
    one = all_interventions()[name]
    line = one.place(seen) if one.edited is None else one.edited(seen)
    source = source_at(line)
    new = one.patch(source, level, seen) if source is not None and one.patch is not None else None
    if new is None:
        return []
    compile(new, "train.py", "exec")
    assert level in one.described(seen)["patches"] or level not in one.levels(seen)
    old_lines, new_lines = program.splitlines(), new.splitlines()
    come = [f"+{one.strip()}" for one in new_lines if one not in old_lines]
    return come + [f"-{one.strip()}" for one in old_lines if one not in new_lines]


@pytest.mark.parametrize(
    ("name", "level", "anatomy", "wanted"),
    [
        ("last_activation", "none", {"last": "sigmoid at Sequential.1#0"},
         ["+head = nn.Sequential(nn.Linear(4, 1))", "-head = nn.Sequential(nn.Linear(4, 1),", "-nn.Sigmoid())"]),
        ("last_activation", "none", {"last": "relu at Block.act#0"},
         ["+self.act = nn.Identity(inplace=True)", "-self.act = nn.ReLU(inplace=True)"]),
        ("last_activation", "sigmoid", {"last": "tanh at Block.body.1#0"},
         ["+self.body = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid())",
          "-self.body = nn.Sequential(nn.Linear(4, 4), nn.Tanh())"]),
        ("loss_form", "as_outputs_are",
         {"last": "sigmoid at Sequential.1#0", "losses": [{"name": "binary_cross_entropy_with_logits"}]},
         ["+criterion = nn.BCELoss()", "-criterion = nn.BCEWithLogitsLoss()"]),
        ("loss_form", "as_outputs_are", {"last": "softmax at Sequential.5#0", "losses": [{"name": "nll_loss"}]},
         ["+net = nn.Sequential(Block(), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.LogSoftmax(dim=0))",
          "-net = nn.Sequential(Block(), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.Softmax(dim=0))"]),
        ("softmax_dimension", "classes", {}, "nn.Softmax(dim=-1)"),
        ("dropout", "off", {"modules": {"Dropout": 1}}, "nn.Dropout(0.0)"),
        ("batch_first", "set", {"calls": {"second dimension counts examples in GRU": 1}},
         "nn.GRU(8, 4, batch_first=True)"),
        ("clip_gradients", "off", {"calls": {"clipped": 4}}, ["-nn.utils.clip_grad_norm_(net.parameters(), 1e-4)"]),
        ("loss_order", "outputs_first", {"losses": [{"name": "binary_cross_entropy", "place": "train.py:21"}]},
         ["+loss = criterion(y, net(x))", "-loss = criterion(net(x), y)"]),
        ("trained_parameters", "all", {"unheld": 2},
         ["+self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])",
          "+self.scale = nn.Parameter(torch.ones(4, requires_grad=True))",
          "-self.layers = [nn.Linear(4, 4) for _ in range(3)]",
          "-self.scale = torch.ones(4, requires_grad=True)"]),
        ("gradient_flow", "kept", {"calls": {"detach in forward": 1}},
         ["+with torch.enable_grad():", "+return self.act(F.relu(seen) * x)",
          "-with torch.no_grad():", "-return self.act(F.relu(seen.detach()) * x.data)"]),
        ("activation", "tanh", {"activations": {"relu at Block.act#0": "relu", "relu at train.py:13#0": "relu"},
         "last": "sigmoid at Sequential.1#0"},
         ["+self.act = nn.Tanh()", "+return self.act(F.tanh(seen.detach()) * x.data)",
          "+net = nn.Sequential(Block(), nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.Softmax(dim=0))",
          "-self.act = nn.ReLU(inplace=True)", "-return self.act(F.relu(seen.detach()) * x.data)",
          "-net = nn.Sequential(Block(), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.Softmax(dim=0))"]),
        # What no pass of a model calls is no activation of it.
        ("activation", "tanh", {"activations": {"relu at Block.act#0": "relu"}, "last": "sigmoid at Sequential.1#0"},
         ["+self.act = nn.Tanh()",
          "+net = nn.Sequential(Block(), nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.Softmax(dim=0))",
          "-self.act = nn.ReLU(inplace=True)",
          "-net = nn.Sequential(Block(), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.9), nn.GRU(8, 4), "
          "nn.Softmax(dim=0))"]),
    ],
)  # fmt: skip
def test_an_edit_finds_what_was_seen(
    tmp_path: Path, name: str, level: str, anatomy: dict[str, Any], wanted: list[str] | str
) -> None:
    found = edits(tmp_path, PROGRAM, name, level, anatomy)
    if isinstance(wanted, str):
        assert any(wanted in line for line in found)
        assert len(found) == 2
    else:
        assert found == wanted


LOOP = """\
opt = torch.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(3):
    for x, y in loader:
        opt.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
    print(epoch)
    opt.step()
"""
SEEN = {"optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:1"}],
        "losses": [{"name": "mse_loss", "place": "train.py:5"}]}  # fmt: skip


def test_a_step_moves_into_its_loop_and_a_clearing_before_the_backward_pass(tmp_path: Path) -> None:
    all_interventions()
    file = tmp_path / "train.py"

    def after(program: str) -> list[str]:
        file.write_text(program, encoding="utf-8")
        places = {
            key: [{**one, "place": one["place"].replace("train.py", str(file))} for one in value]
            for key, value in SEEN.items()
        }
        patch = all_interventions()["used_gradients"].patch
        assert patch is not None
        source = source_at(f"{file}:5")
        assert source is not None
        return (patch(source, "each_batch", Anatomy(**places)) or "").splitlines()

    assert after(LOOP)[5:8] == ["        loss.backward()", "        opt.step()", "    print(epoch)"]
    late = LOOP.replace("        opt.zero_grad()\n", "").replace(
        "    print(epoch)\n    opt", "        opt.zero_grad()\n        opt"
    )
    assert after(late)[4:7] == ["        opt.zero_grad()", "        loss.backward()", "        opt.step()"]
    assert after(LOOP.replace("    opt.step()\n", "    opt.step(); print()\n")) == []
    assert after(LOOP.replace("    opt.step()\n", ""))[5:] == [
        "        loss.backward()", "        opt.step()", "    print(epoch)"
    ]  # fmt: skip


def test_a_file_that_does_not_import_nn_gets_the_whole_name(tmp_path: Path) -> None:
    program = PROGRAM.replace("from torch import nn", "import torch").replace("nn.", "torch.nn.")
    found = edits(tmp_path, program, "trained_parameters", "all", {"unheld": 2})
    assert found[0] == "+self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 4) for _ in range(3)])"


def test_a_class_that_is_handed_on_becomes_another(tmp_path: Path) -> None:
    program = LOOP + "net = mlp([3, 4, 1], nn.Sigmoid)\n"
    seen = {**SEEN, "activations": {"sigmoid at Sequential.1#0": "sigmoid"}}
    assert edits(tmp_path, program, "activation", "tanh", seen)[0] == "+net = mlp([3, 4, 1], nn.Tanh)"
    # The last one is of the same kind: which is meant cannot be told.
    assert edits(tmp_path, program, "activation", "tanh", {**seen, "last": "sigmoid at Sequential.3#0"}) == []


@pytest.mark.parametrize(
    ("lines", "name", "level", "anatomy", "wanted"),
    [
        ("plan = StepLR(opt, 1, gamma=0.1)\nplan.step()\n", "schedule", "none",
         {"optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:1", "scheduled": True}]}, ["-plan.step()"]),
        # The loop that does nothing else goes with it; of two clips one may be of something else.
        ("for p in net.parameters():\n    p.data.clamp_(-0.1, 0.1)\n", "weight_clipping", "off",
         {"calls": {"weights clipped": 3}}, ["-for p in net.parameters():", "-p.data.clamp_(-0.1, 0.1)"]),
        ("slow = ReduceLROnPlateau(opt, mode='max')\n", "plateau_mode", "min", {"calls": {"plateau max": 1}},
         ['+slow = ReduceLROnPlateau(opt, mode="min")', "-slow = ReduceLROnPlateau(opt, mode='max')"]),
        ("slow = ReduceLROnPlateau(opt, 'min')\n", "plateau_mode", "max", {"calls": {"plateau min": 1}},
         ['+slow = ReduceLROnPlateau(opt, "max")', "-slow = ReduceLROnPlateau(opt, 'min')"]),
        ("slow = ReduceLROnPlateau(opt)\n", "plateau_mode", "max", {"calls": {"plateau min": 1}},
         ['+slow = ReduceLROnPlateau(opt, mode="max")', "-slow = ReduceLROnPlateau(opt)"]),
        # Which it is where it is no text here, nobody knows.
        ("slow = ReduceLROnPlateau(opt, mode=way)\n", "plateau_mode", "max", {"calls": {"plateau min": 1}}, []),
        ("x.clamp_(0, 1)\nw.clamp_(0, 1)\n", "weight_clipping", "off", {"calls": {"weights clipped": 3}}, []),
        ("kind = torch.bfloat16\nnet.half()\nwith torch.autocast('cpu', dtype=torch.bfloat16):\n    net(x)\n",
         "precision", "float32", {"dtype": "bfloat16"},
         ["+kind = torch.float32", "+net.float()", "+with torch.autocast('cpu', dtype=torch.bfloat16, enabled=False):",
          "-kind = torch.bfloat16", "-net.half()", "-with torch.autocast('cpu', dtype=torch.bfloat16):"]),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_left_out(
    tmp_path: Path, lines: str, name: str, level: str, anatomy: dict[str, Any], wanted: list[str]
) -> None:
    assert edits(tmp_path, LOOP + lines, name, level, {**SEEN, **anatomy}) == wanted


READ = """\
class Pictures:
    def __getitem__(self, i):
        x = self.x[i]
        y = self.y[i]
        x -= self.mean
        return x, y
class Codes(nn.Module):
    def forward(self, x):
        return x + self.pe[: x.size(0)]
opt = torch.optim.SGD(net.parameters(), lr=0.5)
"""


@pytest.mark.parametrize(
    ("old", "new", "name", "level", "calls", "wanted"),
    [
        ("", "", "stored_rows", "kept", "rows changed as they are read: tensor",
         ["+x = self.x[i].clone()", "-x = self.x[i]"]),
        ("x -= self.mean", "x.sub_(self.mean)", "stored_rows", "kept", "rows changed as they are read: array",
         ["+x = self.x[i].copy()", "-x = self.x[i]"]),
        # Both are changed, and one of them may be nobody's else.
        ("-= self.mean", "-= self.mean; y -= 1", "stored_rows", "kept", "rows changed as they are read: tensor", []),
        ("", "", "place_codes", "of_steps", "codes of places added to examples",
         ["+return x + self.pe[:x.size(1), 0]", "-return x + self.pe[: x.size(0)]"]),
        # Of a table that is brought to another shape the edit would be another one.
        ("self.pe[: x.size(0)]", "self.pe[: x.size(0)].unsqueeze(1)", "place_codes", "of_steps",
         "codes of places added to examples", []),
        (": x.size(0)", ": len(x)", "place_codes", "of_steps", "codes of places added to examples",
         ["+return x + self.pe[:x.size(1), 0]", "-return x + self.pe[: len(x)]"]),
    ],
)  # fmt: skip
def test_what_is_read_and_added_is_edited(
    tmp_path: Path, old: str, new: str, name: str, level: str, calls: str, wanted: list[str]
) -> None:
    assert edits(tmp_path, READ.replace(old, new, 1) if old else READ, name, level, {"calls": {calls: 3}}) == wanted


def test_modes_are_said_where_it_trains_and_where_it_judges(tmp_path: Path) -> None:
    judged = "    with torch.no_grad():\n        print(net(x))\n@torch.no_grad()\ndef judge(net):\n    return net(x)\n"
    seen = {**SEEN, "modules": {"Dropout": 1}, "calls": {"judged in training mode": 4}}
    found = edits(tmp_path, LOOP + judged, "modes", "as_used", seen)
    assert found == ["+net.train()", "+net.eval()", "+net.eval()"]
    text = (tmp_path / "train.py").read_text(encoding="utf-8")
    patch = all_interventions()["modes"].patch
    assert patch is not None
    known = Anatomy(optimisers=[{"kind": "SGD", "place": f"{tmp_path}/train.py:1"}])
    lines = (patch(Source(text, 1), "as_used", known) or "").splitlines()
    assert lines[3:5] == ["        net.train()", "        opt.zero_grad()"]
    assert lines[9:11] + lines[14:16] == [
        "    with torch.no_grad():", "        net.eval()", "    net.eval()", "    return net(x)"
    ]  # fmt: skip
    # Nowhere does it judge without gradients, or by another name.
    assert edits(tmp_path, LOOP + judged.replace("net(x)", "other(x)"), "modes", "as_used", seen) == []


OWN = """\
class Learner:
    def __init__(self):
        self.net = Net()
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.5)
    def judge(self, x):
        with torch.no_grad():
            return self.net(x)
    def fit(self):
        for x, y in loader:
            loss = F.mse_loss(self.net(x), y)
            loss.backward()
            self.opt.step()
"""


def test_modes_are_said_of_what_an_object_holds(tmp_path: Path) -> None:
    seen = {
        "optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:4"}],
        "modules": {"Dropout": 1},
        "calls": {"judged in training mode": 4},
    }
    assert edits(tmp_path, OWN, "modes", "as_used", seen) == ["+self.net.eval()", "+self.net.train()"]
    # Where it trains by another name, nobody knows whether that is the same.
    assert edits(tmp_path, OWN.replace("loss(self.net(x)", "loss(net(x)"), "modes", "as_used", seen) == []


def test_the_norm_is_clipped_before_the_step(tmp_path: Path) -> None:
    found = edits(tmp_path, LOOP, "clip_gradients", "norm_1", SEEN)
    assert found == ["+torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)"]


def test_a_part_of_a_model_becomes_the_whole(tmp_path: Path) -> None:
    program = LOOP.replace("net.parameters()", "net.head.parameters()")
    found = edits(tmp_path, program, "trained_parameters", "all", {**SEEN, "unheld": 2})
    assert found[0] == "+opt = torch.optim.SGD(net.parameters(), lr=0.5)"
    parts = "some = [*net.a.parameters(), *net.b.parameters()]\n"
    listed = parts + LOOP.replace("net.parameters()", "some")
    seen = {**SEEN, "unheld": 2, "optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:2"}]}
    assert edits(tmp_path, listed, "trained_parameters", "all", seen)[0] == found[0]
    two = listed.replace("net.b", "other.b")
    assert edits(tmp_path, two, "trained_parameters", "all", seen) == []


@pytest.mark.parametrize(
    ("program", "site"),
    [
        # Either of two may be meant, nothing is known behind what is unpacked, and another class stands there.
        ("a = nn.Sequential(nn.Linear(1, 1), nn.ReLU())\nb = nn.Sequential(nn.Linear(1, 1), nn.ReLU())",
         "relu at Sequential.1#0"),
        ("a = nn.Sequential(*layers, nn.ReLU())", "relu at Sequential.1#0"),
        ("a = nn.Sequential(nn.Linear(1, 1), nn.Tanh())", "relu at Sequential.1#0"),
        ("a = nn.Sequential(nn.Linear(1, 1))", "relu at Sequential.1#0"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_not_edited(program: str, site: str) -> None:
    assert made_at(Source(program, 1), site) is None


def test_the_place_of_an_activation(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text(PROGRAM, encoding="utf-8")
    assert place_of("tanh at Block.body.1#0", [str(file)]) == f"{file}:5"
    assert place_of("tanh at other.py:7#1", [str(file)]) == "other.py:7"
    assert place_of("elu at Block.body.1#0", [str(file)]) == ""


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("default", ["+for module in net.modules():",
                     "+if isinstance(module, (nn.Embedding, nn.GRU, nn.Linear)):", "+module.reset_parameters()"]),
        ("default/recurrent", ["+for module in net.modules():", "+if isinstance(module, nn.GRU):",
                               "+module.reset_parameters()"]),
        ("default/readout", ["+layers = [module for module in net.modules() if isinstance(module, (nn.Linear,))]",
                             "+layers[-1].reset_parameters()"]),
        ("small_embedding", ["+for module in net.modules():", "+if isinstance(module, nn.Embedding):",
                             "+nn.init.uniform_(module.weight, -0.1, 0.1)"]),
        ("xavier", ["+for module in net.modules():", "+if isinstance(module, (nn.Linear, nn.GRU)):",
                    "+for weight in module.parameters():",
                    "+nn.init.xavier_uniform_(weight) if weight.dim() > 1 else nn.init.zeros_(weight)",
                    "+for module in net.modules():", "+if isinstance(module, nn.Embedding):",
                    "+module.reset_parameters()"]),
    ],
)  # fmt: skip
def test_weights_are_drawn_again_before_the_optimiser_gets_them(tmp_path: Path, level: str, wanted: list[str]) -> None:
    program = "from torch import nn\n" + LOOP
    seen = {**SEEN, "parameters": 9, "modules": {"Linear": 2, "GRU": 1, "Embedding": 1},
            "optimisers": [{"kind": "SGD", "lr": 0.5, "place": "train.py:2"}]}  # fmt: skip
    assert edits(tmp_path, program, "initialisation", level, seen) == wanted
    # Of two optimisers nobody knows whose model is meant.
    assert edits(tmp_path, program, "initialisation", level, {**seen, "optimisers": 2 * seen["optimisers"]}) == []


def test_the_last_step_is_read_where_the_first_was(tmp_path: Path) -> None:
    program = (
        "class A(nn.Module):\n    def forward(self, x):\n        out = self.rnn(x)[0]\n        return out[:, 0, :]\n"
    )
    seen = {**SEEN, "modules": {"GRU": 1}}
    found = edits(tmp_path, program + LOOP, "steps_read", "last", seen)
    assert found == ["+return out[:, -1, :]", "-return out[:, 0, :]"]
    assert edits(tmp_path, program.replace("0, :", "1, :") + LOOP, "steps_read", "last", seen) == []


def test_what_layers_drop_by_themselves_is_left_too(tmp_path: Path) -> None:
    program = "rnn = nn.LSTM(3, 4, dropout=share, num_layers=2)\nnet = nn.Dropout(share)\n"
    found = edits(tmp_path, program, "dropout", "off", {"modules": {"Dropout": 1}})
    assert found[:2] == ["+rnn = nn.LSTM(3, 4, dropout=0.0, num_layers=2)", "+net = nn.Dropout(0.0)"]


def test_of_several_loaders_the_one_that_trains_and_does_not_shuffle_is_edited() -> None:
    def place(*loaders: tuple[int, bool, bool]) -> str:
        made = [{"place": f"a.py:{line}", "shuffled": mixed, "judges": judges} for line, mixed, judges in loaders]
        return all_interventions()["order"].place(Anatomy(loaders=made))

    assert place((3, False, True), (5, True, False), (7, False, False)) == "a.py:7"
    assert place((3, False, True), (5, True, False)) == "a.py:5"
    assert place((3, False, True)) == "a.py:3"
    assert place() == ""
