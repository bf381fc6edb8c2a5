"""Every check on a training that must show it; none of them on trainings that are sound."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch
from listened import START, Seen, listened_to

from backtrack.watch.checks import all_checks
from backtrack.watch.listening.ears import Ears

HEALTHY = Path(__file__).parents[3] / "benchmarks" / "faults" / "healthy"

LOOP = """
def train(net, loss, y, epochs=3, opt=None, size=32, order=None, after=lambda: None, x=None):
    opt = opt or torch.optim.SGD(net.parameters(), lr=0.05)
    x = X if x is None else x
    for epoch in range(epochs):
        net.train()
        for i in batches(size, order):
            opt.zero_grad()
            value = loss(net(x[i]), y[i])
            value.backward()
            opt.step()
            after()


def mlp(*last, start=6, out=2):
    return nn.Sequential(nn.Linear(start, 16), nn.ReLU(), nn.Linear(16, out), *last)
"""

WORDS = """
class Words(nn.Module):
    def __init__(self, causal):
        super().__init__(); self.causal, self.words, self.places = causal, nn.Embedding(9, 16), nn.Embedding(8, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True); self.out = nn.Linear(16, 9)
    def forward(self, ids, asked=None):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1]) if self.causal else None
        said = self.out(self.layer(x, src_mask=mask, is_causal=self.causal))
        return said if asked is None else (said, F.cross_entropy(said.flatten(0, 1), asked.flatten()))


def learn(net, loss, steps=30):
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(steps):
        opt.zero_grad(); loss(net, torch.randint(9, (16, 9))).backward(); opt.step()


def next_word(net, ids):
    return F.cross_entropy(net(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


# Lines of 3 to 8 words, filled with zeros; `attended` says how scores are masked, `turned` whether wrongly.
class Lines(nn.Module):
    def __init__(self, attended, turned):
        super().__init__(); self.attended, self.turned = attended, turned
        self.words, self.places, self.out = nn.Embedding(12, 16), nn.Embedding(9, 16), nn.Linear(16, 2)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    def forward(self, ids, real):
        x, out = self.words(ids) + self.places(torch.arange(9)), real if self.turned else ~real
        if self.attended == "layer":
            return self.out(self.layer(x, src_key_padding_mask=out).mean(1))
        if self.attended == "numbers":
            return self.out(self.layer(x, src_key_padding_mask=-30.0 * out).mean(1))
        if self.attended == "mean":
            return self.out((x * ~out[..., None]).sum(1) / (~out).sum(1, keepdim=True).clamp(min=1))
        if self.attended == "function":
            return self.out(F.scaled_dot_product_attention(x, x, x, attn_mask=~out[:, None]).mean(1))
        scores = (x @ x.transpose(1, 2) / 4).masked_fill(out[:, None], -1e9)
        return self.out((scores.softmax(-1) @ x).mean(1))


def lines(attended, turned):
    net = Lines(attended, turned); opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(12):
        ids = torch.randint(1, 12, (16, 9)); ids[torch.arange(9) >= torch.randint(3, 9, (16, 1))] = 0
        opt.zero_grad(); F.cross_entropy(net(ids, ids != 0), ids[:, 0] % 2).backward(); opt.step()


class Decoder(nn.Module):
    def __init__(self):
        super().__init__(); self.words = nn.Embedding(10, 16)
        self.read, self.write = nn.GRU(16, 16, batch_first=True), nn.GRU(16, 16, batch_first=True)
        self.out = nn.Linear(16, 10)
    def forward(self, ids, before):
        return self.out(self.write(self.words(before), self.read(self.words(ids))[1])[0])
"""

# A schedule that waits for a plateau of what it is given, of outputs for V with the labels L.
PLATEAU = """
    V = torch.randn(150, 6); L = (V[:, 0] + V[:, 1] > 0).long(); net = mlp()
    opt = torch.optim.SGD(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="MODE", patience=PATIENCE)
    for epoch in range(EPOCHS):
        train(net, F.cross_entropy, Y, epochs=1, opt=opt, size=8)
        net.eval()
        with torch.no_grad():
            out = net(V); right = (out.argmax(1) == L).float().mean()
            halves = [F.cross_entropy(net(V[:50]), L[:50]), F.cross_entropy(net(V[50:]), L[50:])]
            schedule.step(GIVEN)
"""


def _plateau(mode: str, given: str, patience: int = 0, epochs: int = 8) -> str:
    code = PLATEAU.replace("MODE", mode).replace("GIVEN", given)
    return code.replace("PATIENCE", str(patience)).replace("EPOCHS", str(epochs))


# An agent that draws what it does from what its net says.
DRAWN = """
        net = NET; opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        for i in batches():
            drawn = torch.distributions.MADE
            acts = drawn.sample()
            opt.zero_grad(); (-drawn.log_prob(acts) * torch.randn(acts.shape)).mean().backward(); opt.step()
"""

# A net of ten classes, of which labels that come in order have the last in the rows that it is judged by alone.
SPLIT = """
        y = torch.arange(512) * 10 // 512
        train(net := mlp(out=10), F.cross_entropy, TRAINED, epochs=2)
        for _ in range(2):
            with torch.no_grad():
                CHOSEN
                right = (chosen == JUDGED).float().mean()
            train(net, F.cross_entropy, TRAINED, epochs=1)
"""

FAULTS = {
    "classes_apart": SPLIT.replace("TRAINED", "y.clamp(max=8)").replace("JUDGED", "y[462:]").replace(
        "CHOSEN", "chosen = net(X[462:]).argmax(1)"
    ),
    "distribution_input": DRAWN.replace("NET", "mlp(nn.Softmax(1), out=3)").replace(
        "MADE", "Categorical(logits=net(X[i]))"
    ),
    "plateau_mode": _plateau("max", "F.cross_entropy(out, L)"),
    "sampler_weights": """
        from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        drawn = WeightedRandomSampler(1 / torch.bincount(Y).float(), len(Y))
        for x, y in DataLoader(TensorDataset(X, Y), 32, sampler=drawn):
            opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "updates_undone": """
        import copy
        net = mlp(); slow = copy.deepcopy(net)
        def after():
            with torch.no_grad():
                for own, other in zip(slow.parameters(), net.parameters()):
                    own.lerp_(other, 0.001); other.copy_(own)
        train(net, F.cross_entropy, Y, after=after)
    """,
    "features_apart": """
        rows, level = torch.randn(64, 40), torch.arange(40) / 10.0
        net = mlp(start=40); opt = torch.optim.SGD(net.parameters(), lr=0.01)
        for epoch in range(8):
            for part in rows.split(16):
                x = (part + level)[:, torch.randperm(40)]
                opt.zero_grad(); F.cross_entropy(net(x), Y[:16]).backward(); opt.step()
            with torch.no_grad():
                net(rows + level)
    """,
    "rows_read_again": """
        from torch.utils.data import DataLoader, Dataset
        class Rows(Dataset):
            def __len__(self): return len(X)
            def __getitem__(self, i): return X[i % 5], Y[i % 5]
        data = Rows(); data.x = X
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(10):
            for x, y in DataLoader(data, 16, shuffle=True):
                opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "gradients_never_cleared": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.01)
        for i in batches():
            F.cross_entropy(net(X[i]), Y[i]).backward()
            opt.step()
    """,
    "gradients_cleared_before_step": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            F.cross_entropy(net(X[i]), Y[i]).backward()
            opt.zero_grad()
            opt.step()
    """,
    "parameters_without_optimiser": """
        net = mlp()
        train(net, F.cross_entropy, Y, opt=torch.optim.SGD(net[2].parameters(), lr=0.05))
    """,
    "parameters_without_gradient": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a = nn.Linear(6, 16); self.b = nn.Linear(16, 2)
            def forward(self, x):
                return self.b(torch.relu(self.a(x)).detach())
        train(Net(), F.cross_entropy, Y)
    """,
    "zero_gradient": """
        net = mlp()
        with torch.no_grad():
            net[0].bias.fill_(-50.0)
        train(net, F.cross_entropy, Y)
    """,
    "unreachable_modules": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.layers = [nn.Linear(6, 6) for _ in range(3)]; self.out = nn.Linear(6, 2)
            def forward(self, x):
                for layer in self.layers:
                    x = torch.relu(layer(x))
                return self.out(x)
        train(Net(), F.cross_entropy, Y)
    """,
    "inverted_class_weights": """
        y = (X[:, :1] > 1).float(); ones = y.sum()
        train(mlp(out=1), nn.BCEWithLogitsLoss(pos_weight=ones / (len(y) - ones)), y)
    """,
    "weights_that_stay": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            value = F.cross_entropy(net(X[i]), Y[i])
            value.backward()
            opt.zero_grad()
            opt.step()
    """,
    "wrong_mode": """
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y)
        with torch.no_grad():
            for i in batches():
                (net(X[i]).argmax(1) == Y[i]).float().mean()
    """,
    "broadcast_loss": """
        train(mlp(out=1), F.mse_loss, R)
    """,
    "weights_not_loaded": """
        state = {f"module.{name}": weight for name, weight in mlp().state_dict().items()}
        net = mlp(); net.load_state_dict(state, strict=False); train(net, F.cross_entropy, Y)
    """,
    "broadcast_metric": """
        net = mlp(out=1); train(net, F.mse_loss, R[:, None])
        with torch.no_grad():
            ((net(X) > 0) == (R > 0)).float().mean()
    """,
    "largest_of_one": """
        net = mlp(out=1); train(net, F.binary_cross_entropy_with_logits, Y[:, None].float())
        with torch.no_grad():
            (net(X).argmax(dim=1) == Y).float().mean()
    """,
    "continuous_predictions": """
        net = mlp(out=1); train(net, F.mse_loss, R[:, None])
        with torch.no_grad():
            (net(X).sigmoid()[:, 0] == Y).float().mean()
    """,
    "loss_input": """
        train(mlp(nn.Softmax(dim=1)), F.cross_entropy, Y)
    """,
    "unreachable_targets": """
        train(mlp(nn.Sigmoid(), out=1), F.mse_loss, 3 * R[:, None])
    """,
    "targets": """
        train(mlp(), F.cross_entropy, torch.zeros_like(Y))
    """,
    "future_seen": "learn(Words(causal=False), next_word)",
    "inputs": """
        train(mlp(), F.cross_entropy, Y, x=X * 300)
    """,
    "regression_targets": """
        train(mlp(out=1), F.mse_loss, 1000 + 300 * R[:, None])
    """,
    "order_of_examples": """
        train(mlp(), F.cross_entropy, Y, order=Y.argsort())
    """,
    "exchanged_arguments": """
        hot = F.one_hot(Y, 2).float()
        train(mlp(), lambda said, y: F.cross_entropy(y, said), hot)
    """,
    "order_of_targets": """
        train(mlp(out=1), F.mse_loss, R[:, None], order=R.argsort())
    """,
    "errors_cancel": """
        train(mlp(out=1), lambda said, y: (said - y).mean() ** 2, R[:, None])
    """,
    "learning_rate": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.1)
        decay = torch.optim.lr_scheduler.ExponentialLR(opt, 0.7)
        train(net, F.cross_entropy, Y, opt=opt, epochs=6, after=decay.step)
    """,
    "batch_statistics": """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y, size=2, epochs=1)
    """,
    "dropout_while_judged": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a = nn.Linear(6, 16); self.b = nn.Linear(16, 2)
            def forward(self, x):
                return self.b(F.dropout(self.a(x).relu(), 0.5))
        net = Net(); train(net, F.cross_entropy, Y, epochs=1); net.eval()
        for i in batches(128):
            with torch.no_grad():
                net(X[i])
    """,
    "running_statistics": """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16, momentum=0.0), nn.ReLU(), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y, epochs=12)
    """,
    "bag_offsets": """
        class Bags(nn.Module):
            def __init__(self):
                super().__init__(); self.words, self.out = nn.EmbeddingBag(12, 8), nn.Linear(8, 2)
            def forward(self, ids, offsets):
                return self.out(self.words(ids, offsets))
        net = Bags(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(6):
            lengths = torch.randint(2, 9, (16,))
            opt.zero_grad()
            said = net(torch.randint(12, (int(lengths.sum()),)), torch.cat([torch.zeros(1).long(), lengths[:-1]]))
            F.cross_entropy(said, torch.arange(16) % 2).backward(); opt.step()
    """,
    "weights_shrunk": """
        net = mlp()
        @torch.no_grad()
        def decay():
            for weight in net.parameters():
                weight.mul_(0.9)
        train(net, F.cross_entropy, Y, after=decay)
    """,
    "no_updates": """
        net = mlp()
        for epoch in range(2):
            for i in batches(32, None):
                net.zero_grad()
                F.cross_entropy(net(X[i]), Y[i]).backward()
                for weight in net.parameters():
                    weight = weight - 0.1 * weight.grad
    """,
    "validation_inputs": """
        net = mlp()
        train(net, F.cross_entropy, Y, epochs=1)
        with torch.no_grad():
            net(X * 20 + 30)
    """,
    "dropout": """
        net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Dropout(0.95), nn.Linear(64, 2))
        train(net, F.cross_entropy, Y)
    """,
    "first_step": """
        net = mlp()
        train(net, F.cross_entropy, Y, opt=torch.optim.Adam(net.parameters(), lr=2.5))
    """,
    "step_size": """
        net = mlp()
        train(net, F.cross_entropy, Y, opt=torch.optim.SGD(net.parameters(), lr=1e-8))
    """,
    "equal_rows": """
        net = mlp()
        for weight in net.parameters():
            nn.init.constant_(weight, 0.1)
        train(net, F.cross_entropy, Y)
    """,
    "not_finite": """
        train(mlp(out=1), lambda a, b: (a - b).pow(2).mean(), R[:, None], opt=None, epochs=1, x=X)
        net = mlp(out=1)
        train(net, lambda a, b: (a - b).pow(2).mean(), R[:, None], opt=torch.optim.SGD(net.parameters(), lr=50.0))
    """,
    "constant_output": """
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
        with torch.no_grad():
            net[0].bias.fill_(-50.0)
        train(net, F.cross_entropy, Y, epochs=20)
    """,
    "unknown_tokens": """
        net = nn.Sequential(nn.Embedding(30, 8, padding_idx=0), nn.Flatten(), nn.Linear(48, 2))
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(3):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(torch.randint(2, 30, (32, 6))), Y[i]).backward(); opt.step()
            with torch.no_grad():
                net(torch.where(torch.arange(6) < torch.randint(2, 6, (64, 1)), 1, 0))
    """,
    "mixed_examples": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.GRU(1, 8); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x[:, :, None])[0][:, -1])
        train(Net(), F.cross_entropy, Y)
    """,
    "gradients_cleared_unused": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(3):
            for i in batches():
                opt.zero_grad()
                F.cross_entropy(net(X[i]), Y[i]).backward()
            opt.step()
    """,
    "gradients_clipped_scaled": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); scaler = torch.amp.GradScaler("cpu")
        for i in batches():
            opt.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(net(X[i]), Y[i])
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(opt); scaler.update()
    """,
    "padding_attended": """
        lines("layer", turned=True)
    """,
    "exchanged_axes": """
        x = torch.randn(512, 5, 4, 3); net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(24, 2))
        train(net, F.cross_entropy, Y, x=x.view(-1, 3, 5, 4), epochs=1)
    """,
    "rows_apart": """
        net = Decoder(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(4):
            ids = torch.randint(10, (8, 5)); said = net(ids, ids).transpose(0, 1)
            opt.zero_grad(); F.cross_entropy(said.reshape(-1, 10), ids.reshape(-1)).backward(); opt.step()
    """,
    "loader_left_early": """
        from torch.utils.data import DataLoader, TensorDataset
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(5):
            for number, (x, y) in enumerate(DataLoader(TensorDataset(X, Y), 32, shuffle=True)):
                opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
                break
            with torch.no_grad():
                net(X)
    """,
    "gradient_cut": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.mean, self.spread, self.out = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(3, 6)
            def forward(self, x):
                mean, spread = self.mean(x), self.spread(x)
                z = torch.distributions.Normal(mean, (0.5 * spread).exp()).sample()
                return self.out(z), mean, spread
        net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            back, mean, spread = net(X[i]); kl = -0.5 * (1 + spread - mean ** 2 - spread.exp()).mean()
            opt.zero_grad(); (F.mse_loss(back, X[i]) + kl).backward(); opt.step()
    """,
    "inputs_lost": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.body = mlp(start=1)
            def forward(self, x):
                return self.body(F.normalize(x))
        train(Net(), F.cross_entropy, Y, x=X[:, :1])
    """,
    "padding_index": """
        ids = torch.randint(2, 9, (512, 8)); ids[torch.arange(8) >= torch.randint(3, 9, (512, 1))] = 0
        words = nn.Embedding(9, 16, padding_idx=3)
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.words, self.out = words, nn.Linear(16, 2)
            def forward(self, x):
                return self.out(self.words(x).mean(1))
        train(Net(), F.cross_entropy, (ids == 3).any(1).long(), x=ids)
    """,
    "changing_targets": """
        net = mlp(out=1); opt = torch.optim.SGD(net.parameters(), lr=0.05); y = X[:, :1] * 2
        for epoch in range(6):
            x, targets = X[torch.randperm(len(X))], y[torch.randperm(len(X))]
            for i in batches():
                opt.zero_grad(); F.mse_loss(net(x[i]), targets[i]).backward(); opt.step()
    """,
    "lost_updates": """
        net = mlp().bfloat16(); opt = torch.optim.SGD(net.parameters(), lr=2e-3)
        for epoch in range(3):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i].bfloat16()).float(), Y[i]).backward(); opt.step()
    """,
    "epsilon_underflows": """
        net = mlp().half(); opt = torch.optim.Adam(net.parameters(), lr=1e-3)
        for i in batches():
            opt.zero_grad(); F.cross_entropy(net(X[i].half()).float(), Y[i]).backward(); opt.step()
    """,
    "adaptive_rule": """
        net = mlp()
        train(net, F.cross_entropy, Y, opt=torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.999, 0.9)))
    """,
    "idle_optimiser": """
        body, head = nn.Sequential(nn.Linear(6, 16), nn.ReLU()), nn.Linear(16, 2)
        both = [torch.optim.SGD(one.parameters(), lr=0.05) for one in (body, head)]
        for epoch in range(4):
            for i in batches():
                both[0].zero_grad(); both[1].zero_grad()
                F.cross_entropy(head(body(X[i])), Y[i]).backward(); both[1].step()
    """,
    "state_not_carried": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.cell, self.out = nn.GRUCell(1, 16), nn.Linear(16, 2)
            def forward(self, x):
                for t in range(6):
                    h = self.cell(x[:, t:t + 1], torch.zeros(len(x), 16))
                return self.out(h)
        train(Net(), F.cross_entropy, Y)
    """,
    "softmax_of_one": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.score, self.out = nn.Linear(1, 1), nn.Linear(1, 2)
            def forward(self, x):
                steps = x[:, :, None]
                return self.out((F.softmax(self.score(steps), -1) * steps).sum(1))
        train(Net(), F.cross_entropy, Y)
    """,
    "judged_untrained": """
        import copy
        net = mlp(); average = copy.deepcopy(net); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(4):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
                for old, new in zip(average.parameters(), net.parameters()):
                    old.detach().lerp(new.detach(), 0.1)
            with torch.no_grad():
                average(X)
    """,
    "same_examples": """
        from torch.utils.data import DataLoader, TensorDataset
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); loader = DataLoader(TensorDataset(X, Y), 32)
        for step in range(20):
            x, y = next(iter(loader))
            opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "same_targets": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in range(0, 512, 32):
            opt.zero_grad(); F.cross_entropy(net(X[i:i + 32]), Y[:32]).backward(); opt.step()
    """,
    "empty_batches": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in range(0, 512, 32):
            opt.zero_grad(); F.cross_entropy(net(X[i:32]), Y[i:32]).backward(); opt.step()
    """,
    "loss_of_itself": """
        net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 6)); opt = torch.optim.Adam(net.parameters())
        for i in batches():
            x = net(X[i])
            opt.zero_grad(); F.mse_loss(x, x.view(-1, 6)).backward(); opt.step()
    """,
    "unused_losses": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(6):
            for i in batches():
                loss = F.cross_entropy(net(X[i]), Y[i])
            opt.zero_grad(); loss.backward(); opt.step()
    """,
    "changing_inputs": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); data = X.clone()
        for epoch in range(6):
            for i in batches():
                data[i] /= 4
                opt.zero_grad(); F.cross_entropy(net(data[i]), Y[i]).backward(); opt.step()
    """,
    "weights_made_anew": """
        def drawn(m):
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight); nn.init.zeros_(m.bias)
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(3):
            net.apply(drawn)
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "unused_result": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 2)
            def forward(self, x):
                x = self.one(x)
                F.relu(x)
                return self.two(x)
        train(Net(), F.cross_entropy, Y)
    """,
    "unread_steps": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.LSTM(1, 8, batch_first=True); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x[:, :, None])[0][:, 0])
        train(Net(), F.cross_entropy, Y)
    """,
}  # fmt: skip

VARIANTS = {
    "logarithms of zero as targets": (
        "targets",
        "train(mlp(out=1), F.mse_loss, R.clamp_min(0).log()[:, None])",
    ),
    "a rate that is a tenth of itself at each of many epochs": (
        "learning_rate",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.1)
        for epoch in range(15):
            train(net, F.cross_entropy, Y, epochs=1, opt=opt)
            schedule.step()
        """,
    ),
    "running statistics that lag behind": (
        "running_statistics",
        """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16, momentum=0.0005), nn.ReLU(), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y, epochs=14)
        """,
    ),
    "labels before logits": (
        "exchanged_arguments",
        "train(mlp(out=1), lambda said, y: nn.BCEWithLogitsLoss()(y, said), Y[:, None].float())",
    ),
    "means of a batch that are compared": (
        "errors_cancel",
        "train(mlp(out=1), lambda said, y: F.mse_loss(said.mean(), y.mean()), R[:, None])",
    ),
    "a sum of differences whose absolute value is the loss": (
        "errors_cancel",
        "train(mlp(out=1), lambda said, y: 2 * torch.abs((y - said).sum() / len(y)), R[:, None])",
    ),
    "the mean difference times itself": (
        "errors_cancel",
        """
        def loss(said, y):
            gap = torch.mean(said.squeeze(1) - y)
            return gap * gap
        train(mlp(out=1), loss, R)
        """,
    ),
    "targets that fall from batch to batch": (
        "order_of_targets",
        "train(mlp(out=1), F.smooth_l1_loss, R[:, None], order=R.argsort(descending=True), size=16)",
    ),
    "variances that a ReLU makes": (
        "loss_input",
        """
        net = mlp(out=2)
        train(net, lambda o, y: nn.GaussianNLLLoss()(o[:, :1], y, F.relu(o[:, 1:])), X[:, :1] * 2)
        """,
    ),
    "an optimiser of a part of one model, which is gone at the end": (
        "idle_optimiser",
        """
        def main():
            net = mlp(); first, last = (torch.optim.SGD(net[n].parameters(), lr=0.05) for n in (0, 2))
            for i in batches(16):
                net.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); last.step()
        main()
        """,
    ),
    "a layer that reads a step at a time and is given no state": (
        "state_not_carried",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.layer, self.out = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 2)
            def forward(self, x):
                for t in range(6):
                    h, _ = self.layer(x[:, t:t + 1, None])
                return self.out(h[:, -1])
        train(Net(), F.cross_entropy, Y)
        """,
    ),
    "an epsilon above all gradients": (
        "adaptive_rule",
        """
        net = mlp()
        train(net, F.cross_entropy, Y, epochs=5, opt=torch.optim.AdamW(net.parameters(), lr=1e-3, eps=1.0))
        """,
    ),
    "gradients of more batches than there are, whose optimiser is gone at the end": (
        "gradients_cleared_unused",
        """
        def main():
            net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
            for epoch in range(3):
                opt.zero_grad()
                for number, i in enumerate(batches()):
                    (F.cross_entropy(net(X[i]), Y[i]) / 64).backward()
                    if (number + 1) % 64 == 0:
                        opt.step(); opt.zero_grad()
        main()
        """,
    ),
    "the first of the steps of words, which come first": (
        "unread_steps",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.words = nn.Embedding(9, 8)
                self.rnn, self.out = nn.GRU(8, 8, 2), nn.Linear(8, 2)
            def forward(self, ids):
                return self.out(self.rnn(self.words(ids))[0][0])
        net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(4):
            opt.zero_grad(); F.cross_entropy(net(torch.randint(9, (12, 32))), Y[:32]).backward(); opt.step()
    """,
    ),
    "a model of two inputs that attends over the batch": (
        "mixed_examples",
        """
        class Matcher(nn.Module):
            def __init__(self):
                super().__init__(); self.words = nn.Embedding(9, 8); self.attend = nn.MultiheadAttention(8, 2)
                self.out = nn.Linear(8, 2)
            def forward(self, text, asked):
                return self.out(self.attend(self.words(asked), self.words(text), self.words(text))[0].mean(1))
        net = Matcher(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(4):
            text, asked = torch.randint(9, (16, 5)), torch.randint(9, (16, 5))
            opt.zero_grad(); F.cross_entropy(net(text, asked), Y[:16]).backward(); opt.step()
        """,
    ),
    "outputs that are clamped away from their targets": (
        "unreachable_targets",
        "net = mlp(out=1); train(net, lambda a, b: F.mse_loss(a[:, 0].clamp(0, 1), b), X[:, 0] * 3)",
    ),
    "data that are standardised anew in each epoch, by the moments of the raw ones": (
        "changing_inputs",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.01); data = 5 + 3 * X; mean, std = 5.0, 0.5
        for epoch in range(8):
            data = (data - mean) / std
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(data[i]), Y[i]).backward(); opt.step()
    """,
    ),
    "weights that are moved by hand, and gradients that stay": (
        "gradients_never_cleared",
        """
        net = mlp()
        for i in batches():
            F.cross_entropy(net(X[i]), Y[i]).backward()
            with torch.no_grad():
                for weight in net.parameters():
                    weight -= 0.05 * weight.grad
    """,
    ),
    "one answer for all, as a number for each example": (
        "constant_output",
        """
        class Lost(nn.Module):
            def __init__(self):
                super().__init__(); self.out = nn.Linear(6, 1)
            def forward(self, x):
                return self.out(x * 0).squeeze(-1)
        train(Lost(), F.binary_cross_entropy_with_logits, Y.float(), epochs=6)
    """,
    ),
    "a module of an activation, and a dropout, whose results nobody takes": (
        "unused_result",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 2)
                self.act, self.drop = nn.Tanh(), nn.Dropout(0.2)
            def forward(self, x):
                self.act(self.one(x)); self.drop(x)
                return self.two(self.one(x))
        train(Net(), F.cross_entropy, Y)
    """,
    ),
    "weights that a program draws anew in its own way": (
        "weights_made_anew",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(3):
            for weight in net.parameters():
                weight.data.normal_(0, 0.1)
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    ),
    "the first batch's labels, of few batches that come again": (
        "same_targets",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(4):
            for i in range(0, 128, 32):
                opt.zero_grad(); F.cross_entropy(net(X[i:i + 32]), Y[:32]).backward(); opt.step()
    """,
    ),
    "numbers that are those of the first batch each time": (
        "same_targets",
        """
        net = mlp(out=1); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches(16):
            opt.zero_grad(); F.mse_loss(net(X[i])[:, 0], R[:16]).backward(); opt.step()
    """,
    ),
    "what a net says of the same inputs twice": (
        "loss_of_itself",
        """
        net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 6)); opt = torch.optim.Adam(net.parameters())
        for i in batches():
            opt.zero_grad(); F.l1_loss(net(X[i]), net(X[i])).backward(); opt.step()
    """,
    ),
    "the same draw in each step, by a seed that is given again": (
        "same_examples",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(20):
            torch.manual_seed(1); i = torch.randint(0, len(X), (8,))
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    ),
    "the same draw in each step, by a generator that is made anew": (
        "same_examples",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(20):
            i = torch.randperm(len(X), generator=torch.Generator().manual_seed(1))[:8]
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    ),
    "the next word by a loss inside of the model": (
        "future_seen",
        "learn(Words(causal=False), lambda net, ids: net(ids[:, :-1], ids[:, 1:])[1])",
    ),
    "the next word by a net that reads both ways, time first": (
        "future_seen",
        """
        class Both(nn.Module):
            def __init__(self):
                super().__init__(); self.words = nn.Embedding(9, 16)
                self.rnn = nn.LSTM(16, 8, bidirectional=True); self.out = nn.Linear(16, 9)
            def forward(self, ids):
                return self.out(self.rnn(self.words(ids))[0])
        learn(Both(), lambda net, ids: F.cross_entropy(net(ids.T[:-1]).flatten(0, 1), ids.T[1:].flatten()))
    """,
    ),
    "the next word, and padding that is left out": (
        "future_seen",
        """
        def padded(net, ids):
            aim = torch.where(torch.arange(8) < torch.randint(4, 8, (16, 1)), ids[:, 1:], -100)
            return F.cross_entropy(net(ids[:, :-1]).flatten(0, 1), aim.flatten())
        learn(Words(causal=False), padded)
    """,
    ),
    "a decoder that is given what it is asked for": (
        "future_seen",
        "turned = lambda ids: ids.flip(1)\n"
        "say = lambda net, ids: F.cross_entropy(net(ids, turned(ids)).flatten(0, 1), turned(ids).flatten())\n"
        "learn(Decoder(), say)",
    ),
    "labels of 0 and 1 where a loss takes two signs": (
        "targets",
        "train(mlp(out=1), lambda a, b: F.soft_margin_loss(a[:, 0], b), Y.float())",
    ),
    "probabilities for a loss of margins": (
        "loss_input",
        "train(mlp(nn.Softmax(1)), F.multi_margin_loss, Y)",
    ),
    "probabilities for a loss of several classes": (
        "loss_input",
        "train(mlp(nn.Sigmoid()), F.multilabel_soft_margin_loss, F.one_hot(Y, 2).float())",
    ),
    "several classes, each a 1, for a loss of their numbers": (
        "targets",
        "train(mlp(out=3), F.multilabel_margin_loss, F.one_hot(Y, 3))",
    ),
    "pairs that are alike or not, by 0 and 1": (
        "targets",
        """
        net = mlp(out=8)
        train(net, lambda a, b: F.cosine_embedding_loss(a, net(torch.randn(len(b), 6)), b), Y.float())
    """,
    ),
    "a class that is left out, of two": (
        "targets",
        "train(mlp(), lambda a, b: F.cross_entropy(a, b, ignore_index=0), Y)",
    ),
    "one-hot rows that are viewed and not transposed": (
        "targets",
        "train(mlp(out=4), F.cross_entropy, F.one_hot((Y + 2 * (X[:, 2] > 0)).long(), 4).T.reshape(512, 4).float())",
    ),
    "targets whose fraction is cut off": (
        "targets",
        "train(mlp(out=1), F.mse_loss, R.sigmoid().long().float()[:, None])",
    ),
    "judged one by one, by the mean of each batch": (
        "validation_inputs",
        """
        def scaled(x):
            return (x - x.mean(0)) / (x.std(0, unbiased=False) + 1e-5)
        net = mlp()
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        data = torch.utils.data.TensorDataset(X, Y)
        for x, y in torch.utils.data.DataLoader(data, 32, shuffle=True):
            opt.zero_grad()
            F.cross_entropy(net(scaled(x)), y).backward()
            opt.step()
        with torch.no_grad():
            for x, y in torch.utils.data.DataLoader(data, 1):
                net(scaled(x))
    """,
    ),
    "labels that have the number of the blank": (
        "targets",
        """
        class Spoken(nn.Module):
            def __init__(self):
                super().__init__(); self.out = nn.Linear(1, 5)
            def forward(self, x):
                return self.out(x[:, :, None]).transpose(0, 1).log_softmax(-1)
        sizes = lambda n, size: torch.full((n,), size)
        said = torch.randint(1, 5, (512, 2))
        train(Spoken(), lambda a, b: F.ctc_loss(a, b, sizes(len(b), 6), sizes(len(b), 2), blank=4), said)
    """,
    ),
    "logits into ctc_loss": (
        "loss_input",
        """
        class Spoken(nn.Module):
            def __init__(self):
                super().__init__(); self.out = nn.Linear(1, 5)
            def forward(self, x):
                return self.out(x[:, :, None]).transpose(0, 1)
        sizes = lambda n, size: torch.full((n,), size)
        said = torch.randint(1, 5, (512, 2))
        train(Spoken(), lambda a, b: F.ctc_loss(a, b, sizes(len(b), 6), sizes(len(b), 2)), said)
    """,
    ),
    "an average that hardly follows": (
        "judged_untrained",
        """
        import copy
        net = mlp(); average = copy.deepcopy(net); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(4):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
                with torch.no_grad():
                    for old, new in zip(average.parameters(), net.parameters()):
                        old.lerp_(new, 1e-4)
            with torch.no_grad():
                average(X)
    """,
    ),
    "a second loss in one line, of targets in thousands": (
        "regression_targets",
        "train(mlp(out=3), lambda a, b: F.cross_entropy(a[:, :2], b) + F.mse_loss(a[:, 2], 3000.0 + 100 * b), Y)",
    ),
    "the last example for the last step, of as many steps as examples": (
        "mixed_examples",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.GRU(2, 8, batch_first=True); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x)[0][-1])
        train(Net(), F.cross_entropy, Y, size=16, x=torch.randn(512, 16, 2))
    """,
    ),
    "a warm-up that is divided into whole numbers": (
        "learning_rate",
        """
        net = mlp(); opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: (step + 1) // 400)
        train(net, F.cross_entropy, Y, opt=opt, after=warm.step)
    """,
    ),
    "a rare class that weighs what it is frequent": (
        "inverted_class_weights",
        """
        y = (X[:, 0] > 1).long() + 2 * (X[:, 1] > 1.5).long().mul(X[:, 0] <= 1)
        train(mlp(out=3), nn.CrossEntropyLoss(weight=torch.bincount(y) / len(y)), y)
    """,
    ),
    "a closure that never clears the gradients": (
        "gradients_never_cleared",
        """
        net = mlp(); opt = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=5)
        def closure():
            loss = F.cross_entropy(net(X), Y)
            loss.backward()
            return loss
        for _ in range(4):
            opt.step(closure)
    """,
    ),
    "a warm-up that the training does not live to see the end of": (
        "learning_rate",
        """
        net = mlp(); opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1, (step + 1) / 20000))
        train(net, F.cross_entropy, Y, opt=opt, epochs=6, after=warm.step)
    """,
    ),
    "a rate that grows to a hundred of what was asked for": (
        "learning_rate",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=1e-4)
        grown = torch.optim.lr_scheduler.ExponentialLR(opt, 1.1)
        train(net, F.cross_entropy, Y, opt=opt, epochs=4, after=grown.step)
    """,
    ),
    "judged in training mode, by inputs that all begin with zeros": (
        "wrong_mode",
        """
        net = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
        x = torch.randn(512, 64); x[:, 0] = 0; opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(2):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(x[i]), Y[i]).backward(); opt.step()
            with torch.no_grad():
                for i in batches(): net(x[i])
    """,
    ),
    "a latent that goes through Python's numbers": (
        "gradient_cut",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.mean, self.spread, self.out = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(3, 6)
            def forward(self, x):
                mean, spread = self.mean(x), self.spread(x)
                z = torch.tensor((mean + torch.randn_like(mean)).tolist())
                return self.out(z), mean, spread
        net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            back, mean, spread = net(X[i]); kl = -0.5 * (1 + spread - mean ** 2 - spread.exp()).mean()
            opt.zero_grad(); (F.mse_loss(back, X[i]) + kl).backward(); opt.step()
    """,
    ),
    "two optimisers of one net, and none of the other": (
        "parameters_without_optimiser",
        """
        maker, judge = nn.Linear(2, 6), mlp(out=1)
        first, second = (torch.optim.SGD(judge.parameters(), lr=0.05) for _ in range(2))
        for epoch in range(2):
            for i in batches():
                made = maker(torch.randn(len(i), 2)); one = torch.ones(len(i), 1)
                first.zero_grad(); real = F.binary_cross_entropy_with_logits(judge(X[i]), one)
                (real + F.binary_cross_entropy_with_logits(judge(made.detach()), 0 * one)).backward(); first.step()
                second.zero_grad(); F.binary_cross_entropy_with_logits(judge(made), one).backward(); second.step()
    """,
    ),
    "a mask of scaled_dot_product_attention the wrong way round": (
        "padding_attended",
        """
        lines("function", turned=True)
    """,
    ),
    "numbers that are added to the scores the wrong way round": (
        "padding_attended",
        """
        lines("numbers", turned=True)
    """,
    ),
    "scores masked by hand the wrong way round": (
        "padding_attended",
        """
        lines("hand", turned=True)
    """,
    ),
    "a mean of what is padding": (
        "padding_attended",
        """
        lines("mean", turned=True)
    """,
    ),
    "steps put before examples by reshape": (
        "exchanged_axes",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.GRU(2, 8); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x.reshape(3, len(x), 2))[0][-1])
        train(Net(), F.cross_entropy, Y, x=torch.randn(512, 3, 2), epochs=1)
    """,
    ),
    "labels in a new order in each epoch": (
        "changing_targets",
        """
        net = mlp()
        for epoch in range(6): train(net, F.cross_entropy, Y[torch.randperm(512)], epochs=1)
    """,
    ),
    "no backward pass": (
        "weights_that_stay",
        "net = mlp(); opt = torch.optim.Adam(net.parameters())\n"
        "for i in batches(): opt.zero_grad(); loss = F.cross_entropy(net(X[i]), Y[i]); opt.step()",
    ),
    "rates into a loss of their logarithms": (
        "loss_input",
        "train(nn.Sequential(mlp(out=1), nn.Softplus()), F.poisson_nll_loss, Y[:, None].float())",
    ),
    "logarithms into a loss of rates": (
        "loss_input",
        "train(mlp(out=1), lambda a, b: F.poisson_nll_loss(a, b, log_input=False), Y[:, None].float())",
    ),
    "a step without its parentheses": (
        "gradients_cleared_unused",
        "net = mlp(); opt = torch.optim.Adam(net.parameters())\n"
        "for i in batches(): opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step",
    ),
    "one word for all": (
        "inputs",
        "ids = torch.zeros(512, 5).long()\n"
        "train(nn.Sequential(nn.EmbeddingBag(9, 8), nn.Linear(8, 2)), F.cross_entropy, Y, x=ids)",
    ),
    "probabilities into nll_loss": ("loss_input", "train(mlp(nn.Softmax(dim=1)), F.nll_loss, Y)"),
    "logits into nll_loss": ("loss_input", "train(mlp(), F.nll_loss, Y)"),
    "sigmoid before …_with_logits": (
        "loss_input",
        "train(mlp(nn.Sigmoid(), out=1), F.binary_cross_entropy_with_logits, Y[:, None].float())",
    ),
    "softmax of one unit": (
        "unreachable_targets",
        "train(mlp(nn.Softmax(dim=1), out=1), F.binary_cross_entropy, Y[:, None].float())",
    ),
    "softmax over the batch": ("mixed_examples", "train(mlp(nn.Softmax(dim=0)), F.cross_entropy, Y)"),
    "codes of places added to examples": (
        "mixed_examples",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.out = nn.Linear(2, 2); self.register_buffer("codes", torch.randn(99, 1, 2))
            def forward(self, x):
                return self.out(torch.relu(x.view(-1, 3, 2) + self.codes[: x.size(0)])).mean(1)
        train(Net(), F.cross_entropy, Y)
        """,
    ),
    "view instead of transpose": (
        "mixed_examples",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.out = nn.Linear(6, 2)
            def forward(self, x):
                return self.out(x.t().reshape(-1, 6))
        train(Net(), F.cross_entropy, Y)
        """,
    ),
    "training in evaluation mode": (
        "wrong_mode",
        """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)).eval()
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
        """,
    ),
    "a tensor that is no parameter": (
        "parameters_without_optimiser",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.w = torch.randn(6, 16, requires_grad=True); self.out = nn.Linear(16, 2)
            def forward(self, x):
                return self.out((x @ self.w).relu())
        train(Net(), F.cross_entropy, Y, epochs=2)
        """,
    ),
    "a product that becomes a square": (
        "broadcast_loss",
        """
        def loss(a, b):
            return -(b * a.sigmoid().log() + (1 - b) * (1 - a.sigmoid()).log()).mean()
        train(mlp(out=1), loss, Y.float())
        """,
    ),
    "a dropout function that leaves next to nothing": (
        "dropout",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a = nn.Linear(6, 16); self.b = nn.Linear(16, 2)
            def forward(self, x):
                return self.b(F.dropout(self.a(x).relu(), 0.95, self.training))
        train(Net(), F.cross_entropy, Y, epochs=1)
        """,
    ),
    "labels beyond one": ("targets", "train(mlp(out=1), F.binary_cross_entropy_with_logits, 2.0 * Y[:, None])"),
    "a learning rate of zero": (
        "weights_that_stay",
        "net = mlp(); train(net, F.cross_entropy, Y, opt=torch.optim.SGD(net.parameters(), lr=0.0))",
    ),
    "a difference that becomes a square": (
        "broadcast_loss",
        "train(mlp(out=1), lambda a, b: ((a - b) ** 2).mean(), R)",
    ),
    "a gradient that is clipped to nothing": (
        "step_size",
        """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.01)
        for epoch in range(3):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1e-5); opt.step()
        """,
    ),
    "targets that come first": (
        "regression_targets",
        "train(mlp(out=1), lambda said, known: F.mse_loss(known, said), 1000 + 300 * R[:, None])",
    ),
    "NaN in the inputs": ("inputs", "X[::7, 2] = float('nan'); train(mlp(), F.cross_entropy, Y)"),
    "the same example everywhere": ("inputs", "train(mlp(), F.cross_entropy, Y, x=X[:1].expand(512, 6))"),
}


# A dataset of 512 rows: its columns, its length and an item of it.
DATASET = """
    from torch.utils.data import DataLoader, Dataset
    class Rows(Dataset):
        def __init__(self):
            self.x, self.y, self.columns = X, Y, {"x": X.double().numpy(), "y": Y.numpy()}
        def __len__(self):
            return LENGTH
        def __getitem__(self, i):
            return ITEM
    net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for epoch in range(10):
        for x, y in DataLoader(Rows(), 4, shuffle=True):
            opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
"""

PADDED = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__(); self.words, self.rnn = nn.Embedding(9, 8), nn.GRU(8, 8, batch_first=True)
            self.out = nn.Linear(8, 2)
        def forward(self, ids):
            states, last = self.rnn(self.words(ids)); return self.out(READ)
    ends = torch.randint(2, 9, (len(Y), 1)); ids = torch.randint(1, 9, (len(Y), 12)) * (torch.arange(12) < ends)
    train(Net(), F.cross_entropy, Y, x=INPUTS, epochs=4)
"""

# A copy of the net, of which targets are made; AFTER says what becomes of it after each step.
TARGETS = """
import copy
net = mlp(out=1); target = BEGUN; opt = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(16):
    for i in batches():
        with torch.no_grad():
            goal = R[i, None] + 0.5 * target(X[i].roll(1, 0))
        opt.zero_grad(); F.smooth_l1_loss(net(X[i]), goal).backward(); opt.step()
        AFTER
"""

# Rows that are given in full where the net is judged, scaled as SCALED says, or by a loader.
SCALED = """
    from torch.utils.data import DataLoader, TensorDataset
    net = mlp(); raw = 3 * torch.randn(60, 6) + 5; own = lambda x: (x - x.mean(0)) / x.std(0)
    train(net, F.cross_entropy, Y, x=TRAINED, epochs=1)
    with torch.no_grad():
        JUDGED
    train(net, F.cross_entropy, Y, x=TRAINED, epochs=1)
"""

ANGLES = """
        class Angles(nn.Module):
            def __init__(self):
                super().__init__(); self.body, self.classes = nn.Linear(6, 8), nn.Parameter(torch.randn(3, 8))
                self.scale = nn.Parameter(torch.zeros(()))
            def forward(self, x):
                return SCALE * F.linear(F.normalize(self.body(x)), F.normalize(self.classes))
        train(Angles(), F.cross_entropy, Y)
"""

UNUSUAL = {
    "ignored_labels": """
        train(mlp(), lambda a, b: F.cross_entropy(a, b, ignore_index=0), Y)
    """,
    "one_sided_scores": """
        net = mlp(out=4); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(2):
            for i in batches():
                j = i.roll(1)
                far = F.pairwise_distance(net(X[i]), net(X[j]))
                opt.zero_grad(); F.binary_cross_entropy(far.sigmoid(), (Y[i] == Y[j]).float()).backward(); opt.step()
    """,
    "cosine_scores": ANGLES.replace("SCALE", "1.0"),
    "scaled_by_itself": SCALED.replace("TRAINED", "X").replace("JUDGED", "net(own(raw))"),
    "linear_net": """
        net = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.1), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        train(net, F.cross_entropy, Y)
    """,
    "places_unknown": """
        class Mean(nn.Module):
            def forward(self, h):
                return h.mean(1)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        net = nn.Sequential(nn.Embedding(9, 8), layer, Mean(), nn.Linear(8, 2))
        train(net, F.cross_entropy, Y, x=torch.randint(9, (512, 6)))
    """,
    "target_network": TARGETS.replace("BEGUN", "copy.deepcopy(net)").replace("AFTER", ""),
    "pinned_softmax": """
        class Weighs(nn.Module):
            def __init__(self):
                super().__init__(); self.score, self.out = nn.Linear(6, 5), nn.Linear(5, 2)
            def forward(self, x):
                return self.out(torch.softmax(500 * self.score(x), 1))
        train(Weighs(), F.cross_entropy, Y)
    """,
    "padding_read": PADDED.replace("READ", "last[-1]").replace("INPUTS", "ids"),
    "rows_never_read": DATASET.replace("LENGTH", "9").replace("ITEM", "self.x[i], self.y[i]"),
    "first_loss": "net = mlp(); net[2].weight.data.mul_(200); train(net, F.cross_entropy, Y)",
    "same_batches": """
        from torch.utils.data import DataLoader, TensorDataset
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(2):
            for x, y in DataLoader(TensorDataset(X, Y), 32):
                opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "shared_parameters": """
        net = mlp(); opts = [torch.optim.SGD(net.parameters(), lr=0.01), torch.optim.Adam(net.parameters())]
        for i in batches():
            for opt in opts:
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "batch_norm_gap": """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16, momentum=1e-5), nn.ReLU(), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y, epochs=20, x=X + 3)
    """,
}


# What looks like a fault to one check or another, and is none.
# A net that learns from all examples at once; EXTRA is what it holds, USED what it makes of its hidden units.
AT_ONCE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__(); self.one, self.two = nn.Linear(6, 8), nn.Linear(8, 2); EXTRA
        def forward(self, x):
            h = torch.relu(self.one(x)); return self.two(USED)
    near = torch.cdist(X[:96], X[:96]) < 1.5
    train(Net(), F.cross_entropy, Y, size=96, order=torch.arange(96), epochs=9)
"""


def _at_once(extra: str, used: str) -> str:
    return AT_ONCE.replace("EXTRA", extra).replace("USED", used)


SOUND = {
    "classes that are all trained on": SPLIT.replace("TRAINED", "y")
    .replace("JUDGED", "y[410:]")
    .replace("CHOSEN", "_, chosen = net(X[410:]).max(1)"),
    "choices that are no labels": SPLIT.replace("TRAINED", "y.clamp(max=8)")
    .replace("JUDGED", "y[:50]")
    .replace("CHOSEN", "chosen = net(X[:50]).argmax(1).clamp(min=9)"),
    "scores of a distribution": DRAWN.replace("NET", "mlp(out=3)").replace("MADE", "Categorical(logits=net(X[i]))"),
    "probabilities of a distribution": DRAWN.replace("NET", "mlp(nn.Softmax(1), out=3)").replace(
        "MADE", "Categorical(net(X[i]))"
    ),
    "logarithms of probabilities of a distribution": DRAWN.replace("NET", "mlp(nn.LogSoftmax(1), out=3)").replace(
        "MADE", "Categorical(logits=net(X[i]))"
    ),
    "cosines that are divided by a temperature": ANGLES.replace("SCALE", "10"),
    "cosines whose scale is learnt": ANGLES.replace("SCALE", "self.scale.exp()"),
    "a graph that its net holds": _at_once("self.near = near.float() / near.sum(1)", "self.near @ h"),
    "a sparse graph that its net holds": _at_once("self.near = near.float().to_sparse()", "self.near @ h"),
    "edges that their net holds": _at_once(
        "self.register_buffer('edges', near.nonzero().T)",
        "torch.zeros_like(h).index_add(0, self.edges[0], h[self.edges[1]])",
    ),
    "a code for each example": _at_once("self.codes = nn.Parameter(torch.randn(96, 8))", "h + self.codes"),
    "a drawn code of few numbers between linear layers": """
        net = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6))
        train(net, F.mse_loss, X)
    """,
    "pairs of which each example's own is the right one, by places in the batch": """
        net = nn.Linear(6, 4); opt = torch.optim.Adam(net.parameters(), 1e-2); places = torch.arange(32).roll(16)
        for i in batches():
            z = net(X[i] + 0.1 * torch.randn(32, 6))
            opt.zero_grad(); F.cross_entropy(z @ net(X[i].roll(16, 0)).T, places).backward(); opt.step()
    """,
    "targets that a program makes for its batches: ones and zeros, or in turn": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for made in (torch.arange(32) // 16, torch.arange(32) % 2):
            for k in range(12):
                x = torch.randn(32, 6); x[:, 0] += 3 * made
                opt.zero_grad(); F.cross_entropy(net(x), made).backward(); opt.step()
    """,
    "all examples at once, with noise that is drawn anew": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(30):
            opt.zero_grad(); F.cross_entropy(net(X + 0.5 * torch.randn(512, 6)), Y).backward(); opt.step()
    """,
    "all examples at once, turned round at random": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(30):
            turned, _ = torch.linalg.qr(torch.eye(6) + 0.7 * torch.randn(6, 6))
            opt.zero_grad(); F.cross_entropy(net(X @ turned), Y).backward(); opt.step()
    """,
    "a pupil that begins as a copy of its teacher": """
        import copy
        net = mlp(out=4); teacher = copy.deepcopy(net).requires_grad_(False); opt = torch.optim.Adam(net.parameters())
        for i in batches():
            opt.zero_grad(); F.mse_loss(net(X[i] + 0.1 * torch.randn(32, 6)), teacher(X[i])).backward(); opt.step()
            for old, new in zip(teacher.parameters(), net.parameters()):
                old.lerp_(new.detach(), 0.05)
    """,
    "losses of many batches that are added up, or judged first, or used in another way": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        def loss_of(i):
            return F.cross_entropy(net(X[i]), Y[i])
        for i in batches():
            loss_of(i)
        for i in batches():
            opt.zero_grad(); loss_of(i).backward(); opt.step()
        for epoch in range(3):
            opt.zero_grad(); sum(loss_of(i) for i in batches()).backward(); opt.step()
    """,
    "a step that follows gradients which are asked for on the way": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); weights = list(net.parameters())
        def loss_of(i):
            return F.cross_entropy(net(X[i]), Y[i])
        for step in range(6):
            taken = []
            for i in batches()[:12]:
                taken.append(torch.autograd.grad(loss_of(i), weights)); loss = loss_of(i)
            opt.zero_grad(); loss.backward()
            for weight, *given in zip(weights, *taken):
                weight.grad += sum(given)
            opt.step()
    """,
    "experts of which some get no example of a batch, and a sum over none": """
        experts = [mlp() for _ in range(4)]
        opt = torch.optim.SGD([weight for one in experts for weight in one.parameters()], lr=0.05)
        for i in batches(8):
            x, y = X[i], Y[i]; which = 2 * (x[:, 0] > 0.8).long() + (x[:, 1] > 0).long()
            loss = sum(F.cross_entropy(one(x[which == k]), y[which == k], reduction="sum")
                       for k, one in enumerate(experts))
            opt.zero_grad(); loss.backward(); opt.step()
    """,
    "a drawn net whose only activation is a maximum": """
        class Highest(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two, self.out = nn.Linear(6, 9), nn.Linear(6, 9), nn.Linear(9, 2)
            def forward(self, x):
                return self.out(torch.maximum(self.one(x), self.two(x)))
        train(Highest(), F.cross_entropy, Y)
    """,
    "inputs that a hook of the model standardises": """
        net = mlp()
        net.register_forward_pre_hook(lambda net, given: ((given[0] - 30) / 20,))
        train(net, F.cross_entropy, Y, x=X * 20 + 30, epochs=4)
        with torch.no_grad():
            for i in batches(64, None):
                net(X[i] * 20 + 30)
    """,
    "samplers with a weight for each example, and of one's own that weighs classes": """
        from torch.utils.data import DataLoader, Sampler, TensorDataset, WeightedRandomSampler
        class ByClass(Sampler):
            def __init__(self):
                self.weights = torch.tensor([0.5, 0.5])
            def __iter__(self):
                for label in torch.multinomial(self.weights, 256, replacement=True):
                    rows = (Y == label).nonzero()[:, 0]; yield int(rows[torch.randint(len(rows), ())])
            def __len__(self):
                return 256
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for drawn in (WeightedRandomSampler((1 / torch.bincount(Y).float())[Y], 256), ByClass()):
            for x, y in DataLoader(TensorDataset(X, Y), 32, sampler=drawn):
                opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "a step that tries something out, of weights that another optimiser moves": """
        import copy
        net = mlp(); tries, moves = (torch.optim.SGD(net.parameters(), lr=rate) for rate in (0.1, 0.01))
        for i in batches():
            kept = copy.deepcopy(net.state_dict())
            for opt, rows in ((tries, i), (moves, i.flip(0))):
                opt.zero_grad(); F.cross_entropy(net(X[rows]), Y[rows]).backward()
                if opt is moves:
                    net.load_state_dict(kept)
                opt.step()
        for i in batches() + batches():
            kept = copy.deepcopy(net.state_dict())
            tries.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); tries.step()
            net.load_state_dict(kept)
    """,
    "weights that go half-way back every fifth step, are bounded, or held to one norm": """
        import copy
        net = mlp(); slow = copy.deepcopy(net); k = [0]
        def look_ahead():
            k[0] += 1
            if k[0] % 5 == 0:
                with torch.no_grad():
                    for own, other in zip(slow.parameters(), net.parameters()):
                        own.lerp_(other, 0.5); other.copy_(own)
        train(net, F.cross_entropy, Y, after=look_ahead)
        for change in (lambda p: p.clamp_(-0.3, 0.3), lambda p: p.div_(p.norm(dim=-1, keepdim=True) + 1e-9)):
            net = mlp()
            train(net, F.cross_entropy, Y, after=lambda: [change(p.data) for p in net.parameters() if p.ndim > 1])
    """,
    "all examples in each batch, which holds them sorted": """
        net, out = mlp(), mlp(out=1)
        for k in range(30):
            train(net, F.cross_entropy, Y, order=Y.argsort(), size=512, epochs=1)
            train(out, F.mse_loss, R[:, None], order=R.argsort(descending=k % 2 == 0), size=512, epochs=1)
        down = R.argsort(descending=True); opt = torch.optim.SGD(out.parameters(), lr=0.01)
        for _ in range(30):
            opt.zero_grad(); F.smooth_l1_loss(out(X[down]), R[down, None]).backward(); opt.step()
    """,
    "closures that clear the gradients, of one batch and of several": """
        net = mlp(); opt = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=5)
        def closure():
            opt.zero_grad()
            loss = F.cross_entropy(net(X), Y)
            loss.backward()
            return loss
        def gathered():
            opt.zero_grad()
            total = 0.0
            for i in torch.arange(512).split(128):
                loss = F.cross_entropy(net(X[i]), Y[i]) / 4
                loss.backward()
                total += loss.item()
            return total
        for one in (closure, gathered):
            for _ in range(4):
                opt.step(one)
    """,
    "weights that make rare classes count, that leave one out, and those of equal classes": """
        y = (X[:, :1] > 1).float(); ones = y.sum()
        train(mlp(out=1), nn.BCEWithLogitsLoss(pos_weight=(len(y) - ones) / ones), y)
        train(mlp(out=1), nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.3)), (X[:, :1] > 0).float())
        z = (X[:, 0] > 1).long() + 2 * (X[:, 1] > 1.5).long().mul(X[:, 0] <= 1)
        train(mlp(out=3), nn.CrossEntropyLoss(weight=1 / torch.bincount(z)), z)
        train(mlp(out=3), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 0.0])), z)
        train(mlp(out=6), nn.BCEWithLogitsLoss(pos_weight=torch.full((6,), 0.2)), (X > 1).float())
    """,
    "a warm-up to the rate that was asked for": """
        net = mlp(); opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1, (step + 1) / 80))
        train(net, F.cross_entropy, Y, opt=opt, epochs=6, after=warm.step)
        opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        warm = torch.optim.lr_scheduler.LinearLR(opt, 0.005, total_iters=100)
        train(net, F.cross_entropy, Y, opt=opt, epochs=8, after=warm.step)
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        once = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=700, div_factor=50)
        train(net, F.cross_entropy, Y, opt=opt, epochs=6, after=once.step)
    """,
    "a divergence from what a teacher says, and soft labels": """
        said = F.softmax(3 * X[:, :2], 1)
        train(mlp(), lambda o, y: F.kl_div(y.log(), F.softmax(o, 1), reduction="batchmean"), said)
        train(mlp(), F.cross_entropy, said)
    """,
    "a net whose targets are learnt along with its outputs": """
        class Two(nn.Module):
            def __init__(self):
                super().__init__(); self.a, self.b = mlp(), mlp()
            def forward(self, x):
                return self.a(x), self.b(x)
        def loss(said, y):
            return F.cross_entropy(said[0], F.softmax(said[1], 1)) + F.cross_entropy(said[1], y)
        train(Two(), loss, Y)
    """,
    "errors that are squared one by one, or weighed by something, and their root": """
        train(mlp(out=1), lambda said, y: ((said - y) ** 2).mean().sqrt(), R[:, None])
        train(mlp(out=1), lambda said, y: (said - y).abs().sum() / len(y), R[:, None])
        train(mlp(out=1), lambda said, y: ((said - y) ** 2 * torch.rand_like(y)).mean(), R[:, None])
        train(mlp(out=1), lambda said, y: ((said - y).norm() ** 2) / len(y), R[:, None])
        train(mlp(out=1), lambda said, y: ((said - y) ** torch.tensor([2.0, 4.0])).mean(), R[:, None])
    """,
    "a critic of real and made-up examples, whose means are apart": """
        train(mlp(out=1), lambda said, y: -(said[y > 0].mean() - said[y <= 0].mean()) + 0.1 * said.pow(2).mean(), R)
    """,
    "a penalty on the mean error beside the squared errors": """
        train(mlp(out=1), lambda said, y: F.mse_loss(said, y) + 0.1 * (said - y).mean() ** 2, R[:, None])
    """,
    "a series with a trend that is trained in its order": """
        t = torch.arange(512) / 512; y = (3 * t + torch.sin(60 * t) + 0.05 * torch.randn(512))[:, None]
        train(mlp(out=1), F.mse_loss, y, order=torch.arange(512), epochs=2)
    """,
    "a long line that is read from its end, and both directions of another, each where it ends": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn, self.out = nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 2)
                self.both, self.more = nn.GRU(1, 4, batch_first=True, bidirectional=True), nn.Linear(8, 2)
            def forward(self, x):
                ends = self.out(self.rnn(x.flip(1)[:, :, None])[0][:, -1])
                states = self.both(x[:, :, None])[0]
                return ends + self.more(torch.cat([states[:, -1, :4], states[:, 0, 4:]], 1))
        x = torch.randn(512, 60); x[:, 0] = Y * 2.0 - 1; net = Net()
        train(net, F.cross_entropy, Y, x=x, opt=torch.optim.Adam(net.parameters(), lr=0.01))
    """,
    "a long line that is read from its end alone": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn, self.out = nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x.flip(1)[:, :, None])[0][:, -1])
        x = torch.randn(512, 60); x[:, 0] = Y * 2.0 - 1
        train(Net(), F.cross_entropy, Y, x=x)
    """,
    "nodes of a graph beside its adjacency": """
        class Graph(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two = nn.Linear(6, 8), nn.Linear(8, 2)
            def forward(self, nodes, edges):
                return self.two(edges @ torch.relu(self.one(edges @ nodes)))
        net = Graph(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        edges = (torch.rand(40, 40) < 0.2).float() + torch.eye(40)
        for _ in range(4):
            opt.zero_grad(); F.cross_entropy(net(X[:40], edges), Y[:40]).backward(); opt.step()
    """,
    "rows in one order": """
        net = Decoder(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(4):
            ids = torch.randint(10, (8, 5)); said, asked = net(ids, ids), torch.randint(10, (8, 5))
            loss = F.cross_entropy(said.flatten(0, 1), asked.flatten())
            turned = F.cross_entropy(said.transpose(0, 1).flatten(0, 1), asked.t().flatten())
            opt.zero_grad(); (loss + turned).backward(); opt.step()
    """,
    "inputs that are attacked by hand before the first step": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        delta = torch.zeros_like(X[:32]).requires_grad_()
        for attack in range(6):
            F.cross_entropy(net(X[:32] + delta), Y[:32]).backward()
            with torch.no_grad():
                delta += 0.1 * delta.grad.sign(); delta.grad.zero_()
        for i in batches():
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "each class judged by itself, in which half of the features hardly differ": """
        x = torch.cat([X[:, :4], (Y[:, None] * 2.0 - 1) + 0.01 * X[:, 4:]], 1); net = mlp()
        train(net, F.cross_entropy, Y, x=x, epochs=2)
        with torch.no_grad():
            net.eval()
            for one in (0, 1, 0, 1):
                net(x[Y == one])
    """,
    "outputs that are clamped where their targets are": """
        net = mlp(out=1)
        train(net, lambda a, b: F.mse_loss(a[:, 0].clamp(min=0, max=1), b), (X[:, 0] > 0).float(), epochs=3)
    """,
    "data whose scale goes up and down": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(8):
            for number, i in enumerate(batches()):
                opt.zero_grad(); F.cross_entropy(net(X[i] * (0.2 + number % 4)), Y[i]).backward(); opt.step()
    """,
    "weights that are moved by hand, with gradients of four batches": """
        net = mlp()
        for epoch in range(3):
            for number, i in enumerate(batches()):
                (F.cross_entropy(net(X[i]), Y[i]) / 4).backward()
                if number % 4 == 3:
                    with torch.no_grad():
                        for weight in net.parameters():
                            weight -= 0.05 * weight.grad; weight.grad = None
    """,
    "activations in place, beside the outputs, in a loss that the model keeps, and to be looked at": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 2)
            def forward(self, x):
                x = self.one(x); F.relu(x, inplace=True)
                self.small = F.softplus(x).mean()
                with torch.no_grad():
                    F.gelu(x)
                return self.two(x), torch.tanh(x)
        net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(2):
            for i in batches():
                said, _ = net(X[i]); torch.tanh(said)
                opt.zero_grad(); (F.cross_entropy(said, Y[i]) + 0.01 * net.small).backward(); opt.step()
    """,
    "folds, each with weights drawn anew and an optimiser of its own": """
        net = mlp()
        for fold in range(3):
            for layer in net:
                if hasattr(layer, "reset_parameters"):
                    layer.reset_parameters()
            opt = torch.optim.SGD(net.parameters(), lr=0.05)
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "weights that are clipped, averaged and loaded between steps": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); best = None
        for epoch in range(3):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
                before = best or {name: one.clone() for name, one in net.state_dict().items()}
                best = {name: 0.5 * one + 0.5 * before[name] for name, one in net.state_dict().items()}
                net.load_state_dict(best)
                for weight in net.parameters():
                    weight.data.clamp_(-0.3, 0.3)
    """,
    "all examples at once, after a seed that is given in each epoch for the dropout": """
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(20):
            opt.zero_grad(); F.cross_entropy(net(X), Y).backward(); opt.step()
            torch.manual_seed(0)
    """,
    "the next word, by those before it": "learn(Words(causal=True), next_word)",
    "the next word, by a loss inside of the model": (
        "learn(Words(causal=True), lambda net, ids: net(ids[:, :-1], ids[:, 1:])[1])"
    ),
    "a decoder that is given the word before": """
        def loss(net, ids):
            aim = ids.flip(1)
            before = torch.cat([torch.full_like(aim[:, :1], 9), aim[:, :-1]], 1)
            return F.cross_entropy(net(ids, before).flatten(0, 1), aim.flatten())
        learn(Decoder(), loss)
    """,
    "words that are copied through a bottleneck": (
        "start = lambda ids: torch.full_like(ids, 9)\n"
        "learn(Decoder(), lambda net, ids: F.cross_entropy(net(ids, start(ids)).flatten(0, 1), ids.flatten()))"
    ),
    "words that are filled in where they are masked": """
        def loss(net, ids):
            ids = ids[:, :8]
            hidden = torch.rand(ids.shape) < 0.3
            aim = torch.where(hidden, ids, -100)
            return F.cross_entropy(net(torch.where(hidden, 0, ids)).flatten(0, 1), aim.flatten())
        learn(Words(causal=False), loss)
    """,
    "soft classes, of a mixture": (
        "train(mlp(out=4), F.cross_entropy, (0.9 * F.one_hot((Y + 2 * (X[:, 2] > 0)).long(), 4) + 0.025).float())"
    ),
    "an equation whose rest is to be zero": (
        "train(mlp(out=1), lambda a, b: F.mse_loss(a[:, 0] - b, torch.zeros(len(b))), R)"
    ),
    "several agents at once that all learn to go one way": """
        walk = [torch.randint(0, 5, (16,))]
        policy = nn.Sequential(nn.Linear(9, 16), nn.Tanh(), nn.Linear(16, 2))
        value = nn.Sequential(nn.Linear(9, 16), nn.Tanh(), nn.Linear(16, 1))
        opt = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.05)
        for iteration in range(6):
            kept = []
            for _ in range(24):
                state = F.one_hot(walk[0], 9).float()
                with torch.no_grad():
                    action = torch.distributions.Categorical(logits=policy(state)).sample()
                kept.append((state, action)); walk[0] = (walk[0] + 2 * action - 1).clamp(0, 8)
            with torch.no_grad():
                value(F.one_hot(walk[0], 9).float())
            states, actions = (torch.cat(each) for each in zip(*kept))
            for _ in range(8):
                logs = torch.distributions.Categorical(logits=policy(states)).log_prob(actions)
                cost = (logs * (actions.float() - 0.5)).mean() + (value(states).squeeze(1) - states[:, 0]).pow(2).mean()
                opt.zero_grad(); cost.backward(); opt.step()
    """,
    "an ensemble of what the net was after each of its epochs": """
        import copy
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); members = []
        for epoch in range(4):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
            members.append(copy.deepcopy(net).eval())
            with torch.no_grad():
                torch.stack([one(X) for one in members]).mean(0)
    """,
    "padding that is left out": (
        "padded = lambda b: torch.where(torch.rand(len(b)) < 0.5, 0, b)\n"
        "train(mlp(out=3), lambda a, b: F.cross_entropy(a, padded(b), ignore_index=0), Y + 1)"
    ),
    "what each example has several of, as counts": (
        "train(mlp(out=4), F.cross_entropy, F.one_hot(torch.randint(4, (512, 5)), 4).sum(1).float())"
    ),
    "pairs of which some are ranked alike": """
        net = mlp(out=1); opt = torch.optim.SGD(net.parameters(), lr=0.05); rank = (2 * R).round()
        for i in batches():
            j = i.roll(1)
            opt.zero_grad()
            F.margin_ranking_loss(net(X[i])[:, 0], net(X[j])[:, 0], (rank[i] - rank[j]).sign(), margin=0.1).backward()
            opt.step()
    """,
    "layers that train one by one, each on what the one before has learnt": """
        layers = nn.ModuleList([nn.Linear(6, 32), nn.Linear(32, 32)])
        nn.init.normal_(layers[0].weight, std=0.01)
        heads = nn.ModuleList([nn.Linear(32, 2) for _ in layers])
        opt = torch.optim.Adam([*layers.parameters(), *heads.parameters()], lr=0.3)
        def said(h):
            for layer, head in zip(layers, heads):
                h = layer(h.detach()).abs()
                yield head(h)
        for epoch in range(5):
            for i in batches():
                loss = sum(F.cross_entropy(one, Y[i]) for one in said(X[i]))
                opt.zero_grad(); loss.backward(); opt.step()
            with torch.no_grad():
                [*said(X)]
    """,
    "two signs as they are meant": "train(mlp(out=1), lambda a, b: F.soft_margin_loss(a[:, 0], b), 2.0 * Y - 1)",
    "as many steps as examples": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.GRU(2, 8, batch_first=True); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x)[0][:, -1])
        train(Net(), F.cross_entropy, Y, size=16, x=torch.randn(512, 16, 2))
    """,
    "as many steps as examples, steps first": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.rnn = nn.GRU(2, 8, batch_first=False); self.out = nn.Linear(8, 2)
            def forward(self, x):
                return self.out(self.rnn(x)[0][-1])
        net = Net(); x = torch.randn(512, 16, 2); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches(16):
            opt.zero_grad(); F.cross_entropy(net(x[i].transpose(0, 1)), Y[i]).backward(); opt.step()
    """,
    "a latent that is sampled with its gradient": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.mean, self.spread, self.out = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(3, 6)
            def forward(self, x):
                mean, spread = self.mean(x), self.spread(x)
                z = torch.distributions.Normal(mean, (0.5 * spread).exp()).rsample()
                return self.out(z), mean, spread
        net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            back, mean, spread = net(X[i]); kl = -0.5 * (1 + spread - mean ** 2 - spread.exp()).mean()
            opt.zero_grad(); (F.mse_loss(back, X[i]) + kl).backward(); opt.step()
    """,
    "a second input that comes late": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a, self.time, self.out = nn.Linear(6, 8), nn.Linear(4, 8), nn.Linear(8, 2)
            def forward(self, x):
                wave = torch.cat([x[:, :2].sin(), x[:, :2].cos()], 1)
                return self.out(torch.relu(self.a(x) + self.time(wave) + self.time(torch.randn(len(x), 4))))
        train(Net(), F.cross_entropy, Y)
    """,
    "one batch at a time, and all of them at once": """
        from torch.utils.data import DataLoader, TensorDataset
        loader = DataLoader(TensorDataset(X, Y), 32, shuffle=True)
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(6):
            x, y = (torch.cat(part) for part in zip(*loader))
            opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
        for step in range(4):
            for x, y in loader:
                if step % 2: break
                opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "axes that a library exchanges": """
        names = {}
        exec(compile("def turned(x): return x.view(3, -1, 2)", "/opt/site-packages/turning.py", "exec"), names)
        names["turned"](torch.randn(512, 3, 2))
        train(mlp(), F.cross_entropy, Y)
    """,
    "axes that are joined, divided and put in order": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.q = nn.Linear(6, 24); self.out = nn.Linear(48, 2)
            def forward(self, x):
                heads = self.q(x).view(len(x), 2, 3, 4).transpose(1, 2)
                images = x.view(-1, 1, 3, 2).reshape(len(x), 6, 1, 1).permute(3, 0, 1, 2)
                both = torch.cat([heads.reshape(len(x), 24), heads.flatten(1)], 1)
                return self.out(both + images.sum((0, 2, 3))[:, None])
        train(Net(), F.cross_entropy, Y)
    """,
    "mixed examples with the targets of both": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(4):
            for i in batches():
                j = i[torch.randperm(len(i))]; out = net(0.7 * X[i] + 0.3 * X[j])
                value = sum(w * F.cross_entropy(out, Y[k]) for w, k in ((0.7, i), (0.3, j)))
                opt.zero_grad(); value.backward(); opt.step()
    """,
    "a fifth of the labels drawn anew in each epoch": """
        net = mlp()
        for epoch in range(6):
            train(net, F.cross_entropy, torch.where(torch.rand(512) < 0.2, 1 - Y, Y), epochs=1)
    """,
    "what a net that moves says of the same inputs": """
        net, moving = mlp(out=1), mlp(out=1); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(6):
            for i in batches():
                with torch.no_grad():
                    aim = X[i, :1] + 0.5 * moving(X[i])
                opt.zero_grad(); F.mse_loss(net(X[i]), aim).backward(); opt.step()
                for weight in moving.parameters(): weight.data.normal_()
    """,
    "each example's own place in its batch": """
        net = mlp(out=8); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(6):
            for i in batches():
                out = F.normalize(net(X[i]), dim=1); other = F.normalize(X[i].repeat(1, 2)[:, :8], dim=1)
                opt.zero_grad(); F.cross_entropy(out @ other.T * 5, torch.arange(len(i))).backward(); opt.step()
    """,
    "pairs of which one net sees a half at a time": """
        net = mlp(out=8); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(6):
            for i in batches():
                j = torch.randint(0, 512, (len(i),)); near = (net(X[i]) * net(X[j])).sum(1)
                opt.zero_grad()
                F.binary_cross_entropy_with_logits(near, (Y[i] == Y[j]).float()).backward(); opt.step()
    """,
    "words that many others follow": """
        net = nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.Linear(8, 9)); ids = torch.randint(0, 9, (512, 1))
        train(net, F.cross_entropy, torch.randint(0, 9, (512,)), x=ids, epochs=4)
    """,
    "gradients of a net that somebody only looks at": """
        net = mlp()
        for i in batches():
            net.zero_grad(); F.cross_entropy(net(X[i].requires_grad_()), Y[i]).backward()
    """,
    "an embedding of places beside one of words": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.place, self.word, self.out = nn.Embedding(1, 8), nn.Embedding(9, 8), nn.Linear(8, 2)
            def forward(self, x):
                return self.out((self.place(torch.zeros_like(x)) + self.word(x)).mean(1))
        train(Net(), F.cross_entropy, Y, x=(X > 0).long())
    """,
    "low precision at a rate that it can tell from nothing": """
        net = mlp().bfloat16(); opt = torch.optim.SGD(net.parameters(), lr=1.0)
        for epoch in range(3):
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i].bfloat16()).float(), Y[i]).backward(); opt.step()
    """,
    "counts by the logarithms of their rates": "train(mlp(out=1), F.poisson_nll_loss, Y[:, None].float())",
    "gradients that are unscaled, then clipped": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); scaler = torch.amp.GradScaler("cpu")
        for i in batches():
            opt.zero_grad(); scaler.scale(F.cross_entropy(net(X[i]), Y[i])).backward(); scaler.unscale_(opt)
            nn.utils.clip_grad_norm_(net.parameters(), 0.1); scaler.step(opt); scaler.update()
    """,
    "a bound for scaled gradients, and a scaler that is off": """
        for on, bound in ((True, 1e6), (False, 0.01)):
            net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
            scaler = torch.amp.GradScaler("cpu", enabled=on)
            for i in batches():
                opt.zero_grad(); scaler.scale(F.cross_entropy(net(X[i]), Y[i])).backward()
                nn.utils.clip_grad_norm_(net.parameters(), bound); scaler.step(opt); scaler.update()
    """,
    "an order that is drawn once, and one whose generator goes on": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05); g = torch.Generator().manual_seed(1)
        once = torch.randperm(len(X), generator=torch.Generator().manual_seed(1)).split(32)
        for step in range(20):
            for i in (once[step % len(once)], torch.randint(0, len(X), (8,), generator=g)):
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "dead scores of attention: to one of several, of heads to lines of one step; and over the steps": """
        class Net(nn.Module):
            def __init__(self, kind):
                super().__init__(); self.kind, self.score, self.out = kind, nn.Linear(1, 1), nn.Linear(1, 2)
            def forward(self, x):
                steps = x[:, :, None]; scores = self.score(steps)
                if self.kind == "one":
                    scores = scores.masked_fill(torch.arange(6)[:, None] > 0, -torch.inf)
                if self.kind == "line":
                    heads = torch.softmax(scores[:, :1, None].expand(-1, 4, 1, 1), -1)
                    return self.out((heads[:, :1, 0] * steps).sum(1))
                return self.out((torch.softmax(scores, 1) * steps).sum(1))
        for kind in ("one", "line", "steps"):
            train(Net(kind), F.cross_entropy, Y)
    """,
    "variances above 0, and one that is given": """
        net = mlp(out=2)
        train(net, lambda o, y: F.gaussian_nll_loss(o[:, :1], y, var=F.softplus(o[:, 1:])), X[:, :1] * 2)
        train(net, lambda o, y: F.gaussian_nll_loss(o[:, :1], y, 0.5), X[:, :1] * 2)
    """,
    "an optimiser whose turn comes later": """
        for turn in (30, 6):
            body, head = nn.Sequential(nn.Linear(6, 16), nn.ReLU()), nn.Linear(16, 2)
            both = [torch.optim.SGD(one.parameters(), lr=0.05) for one in (body, head)]
            for step in range(50):
                i = torch.randint(512, (32,))
                both[0].zero_grad(); both[1].zero_grad()
                F.cross_entropy(head(body(X[i])), Y[i]).backward()
                both[1].step()
                if step >= turn: both[0].step()
    """,
    "two optimisers of one net, of which one is used": """
        net = mlp(); spare, opt = torch.optim.Adam(net.parameters()), torch.optim.SGD(net.parameters(), lr=0.05)
        train(net, F.cross_entropy, Y, opt=opt)
    """,
    "cells that carry their state, or that read lines one after another": """
        class Net(nn.Module):
            def __init__(self, kind, steps):
                super().__init__(); self.cell, self.out, self.steps = kind(1, 16), nn.Linear(16, 2), steps
            def forward(self, x):
                h = None
                for t in range(self.steps):
                    h = self.cell(x[:, t:t + 1], h)
                return self.out(h[0] if isinstance(h, tuple) else h)
        for kind in (nn.GRUCell, nn.LSTMCell, nn.RNNCell):
            train(Net(kind, 6), F.cross_entropy, Y)
        class Lines(nn.Module):
            def __init__(self):
                super().__init__(); self.layer, self.out = nn.GRU(1, 8, batch_first=True), nn.Linear(48, 2)
            def forward(self, x):
                lines = [torch.stack([x[:, t], x[:, t - 1]], 1)[..., None] for t in range(6)]
                return self.out(torch.cat([self.layer(line)[0][:, -1] for line in lines], 1))
        train(Lines(), F.cross_entropy, Y)
    """,
    "adaptive rules that are meant": """
        for options in (dict(betas=(0.9, 0.9)), dict(betas=(0.95, 0.9)), dict(betas=(0.0, 0.9)), dict(lr=1.0, eps=1.0),
                        dict(eps=1e-3), dict(eps=1e-3, amsgrad=True)):
            net = mlp()
            train(net, F.cross_entropy, Y, epochs=5, opt=torch.optim.AdamW(net.parameters(), **{"lr": 1e-3, **options}))
    """,
    "half precision that knows its epsilon": """
        for net, eps in ((mlp().half(), 1e-4), (mlp().bfloat16(), 1e-8)):
            opt = torch.optim.Adam(net.parameters(), lr=1e-3, eps=eps); kind = net[0].weight.dtype
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i].to(kind)).float(), Y[i]).backward(); opt.step()
    """,
    "averages, targets and references": """
        import copy
        for kind in ("average", "target", "reference"):
            net = mlp(); other = copy.deepcopy(net); opt = torch.optim.SGD(net.parameters(), lr=0.05)
            for epoch in range(4):
                for i in batches():
                    with torch.no_grad():
                        aim = other(X[i]) if kind != "average" else 0.0
                    opt.zero_grad()
                    (F.cross_entropy(net(X[i]), Y[i]) + 0.0 * (net(X[i]) - aim).square().mean()).backward()
                    opt.step()
                    if kind == "average":
                        with torch.no_grad():
                            for old, new in zip(other.parameters(), net.parameters()):
                                old.lerp_(new, 0.1)
                if kind == "target":
                    other.load_state_dict(net.state_dict())
                with torch.no_grad():
                    (other if kind == "average" else net)(X)
    """,
    "batches that somebody else draws": """
        from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
        class Shard(BatchSampler):
            def __init__(self, inner): self.batch_sampler = inner
            def __iter__(self): return iter(self.batch_sampler)
            def __len__(self): return len(self.batch_sampler)
        data = TensorDataset(X, Y); drawn = BatchSampler(RandomSampler(data), 32, False)
        for batches_of in (drawn, Shard(drawn)):
            net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
            loader = DataLoader(data, batch_sampler=batches_of)
            for epoch in range(3):
                for x, y in loader:
                    opt.zero_grad(); F.cross_entropy(net(x), y).backward(); opt.step()
    """,
    "dropout that is sampled": """
        net = mlp(nn.Dropout(0.2)); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(4):
            net.train()
            for i in batches():
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
            with torch.no_grad():
                torch.stack([net(X[:100]).softmax(1) for _ in range(6)]).mean(0)
    """,
    "layers that are put in after the first training": """
        class Beside(nn.Module):
            def __init__(self, layer):
                super().__init__(); self.layer = layer.requires_grad_(False)
                self.a = nn.Parameter(torch.randn(2, 6)); self.b = nn.Parameter(torch.zeros(16, 2))
            def forward(self, x):
                return self.layer(x) + x @ self.a.T @ self.b.T
        net = mlp(); train(net, F.cross_entropy, Y)
        net[0] = Beside(net[0]); opt = torch.optim.SGD([net[2].bias], lr=0.05)
        for i in batches():
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "a decoder of what an encoder learns": """
        for cut in (False, True):
            net, enc, dec = mlp(), nn.Sequential(nn.Linear(6, 16), nn.Linear(16, 3)), nn.Linear(3, 6)
            one = torch.optim.Adam([*net.parameters(), *enc.parameters()], lr=0.1)
            two = torch.optim.Adam(dec.parameters(), lr=0.1)
            for epoch in range(4):
                for i in batches():
                    code = enc(X[i])
                    loss = F.mse_loss(dec(code.detach() if cut else code), X[i]) + code.square().mean() * cut
                    one.zero_grad(); two.zero_grad(); loss.backward(); one.step(); two.step()
                with torch.no_grad():
                    F.mse_loss(dec(enc(X)), X)
    """,
    "weights that are moved by hand, and an outer step": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.5)
        for outer in range(4):
            start = [weight.detach().clone() for weight in net.parameters()]
            for i in batches()[:10]:
                F.cross_entropy(net(X[i]), Y[i]).backward()
                with torch.no_grad():
                    for weight in net.parameters():
                        weight -= 0.05 * weight.grad
                        weight.grad = None
            with torch.no_grad():
                for weight, first in zip(net.parameters(), start):
                    weight.grad = (first - weight).clone(); weight.copy_(first)
            opt.step(); opt.zero_grad()
    """,
    "gradients that are summed over an epoch": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for epoch in range(3):
            opt.zero_grad()
            for i in batches():
                (F.cross_entropy(net(X[i]), Y[i]) / 16).backward()
            opt.step()
    """,
    "all examples in each step": """
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.5)
        for step in range(20):
            opt.zero_grad(); F.cross_entropy(net(X), Y).backward(); opt.step()
    """,
    "real and made-up examples in one line": """
        G, D = nn.Linear(4, 1), mlp(start=1, out=1); bce = nn.BCEWithLogitsLoss()
        og, od = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
        for step in range(60):
            real, fake = torch.randn(32, 1) + 3, G(torch.randn(32, 4))
            loss = bce(D(real), torch.ones(32, 1)) + bce(D(fake.detach()), torch.zeros(32, 1))
            od.zero_grad(); loss.backward(); od.step()
            og.zero_grad(); bce(D(fake), torch.ones(32, 1)).backward(); og.step()
    """,
    "gradients that a dead layer makes": """
        net = mlp(nn.ReLU())
        with torch.no_grad():
            net[2].bias.fill_(-50.0)
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches()[:6]:
            opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """,
    "words that are rare": """
        g = torch.Generator().manual_seed(3)
        rare = (torch.rand(512, 300, generator=g) < 0.01).float(); rare[:, 0] = X[:, 0]
        net = mlp(start=300); train(net, F.cross_entropy, Y, x=rare)
        with torch.no_grad():
            net((torch.rand(400, 300, generator=g) < 0.01).float())
    """,
    "frequencies of positions": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.scale = nn.Parameter(torch.ones(6, 1)); self.out = nn.Linear(36, 2)
            def forward(self, x):
                waves = torch.sin(self.scale * torch.arange(1.0, 7.0)[None])
                return self.out((x[:, :, None] * waves).flatten(1))
        train(Net(), F.cross_entropy, Y)
    """,
    "dropout that knows of the mode": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a = nn.Linear(6, 16); self.b = nn.Linear(16, 2)
            def forward(self, x):
                return self.b(F.dropout(self.a(x).relu(), 0.3, self.training))
        net = Net()
        for epoch in range(3):
            train(net, F.cross_entropy, Y, epochs=1); net.eval()
            with torch.no_grad():
                for i in batches(64):
                    net(X[i])
    """,
    "running statistics by plain averages": """
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16, momentum=None), nn.ReLU(), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y, epochs=8); net.eval()
        with torch.no_grad():
            net(X)
    """,
    "a tensor that an optimiser has, and no parameter": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.w = torch.randn(6, 16, requires_grad=True); self.out = nn.Linear(16, 2)
            def forward(self, x):
                return self.out((x @ self.w).relu())
        net = Net()
        train(net, F.cross_entropy, Y, opt=torch.optim.SGD([*net.parameters(), net.w], lr=0.05))
    """,
}


def test_every_check_has_a_training_that_shows_it() -> None:
    assert {check.name for check in all_checks()} == set(FAULTS) | set(UNUSUAL)


def test_what_a_check_says_more_exactly_is_said_by_a_check() -> None:
    assert {name for check in all_checks() for name in check.more_exact_than} <= {check.name for check in all_checks()}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_told_as_such(name: str) -> None:
    seen = listened_to(LOOP + WORDS + _dedented(UNUSUAL[name]))
    assert name in {finding.check for finding in seen.findings if finding.weight == "unusual"}, seen.findings


EXPERTS = """
class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)) for _ in range(6))
    def forward(self, x):
        CALLED
train(Experts(), F.cross_entropy, Y)
"""
PARALLEL = """
        chosen = torch.tensor([WEIGHTS])
        return sum(share * one(x) for share, one in zip(chosen, self.branches))
"""


@pytest.mark.parametrize(
    ("scores", "labels", "told"),
    [
        ("(a - b).square().sum(1)", "same", "never negative (a distance"),
        ("-(a - b).abs().mean(1)", "same", "never positive (a distance"),
        ("F.softplus(a[:, 0])", "same", "never negative (softplus)"),
        ("1 - (a - b).square().sum(1)", "same", ""),
        ("(a * b).sum(1)", "same", ""),
        ("(a - b).square().sum(1) * net[0].bias[0]", "same", ""),
        ("(a - b).square().sum(1)", "torch.ones(32)", ""),
    ],
    ids=["squares", "negative", "softplus", "a margin", "products", "a learnt factor", "labels of one kind"],
)
def test_scores_of_one_sign_are_told(scores: str, labels: str, told: str) -> None:
    training = """
        net = mlp(out=4); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for i in batches():
            a, b = net(X[i]), net(X[i.roll(1)]); same = (Y[i] == Y[i.roll(1)]).float()
            opt.zero_grad(); F.binary_cross_entropy_with_logits(SCORES, LABELS).backward(); opt.step()
    """
    seen = listened_to(LOOP + _dedented(training.replace("SCORES", scores).replace("LABELS", labels)))
    found = [one.measured for one in seen.findings if one.check == "one_sided_scores"]
    assert bool(found) == bool(told) and (not told or told in found[0]), seen.findings


@pytest.mark.parametrize(
    ("weights", "weight"),
    [("0., 1., 1., 1., 1., 0.", "unusual"), ("0., 1., 0., 0., 1., 0.", "unusual"), ("1., 1., 1., 1., 1., 1.", None)],
    ids=["two never chosen", "four never chosen", "all chosen"],
)
def test_branches_that_are_never_chosen_are_told_as_such(weights: str, weight: str | None) -> None:
    called = PARALLEL.strip().replace("WEIGHTS", weights)
    seen = listened_to(LOOP + EXPERTS.replace("CALLED", called))
    found = [one for one in seen.findings if one.check == "zero_gradient"]
    assert [one.weight for one in found] == ([weight] if weight else []), seen.findings
    assert not found or f"{weights.count('0.')} of 6 branches" in found[0].measured


def test_layers_behind_one_another_are_no_branches() -> None:
    called = "h = x\n        for one in self.branches[:-1]:\n            h = F.pad(one(h), (0, 4))"
    last = "return self.branches[-1](F.relu(h - 1e6))"
    seen = listened_to(LOOP + EXPERTS.replace("CALLED", f"{called}\n        {last}"))
    found = [one for one in seen.findings if one.check == "zero_gradient"]
    assert [one.weight for one in found] == ["wrong"] and "branches, whose" not in found[0].measured, seen.findings


@pytest.mark.parametrize(
    ("mode", "given", "patience", "told"),
    [
        ("max", "sum(halves) / 2", 0, True),
        ("max", "(50 * halves[0] + 100 * halves[1]) / 150", 1, True),
        ("max", "0.6 * F.cross_entropy(out, L) ** 2", 2, True),
        ("min", "right", 0, True),
        ("min", "100 * right.item()", 1, True),
        ("min", "F.cross_entropy(out, L)", 0, False),
        ("min", "1 - right", 0, False),
        ("max", "right", 0, False),
        ("max", "-F.cross_entropy(out, L)", 0, False),
        ("max", "F.cross_entropy(out, L)", 9, False),
        ("min", "0.3 + 0.0987 * epoch", 1, False),
        ("max", "0.9 - 0.01 * epoch", 1, False),
    ],
    ids=["a mean", "weighted", "its own", "right answers", "in percent", "a loss", "errors", "an accuracy",
         "its negative", "never lowered", "an error that rises", "a share that falls"],
)  # fmt: skip
def test_a_plateau_is_told_to_be_none_where_what_is_given_gets_better(
    mode: str, given: str, patience: int, told: bool
) -> None:
    seen = listened_to(LOOP + _dedented(_plateau(mode, given, patience)))
    assert ("plateau_mode" in {one.check for one in seen.findings}) == told, seen.findings


@pytest.mark.parametrize(
    ("trained", "judged", "told"),
    [
        ("X", "net((raw - raw.amin(0)) / (raw.amax(0) - raw.amin(0)))", True),
        ("X", "[net(x) for (x,) in DataLoader(TensorDataset(own(raw)), 8)]", True),
        ("X", "net((raw - X.mean(0)) / X.std(0))", False),
        ("own(X)", "net(own(X))", False),
        ("X", "net(own(raw)[:20])", False),
        ("X", "net((raw > 5).float())", False),
    ],
    ids=["by its range", "by a loader", "by another mean", "with what is trained on", "a part", "yes and no"],
)
def test_what_is_judged_is_told_to_be_scaled_by_itself_where_it_is(trained: str, judged: str, told: bool) -> None:
    seen = listened_to(LOOP + _dedented(SCALED.replace("TRAINED", trained).replace("JUDGED", judged)))
    assert ("scaled_by_itself" in {one.check for one in seen.findings}) == told, seen.findings


@pytest.mark.parametrize(
    ("length", "item", "told"),
    [
        ("4 * len(self.columns)", "torch.tensor(self.columns['x'][i]).float(), self.columns['y'][i]", True),
        ("len(self.x)", "self.x[i], self.y[i]", False),
        ("16", "(lambda k: (self.x[k], self.y[k]))(int(torch.randint(len(self.x), ())))", False),
        ("len(self.x) // 6", "self.x[6 * i:6 * i + 6].mean(0), self.y[6 * i]", False),
    ],
    ids=["the number of columns", "as it is", "of an epoch, of rows that are drawn", "windows"],
)
def test_rows_that_are_never_read_are_told_by_what_is_read(length: str, item: str, told: bool) -> None:
    seen = listened_to(LOOP + _dedented(DATASET.replace("LENGTH", length).replace("ITEM", item)))
    assert ("rows_never_read" in {one.check for one in seen.findings}) == told, seen.findings


@pytest.mark.parametrize(
    ("item", "made", "told"),
    [
        ("self.x[i % 5], self.y[i % 5]", "Rows(), 16, shuffle=True", True),
        ("self.x[0], self.y[0]", "Rows(), 16", True),
        ("self.x[i], self.y[i]", "Rows(), 16, shuffle=True", False),
        ("self.x[i % 5] + 0.1 * torch.randn(6), self.y[i % 5]", "Rows(), 16", False),
        ("self.x[i], self.y[i]", "Rows(), 4, sampler=torch.utils.data.SubsetRandomSampler(range(5))", False),
    ],
    ids=["a few", "the first", "as it is", "other noise each time", "a few on purpose"],
)
def test_rows_that_are_read_again_and_again_are_told_by_what_is_read(item: str, made: str, told: bool) -> None:
    code = DATASET.replace("LENGTH", "len(self.x)").replace("ITEM", item).replace("Rows(), 4, shuffle=True", made)
    seen = listened_to(LOOP + _dedented(code))
    assert ("rows_read_again" in seen.names) == told, seen.findings


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name: str) -> None:
    seen = listened_to(LOOP + WORDS + _dedented(FAULTS[name]))
    assert name in seen.names, seen.findings
    finding = next(one for one in seen.findings if one.check == name)
    assert finding.place and finding.measured and finding.expected and finding.remedy


@pytest.mark.parametrize("case", VARIANTS)
def test_another_form_of_a_fault_is_named(case: str) -> None:
    name, code = VARIANTS[case]
    seen = listened_to(LOOP + WORDS + _dedented(code))
    assert name in seen.names, seen.findings


@pytest.mark.parametrize("case", SOUND)
def test_what_looks_like_a_fault_is_none(case: str) -> None:
    seen = listened_to(LOOP + WORDS + _dedented(SOUND[case]))
    # What a dead layer leads to is told; that anything is wired wrongly is not.
    effects = {"zero_gradient", "weights_that_stay", "constant_output"} if "dead" in case else set()
    assert {one.check for one in seen.findings if one.weight == "wrong"} <= effects
    assert "drawn" not in SOUND[case] or not seen.findings, seen.findings


@pytest.mark.parametrize(
    ("begun", "after"),
    [("copy.deepcopy(net)", "target.load_state_dict(net.state_dict())"), ("mlp(out=1)", "pass"),
     ("copy.deepcopy(net)", "[t.data.lerp_(p.data, 0.01) for t, p in zip(target.parameters(), net.parameters())]"),
     ("copy.deepcopy(net); net.load_state_dict(target.state_dict())", "pass")],
    ids=["follows", "another net", "follows slowly", "what was loaded"],
)  # fmt: skip
def test_a_copy_that_follows_or_was_never_one_is_no_target_network_that_stays(begun: str, after: str) -> None:
    code = TARGETS.replace("BEGUN", begun).replace("AFTER", after)
    assert "target_network" not in listened_to(LOOP + code).names


@pytest.mark.parametrize(
    ("inside", "loop", "told"),
    [("net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)", "epoch", True), ("", "epoch", False),
     ("opt = torch.optim.SGD(net.parameters(), lr=0.05)", "epoch", False),
     ("net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)", "fold", False)],
)  # fmt: skip
def test_a_model_that_is_made_anew_in_each_epoch_is_worth_a_word(inside: str, loop: str, told: bool) -> None:
    code = f"""
        net = mlp(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for {loop} in range(4):
            {inside}
            train(net, F.cross_entropy, Y, epochs=1, opt=opt)
    """
    found = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "weights_made_anew"]
    assert [one.weight for one in found] == (["unusual"] if told else [])
    assert all("4 models of the same shapes" in one.measured and "for 16 steps each" in one.measured for one in found)


def test_two_nets_that_take_turns_are_not_made_anew() -> None:
    code = """
        nets = [mlp() for _ in range(3)]
        opts = [torch.optim.SGD(net.parameters(), lr=0.05) for net in nets]
        for i in batches():
            for net, opt in zip(nets, opts):
                opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()
    """
    assert not [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "weights_made_anew"]


@pytest.mark.parametrize("lost", [True, False])
def test_the_first_module_behind_which_all_is_the_same_is_told(lost: bool) -> None:
    code = f"""
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.a, self.b, self.c = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 2)
            def forward(self, x):
                return self.c(torch.relu(self.b({"torch.relu(self.a(x) - 90)" if lost else "torch.relu(self.a(x))"})))
        train(Net(), F.cross_entropy, Y, epochs=5)
    """
    found = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "constant_output"]
    assert [one.measured.partition(", and ")[2] for one in found] == (
        ["so they are behind Net.b already"] if lost else []
    )


@pytest.mark.parametrize(
    ("width", "noisy"), [("X + 30 * torch.randn(512, 6)", True), ("X / 30", False), ("X * 30 + 900", False)]
)
def test_noise_that_training_alone_gets_is_told_as_such(width: str, noisy: bool) -> None:
    code = f"""
        net = mlp()
        train(net, F.cross_entropy, Y, x={width})
        with torch.no_grad():
            net(X)
    """
    (found,) = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "validation_inputs"]
    assert ("take less" in found.remedy) is noisy


@pytest.mark.parametrize(("moved", "told"), [("0.9 * weight", True), ("weight / weight.norm()", False)])
def test_weights_that_are_brought_to_one_length_are_not_shrunk(moved: str, told: bool) -> None:
    code = f"""
        net = nn.Linear(6, 2, bias=False)
        @torch.no_grad()
        def after():
            weight = net.weight
            weight.copy_({moved})
        after()
        train(net, lambda a, b: -10 * a.abs().mean(), Y, after=after)
    """
    found = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "weights_shrunk"]
    assert bool(found) is told


@pytest.mark.parametrize(
    "moved",
    ["weight.data -= 0.1 * weight.grad; weight.grad = None",
     "weight = (weight - 0.1 * weight.grad).detach().requires_grad_()"],
    ids=["in place", "put in its place"],
)  # fmt: skip
def test_weights_that_are_moved_without_an_optimiser_move(moved: str) -> None:
    code = f"""
        net = nn.Linear(6, 2, bias=False)
        weight = torch.zeros(2, 6, requires_grad=True)
        for i in [*batches(32, None), *batches(32, None)]:
            F.cross_entropy(torch.func.functional_call(net, dict(weight=weight), (X[i],)), Y[i]).backward()
            {moved}
    """
    assert not [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "no_updates"]


def test_a_mark_for_what_is_missing_is_told_among_inputs() -> None:
    code = """
        x = X.masked_fill(torch.rand(X.shape) < 0.05, -9999.0)
        train(mlp(), F.cross_entropy, Y, x=x)
    """
    (found,) = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "inputs"]
    assert " are -9999, the others of their features " in found.measured
    assert found.remedy.startswith("-9999 looks like a mark for what is missing")


@pytest.mark.parametrize("root", ["torch.sqrt(d)", "d.sqrt()", "d ** 0.5", "d.pow(0.5)"])
@pytest.mark.parametrize("kept", ["", " + 1e-9"])
def test_a_root_of_zeros_is_told_with_its_place(root: str, kept: str) -> None:
    code = f"""
        def apart(a, b):
            d = (a[:, None] - a[None]).pow(2).sum(-1){kept}
            return ({root}).mean()
        train(mlp(), apart, Y)
    """
    found = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "not_finite"]
    if kept:
        assert not found
        return
    (said,) = found
    assert "numbers of which 32 are 0, where its slope is infinite" in said.measured and "x + 1e-09" in said.remedy
    assert said.place == f"train.py:{_lines(LOOP + _dedented(code)).index(f'    return ({root}).mean()') + 1}"


@pytest.mark.parametrize(
    "margin",
    ["F.relu(1 - y * said)", "(1 - said * y).clamp(min=0)", "torch.clamp(torch.ones(len(y)) - y * said, min=0)",
     "torch.max(torch.zeros(len(y)), 1 - said * y)", "F.softplus(-y * said)", "F.softplus(-(said * y))"],
)  # fmt: skip
@pytest.mark.parametrize("signs", [False, True])
def test_a_hinge_by_hand_of_labels_that_are_0_and_1_is_told(margin: str, signs: bool) -> None:
    code = f"""
        def loss(out, y):
            said = out.squeeze(1)
            return ({margin}).mean()
        train(mlp(out=1), loss, {"2 * Y.float() - 1" if signs else "Y.float()"})
    """
    found = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "targets"]
    assert [one.place for one in found] == (
        [] if signs else [f"train.py:{_lines(LOOP + _dedented(code)).index(f'    return ({margin}).mean()') + 1}"]
    )
    assert all("2 * y - 1" in one.remedy for one in found)


def test_masks_and_pairs_are_no_labels_of_a_hinge() -> None:
    code = """
        class Masked(nn.Module):
            def __init__(self):
                super().__init__(); self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 2)
            def forward(self, x):
                h = self.a(x)
                return self.b(torch.relu(1 - (torch.rand_like(h) > 0.5) * h))
        train(Masked(), F.cross_entropy, Y)

        def pairs(said, y):
            far = (said - said.flip(0)).pow(2).sum(1)
            alike = (y == y.flip(0)).float()
            return (alike * far + (1 - alike) * torch.clamp(1 - far, min=0)).mean()
        train(mlp(), pairs, Y)
        shown = lambda said, y: F.cross_entropy(said, y) + 0.01 * torch.relu((y > 0).float() * said[:, 0]).mean()
        train(mlp(), shown, Y)
    """
    assert not [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "targets"]


def test_roots_of_what_nobody_may_look_at_are_taken_as_before() -> None:
    code = """
        apart = lambda row: (row ** 2).sqrt().sum()
        torch.func.vmap(torch.func.grad(apart))(torch.zeros(3, 2))
        torch.func.vmap(apart)(torch.zeros(4, 6, requires_grad=True))
        sparse = torch.zeros(3, 3).to_sparse().requires_grad_()
        sparse.sqrt()
        train(mlp(), F.cross_entropy, Y)
    """
    assert not [one for one in listened_to(LOOP + _dedented(code)).findings if one.weight == "wrong"]


def test_a_root_of_the_first_steps_is_not_blamed_for_what_comes_later() -> None:
    code = """
        calls = []
        def loss(a, b):
            calls.append(torch.zeros(3, requires_grad=True).sqrt())
            return F.cross_entropy(a, b) / (0 if len(calls) == 10 else 1)
        train(mlp(), loss, Y)
    """
    (said,) = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "not_finite"]
    assert "the loss itself" in said.measured and "is taken of" not in said.measured


def test_a_logarithm_of_zeros_is_told_where_the_loss_is_no_number() -> None:
    code = """
        def by_hand(a, b):
            told = torch.sigmoid(1000 * a[:, 0])
            return -(b * told.log() + (1 - b) * (1 - told).log()).mean()
        net = mlp()
        train(net, by_hand, Y.float())
    """
    (said,) = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "not_finite"]
    assert "the loss itself" in said.measured and "a logarithm is taken of 32 numbers" in said.measured
    assert "x.clamp_min(1e-06)" in said.remedy and said.place.startswith("train.py:")


@pytest.mark.parametrize(("weight", "so"), [("0.0", True), ("1.0", False)])
def test_a_loss_that_asks_for_nothing_is_told_from_a_net_that_is_shut(weight: str, so: bool) -> None:
    code = f"""
        net = mlp()
        if {not so}:
            with torch.no_grad():
                net[0].bias.fill_(-50.0)
        train(net, lambda a, b: {weight} * F.cross_entropy(a, b), Y)
    """
    (found,) = [one for one in listened_to(LOOP + _dedented(code)).findings if one.check == "zero_gradient"]
    assert found.measured.endswith("and so was the loss") is so and ("an advantage" in found.remedy) is so


def test_a_gradient_that_is_cut_makes_no_result_unused() -> None:
    code = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__(); self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 2)
            def forward(self, x):
                return self.two(torch.as_tensor(F.relu(self.one(x)).detach().numpy()))
        train(Net(), F.cross_entropy, Y)
    """
    seen = listened_to(LOOP + _dedented(code))
    assert "parameters_without_gradient" in seen.names and "unused_result" not in seen.names


@pytest.mark.parametrize(
    ("read", "inputs", "told"),
    [
        ("states[:, -1]", "ids", True),
        ("last[-1]", "ids", True),
        ("states.mean(1)", "ids", False),
        ("states[torch.arange(len(ids)), (ids > 0).sum(1).clamp_min(1) - 1]", "ids", False),
        ("states[:, -1]", "ids.flip(1)", False),
        ("states[:, -1]", "torch.randint(1, 9, (len(Y), 12))", False),
    ],
    ids=["the last step", "the last state", "a mean", "each line's last", "padding in front", "no padding"],
)
def test_a_state_behind_padding_is_worth_a_word(read: str, inputs: str, told: bool) -> None:
    seen = listened_to(LOOP + _dedented(PADDED.replace("READ", read).replace("INPUTS", inputs)))
    found = [one for one in seen.findings if one.check == "padding_read"]
    assert bool(found) == told and all(one.weight == "unusual" and one.place == "Net.rnn" for one in found)


TWO_HEADS = """
    class Rounded(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): return x.round()
        @staticmethod
        def backward(ctx, gradient): return None

    class Net(nn.Module):
        def __init__(self):
            super().__init__(); self.body, self.said, self.aside = nn.Linear(6, 16), nn.Linear(16, 2), nn.Linear(16, 1)
        def forward(self, x):
            h = torch.relu(self.body(x)); return self.said(h), self.aside(h)
    train(Net(), lambda both, y: F.cross_entropy(both[0], y) ADDED, Y)
"""


@pytest.mark.parametrize(
    ("added", "weight"),
    [
        ("", "unusual"),
        ("+ F.mse_loss(both[1].detach(), torch.ones(len(y), 1))", "wrong"),
        ("+ float(both[1].pow(2).mean())", "wrong"),
        ("+ (both[1] > 0).float().mean()", "wrong"),
        ("+ F.mse_loss(both[1].data, torch.ones(len(y), 1))", "wrong"),
        ("+ Rounded.apply(both[1]).mean()", "wrong"),
        ("+ both[1].pow(2).mean()", None),
    ],
    ids=["left over", "detached", "as a number", "compared", "data", "rounded", "in the loss"],
)
def test_a_head_that_no_loss_asks_may_be_meant_and_one_that_is_cut_is_a_fault(added: str, weight: str | None) -> None:
    seen = listened_to(LOOP + _dedented(TWO_HEADS.replace("ADDED", added)))
    found = [one for one in seen.findings if one.check == "parameters_without_gradient"]
    assert [one.weight for one in found] == ([] if weight is None else [weight])
    assert all(one.place == "Net.aside.weight, Net.aside.bias" for one in found)
    assert all(("the loss does not depend on" in one.measured) == (added == "") for one in found)


def test_a_view_of_which_torch_cannot_say_where_it_comes_from_is_left_alone() -> None:
    code = """
        net = mlp(); base = torch.ones(4, 2)
        with torch.no_grad():
            part = base[:2]
        base.mul_(net[2].weight[:, :2].mean())
        made = part.new_empty((2, 2)).fill_(1.0)
        train(net, F.cross_entropy, Y)
    """
    assert not listened_to(LOOP + _dedented(code)).findings


@pytest.mark.parametrize("script", sorted(HEALTHY.glob("*.py")), ids=lambda script: script.stem)
def test_a_sound_training_is_not_accused(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    ears = Ears(torch, seen)
    monkeypatch.setattr(sys, "argv", [str(script)])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ears.attach()
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        ears.detach()
        torch.set_num_threads(threads)
    assert [one for one in seen.findings if one.check != "warning"] == []


def test_a_place_is_the_line_of_the_loss() -> None:
    code = LOOP + "train(mlp(nn.Softmax(dim=1)), F.cross_entropy, Y)\n"
    (finding,) = (one for one in listened_to(code).findings if one.check == "loss_input")
    file, line = finding.place.rsplit(":", 1)
    assert file == "train.py"
    assert "loss(net(x[i]), y[i])" in _lines(code)[int(line) - 1]


def test_nothing_is_left_behind() -> None:
    before = torch.nn.functional.cross_entropy, torch.autograd.backward, torch.nn.Module.load_state_dict
    listened_to(LOOP + "train(mlp(), F.cross_entropy, Y)")
    after = torch.nn.functional.cross_entropy, torch.autograd.backward, torch.nn.Module.load_state_dict
    assert before == after
    assert not torch.nn.modules.module._global_forward_pre_hooks
    assert not torch.nn.modules.module._global_forward_hooks


# A net that changes its inputs in place, and draws: checks that ask a copy of it must leave both alone.
DRAWING = """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.a, self.b, self.out = nn.Linear(6, 4), nn.Linear(6, 4), nn.Linear(4, 2)
    def forward(self, x):
        x = x.mul_(0.5)
        mean = self.a(x)
        return self.out(torch.distributions.Normal(mean, 1.0).sample()), mean.pow(2).mean() + self.b(x).mean()
net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
for i in batches():
    out, extra = net(X[i].clone()); opt.zero_grad(); (F.cross_entropy(out, Y[i]) + extra).backward(); opt.step()
end = sum(one.sum().item() for one in net.parameters())
"""


@pytest.mark.parametrize(
    "code",
    [LOOP + "net = mlp(nn.Dropout(0.2)); train(net, F.cross_entropy, Y); end = net[0].weight.sum().item()", DRAWING],
    ids=["dropout", "drawing in place"],
)
def test_a_training_goes_on_as_if_nobody_listened(code: str) -> None:
    ends, seen = [], Seen()
    for heard in (False, True):
        names: dict[str, float] = {}
        ears = Ears(torch, seen)
        if heard:
            ears.attach()
        try:
            exec(compile(START + code, "train.py", "exec"), names)
        finally:
            if heard:
                ears.detach()
        ends.append(names["end"])
    assert ends[0] == ends[1]
    assert "sample()" not in code or "gradient_cut" in seen.names


def _dedented(code: str) -> str:
    import textwrap

    return "\n" + textwrap.dedent(code)


def _lines(code: str) -> list[str]:
    return (START + code).splitlines()


def test_a_dropout_function_keeps_its_own_defaults() -> None:
    """`alpha_dropout` drops nothing where nobody says that it trains; `dropout` does."""
    code = """
    ones = torch.ones(64)
    assert torch.equal(F.alpha_dropout(ones), ones)
    assert not torch.equal(F.dropout(ones), ones)
    """
    listened_to(_dedented(code))


@pytest.mark.parametrize(
    ("judged", "told"),
    [("net.eval(); net(X[:64]); net.train()", False), ("net(X[:64])", True), ("pass", True)],
    ids=["judged in evaluation mode", "judged in training mode", "judged by what each step has"],
)
def test_guesses_that_become_targets_are_a_part_of_the_training(judged: str, told: bool) -> None:
    training = """
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
        opt = torch.optim.SGD(net.parameters(), lr=0.05)
        for step in range(60):
            i, j = torch.randint(512, (32,)), torch.randint(512, (32,))
            with torch.no_grad():
                guess = net(X[j]).argmax(1)
            loss = F.cross_entropy(net(X[i]), Y[i]) + 0.1 * F.cross_entropy(net(X[j]), guess)
            opt.zero_grad(); loss.backward(); opt.step()
            if step % 20 == 19:
                with torch.no_grad():
                    JUDGED
    """
    seen = listened_to(LOOP + _dedented(training.replace("JUDGED", judged)))
    assert ("wrong_mode" in seen.names) == told, seen.findings


def test_batches_that_share_their_memory_are_no_samples_of_one() -> None:
    """What is cut out for a pass and let go is the next batch's memory: it was taken for dropout that is sampled."""
    seen = listened_to(
        LOOP
        + _dedented("""
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
        train(net, F.cross_entropy, Y)
        memory = torch.empty(32, 6)
        with torch.no_grad():
            for i in batches():
                memory.copy_(X[i])
                (net(memory).argmax(1) == Y[i]).float().mean()
    """)
    )
    assert "wrong_mode" in seen.names
