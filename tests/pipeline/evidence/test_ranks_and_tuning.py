"""How sure a rank is, and what a tuned nuisance changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtrack import Categorical, Numeric, SearchSpace
from backtrack.evidence.analysis import Analysis, analyse
from backtrack.records.rows import CURVES, trial_rows
from backtrack.stages.screen import plan_screen
from backtrack.views.report.page import tuned_text
from backtrack.views.report.second_opinion import importances
from backtrack.views.tables import report_tables
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.result import RunResult

SPACE = SearchSpace(
    (
        Categorical("strong", ["a", "b"]),
        Categorical("weak", ["a", "b"]),
        Categorical("optimiser", ["sgd", "adam"]),
        *(Categorical(f"inert{number}", ["a", "b", "c"]) for number in range(3)),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
    )
)


def finished(seed: int, runs: int = 160) -> list[FinishedTrial]:
    """Adam is best at a small rate, SGD at a large one; both reach the same there."""
    rng = np.random.default_rng(seed)
    found = []
    for planned in plan_screen(SPACE, runs, seed):
        config = planned.config
        best_at = 0.25 if config["optimiser"] == "adam" else 0.75
        error = 0.5 + 0.2 * (config["strong"] == "b") + 0.05 * (config["weak"] == "b")
        error += 0.8 * (SPACE["lr"].share(config["lr"]) - best_at) ** 2 + rng.normal(0, 0.02)
        result = RunResult(planned.seeds[0], "ok", error, 1, 0.1, 0.0, 0, 1.0, "cpu")
        found.append(FinishedTrial(planned, (result,)))
    return found


def analysed(seed: int) -> Analysis:
    return analyse(SPACE, trial_rows(SPACE, *finished(seed)), CURVES.empty_table(), "error", "min")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analysed(0)


def test_the_largest_effect_has_rank_one_for_sure_and_inert_ones_share_the_last_places(analysis: Analysis) -> None:
    ranks = analysis.responses["gain"].ranks
    # The rate's range is as large (.2): one of the two is first.
    assert ranks["strong"][1] <= 2 and ranks["lr"][1] <= 2
    assert ranks["weak"][0] > ranks["strong"][0]
    for number in range(3):
        low, high = ranks[f"inert{number}"]
        assert low >= 4 and high <= 7 and low < high


def test_the_intervals_hold_the_true_ranks() -> None:
    # True order: strong and lr (.2 each), weak (.05), then what does nothing (the optimiser, averaged over lr, too).
    seen = [analysed(seed).responses["gain"].ranks for seed in range(8)]
    held = [ranks["weak"][0] <= 3 <= ranks["weak"][1] for ranks in seen]
    assert sum(held) >= 7
    assert np.mean([high - low for low, high in (ranks["weak"] for ranks in seen)]) < 1.5, "and they say something"
    assert all(ranks["strong"][0] <= 2 and ranks["inert0"][1] >= 5 for ranks in seen)


def test_a_tuned_rate_takes_an_apparent_difference_away(analysis: Analysis) -> None:
    effect = analysis.responses["gain"].tuned["optimiser"]
    # At their own rates both are as good; at any common one but the middle they differ.
    assert effect.tuned < 0.03
    assert effect.tuned_low == 0.0
    for name in ("strong", "weak"):
        other = analysis.responses["gain"].tuned[name]
        assert other.tuned == pytest.approx({"strong": 0.2, "weak": 0.05}[name], abs=0.03)
        assert other.common == pytest.approx(other.tuned, abs=0.03) and not other.differs


def test_both_are_in_the_table_and_in_words(analysis: Analysis) -> None:
    table = report_tables(analysis)["factors"]
    rows = {(row["response"], row["factor"]): row for row in table.to_pylist()}
    row = rows["gain", "strong"]
    assert row["tuned_best"] == row["common_best"] == "a"
    assert (row["rank_low"], row["rank_high"]) == analysis.responses["gain"].ranks["strong"]
    assert row["rank_low"] <= row["rank"] <= row["rank_high"]
    assert all(row["tuned"] is None for (response, _), row in rows.items() if response != "gain")
    for name, effect in analysis.responses["gain"].tuned.items():
        assert bool(tuned_text(analysis.responses["gain"], name)) == effect.differs


def test_a_second_opinion_is_the_same_each_time() -> None:
    trials = finished(0, 60)
    first, again = (importances(SPACE, trials, "min") for _ in range(2))
    assert first == again
    assert set(first) == {"fANOVA", "PED-ANOVA"}
    assert max(first["fANOVA"], key=first["fANOVA"].__getitem__) in ("strong", "lr")
    assert importances(SPACE, trials[:3], "min") == {}


def test_no_nuisance_nothing_to_tune() -> None:
    space = SearchSpace((Categorical("a", ["x", "y"]), Categorical("b", ["x", "y"])))
    rows: list[Any] = [
        FinishedTrial(planned, (RunResult(planned.seeds[0], "ok", float(number % 7), 1, 0.1, 0, 0, 9.0, "cpu"),))
        for number, planned in enumerate(plan_screen(space, 40, 0))
    ]
    found = analyse(space, trial_rows(space, *rows), CURVES.empty_table(), "error", "min")
    assert found.responses["gain"].tuned == {}
