"""Which of several repairs stands first."""

from __future__ import annotations

import pytest

from backtrack.evidence.checkup.case import Case, CheckedRun
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.ordering import led_to, most_exact
from backtrack.evidence.checkup.repairs import Repair
from backtrack.task.intervention import CONTROL, REPAIR
from backtrack.vocabulary.finding import UNUSUAL, WRONG, Finding

RATE, KEPT, LONGER = (("learning_rate", "x10"),), (("kept_weights", "carried"),), (("length", "x4"),)


def option(name: str, level: str, kind: str = REPAIR, **more: object) -> Option:
    return Option(name, level, "", "", "", kind=kind, harmless=False, **{"answers": (), "points": (), **more})  # type: ignore[arg-type]


def runs(changes: tuple[tuple[str, str], ...], value: float, found: tuple[Finding, ...] = ()) -> list[CheckedRun]:
    return [
        CheckedRun(f"{changes}-{seed}", seed, "proof" if changes else "written", "ok", changes, value, (), found)
        for seed in range(4)
    ]


@pytest.mark.parametrize(
    ("weight", "on_suspicion", "first"), [(UNUSUAL, True, KEPT), (UNUSUAL, False, RATE), (WRONG, True, RATE)]
)
def test_what_only_an_unusual_finding_led_to_stands_before_what_reaches_as_much(
    weight: str, on_suspicion: bool, first: tuple[tuple[str, str], ...]
) -> None:
    found = Finding("weights_made_anew", "Net", "4 models", "one", "make it once", weight=weight)
    options = [
        option("labels", "shuffled", CONTROL),
        option(*RATE[0]),
        option(*KEPT[0], answers=("weights_made_anew",), on_suspicion=on_suspicion),
    ]
    proofs = {RATE: runs(RATE, 0.90), KEPT: runs(KEPT, 0.86)}
    control = runs((("labels", "shuffled"),), 0.1)
    case = Case([*runs((), 0.1, (found,)), *control, *proofs[RATE], *proofs[KEPT]], options, "max", is_share=True)
    repairs = [Repair(changes, fresh, 0.001, True) for changes, fresh in proofs.items()]
    assert most_exact(case, repairs)[0].changes == first
    assert (led_to(case, KEPT) == found) is (first is KEPT) and led_to(case, RATE) is None


@pytest.mark.parametrize(("reached", "first"), [(0.88, KEPT), (0.3, LONGER)])
def test_a_longer_training_stands_behind_what_does_as_much_in_its_time(
    reached: float, first: tuple[tuple[str, str], ...]
) -> None:
    proofs = {LONGER: runs(LONGER, 0.9), KEPT: runs(KEPT, reached)}
    options = [option("labels", "shuffled", CONTROL), option(*LONGER[0]), option(*KEPT[0], size=2)]
    written = [*runs((), 0.1), *runs((("labels", "shuffled"),), 0.1)]
    case = Case([*written, *proofs[LONGER], *proofs[KEPT]], options, "max", is_share=True)
    assert most_exact(case, [Repair(one, fresh, 0.001, True) for one, fresh in proofs.items()])[0].changes == first


def test_one_part_of_the_net_stands_before_all_of_it() -> None:
    part, whole = (("initialisation", "default/embedding"),), (("initialisation", "xavier"),)
    proofs = {whole: runs(whole, 0.93), part: runs(part, 0.92)}
    options = [option("labels", "shuffled", CONTROL), option(*whole[0]), option(*part[0])]
    written = [*runs((), 0.1), *runs((("labels", "shuffled"),), 0.1)]
    case = Case([*written, *proofs[whole], *proofs[part]], options, "max", is_share=True)
    assert most_exact(case, [Repair(one, fresh, 0.001, True) for one, fresh in proofs.items()])[0].changes == part
