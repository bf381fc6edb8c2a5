"""How far luck reaches, and what helps under most seeds: nothing false is said next to chance."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backtrack.evidence.checkup.case import Case, CheckedRun
from backtrack.evidence.checkup.memorised import not_carried_over
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.repairs import candidates
from backtrack.evidence.checkup.verdict import NO, YES, CheckupCause, conclude
from backtrack.task.intervention import CONTROL, PROBE, REPAIR
from backtrack.views.checkup import state

SHUFFLED, UNTRAINED, QUARTER = (("labels", "shuffled"),), (("steps", "none"),), (("held_back", "quarter"),)
RATE = (("learning_rate", "x100"),)
OPTIONS = [
    Option(name, level, f"write {level}", f"changes {name}", "train.py:3", (), (), kind, False)
    for name, level, kind in (
        ("labels", "shuffled", CONTROL),
        ("steps", "none", CONTROL),
        ("held_back", "quarter", PROBE),
        ("learning_rate", "x100", REPAIR),
    )
]


def runs_of(
    part: str, changes: tuple[tuple[str, str], ...], values: Sequence[float], losses: Sequence[float] = ()
) -> list[CheckedRun]:
    """Runs that end with these values, and report them four times."""
    return [
        CheckedRun(f"{part}-{changes}-{n}", n, part, "ok", changes, value, reports=(value,) * 4, losses=tuple(losses))
        for n, value in enumerate(values)
    ]


def one_answer_for_all(own: Sequence[float], more: Sequence[CheckedRun] = ()) -> Case:
    """Of 450 examples of ten classes; controls say the same class in each report."""
    runs = [*runs_of("written", (), own), *runs_of("written", SHUFFLED, (0.0978, 0.0978)), *more]
    return Case(runs, OPTIONS, "max", is_share=True, guessed=0.1)


@pytest.mark.parametrize(("own", "learns"), [((0.1022, 0.1, 0.1022), NO), ((0.16, 0.1622, 0.1578), YES)])
def test_another_class_for_all_is_no_learning(own: Sequence[float], learns: str) -> None:
    """Each answer is right as often as its class is frequent: which one a control gives says little of luck."""
    tried = runs_of("tried", RATE, (0.1022,))
    assert conclude(one_answer_for_all(own, tried)).learns == learns


def seeds_of_luck(
    fresh: Sequence[float], more: Sequence[float], written: Sequence[float] = (0.6961, 0.692, 0.689)
) -> Case:
    """An error whose data differ from seed to seed: the runs as written lie on either side of what luck reaches."""
    return Case(
        [
            *runs_of("written", (), written),
            *runs_of("written", UNTRAINED, (0.699, 0.6972)),
            *runs_of("tried", RATE, (0.05,)),
            *runs_of("proof", (), (0.672, 0.6956, 0.6715, 0.7092)),
            *runs_of("proof", RATE, fresh),
            *runs_of("more-proof", (), (0.7012, 0.7017, 0.6854, 0.6943, 0.7067, 0.6936, 0.704, 0.6901)),
            *runs_of("more-proof", RATE, more),
        ],
        OPTIONS,
        "min",
    )


def test_what_helps_under_most_seeds_is_verified_and_said_to_help_under_so_many() -> None:
    found = conclude(
        seeds_of_luck((0.0556, 0.0459, 0.0394, 0.701), (0.68, 0.0556, 0.0511, 0.6801, 0.6893, 0.0343, 0.0551, 0.0462))
    )
    (cause,) = found.causes
    assert cause.name == "learning_rate" and cause.verified and cause.back == (8, 12)
    assert "of which it brings 8 of 12 back" in state(cause)


def test_what_helps_under_a_few_seeds_is_not_verified() -> None:
    found = conclude(seeds_of_luck((0.0556, 0.0459, 0.0394, 0.701), (0.68, 0.7, 0.69, 0.6801, 0.6893, 0.7, 0.71, 0.69)))
    assert not found.causes


def test_what_helps_under_all_seeds_is_told_without_counting() -> None:
    cause = CheckupCause("intervention", "inputs", "", "", [], verified=True, p=0.003, reaches=0.9, back=(4, 4))
    assert state(cause) == "verified with fresh seeds (p = 0.003)"


def test_a_trace_of_what_another_run_reaches_is_no_learning() -> None:
    """Whatever is verified: ten of the fifteen are less than a hundredth of the way."""
    assert conclude(seeds_of_luck((), ())).learns == NO


@pytest.mark.parametrize(("ends", "found"), [((0.3, 0.25, 0.2, 0.3, 0.2, 0.3), True), ((1.6,) * 6, False)])
def test_a_metric_that_tells_of_less_than_what_is_held_back_late(ends: Sequence[float], found: bool) -> None:
    """Early losses of what is held back are high, and are half of those that are kept."""
    early = (2.3, 2.2, 2.0, 1.8, 1.6, 1.4)
    case = Case(
        [
            *runs_of("written", (), (0.24, 0.21, 0.2), losses=(2.3, 1.0, 0.4, 0.1, 0.1, 0.1)),
            *runs_of("written", SHUFFLED, (0.1, 0.08), losses=(2.3,) * 6),
            *runs_of("tried", QUARTER, (0.22,), losses=(*early, *early, *ends)),
        ],
        OPTIONS,
        "max",
        is_share=True,
        guessed=0.1,
    )
    finding = not_carried_over(case)
    assert (finding is not None and finding.check == "judged_apart") is found
    assert finding is None or "at least 6" in finding.measured


@pytest.mark.parametrize(("error", "turned"), [(2.3, True), (1.26, False)])
def test_errors_above_those_of_luck_are_said_to_be_turned_round(error: float, turned: bool) -> None:
    case = Case(
        [
            *runs_of("written", (), (error, error + 0.05, error - 0.03), losses=(0.7, 0.5, 0.3, 0.3, 0.3, 0.3)),
            *runs_of("written", SHUFFLED, (1.25, 1.24), losses=(0.7,) * 6),
            *runs_of("tried", QUARTER, (error,), losses=(0.7, 0.5, 0.4, 0.4, 0.4, 0.4)),
        ],
        OPTIONS,
        "min",
    )
    finding = not_carried_over(case)
    assert finding is not None and finding.check == "judged_apart"
    assert ("turned round" in finding.measured) is turned


def test_of_levels_that_do_equally_well_the_first_is_verified() -> None:
    """The program's own optimiser stands first, at its usual rate: another one would be more of a change."""
    levels = ("usual", "adam", "zeta")
    options = [
        *OPTIONS,
        *(Option("optimiser", one, "", "", "train.py:3", (), (), REPAIR, False) for one in levels),
    ]
    runs = [
        *runs_of("written", (), (0.1, 0.11, 0.1)),
        *runs_of("written", SHUFFLED, (0.1, 0.12)),
        *(run for one in levels for run in runs_of("tried", (("optimiser", one),), (1.0,))),
    ]
    assert candidates(Case(runs, options, "max", is_share=True)) == [(("optimiser", "usual"),)]
