"""The screen's promises: balance, independence, conditions, the same design for the same seed."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrack import Categorical, Composite, Numeric, SearchSpace
from backtrack.stages.design import balanced_configs, level_counts


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    factors: list = [
        Categorical(f"c{i}", [f"l{k}" for k in range(draw(st.integers(2, 5)))]) for i in range(draw(st.integers(1, 4)))
    ]
    for i in range(draw(st.integers(0, 2))):
        factors.append(Numeric(f"n{i}", 1e-3, 1.0, log=draw(st.booleans())))
    if draw(st.booleans()):
        factors.append(Composite("mix", levels={"p": {"x": 0, "y": 0}, "q": {"x": 1, "y": 1}, "r": {"x": 1, "y": 0}}))
    if draw(st.booleans()):
        factors.append(Categorical("inner", ["u", "v", "w"], when={"c0": ["l0"]}))
        factors.append(Numeric("inmost", 0, 1, when={"inner": ["u", "v"]}))
    return SearchSpace(tuple(factors))


@settings(max_examples=40, deadline=None)
@given(spaces(), st.integers(8, 90), st.integers(0, 5), st.integers(1, 6))
def test_every_level_equally_often(space: SearchSpace, runs: int, seed: int, blocks: int) -> None:
    design = balanced_configs(space, runs, seed, blocks)
    assert len(design) == runs
    for counts in level_counts(space, [config for config, _ in design]).values():
        if sum(counts.values()):
            assert max(counts.values()) - min(counts.values()) <= 1
    sizes = np.bincount([block for _, block in design], minlength=blocks)
    assert sizes.max() - sizes.min() <= 1


@settings(max_examples=40, deadline=None)
@given(spaces(), st.integers(8, 90), st.integers(0, 5))
def test_numbers_are_stratified(space: SearchSpace, runs: int, seed: int) -> None:
    design = [config for config, _ in balanced_configs(space, runs, seed)]
    for factor in space:
        if isinstance(factor, Numeric):
            shares = sorted(factor.share(float(config[factor.name])) for config in design if factor.name in config)
            slots = [min(int(share * len(shares) + 1e-4), len(shares) - 1) for share in shares]
            # One value from each of n equal slices, up to the rounding of recorded values.
            assert all(abs(slot - number) <= 1 for number, slot in enumerate(slots))


@settings(max_examples=30, deadline=None)
@given(spaces(), st.integers(60, 160), st.integers(0, 5))
def test_columns_are_nearly_independent(space: SearchSpace, runs: int, seed: int) -> None:
    """Two-way tables of unconditional factors are within two of even; a random order is off by several."""
    design = [config for config, _ in balanced_configs(space, runs, seed)]
    plain = [factor for factor in space if not factor.when and not isinstance(factor, Numeric)]
    for a, b in combinations(plain, 2):
        table = np.array([[sum(c[a.name] == x and c[b.name] == y for c in design) for y in b.levels] for x in a.levels])
        expected = runs / table.size
        assert np.abs(table - expected).max() <= 2 + 0.15 * expected


def test_association_is_far_below_that_of_random_orders() -> None:
    space = SearchSpace(tuple(Categorical(f"c{i}", ["a", "b", "c"]) for i in range(8)))
    columns = np.array([[ord(str(c[f"c{i}"])) for i in range(8)] for c, _ in balanced_configs(space, 120, 3)])
    rng = np.random.default_rng(0)

    def worst(table: np.ndarray) -> float:
        found = np.corrcoef((table == ord("a")).astype(float).T)
        return float(np.abs(found - np.eye(len(found))).max())

    shuffled = [worst(np.stack([rng.permutation(column) for column in columns.T], 1)) for _ in range(20)]
    assert worst(columns) < 0.5 * float(np.median(shuffled))


def test_same_seed_same_design_other_seed_other_design() -> None:
    space = SearchSpace((Categorical("a", ["x", "y"]), Numeric("n", 0, 1)))
    assert balanced_configs(space, 20, 1) == balanced_configs(space, 20, 1)
    assert balanced_configs(space, 20, 1) != balanced_configs(space, 20, 2)


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_tiny_designs_do_not_break(runs: int) -> None:
    space = SearchSpace((Categorical("a", ["x", "y"]), Categorical("b", ["u", "v"], when={"a": ["x"]})))
    assert len(balanced_configs(space, runs, 0, 5)) == runs
