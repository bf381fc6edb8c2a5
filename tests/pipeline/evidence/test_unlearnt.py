"""A loss that asks for something else than the metric: training ends below what an untrained net reaches."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from backtrack.evidence.checkup.case import Case, CheckedRun
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.repairs import threshold
from backtrack.evidence.checkup.unlearnt import LOSS_APART, left_over, taken_away
from backtrack.evidence.checkup.verdict import conclude
from backtrack.task.intervention import CONTROL, REPAIR
from backtrack.views.checkup import standing
from backtrack.vocabulary.finding import UNUSUAL, Finding


def option(name: str, level: str, kind: str) -> Option:
    return Option(
        name=name, level=level, text="less of it", what="", place="", answers=(), points=(), kind=kind, harmless=False
    )  # fmt: skip


OPTIONS = [
    option("labels", "shuffled", CONTROL), option("steps", "none", CONTROL), option("learning_rate", "x0.01", REPAIR)
]  # fmt: skip


def run(
    name: str, value: float, losses: list[float], part: str = "written", seed: int = 0, **changes: str
) -> CheckedRun:
    return CheckedRun(
        trial=name, seed=seed, part=part, outcome="ok", changes=tuple(changes.items()), value=value,
        reports=(value, value + 0.01, value - 0.01, value), losses=tuple(losses),
    )  # fmt: skip


def collapsed(untrained: float = 0.6, loss: float = 0.001, less: float = 0.55, mixed: float = 0.17) -> Case:
    """Pairs that are all alike: the loss of one output for all is zero, and nothing tells classes apart any more."""
    written = [run(f"written-{n}", 0.15 + 0.02 * n, [0.05, 0.01, loss], seed=n) for n in range(3)]
    chance = [run(f"mixed-{n}", mixed, [0.05, 0.01, 0.001], "control", labels="shuffled") for n in range(2)]
    nets = [run(f"net-{n}", untrained, [0.05, 0.052, 0.051], "control", steps="none") for n in range(2)]
    slower = [run("slow", less, [0.05, 0.03, 0.02], "tried", learning_rate="x0.01")]
    proofs = [run(f"proof-{n}", less, [0.05, 0.03, 0.02], "proof", n, learning_rate="x0.01") for n in range(3, 8)]
    fresh = [run(f"fresh-{n}", 0.16, [0.05, 0.01, loss], "proof", n) for n in range(3, 8)]
    return Case([*written, *chance, *nets, *slower, *proofs, *fresh], OPTIONS, "max")


def test_training_that_takes_away_what_an_untrained_net_has_is_blamed_on_the_loss() -> None:
    found = conclude(collapsed())
    assert [cause.name for cause in found.causes] == [LOSS_APART] and found.learns == "no"
    assert "untrained nets reach 0.6 and more, training takes them to 0.17" in found.causes[0].said


@pytest.mark.parametrize(("begun", "apart"), [(9.6, True), (2.1, False)])
def test_an_error_that_grows_by_training_is_no_matter_of_the_rate(begun: float, apart: bool) -> None:
    """A smaller rate leaves more of what an untrained net has; what is learnt by heart is better at first."""
    case = replace(collapsed(), mode="min")
    ends = {"written": 9.8, "fresh": 9.8, "mixed": 9.8, "net": 2.5, "slow": 4.8, "proof": 4.8}
    runs = [replace(one, value=end + 0.01 * one.seed, reports=(begun if end == 9.8 else end, end))
            for one in case.runs for end in [ends[one.trial.partition("-")[0]]]]  # fmt: skip
    found = conclude(replace(case, runs=runs))
    assert [cause.name for cause in found.causes] == [LOSS_APART] * apart and found.learns == "no"
    assert [changes for changes, *_ in found.unproven] == [(("learning_rate", "x0.01"),)]
    assert not apart or "untrained nets reach 2.5 and less, training takes them to 9.8" in found.causes[0].said


def test_what_an_untrained_net_reaches_is_said_where_it_is_more_than_chance() -> None:
    found = conclude(collapsed())
    assert found.untrained == 0.6 and found.as_json()["untrained"] == 0.6
    assert "a training that learns nothing reaches 0.17, and a net that makes no step 0.6" in standing(found, "auc")
    usual = conclude(collapsed(untrained=0.17))
    assert math.isnan(usual.untrained) and usual.as_json()["untrained"] is None
    assert "no step" not in standing(usual, "auc")


def test_labels_that_are_learnt_and_not_counted_are_told_from_one_answer_for_all() -> None:
    one_for_all = taken_away(collapsed())
    case = collapsed()
    # Labels that are shuffled anew each time are not learnt: those as written tell something.
    runs = [replace(one, losses=(0.05, 0.051, 0.052)) if one.changes == (("labels", "shuffled"),) else one
            for one in case.runs]  # fmt: skip
    other_labels = taken_away(replace(case, runs=runs))
    assert one_for_all is not None and "one output for all" in one_for_all.remedy
    assert other_labels is not None and "classes numbered alike" in other_labels.remedy


def test_less_of_a_training_that_harms_is_no_repair() -> None:
    assert threshold(collapsed()) >= 0.6
    # What goes beyond untrained nets is one.
    better = conclude(collapsed(less=0.9))
    assert [cause.name for cause in better.causes] == ["learning_rate"] and better.causes[0].verified


def test_weights_that_no_loss_asks_are_a_cause_only_where_nothing_is_learnt() -> None:
    left = Finding("parameters_without_gradient", "Net.aside.weight", "2 of 6", "all", "use them", UNUSUAL)
    case = collapsed(untrained=0.17)
    # As chance, and no change helps.
    runs = [replace(one, value=0.17, reports=(0.17, 0.18), findings=() if one.changes else (left,))
            for one in case.runs]  # fmt: skip
    stuck = replace(case, runs=runs)
    assert [cause.name for cause in conclude(stuck).causes] == ["parameters_without_gradient"]
    learnt = replace(case, runs=[replace(one, value=0.9, reports=(0.9,)) if not one.changes else one for one in runs])
    assert left_over(learnt, apart=False) == [] and conclude(learnt).causes == []
    assert left_over(learnt, apart=True) == [left]
    # A repair goes before it.
    mended = [replace(one, value=0.9 - 0.01 * one.seed) if ("learning_rate", "x0.01") in one.changes else one
              for one in runs]  # fmt: skip
    assert [cause.name for cause in conclude(replace(case, runs=mended)).causes] == ["learning_rate"]


def test_what_takes_a_training_back_to_chance_mends_nothing() -> None:
    back, mended = (collapsed(untrained=0.25, mixed=0.28, less=less) for less in (0.31, 0.5))
    assert threshold(back) == pytest.approx(0.28 + 0.1 * (1 - 0.28))
    assert [cause.name for cause in conclude(back).causes] == [LOSS_APART]
    assert [cause.name for cause in conclude(mended).causes] == ["learning_rate"]


def test_data_that_another_seed_draws_are_no_learning() -> None:
    """An R² that is the same with labels and without, for each draw of the data."""
    controls = [run(f"mixed-{n}", value, [0.3], "control", labels="shuffled") for n, value in enumerate((-4.5, -3.97))]
    written = [run(f"written-{n}", value, [0.02], seed=n) for n, value in enumerate((-4.5, -3.97, -3.9, 0.9))]
    case = Case([*written, *controls], OPTIONS, "max")
    assert [case.learnt(one) for one in written] == [False, False, False, True]


@pytest.mark.parametrize(
    "case",
    [collapsed(untrained=0.1), collapsed(loss=0.06), replace(collapsed(), mode="min")],
    ids=["better than untrained", "the loss does not fall", "an error"],
)
def test_nothing_is_said_where_training_takes_nothing_away(case: Case) -> None:
    assert taken_away(case) is None
