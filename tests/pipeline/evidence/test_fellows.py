"""A run is judged by its fellows too."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from backtrack.evidence.fellows import agreed
from backtrack.vocabulary.outcomes import NOISE_FLOOR

CHANCE = 4.17


def trials(rows: list[tuple[str, float]], stage: str = "screen") -> pa.Table:
    names = ("outcome", "value", "chance", "stage")
    return pa.Table.from_pylist([dict(zip(names, (o, v, CHANCE, stage), strict=True)) for o, v in rows])


def outcomes(rows: list[tuple[str, float]]) -> list[str]:
    return list(agreed(trials(rows), "min", dict)["outcome"].to_pylist())


def test_a_run_that_ends_better_than_one_that_is_ok_is_ok() -> None:
    """lr=.36 ended at 3.45 and was no_learning, lr=.0001 at 3.97 and was ok."""
    rows = [("no_learning", 3.45), ("ok", 3.97), ("no_learning", 4.16), ("no_learning", 4.19), ("diverged", 3.0)]
    assert outcomes(rows) == ["ok", "ok", "no_learning", "no_learning", "diverged"]


def test_runs_at_chance_stay_there() -> None:
    rows = [("ok", 1.0), *(("no_learning", CHANCE + d) for d in (-0.3, 0.3, 0.1, -0.1, 0.2))]
    assert outcomes(rows) == [outcome for outcome, _ in rows]
    assert outcomes(rows[1:]) == ["no_learning"] * 5


@given(st.lists(st.tuples(st.sampled_from(["ok", "no_learning"]), st.floats(0, 5)), min_size=1, max_size=12))
def test_no_idle_run_ends_better_than_one_that_is_ok_by_more_than_the_noise(
    rows: list[tuple[str, float]],
) -> None:
    now = outcomes(rows)
    fine = [v for (o, v) in rows if o == "ok"]
    ends = [CHANCE - v for o, v in rows if o == "no_learning"]
    reach = max((-end for end in ends if end <= 0), default=0.0)
    around = [end for end in ends if abs(end) <= reach]
    spread = (sum(end**2 for end in around) / len(around)) ** 0.5 if len(around) > 1 else 0.0
    noise = max(NOISE_FLOOR * CHANCE, spread)
    for (outcome, value), later in zip(rows, now, strict=True):
        if outcome == "ok":
            assert later == "ok"
        elif fine and later == "no_learning":
            assert value >= max(fine) - noise - 1e-9


def unknown(runs: list[tuple[float, float]], mode: str = "min", chance: float | None = None) -> list[str]:
    """Outcomes of runs whose worker did not know chance: (first report, last report)."""
    names = ("outcome", "value", "chance", "stage", "trial", "seed")
    rows = [
        dict(zip(names, ("ok", last, chance, "screen", f"t{i}", 0), strict=True)) for i, (_, last) in enumerate(runs)
    ]
    schema = pa.schema([("outcome", pa.string()), ("value", pa.float64()), ("chance", pa.float64()),
                        ("stage", pa.string()), ("trial", pa.string()), ("seed", pa.int64())])  # fmt: skip
    begun = {(f"t{i}", 0): first for i, (first, _) in enumerate(runs)}
    return list(agreed(pa.Table.from_pylist(rows, schema=schema), mode, lambda: begun)["outcome"].to_pylist())


USUAL = [(2.0 + 0.1 * i, 0.5 + 0.1 * i) for i in range(10)]


def test_a_run_that_ends_far_beyond_where_trainings_begin_diverged() -> None:
    """A net of molecules ended at 1e34, and was ok: nobody had said what chance is."""
    assert unknown([*USUAL, (7.0, 2e34), (3e30, 9000.0), (2.4, 14.0)])[10:] == ["diverged"] * 3
    assert unknown([*USUAL, (2.4, 3.1), (2.4, 9.0)])[10:] == ["ok", "ok"]


def test_it_takes_a_loss_some_beginnings_and_no_known_chance() -> None:
    wild = (7.0, 2e34)
    assert set(unknown([*USUAL[:6], wild])) == {"ok"}
    assert set(unknown([*USUAL, wild], mode="max")) == {"ok"}
    assert set(unknown([*USUAL, (-1.0, 2e34)])) == {"ok"}
    assert set(unknown([*USUAL, wild], chance=3.0)) == {"ok"}


def test_disasters_within_the_first_epoch_move_no_bar() -> None:
    assert unknown([*USUAL, *((1e20, 1e20) for _ in range(6))])[10:] == ["diverged"] * 6
