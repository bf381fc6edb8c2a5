"""Names that hold inputs, in the ways in which programs hand them on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backtrack.task.data_names import inputs_of
from backtrack.task.intervention import Anatomy
from backtrack.task.patching import Source, source_at
from backtrack.trial.intervening.catalogue import all_interventions

LOADER = """\
x, y = load_wine(return_X_y=True)
a, b, c, d = train_test_split(x, y)
train = DataLoader(TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(c)), batch_size=8)
test_set = TensorDataset(torch.from_numpy(b).float(), torch.tensor(d))
test = DataLoader(test_set)
"""
LOOP = """\
for epoch in range(9):
    for step, (xb, yb) in enumerate(train):
        loss = criterion(net(xb.to(device)), yb)
        loss.backward()
"""


def names(text: str) -> list[tuple[str, bool]]:
    """What is found, and whether the net trains on it."""
    return [(one.name, one.trains) for one in inputs_of(Source(text, 1), "net")]


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        (LOADER + LOOP, [("a", True)]),
        (LOADER.replace(".float()", "") + LOOP + "    for xb, yb in test:\n        print(net(xb))\n",
         [("a", True), ("b", False)]),
        # A function is given the loader; another is given the tensors.
        (LOADER.replace(".float()", "") + "def judge(data):\n    for xb, _ in data:\n        print(net(xb))\n" + LOOP
         + "    judge(test)\n", [("a", True), ("b", False)]),
        ("x = load()\nxb = 0\nfor i in rows:\n    xb, yb = x[i], y[i]\n    loss = f(net(xb), yb)\n    loss.backward()\n"
         "print(net(x[held]))\n", [("x", True)]),
        ("def main():\n    x = load()\n    for xb, yb in zip(x.split(8), y.split(8)):\n        loss = f(net(xb), yb)\n"
         "        loss.backward()\n", [("x", True)]),
        # The second of a batch, what another function makes, numbers of another kind, another model, no backward pass.
        (LOADER + LOOP.replace("net(xb.to(device))", "net(yb)"), []),
        (LOADER.replace("TensorDataset(torch.tensor(a", "made(torch.tensor(a") + LOOP, []),
        (LOADER + LOOP.replace("xb.to(device)", "xb.float()"), []),
        (LOADER + LOOP.replace("net(xb", "other(xb"), []),
        (LOADER + LOOP.replace("loss.backward()", "print(loss)"), []),
        # One of its calls cannot be told: nothing is.
        (LOADER + LOOP + "print(net(read()))\n", []),
    ],
)  # fmt: skip
def test_names_are_followed_to_where_they_are_made(program: str, wanted: list[tuple[str, bool]]) -> None:
    ast.parse(program)
    assert names(program) == wanted


def test_inputs_are_standardised_where_they_are_made(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    optimiser = "opt = SGD(net.parameters(), lr=1)\n"
    program = LOADER.replace(".float()", "") + optimiser + LOOP + "mean = net(torch.tensor(b))"
    file.write_text(program, encoding="utf-8")
    anatomy = Anatomy(inputs={"floats": True}, optimisers=[{"kind": "SGD", "place": f"{file}:6"}], sources=[str(file)])
    diff = all_interventions()["inputs"].described(anatomy)["patches"]["standardised"]
    assert [line for line in diff.splitlines()[3:] if line[0] in "+-"] == [
        "+input_mean, input_std = a.mean(0), a.std(0)",
        "+input_std[input_std == 0] = 1",
        "+a, b = (a - input_mean) / input_std, (b - input_mean) / input_std",
    ]
    source = source_at(f"{file}:1")
    assert source is not None
    patch = all_interventions()["inputs"].patch
    # A mark for what is missing is filled first: that is no edit of one place.
    assert patch is not None
    assert patch(source, "filled", anatomy) is None
