"""Examples of sequences that are mixed: either axis may count the examples, and targets may be flattened."""

from __future__ import annotations

import textwrap

import pytest
from listened import listened_to

SEQUENCES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(9, 8), nn.Linear(8, 5)
        self.rnn = nn.GRU(8, 8, batch_first=FIRST)
        self.codes = nn.Parameter(torch.randn(99, 1, 8))
    def forward(self, text, *asked):
        h, last = self.rnn(self.words(text))
        for one in asked:
            h = self.words(one)
        WITH
        return self.out(h)

net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
for _ in range(4):
    text, asked, labels = torch.randint(9, SHAPE), torch.randint(9, ASKED), torch.randint(5, ASKED)
    out = net(GIVEN)
    opt.zero_grad(); LOSS.backward(); opt.step()
"""
FLAT = "F.cross_entropy(out.reshape(-1, 5), labels.reshape(-1))"
OF_ALL = "F.mse_loss(out, F.one_hot(labels, 5).float())"
OVER_THE_FIRST = "h = h.softmax(0) * h"


@pytest.mark.parametrize("loss", [FLAT, OF_ALL], ids=["flattened", "of all steps"])
@pytest.mark.parametrize(
    ("first", "body", "shape", "asked", "given", "told"),
    [
        ("True", "pass", "(12, 7)", "(12, 7)", "text", False),
        ("False", "pass", "(7, 12)", "(7, 12)", "text", False),
        ("False", "pass", "(12, 12)", "(12, 12)", "text", False),
        ("True", OVER_THE_FIRST, "(12, 7)", "(12, 7)", "text", True),
        ("True", OVER_THE_FIRST, "(12, 12)", "(12, 12)", "text", True),
        # Steps may well be weighed against each other.
        ("False", OVER_THE_FIRST, "(7, 12)", "(7, 12)", "text", False),
        ("True", "pass", "(12, 7)", "(12, 5)", "text, asked", False),
        ("True", OVER_THE_FIRST, "(12, 7)", "(12, 5)", "text, asked", True),
        # Codes of places, by the number of examples.
        ("False", "h = h + self.codes[: h.size(0)]", "(7, 12)", "(7, 12)", "text", False),
        ("True", "h = h + self.codes[: h.size(0)]", "(12, 7)", "(12, 7)", "text", True),
        # Two sequences alone may be steps.
        ("False", "pass", "(12, 2)", "(12, 2)", "text", False),
        ("False", "pass", "(12, 1)", "(12, 1)", "text", False),
    ],
)
def test_examples_of_sequences_that_mix_are_told(
    first: str, body: str, shape: str, asked: str, given: str, told: bool, loss: str
) -> None:
    code = textwrap.dedent(SEQUENCES).replace("FIRST", first).replace("WITH", body).replace("SHAPE", shape)
    seen = listened_to(code.replace("ASKED", asked).replace("GIVEN", given).replace("LOSS", loss))
    assert ("mixed_examples" in seen.names) == told, seen.findings


JUDGED = """
net = nn.Sequential(nn.Embedding(30, 8, padding_idx=0), nn.Flatten(), nn.Linear(48, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(3):
    for i in batches():
        ids = torch.randint(2, 30, (32, 6)); ids[:4, 4:] = PADDED
        opt.zero_grad(); F.cross_entropy(net(ids), Y[i]).backward(); opt.step()
    with torch.no_grad():
        ids = torch.randint(2, 30, (64, 6)); length = torch.randint(2, 6, (64, 1))
        JUDGED
        net(ids)
"""


@pytest.mark.parametrize(
    ("padded", "judged", "told"),
    [
        ("0", "pass", False),
        ("0", "ids[torch.arange(6).expand(64, 6) >= length] = 0", False),
        # Padding may come in what is judged alone.
        ("2", "ids[torch.arange(6).expand(64, 6) >= length] = 0", False),
        ("0", "ids = torch.where(torch.arange(6) < length, 1, 0)", True),
        ("2", "ids = torch.where(torch.arange(6) < length, 1, 0)", True),
        ("0", "ids.fill_(1)", True),
        # A word that is always the same is no unknown one; nor are some examples all.
        ("0", "ids.fill_(7)", False),
        ("0", "ids[:40] = 1", False),
    ],
)
def test_examples_of_nothing_but_a_token_that_is_never_trained_are_told(padded: str, judged: str, told: bool) -> None:
    code = textwrap.dedent(JUDGED).replace("PADDED", padded).replace("JUDGED", judged)
    seen = listened_to(code)
    assert ("unknown_tokens" in seen.names) == told, seen.findings


TAGGED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.words, self.rnn, self.out = nn.Embedding(9, 8), nn.GRU(8, 8), nn.Linear(8, 3)
    def forward(self, text):
        return self.out(self.rnn(self.words(text))[0])

net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
for _ in range(6):
    text, labels = torch.randint(1, 9, (7, 12)), torch.randint(LEAST, 3, (7, 12))
    lengths = torch.randint(3, 8, (12,))
    labels[torch.arange(7)[:, None] >= lengths] = IGNORED
    out = net(text)
    opt.zero_grad(); LOSS.backward(); opt.step()
"""
FLATTENED = "F.cross_entropy(out.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)"
BY_ROWS = "F.cross_entropy(out.transpose(0, 1).transpose(1, 2), labels.T, ignore_index=IGNORED)"


@pytest.mark.parametrize("loss", [FLATTENED, BY_ROWS], ids=["flattened", "by rows"])
@pytest.mark.parametrize(("least", "ignored", "told"), [(1, 0, False), (0, 0, True), (0, -100, False), (0, 7, False)])
def test_labels_that_are_left_out_between_others_are_told(least: int, ignored: int, told: bool, loss: str) -> None:
    code = textwrap.dedent(TAGGED).replace("LOSS", loss).replace("LEAST", str(least)).replace("IGNORED", str(ignored))
    seen = listened_to(code)
    found = [one for one in seen.findings if one.check == "ignored_labels"]
    assert bool(found) == told and all(one.weight == "unusual" for one in found), seen.findings


@pytest.mark.parametrize(("ignored", "told"), [("0", True), ("-100", False), ("9", False)])
def test_a_class_that_is_left_out_is_told(ignored: str, told: bool) -> None:
    code = f"""
    net = nn.Linear(6, 2); opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for i in batches():
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i], ignore_index={ignored}).backward(); opt.step()
    """
    assert ("ignored_labels" in {one.check for one in listened_to(code).findings}) == told


@pytest.mark.parametrize("inside", [True, False], ids=["loss inside of the model", "flattened by the model"])
def test_padding_of_what_a_model_flattens_is_left_alone(inside: bool) -> None:
    code = f"""
    class Net(nn.Module):
        def __init__(self):
            super().__init__(); self.words, self.out = nn.Embedding(9, 8), nn.Linear(8, 9)
        def forward(self, text, labels):
            logits = self.out(self.words(text)).view(-1, 9)
            return F.cross_entropy(logits, labels.flatten(), ignore_index=0) if {inside} else logits

    net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(6):
        text = torch.randint(1, 9, (12, 7)); text[torch.arange(7) >= torch.randint(3, 8, (12, 1))] = 0
        out = net(text, text)
        loss = out if {inside} else F.cross_entropy(out, text.flatten(), ignore_index=0)
        opt.zero_grad(); loss.backward(); opt.step()
    """
    assert "ignored_labels" not in {one.check for one in listened_to(code).findings}
