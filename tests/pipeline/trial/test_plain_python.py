"""What a program does with tensors in plain Python means the same while its training is looked at."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.watch.listening.ears import Ears

LINE = torch.tensor([2.0, 3.0, 1.0])
USES: dict[str, Callable[[], object]] = {
    "tensor of numbers": lambda: torch.tensor([one**3 for one in LINE]),
    "as_tensor of numbers": lambda: torch.as_tensor([one - 1 for one in LINE]),
    "tensor of nested numbers": lambda: torch.tensor([[one, one] for one in LINE]),
    "array of numbers": lambda: np.array([one.item() for one in LINE]),
    "array of tensors": lambda: np.array([LINE[0], LINE[1]], dtype=float),
    "stacked arrays": lambda: np.stack([LINE, LINE]),
    "numpy beside a tensor": lambda: np.float32(2) * LINE + LINE * np.float32(2),
    "index by a mask": lambda: LINE[LINE > 1],
    "index by a list": lambda: LINE[[0, 2]],
    "slices": lambda: LINE[None, ::2],
    "list": lambda: list(LINE),
    "unpacked": lambda: [*LINE],
    "iterated and zipped": lambda: list(zip(LINE, LINE.flip(0), strict=True)),
    "sum": lambda: sum(LINE),
    "sorted": lambda: sorted(LINE),
    "largest": lambda: max(LINE, key=float),
    "contained": lambda: (3.0 in LINE, torch.tensor(9.0) in LINE),
    "chosen": lambda: random.Random(0).choice(LINE),
    "sampled": lambda: random.Random(0).sample(list(LINE), 2),
    "powers and roots": lambda: (LINE**2, 2**LINE, LINE.sqrt(), LINE**0.5, abs(-LINE)),
    "compared": lambda: (LINE == LINE, LINE != 3, bool((LINE == 3).any()), LINE == "no"),
    "hashed": lambda: len(dict.fromkeys(LINE, 1)),
    "copied": lambda: copy.deepcopy(LINE),
    "pickled": lambda: pickle.loads(pickle.dumps(LINE)),
    "split": lambda: torch.tensor([one.sum() for one in LINE.split(2)]),
    "truth": lambda: [bool(one > 1) for one in LINE],
    "formatted": lambda: f"{LINE[0]:.2f} {LINE.mean().item():.3f}",
    "in place": lambda: LINE.clone().mul_(2).add_(1).clamp_(max=6),
    "star arguments": lambda: torch.maximum(*LINE[:2]),
    "concatenated": lambda: torch.cat([LINE[i : i + 1] for i in range(3)]),
    "integers as indices": lambda: ["a", "b", "c", "d"][LINE.long()[0]],
    "ranges": lambda: list(range(LINE.long()[1])),
    "wrong": lambda: torch.tensor([LINE, LINE[:2]]),
    "length of a number": lambda: len(LINE[0]),
}


def told(use: Callable[[], object]) -> str:
    try:
        return repr(use())
    except (TypeError, ValueError, RuntimeError) as fault:
        return f"{type(fault).__name__}: {fault}"


@pytest.fixture(params=["looked at", "heard"])
def attached(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    class Sink:
        def point(self, *given: object) -> None: ...

        def found(self, finding: object) -> None: ...

    if request.param == "looked at":
        anatomist = Anatomist(torch)
        yield
        anatomist.conclude()
    else:
        ears = Ears(torch, Sink())
        ears.attach()
        yield
        ears.detach()


PLAIN = {name: told(use) for name, use in USES.items()}


@pytest.mark.parametrize("name", USES)
def test_it_means_the_same_while_a_training_is_looked_at(attached: None, name: str) -> None:
    assert told(USES[name]) == PLAIN[name]
