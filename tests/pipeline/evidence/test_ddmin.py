from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backtrack.evidence.failures.ddmin import ddmin


@given(st.integers(1, 12), st.data())
def test_the_only_cause_is_found_exactly(size: int, data: st.DataObject) -> None:
    cause = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    asked = []

    def fails(subset) -> bool:
        asked.append(tuple(subset))
        return cause <= set(subset)

    assert set(ddmin(range(size), fails)) == cause
    assert len(asked) <= size * size + 3 * size


@given(st.integers(2, 9), st.data())
def test_what_is_left_is_minimal_whatever_fails(size: int, data: st.DataObject) -> None:
    causes = data.draw(st.lists(st.sets(st.integers(0, size - 1), min_size=1), min_size=1, max_size=3))

    def fails(subset) -> bool:
        return any(cause <= set(subset) for cause in causes)

    left = ddmin(range(size), fails)
    assert fails(left)
    assert not any(fails([part for part in left if part != one]) for one in left)
