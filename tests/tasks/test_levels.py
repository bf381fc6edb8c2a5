"""Of every built-in task: each level of each factor changes what is computed, not only a name."""

from __future__ import annotations

import pytest

from backtrack import load_task
from backtrack.trial import run_replicate
from backtrack.vocabulary.factors import Categorical, reference

SMALL = {
    "winners": {"rows": 120, "epochs": 2, "width": 32},
    "opposite": {"rows": 1024, "valid_rows": 300, "epochs": 1, "width": 16},
    "road": {"crops": 2, "valid_crops": 1, "epochs": 1},
}
# How many threads compute a sum changes its time; what changes it is tested below.
ONLY_TIME = ("threads", "compile", "device")
# Levels under which a factor exists, or shows.
WHERE = {
    ("winners", "optimiser"): {"weight_decay": 0.01},
    ("winners", "decay_kind"): {"weight_decay": 0.01, "optimiser": "adam"},
    ("winners", "decay_scope"): {"weight_decay": 0.01, "normalisation": "layer"},
    ("winners", "group_size"): {"activation": "winners"},
    ("opposite", "negatives"): {"loss": "margin"},
    ("opposite", "number"): {"loss": "margin"},
    ("opposite", "margin"): {"loss": "margin"},
}
LEARNS = {
    "winners": {"lr": 0.005},
    "opposite": {"loss": "margin", "norm": "sphere", "lr": 0.01},
    "road": {"weights": "frozen", "lr": 0.01},
}
CASES = [
    (name, factor.name)
    for name in SMALL
    for factor in load_task(name).space
    if isinstance(factor, Categorical) and factor.name not in ONLY_TIME
]


@pytest.mark.parametrize(("name", "factor"), CASES)
def test_every_level_changes_what_is_computed(name: str, factor: str) -> None:
    task = load_task(name).with_options(SMALL[name])
    base = {one.name: reference(one) for one in task.space if not one.when} | WHERE.get((name, factor), {})
    if (name, factor) == ("opposite", "norm"):
        base["lr"] = 0.03
    seen = set()
    for level in task.space[factor].levels:
        result = run_replicate(task, task.space.repair({**base, factor: level}, {}), 0)
        assert result.outcome in ("ok", "no_learning"), result.error
        # What symptoms measure holds times, which always differ.
        seen.add(tuple(point.value for point in result.curve if not point.name.startswith("symptom/")))
    assert len(seen) == len(task.space[factor].levels)


@pytest.mark.parametrize("name", SMALL)
def test_the_default_size_learns(name: str) -> None:
    task = load_task(name)
    config = task.space.repair(LEARNS[name], {})
    result = run_replicate(task, config, 0)
    assert result.outcome == "ok", result.error
    assert result.value is not None
    assert result.chance is not None
    # Ten times chance; nine digits of ten; two photographs of three, of fifteen.
    assert result.value > {"opposite": 10 * result.chance, "winners": 0.9, "road": 0.66}[name]
