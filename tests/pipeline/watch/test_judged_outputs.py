"""A single output whose largest is asked for, where a model is judged."""

from __future__ import annotations

import pytest
from listened import listened_to

TRAINED = """
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, {outputs}))
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    for batch in batches():
        optimiser.zero_grad()
        {loss}.backward()
        optimiser.step()
    with torch.no_grad():
        outputs = net(X)
        {judged}
"""
ONE = "F.binary_cross_entropy_with_logits(net(X[batch])[:, 0], Y[batch].float())"
TWO = "F.cross_entropy(net(X[batch]), Y[batch])"


def named(judged: str, loss: str = ONE, outputs: int = 1) -> bool:
    return "largest_of_one" in listened_to(TRAINED.format(outputs=outputs, loss=loss, judged=judged)).names


@pytest.mark.parametrize(
    "judged",
    [
        "(outputs.argmax(dim=1) == Y).float().mean()",
        "(torch.argmax(outputs, 1) == Y).float().mean()",
        "(torch.sigmoid(outputs).argmax(-1) == Y).float().mean()",
        "_, predicted = torch.max(outputs.data, 1)",
        "predicted = outputs.max(1)[1]",
    ],
)
def test_one_output_has_no_largest(judged: str) -> None:
    assert named(judged)
    assert not named(judged, TWO, outputs=2)


@pytest.mark.parametrize(
    "judged",
    [
        "best = outputs.argmax(0)",
        "best = outputs.argmax()",
        "peak = (outputs - 1).max(1).values",
        "predicted = (outputs[:, 0] > 0).long()",
        "first = outputs[:1].argmax(1)",
        "first = outputs[:1].expand(1, 3).max(0).values",
        "beam = outputs.view(64, 8, 1).sum(1).argmax(1)",
    ],
)
def test_what_asks_for_something_else_is_left_alone(judged: str) -> None:
    assert not named(judged)


@pytest.mark.parametrize(
    "judged",
    [
        "(torch.argmax(input=outputs, dim=1) == Y).sum()",
        "(torch.max(input=outputs, dim=1)[1] == Y).sum()",
        "torch.tensor(1.0).argmax(0) == Y[0]",
        "torch.max(outputs, outputs) == outputs",
        "(outputs.max(1).indices == Y.unsqueeze(1)).sum()",
    ],
    ids=["argmax by name", "max by name", "of a number", "of two", "all with all"],
)
def test_a_program_may_ask_for_the_largest_in_any_way(judged: str) -> None:
    listened_to(TRAINED.format(outputs=2, loss=TWO, judged=judged))
