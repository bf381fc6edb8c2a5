"""What lies between data and net: features out of order, loops left early, layers exchanged, numbers rounded."""

from __future__ import annotations

import textwrap

import pytest
from listened import Seen, listened_to

FEATURES = """
rows, level = torch.randn(64, 40), torch.arange(40) / 10.0
net = nn.Linear(40, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for epoch in range(8):
    for part in rows.split(16):
        x = part + level
        x = TRAINED
        opt.zero_grad(); F.cross_entropy(net(x), Y[:16]).backward(); opt.step()
    with torch.no_grad():
        net(JUDGED)
        net(rows + level)
"""
LOADED = """
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

class Drawn(Dataset):
    def __len__(self): return 96
    def __getitem__(self, i): return torch.randn(6), 1

net = nn.Linear(6, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
loader = DataLoader(DATA, 8, shuffle=SHUFFLED)
for epoch in range(5):
    for number, (x, y) in enumerate(loader):
        if number == AFTER:
            break
        opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
"""
EXCHANGED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.body, self.fc = nn.Linear(6, 8), nn.Linear(8, 2)
    def forward(self, x):
        return self.fc(torch.relu(self.body(x)))

def learn(opt):
    for i in batches(8) + batches(8):
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()

net = Net()
learn(torch.optim.SGD(net.parameters(), lr=0.05))
LATER
"""
ROUNDED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.first, self.second = nn.Linear(6, 4), nn.Linear(4, 2)
    def forward(self, x):
        h = torch.tanh(self.first(x))
        return self.second(HIDDEN)

net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
for i in batches(8) * 2:
    opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
"""


def heard(code: str, **parts: str) -> Seen:
    for name, text in parts.items():
        code = code.replace(name, text)
    return listened_to(code)


@pytest.mark.parametrize(
    ("trained", "judged", "said"),
    [
        ("x[:, torch.randperm(40)]", "rows + level", "another order"),
        ("x.flip(1)", "rows + level", "high in one is low in the other"),
        ("x.roll(1, 1) + 0.1 * torch.randn(16, 40)", "rows + level", ""),
        # Somewhere the same order is judged: the other may be a second task.
        ("x", "(rows + level)[:, torch.randperm(40)]", ""),
        # What tells no features apart says nothing of their order.
        ("x[:, torch.randperm(40)]", "rows", ""),
    ],
)
def test_features_that_stand_in_another_order_are_told(trained: str, judged: str, said: str) -> None:
    found = [one for one in heard(FEATURES, TRAINED=trained, JUDGED=judged).findings if one.check == "features_apart"]
    assert [said in one.measured for one in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("data", "shuffled", "after", "told"),
    [
        ("TensorDataset(X[:96], Y[:96])", "False", "3", True),
        ("random_split(TensorDataset(X[:128], Y[:128]), [96, 32])[0]", "False", "3", True),
        ("TensorDataset(X[:96], Y[:96])", "True", "3", False),
        ("TensorDataset(X[:96], Y[:96])", "False", "8", False),
        # Rows that are drawn anew are others each time.
        ("Drawn()", "False", "3", False),
        ("TensorDataset(X[:96], Y[:96])", "False", "2 + epoch", False),
    ],
)
def test_a_loop_that_sees_the_same_first_batches_is_told(data: str, shuffled: str, after: str, told: bool) -> None:
    found = heard(LOADED, DATA=data, SHUFFLED=shuffled, AFTER=after)
    assert ("loader_left_early" in found.names) is told


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ("opt = torch.optim.SGD(net.parameters(), lr=0.05); net.fc = nn.Linear(8, 2); learn(opt)", True),
        ("net.fc = nn.Linear(8, 2); learn(torch.optim.SGD(net.parameters(), lr=0.05))", False),
    ],
)
def test_a_layer_that_is_exchanged_behind_its_optimiser_is_told(later: str, told: bool) -> None:
    wrong = {one.check for one in heard(EXCHANGED, LATER=later).findings if one.weight == "wrong"}
    # The layer before it is no longer used, and nothing cuts its gradient.
    assert wrong == ({"parameters_without_optimiser"} if told else set())


@pytest.mark.parametrize(("hidden", "told"), [("h.round()", True), ("h + (h.round() - h).detach()", False)])
def test_what_rounds_is_told_where_no_gradient_gets_past_it(hidden: str, told: bool) -> None:
    found = [one for one in heard(ROUNDED, HIDDEN=hidden).findings if one.check == "zero_gradient"]
    assert ["round at" in one.remedy for one in found] == [True] * told


def test_a_frozen_layer_that_is_set_free_later_moves_what_the_next_one_gets() -> None:
    """Layers that are called one after another are nets of their own to whoever listens."""
    found = listened_to(
        textwrap.dedent("""
        layers = nn.ModuleList([nn.Linear(6, 32), nn.Linear(32, 2)])
        for stage in range(4):
            layers[0].requires_grad_(stage > 1)
            opt = torch.optim.Adam([one for one in layers.parameters() if one.requires_grad], lr=0.1)
            for i in batches(16):
                opt.zero_grad()
                F.cross_entropy(layers[1](torch.relu(layers[0](X[i]))), Y[i]).backward()
                opt.step()
            with torch.no_grad():
                layers[1](torch.relu(layers[0](X)))
    """)
    )
    assert "validation_inputs" not in found.names


@pytest.mark.parametrize(
    ("said", "cancels"),
    [
        # One number for each example: a product of two rows, a mean over steps.
        ("F.mse_loss((left(X) * right(X)).sum(1), R)", False),
        ("((left(X) * right(X)).sum(-1) - R).pow(2).mean()", False),
        ("(left(X).view(-1, 2, 2).mean((1, 2)) - R).abs().mean()", False),
        ("F.mse_loss((left(X) * right(X)).sum(), R.sum())", True),
        ("(left(X).mean((0, 1)) - R.mean()) ** 2", True),
    ],
)
def test_sums_that_leave_a_number_for_each_example_cancel_nothing(said: str, cancels: bool) -> None:
    found = heard(
        """
left, right = nn.Linear(6, 4), nn.Linear(6, 4)
opt = torch.optim.SGD([*left.parameters(), *right.parameters()], lr=0.01)
for _ in range(5):
    opt.zero_grad(); (SAID).backward(); opt.step()
""",
        SAID=said,
    )
    assert ("errors_cancel" in found.names) is cancels


@pytest.mark.parametrize(("shifted", "seen"), [(True, False), (False, True)])
def test_a_decoder_that_shifts_its_targets_by_itself_sees_none_too_early(shifted: bool, seen: bool) -> None:
    found = heard(
        """
class Decoder(nn.Module):
    def __init__(self):
        super().__init__(); self.words, self.out = nn.Embedding(10, 16), nn.Linear(16, 9)
        self.read, self.write = nn.GRU(16, 16, batch_first=True), nn.GRU(16, 16, batch_first=True)
    def forward(self, ids, asked):
        before = torch.cat([torch.full_like(asked[:, :1], 9), asked[:, :-1]], 1) if SHIFTED else asked
        return self.out(self.write(self.words(before), self.read(self.words(ids))[1])[0])

net = Decoder(); opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(8):
    ids = torch.randint(9, (16, 6)); asked = ids.flip(1)
    opt.zero_grad(); F.cross_entropy(net(ids, asked).flatten(0, 1), asked.flatten()).backward(); opt.step()
""",
        SHIFTED=str(shifted),
    )
    assert ("future_seen" in found.names) is seen


@pytest.mark.parametrize("meanwhile", [True, False])
def test_an_optimiser_that_takes_the_place_of_another_shares_nothing_with_it(meanwhile: bool) -> None:
    found = heard(
        """
net = nn.Linear(6, 2)
opts = [torch.optim.SGD(net.parameters(), lr=0.05) for _ in range(2)]
for step, i in enumerate(batches(16)):
    opt = opts[step % 2 if MEANWHILE else step // 16]
    opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
""",
        MEANWHILE=str(meanwhile),
    )
    assert [one.check == "shared_parameters" for one in found.findings] == [True] * meanwhile


@pytest.mark.parametrize(
    ("scores", "pinned"),
    [
        ("q @ k.transpose(1, 2) * 400", True),
        ("q @ k.transpose(1, 2) / 4", False),
        # A mask leaves some places nothing else.
        ("(q @ k.transpose(1, 2)).masked_fill(torch.ones(6, 6).triu(1) > 0, float('-inf'))", False),
        ("(400 * q @ k.transpose(1, 2)).masked_fill(torch.ones(6, 6).triu(1) > 0, float('-inf'))", True),
    ],
)
def test_a_softmax_that_chooses_before_anything_is_learnt_is_told(scores: str, pinned: bool) -> None:
    found = heard(
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.q, self.k, self.out = nn.Linear(4, 16), nn.Linear(4, 16), nn.Linear(4, 2)
    def forward(self, x):
        q, k = self.q(x), self.k(x)
        return self.out((torch.softmax(SCORES, -1) @ x).mean(1))

net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05); lines = torch.randn(64, 6, 4)
for _ in range(4):
    opt.zero_grad(); F.cross_entropy(net(lines), Y[:64]).backward(); opt.step()
""",
        SCORES=scores,
    )
    assert ("pinned_softmax" in [one.check for one in found.findings]) is pinned


JUDGED = """
net = nn.Linear(6, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(2):
    for i in batches(32):
        opt.zero_grad(); F.mse_loss(net(X[i]), R[i, None]).backward(); opt.step()
        between = Y[i][:, None] == (R[i] > 0)
    with torch.no_grad():
        said = net(X[:64])
        METRIC
"""


@pytest.mark.parametrize(
    "metric",
    [
        "((said > 0) == (R[:64] > 0)).float().mean()",
        "torch.eq((said > 0).float(), Y[:64].float()).sum()",
        "(said.round() != Y[:64]).float().mean()",
        "(said - R[:64]).abs().mean()",
        "torch.sub(R[:64], said).square().mean()",
    ],
)
def test_predictions_that_are_compared_with_all_targets_are_named(metric: str) -> None:
    assert listened_to(JUDGED.replace("METRIC", metric)).names == {"broadcast_metric"}


@pytest.mark.parametrize(
    "metric",
    [
        "((said[:, 0] > 0) == (R[:64] > 0)).float().mean()",
        "(said - R[:64, None]).abs().mean()",
        # Labels with themselves, another size, a column of one.
        "Y[:64, None] == Y[:64]",
        "(said > 0).long() == torch.arange(2)",
        "said - said.mean(0)",
    ],
)
def test_other_comparisons_are_not(metric: str) -> None:
    assert not listened_to(JUDGED.replace("METRIC", metric)).names


@pytest.mark.parametrize(
    "metric",
    [
        "(said[:, 0] == Y[:64]).float().mean()",
        "(said[:, 0].sigmoid() == Y[:64].float()).float().mean()",
        "(torch.stack([said[:, 0], -said[:, 0]], 1).max(1)[0] == Y[:64]).sum().item()",
        "torch.eq(Y[:64, None], said).float().mean()",
    ],
)
def test_outputs_that_are_asked_whether_they_equal_labels_are_named(metric: str) -> None:
    assert listened_to(JUDGED.replace("METRIC", metric)).names == {"continuous_predictions"}


@pytest.mark.parametrize(
    "metric",
    [
        "((said[:, 0] > 0) == Y[:64]).float().mean()",
        "(said[:, 0].round() == Y[:64]).float().mean()",
        "said == said.round()",
        "said == said.max()",
        "said[:, 0] == torch.zeros(64)",
        "said[:4, 0] == Y[:4]",
    ],
)
def test_labels_that_are_compared_with_labels_are_not(metric: str) -> None:
    assert not listened_to(JUDGED.replace("METRIC", metric)).names


RANKED = """
class Scores(nn.Module):
    def __init__(self):
        super().__init__(); self.fc = nn.Linear(6, 1)
    def forward(self, x):
        return self.fc(x)[:, 0]

net = Scores()
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for i in batches(32):
    opt.zero_grad(); F.mse_loss(net(X[i]), R[i]).backward(); opt.step()
with torch.no_grad():
    better = (net(X[:64])[:, None] - net(X[64:128]) > 0).float().mean()
"""


def test_differences_of_all_scores_are_meant() -> None:
    assert not listened_to(RANKED).names


CONTRASTED = """
net = nn.Linear(6, 16)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(2):
    for i in batches(32):
        one, other = net(X[i]), net(X[i] + 0.1 * torch.randn(len(i), 6))
        scores = torch.cat([(one * other).sum(1, keepdim=True), one @ X[:64].repeat(1, 3)[:, :16].T], 1)
        opt.zero_grad(); F.cross_entropy(SCORES, torch.zeros(len(i), dtype=torch.long)).backward(); opt.step()
"""


def test_the_right_one_may_stand_first_among_scores_of_pairs() -> None:
    assert not listened_to(CONTRASTED.replace("SCORES", "scores")).names
    assert "targets" in listened_to(CONTRASTED.replace("SCORES", "one")).names


SEARCHED = """
net = nn.Linear(6, 2)
opt = torch.optim.SGD(net.parameters(), lr=1e-5)
for step in range(60):
    opt.param_groups[0]["lr"] = 1e-5 * 1.25**step
    opt.zero_grad(); F.cross_entropy(net(X[:32]), Y[:32]).backward(); opt.step()
AFTERWARDS
for epoch in range(5):
    for i in batches(32):
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
"""


@pytest.mark.parametrize(
    "afterwards", ["opt = torch.optim.SGD(net.parameters(), lr=0.1)", 'opt.param_groups[0]["lr"] = 0.01']
)
def test_a_search_for_a_rate_is_no_schedule(afterwards: str) -> None:
    assert not listened_to(SEARCHED.replace("AFTERWARDS", afterwards)).names
    assert listened_to(SEARCHED.replace("AFTERWARDS", "")).names == {"learning_rate"}


@pytest.mark.parametrize(
    "loading",
    [
        "net.load_state_dict(net.state_dict())",
        # A head that is another, an adapter, nothing at all.
        "net.load_state_dict({'0.weight': torch.zeros(16, 6), 'head.weight': torch.zeros(3, 16)}, strict=False)",
        "net.load_state_dict({'2.bias': torch.zeros(2)}, strict=False)",
        "net.load_state_dict({}, strict=False)",
    ],
)
def test_weights_of_which_some_are_loaded_are_fine(loading: str) -> None:
    code = f"""
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    {loading}
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for i in batches(32):
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """
    assert not listened_to(code).names


def test_divergence_whose_arguments_changed_places_is_named() -> None:
    code = """
    net = nn.Linear(6, 2)
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    known = torch.stack([Y, 1 - Y], 1) * 0.8 + 0.1
    for i in batches(32):
        opt.zero_grad()
        F.kl_div(ARGUMENTS, reduction="batchmean").backward()
        opt.step()
    """
    exchanged = listened_to(code.replace("ARGUMENTS", "known[i], net(X[i]).log_softmax(1)")).names
    assert "exchanged_arguments" in exchanged and "loss_input" not in exchanged
    assert not listened_to(code.replace("ARGUMENTS", "net(X[i]).log_softmax(1), known[i]")).names
    # From the net to what is known: another divergence, and meant.
    assert not listened_to(code.replace("ARGUMENTS", "known[i].log(), net(X[i]).softmax(1)")).names
