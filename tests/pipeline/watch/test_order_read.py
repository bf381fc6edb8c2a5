"""Attention that is told no places: of ids, of lines of numbers, and of pictures."""

from __future__ import annotations

import pytest
from listened import listened_to

NET = """
class Own(nn.Module):
    batch_first = True
    def __init__(self):
        super().__init__(); self.ask, self.offer = nn.Linear(16, 16), nn.Linear(16, 16)
    def forward(self, h):
        ask, offer = self.ask(h), self.offer(h)
        return HOW

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = FIRST
        self.places = nn.Parameter(BEGUN(12, 1, 16) if TIME else BEGUN(1, 12, 16))
        self.body, self.out = BODY, nn.Linear(16, 2)
    def forward(self, x):
        h = self.first(x)
        h = h.flatten(2).transpose(1, 2) if h.ndim == 4 else h
        h = self.body(h + PLACES)
        return self.out(POOLED)

net = Net(); opt = torch.optim.SGD(net.parameters(), lr=0.05)
torch.manual_seed(1)
for _ in range(60):
    x = INPUTS
    out = net(x)
    opt.zero_grad(); F.cross_entropy(out.flatten(0, -2), LABELS).backward(); opt.step()
"""
TORCH = "nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=not TIME)"
SOFTMAX = "torch.softmax(ask @ offer.transpose(1, 2), -1) @ h"
FUSED = "F.scaled_dot_product_attention(ask, offer, h)"
CAUSAL = "F.scaled_dot_product_attention(ask, offer, h, is_causal=True)"
OF_IDS, OF_LINES, OF_PICTURES = "nn.Embedding(9, 16)", "nn.Linear(3, 16)", "nn.Conv2d(1, 16, 2, stride=2)"
IDS, TURNED = "torch.randint(9, (32, 12))", "torch.randint(9, (12, 32))"
LINES, PICTURES = "torch.randn(32, 12, 3)", "torch.randn(32, 1, 6, 8)"
MEAN, EACH = "h.mean(0 if TIME else 1)", "h"
OF_ALL, OF_STEPS = "torch.arange(32) % 2", "torch.randint(2, (32 * 12,))"
BLIND, SEEN = "0", "self.places"


@pytest.mark.parametrize(
    ("first", "body", "how", "inputs", "pooled", "labels", "time", "places", "begun", "told"),
    [
        (OF_IDS, TORCH, SOFTMAX, IDS, MEAN, OF_ALL, False, BLIND, "torch.randn", True),
        (OF_IDS, TORCH, SOFTMAX, TURNED, MEAN, OF_ALL, True, BLIND, "torch.randn", True),
        (OF_IDS, TORCH, SOFTMAX, TURNED, EACH, OF_STEPS, True, BLIND, "torch.randn", True),
        (OF_IDS, "Own()", SOFTMAX, IDS, MEAN, OF_ALL, False, BLIND, "torch.randn", True),
        (OF_LINES, "Own()", FUSED, LINES, EACH, OF_STEPS, False, BLIND, "torch.randn", True),
        (OF_PICTURES, TORCH, SOFTMAX, PICTURES, MEAN, OF_ALL, False, BLIND, "torch.randn", True),
        (OF_IDS, TORCH, SOFTMAX, IDS, MEAN, OF_ALL, False, SEEN, "torch.zeros", False),
        (OF_IDS, TORCH, SOFTMAX, TURNED, EACH, OF_STEPS, True, SEEN, "torch.randn", False),
        (OF_LINES, "Own()", CAUSAL, LINES, EACH, OF_STEPS, False, BLIND, "torch.randn", False),
        (OF_LINES, "Own()", "ask * offer", LINES, MEAN, OF_ALL, False, BLIND, "torch.randn", False),
        (OF_PICTURES, TORCH, SOFTMAX, PICTURES, MEAN, OF_ALL, False, SEEN, "torch.zeros", False),
    ],
    ids=[
        *("ids", "ids, steps first", "of each step", "by hand", "fused, lines", "patches", "told, from zero"),
        *("told, steps first", "causal", "a bag", "patches, told"),
    ],
)
def test_attention_that_is_told_no_places_is_worth_a_word(
    first: str,
    body: str,
    how: str,
    inputs: str,
    pooled: str,
    labels: str,
    time: bool,
    places: str,
    begun: str,
    told: bool,
) -> None:
    code = NET
    for name, text in {
        "FIRST": first,
        "BODY": body,
        "HOW": how,
        "INPUTS": inputs,
        "POOLED": pooled,
        "LABELS": labels,
        "PLACES": places,
        "BEGUN": begun,
        "TIME": str(time),
    }.items():
        code = code.replace(name, text)
    seen = listened_to(code)
    found = {one.check: one.weight for one in seen.findings}
    assert found.get("places_unknown") == ("unusual" if told else None), seen.findings
    assert not seen.names, seen.findings


def test_where_the_loss_falls_the_order_is_not_missed() -> None:
    code = """
class Sets(nn.Module):
    def __init__(self):
        super().__init__(); self.ids, self.out = nn.Embedding(9, 16), nn.Linear(16, 2)
        self.body = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    def forward(self, x):
        return self.out(self.body(self.ids(x)).amax(1))

net = Sets(); opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for _ in range(150):
    x = torch.randint(9, (64, 5))
    opt.zero_grad(); F.cross_entropy(net(x), (x == 3).any(1).long()).backward(); opt.step()
"""
    assert not listened_to(code).findings
