"""What gets lost on its way: words, examples, gradients of a state, and weights that are let loose too late."""

from __future__ import annotations

import pytest
from listened import listened_to

IDS = """
torch.manual_seed(0)
ids = torch.randint(2, 9, (256, 8))
ids[torch.arange(8) >= torch.randint(3, 9, (256, 1))] = 0
Z = (ids == 3).any(1).long()


class Words(nn.Module):
    def __init__(self, **options):
        super().__init__(); self.words, self.out = nn.Embedding(9, 16, **options), nn.Linear(16, 2)
    def forward(self, x):
        return self.out(self.words(x).mean(1))


def learn(net, ids):
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for i in torch.arange(256).split(32):
        opt.zero_grad(); F.cross_entropy(net(ids[i]), Z[i]).backward(); opt.step()
"""


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ("learn(Words(padding_idx=3), ids)", True),
        ("learn(Words(padding_idx=0), ids)", False),
        # Filled up at the start of a line.
        ("learn(Words(padding_idx=0), ids.flip(1))", False),
        ("learn(Words(), ids)", False),
        # Lines without any padding: that a word is at zero is no more than odd.
        ("learn(Words(padding_idx=3), torch.randint(2, 9, (256, 8)))", False),
        # Two lines one behind the other, with the padding of the first between them.
        ("learn(Words(padding_idx=0), torch.cat([ids, ids], 1))", False),
    ],
)
def test_a_word_that_is_taken_for_the_padding(training: str, told: bool) -> None:
    assert ("padding_index" in listened_to(IDS + training).names) is told


FORWARD = """
class Net(nn.Module):
    def __init__(self, features, before):
        super().__init__()
        self.before, self.body = before, nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 2))
    def forward(self, x):
        return self.body(self.before(x))


# Vectors of a column that lies between 0 and 1.
class Table(nn.Module):
    def __init__(self):
        super().__init__(); self.rows, self.out = nn.Embedding(9, 16), nn.Linear(16, 2)
    def forward(self, x):
        return self.out(self.rows(x.sigmoid().long().squeeze(1)))


def learn(features, before, net=None):
    net = net or Net(features, before); opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for i in batches():
        opt.zero_grad(); F.cross_entropy(net(X[i][:, :features]), Y[i]).backward(); opt.step()
"""


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ("learn(1, F.normalize)", True),
        ("learn(6, lambda x: x * 0)", True),
        ("learn(6, lambda x: (x / 100).round())", True),
        ("net = Net(6, nn.Identity()); net.body = Table(); learn(1, None, net)", True),
        ("learn(6, F.normalize)", False),
        ("learn(6, torch.sign)", False),
        ("learn(1, lambda x: (2 * x).round())", False),
        # A head that begins at zero.
        ("net = Net(6, nn.Identity()); nn.init.zeros_(net.body[2].weight); learn(6, None, net)", False),
    ],
)
def test_examples_that_become_one_before_the_first_layer(training: str, told: bool) -> None:
    assert ("inputs_lost" in listened_to(FORWARD + training).names) is told


CELL = """
class Reader(nn.Module):
    def __init__(self, cut):
        super().__init__(); self.cut, self.cell, self.out = cut, nn.GRUCell(1, 8), nn.Linear(8, 2)
    def forward(self, x):
        h = x.new_zeros(len(x), 8)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t : t + 1], self.cut(h))
        return self.out(h)


def learn(cut):
    net = Reader(cut); opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for i in batches():
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
"""


@pytest.mark.parametrize(("cut", "told"), [("h.data", True), ("h", False), ("torch.zeros_like(h)", False)])
def test_a_state_that_is_cut_at_each_step_depends_on_the_weights_from_the_second_call_on(cut: str, told: bool) -> None:
    assert ("gradient_cut" in listened_to(CELL + f"learn(lambda h: {cut})").names) is told


LET_LOOSE = """
body, head = nn.Sequential(nn.Linear(6, 8), nn.Tanh()), nn.Linear(8, 2)
net = nn.Sequential(body, head)
body.requires_grad_(False)
opt = torch.optim.SGD(head.parameters(), lr=0.05)
for epoch in range(6):
    if epoch == 2:
        body.requires_grad_(True)
        AFTER
    for i in batches():
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
"""


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ("", True),
        ("opt.add_param_group({'params': body.parameters()})", False),
        ("opt = torch.optim.SGD(net.parameters(), lr=0.05)", False),
        ("body.requires_grad_(False)", False),
    ],
)
def test_what_is_let_loose_later_belongs_to_an_optimiser(after: str, told: bool) -> None:
    assert ("parameters_without_optimiser" in listened_to(LET_LOOSE.replace("AFTER", after)).names) is told


ATTACKED = """
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        for batch in batches():
            delta = torch.empty(len(batch), 6).uniform_(-{eps}, {eps}).requires_grad_(True)
            (slope,) = torch.autograd.grad(F.cross_entropy(net(X[batch] + delta), Y[batch]), delta)
            optimiser.zero_grad()
            F.cross_entropy(net(X[batch] + {eps} * slope.sign()), Y[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            net(X)
"""


@pytest.mark.parametrize(("eps", "wide"), [(30.0, True), (0.1, False)])
def test_an_attack_that_is_far_too_strong_is_seen_at_the_inputs(eps: float, wide: bool) -> None:
    assert ("validation_inputs" in listened_to(ATTACKED.format(eps=eps)).names) == wide
