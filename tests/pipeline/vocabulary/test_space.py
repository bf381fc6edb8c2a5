from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrack import Categorical, Claim, Composite, Config, Numeric, SearchSpace
from backtrack.errors import SpaceError
from backtrack.vocabulary.as_json import describe_factor, factor_from
from backtrack.vocabulary.config import label

INIT = Composite(
    "init",
    levels={"default": {"input": "default", "recurrent": "default"}, "mixed": {"input": "u", "recurrent": "orth"}},
)
SPACE = SearchSpace(
    (
        Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
        Categorical("optimiser", ["sgd", "adam"]),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
        INIT,
    )
)


def test_parents_come_first() -> None:
    names = [factor.name for factor in SPACE]
    assert names.index("optimiser") < names.index("momentum")


def test_a_config_has_exactly_the_active_factors() -> None:
    levels = {"optimiser": "adam", "lr": 0.01, "init": "default"}
    assert dict(SPACE.config(levels)) == levels
    with pytest.raises(SpaceError, match="momentum"):
        SPACE.config({**levels, "momentum": 0.9})
    with pytest.raises(SpaceError, match="'momentum' has no level"):
        SPACE.config({**levels, "optimiser": "sgd"})
    with pytest.raises(SpaceError, match=r"lr=1.0.*0.0001 to 0.1"):
        SPACE.config({**levels, "lr": 1.0})
    with pytest.raises(SpaceError, match="unknown factors"):
        SPACE.config({**levels, "dropout": 0.1})


def test_hash_is_the_same_in_another_process_and_order() -> None:
    one = Config({"a": 1, "b": "x", "c": 0.25})
    code = "from backtrack import Config; print(Config({'c': 0.25, 'b': 'x', 'a': 1}).hash)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert one.hash == other
    assert Config({"a": 2, "b": "x", "c": 0.25}).hash != one.hash
    assert pickle.loads(pickle.dumps(one)) == one


def test_absent_levels_do_not_change_the_hash() -> None:
    assert Config({"a": 1, "b": None}).hash == Config({"a": 1}).hash  # type: ignore[dict-item]


def test_composite_mixtures_round_trip() -> None:
    mixture = INIT.mixture({"input": "u", "recurrent": "default"})
    assert mixture == "input=u|recurrent=default"
    assert INIT.parts(mixture) == {"input": "u", "recurrent": "default"}
    assert INIT.mixture({"input": "u", "recurrent": "orth"}) == "mixed"
    assert INIT.contains(mixture)
    assert not INIT.contains("input=u")
    assert not INIT.contains("input=u|recurrent=nothing")


def test_extra_values_are_for_mixtures_only() -> None:
    factor = Composite("c", levels={"a": {"p": 0, "q": 0}, "b": {"p": 1, "q": 1}}, extra={"q": [2]})
    assert factor.choices("q") == (0, 1, 2)
    assert factor.contains("p=1|q=2")
    assert not factor.contains("p=2|q=1")
    with pytest.raises(SpaceError, match="no components"):
        Composite("c", levels={"a": {"p": 0}, "b": {"p": 1}}, extra={"z": [1]})


def test_a_task_sees_the_components() -> None:
    config = SPACE.config({"optimiser": "adam", "lr": 0.01, "init": "mixed"})
    assert SPACE.expand(config) == {
        "optimiser": "adam",
        "lr": 0.01,
        "init": "mixed",
        "init.input": "u",
        "init.recurrent": "orth",
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Categorical("a b", ["x", "y"]), "name"),
        (lambda: Categorical("a", ["x"]), "two or more"),
        (lambda: Categorical("a", ["x", "x"]), "differ"),
        (lambda: Categorical("a", "xy"), "list of levels"),
        (lambda: Categorical("a", ["x", None]), "NoneType"),
        (lambda: Numeric("a", 1.0, 1.0), "interval"),
        (lambda: Numeric("a", 0.0, 1.0, log=True), "positive"),
        (lambda: Numeric("a", 0.0, float("inf")), "finite"),
        (lambda: Categorical("a", ["x", "y"], role="other"), "role"),
        (lambda: Categorical("a", ["x", "y"], when={"b": "x"}), "list of levels"),
        (lambda: Composite("a", levels={"x": {"p": 1}, "y": {"q": 1}}), "same components"),
        (lambda: SearchSpace((Categorical("a", ["x", "y"]), Categorical("a", ["x", "y"]))), "twice"),
        (lambda: SearchSpace((Categorical("a", ["x", "y"], when={"b": ["z"]}),)), "not in the space"),
        (
            lambda: SearchSpace((Categorical("a", ["x", "y"], when={"b": ["z"]}), Categorical("b", ["u", "v"]))),
            "never takes",
        ),
        (
            lambda: SearchSpace(
                (Categorical("a", ["x", "y"], when={"b": ["u"]}), Categorical("b", ["u", "v"], when={"a": ["x"]}))
            ),
            "circle",
        ),
        (
            lambda: SearchSpace((Categorical("a", ["x", "y"], when={"b": [0.5]}), Numeric("b", 0, 1))),
            "numeric factor",
        ),
        (
            lambda: SearchSpace((Categorical("a", ["x", "y"], claims=[Claim("t", "s", level="z", against="x")]),)),
            "claim",
        ),
    ],
)
def test_bad_spaces_are_refused_with_a_reason(make, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


@given(st.floats(1e-6, 1e3), st.floats(1.001, 1e6), st.booleans(), st.floats(0, 1), st.booleans())
def test_numeric_scale_round_trips(low: float, ratio: float, log: bool, share: float, integer: bool) -> None:
    factor = Numeric("n", low, low * ratio, log=log)
    value = factor.at(share)
    assert factor.low <= value <= factor.high
    assert factor.share(float(value)) == pytest.approx(share, abs=1e-4 * (1 + 1 / (ratio - 1)))


@pytest.mark.parametrize("factor", [*SPACE, Numeric("i", 1, 9, integer=True), Categorical("b", [True, False])])
def test_a_factor_survives_its_description(factor) -> None:
    import json

    again = factor_from(json.loads(json.dumps(describe_factor(factor))))
    assert describe_factor(again) == describe_factor(factor)


def test_repair_fills_what_becomes_active() -> None:
    config = SPACE.repair(
        {"optimiser": "sgd", "lr": 0.01, "init": "default"}, donor={"momentum": 0.9, "optimiser": "adam"}
    )
    assert config["momentum"] == 0.9


def test_labels() -> None:
    assert [label(x) for x in (True, 0.001, 1, "sgd", None)] == ["true", "0.001", "1", "sgd", "-"]


def test_whole_numbers_stay_inside_an_interval_whose_ends_are_none() -> None:
    factor = Numeric("layers", 0.5, 3.5, integer=True)
    assert {factor.at(share / 50) for share in range(51)} == {1, 2, 3}
    with pytest.raises(SpaceError, match="no whole number lies in"):
        Numeric("layers", 1.2, 1.8, integer=True)


def test_one_and_one_point_nought_are_one_level() -> None:
    space = SearchSpace((Categorical("depth", [1, 2]), Numeric("lr", 0, 1), Categorical("flag", [True, False])))
    one, other = (space.config({"depth": depth, "lr": lr, "flag": True}) for depth, lr in ((1, 1), (1.0, 1.0)))
    assert one == other and one.hash == other.hash
    assert [type(level) for level in other.values()] == [int, bool, float]
