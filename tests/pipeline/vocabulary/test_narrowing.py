from __future__ import annotations

import pytest

from backtrack import Categorical, Claim, Composite, FunctionTask, Numeric, SearchSpace
from backtrack.errors import SpaceError
from backtrack.trial import run_replicate
from backtrack.vocabulary.narrowing import fix

FACTORS = (
    Categorical("optimiser", ["sgd", "adam"]),
    Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
    Composite("init", levels={"default": {"a": "x", "b": "x"}, "heuristic": {"a": "y", "b": "y"}}),
    Numeric("lr", 1e-3, 1e-1, log=True, role="nuisance"),
    Categorical(
        "order",
        ["forward", "reverse"],
        claims=[
            Claim("better", "post", "reverse", "forward", where={"optimiser": "adam"}),
            Claim("worse", "post", "reverse", "forward", where={"optimiser": "sgd"}),
        ],
    ),
)
SPACE = SearchSpace(FACTORS)


def test_a_fixed_factor_leaves_and_takes_or_frees_its_children() -> None:
    rest, fixed = fix(SPACE, {"optimiser": "adam"})
    assert [factor.name for factor in rest] == ["init", "lr", "order"]
    assert fixed == {"optimiser": "adam"}
    rest, fixed = fix(SPACE, {"optimiser": "sgd"})
    assert not rest["momentum"].when


def test_text_from_the_command_line_becomes_the_factors_level() -> None:
    _, fixed = fix(SPACE, {"optimiser": "sgd", "momentum": "0.9", "lr": "0.01", "init": "a=y|b=x"})
    assert fixed == {"optimiser": "sgd", "momentum": 0.9, "lr": 0.01, "init": "a=y|b=x"}


def test_claims_keep_what_can_still_be_judged() -> None:
    rest, _ = fix(SPACE, {"optimiser": "adam"})
    (claim,) = rest["order"].claims
    assert claim.text == "better"
    assert dict(claim.where) == {}


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"optimizer": "adam"}, "unknown factor"),
        ({"optimiser": "lion"}, "no level"),
        ({"lr": "fast"}, "no level"),
        ({"lr": "10"}, "no level"),
        ({"optimiser": "adam", "init": "default", "lr": 0.01, "order": "reverse"}, "nothing is left"),
    ],
)
def test_what_cannot_be_fixed_is_refused(levels: dict, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        fix(SPACE, levels)


def test_a_run_receives_fixed_levels_and_components() -> None:
    seen = []

    def run(config, seed):
        seen.append(dict(config))
        yield {"error": 0.5}

    task = FunctionTask("t", run=run, metric="error", mode="min", factors=FACTORS)
    narrow = task.with_fixed({"optimiser": "sgd", "init": "a=y|b=x"})
    run_replicate(narrow, narrow.space.config({"momentum": 0.9, "lr": 0.01, "order": "forward"}), 0)
    assert seen == [
        {
            "optimiser": "sgd",
            "momentum": 0.9,
            "lr": 0.01,
            "order": "forward",
            "init": "a=y|b=x",
            "init.a": "y",
            "init.b": "x",
        }
    ]
