"""The sentences that a newcomer reads first."""

from __future__ import annotations

import pyarrow as pa

from backtrack import Categorical, SearchSpace
from backtrack.evidence.analysis import analyse
from backtrack.records.rows import CURVES, trial_rows
from backtrack.stages.screen import plan_screen
from backtrack.views.findings import findings_of
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import RunResult

SPACE = SearchSpace((Categorical("a", ["x", "y"]), Categorical("b", ["u", "v"])))


def findings(outcome_of, stage: str = "screen"):
    rows = []
    for planned in plan_screen(SPACE, 24, 0):
        outcome = outcome_of(planned.config)
        error = "Traceback ...\nValueError: shapes differ" if outcome == "crashed" else ""
        value = 0.5 + 0.01 * len(planned.trial) if outcome == "ok" else None
        result = RunResult(planned.seeds[0], outcome, value, 1, 0.1, 0, 0, 1.0, "cpu", error=error)
        staged = PlannedTrial(planned.trial, stage, planned.config, planned.seeds)
        rows.append(trial_rows(SPACE, FinishedTrial(staged, (result,))))
    analysis = analyse(SPACE, pa.concat_tables(rows), CURVES.empty_table(), "error", "min")
    return findings_of(analysis, "error", {stage: 24})


def test_no_failures_are_said_plainly() -> None:
    assert findings(lambda config: "ok").failed == ["None of 24 training runs failed."]


def test_a_cause_is_named_with_both_rates() -> None:
    found = findings(lambda config: "diverged" if config["a"] == "x" else "ok")
    assert found.failed == ["12 of 24 training runs failed: 12 diverged."]
    assert found.why[0].startswith("diverged with a=x: 100%")
    assert "Without it, 0%" in found.why[0]


def test_a_crash_shows_its_error_and_what_to_do() -> None:
    found = findings(lambda config: "crashed")
    assert "24 crashed with: ValueError: shapes differ" in found.failed
    assert "Every training failed" in found.next[0]


def test_what_holds_for_several_responses_is_said_once() -> None:
    sure = findings(lambda config: "crashed").sure
    assert "failure, gain_with_failures, epoch_time: the same in all 24 runs: there is nothing to explain." in sure
    assert sum("there is nothing to explain" in sentence for sentence in sure) == 1


def test_without_a_screen_nothing_is_decided() -> None:
    found = findings(lambda config: "ok", stage="search")
    assert "No run is evidence yet" in " ".join(found.next)


def test_a_symptom_that_separates_is_told_with_its_cause() -> None:
    def rows(shown_by):
        found = []
        for planned in plan_screen(SPACE, 40, 0):
            bad = planned.config["a"] == "x"
            result = RunResult(
                planned.seeds[0], "no_learning" if bad else "ok", 1.0 if bad else 0.5, 1, 0.1, 0, 0, 1.0, "cpu",
                symptoms=("dead_units",) if shown_by(planned.config) else (),
            )  # fmt: skip
            found.append(trial_rows(SPACE, FinishedTrial(planned, (result,))))
        return analyse(SPACE, pa.concat_tables(found), CURVES.empty_table(), "error", "min")

    with_it = rows(lambda config: config["a"] == "x").causes[0]
    assert [(s.name, s.failing, s.training) for s in with_it.symptoms] == [("dead_units", (20, 20), (0, 20))]
    # Shown as often by those that train, it separates nothing.
    assert rows(lambda config: config["b"] == "u").causes[0].symptoms == ()
