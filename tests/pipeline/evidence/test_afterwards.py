"""Programs with more than one fault: what is wrong behind the first one, and nothing where there is no more."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from test_checkup_verdict import SPACE, case_of, checked

from backtrack.evidence.checkup.afterwards import answer_of
from backtrack.evidence.checkup.case import CheckedRun
from backtrack.stages.checkup import PROOFS, CheckupPlan, next_runs
from backtrack.views.checkup import sentences_of
from backtrack.views.report.checkup_page import checkup_page
from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.plan import LATER, THEN_PROOF

MANIFEST = {"task": {"metric": "accuracy", "name": "mine"}, "study": "s", "created": "now", "seed": 0}


def two_faults(changes: dict[str, str], rng: random.Random) -> float:
    """Unscaled inputs hide that the rate is far too high for them once they are scaled."""
    scaled, slow = "inputs" in changes, changes.get("learning_rate") == "x0.1"
    return (0.95 if scaled and slow else 0.5 if scaled else 0.1) + 0.01 * rng.random()


@pytest.mark.parametrize("luck", range(5))
def test_what_is_wrong_behind_the_first_fault_is_told_with_it(luck: int) -> None:
    found, case = checked(two_faults, luck=luck)
    assert [cause.name for cause in found.causes] == ["inputs"] and found.then is not None
    assert [(cause.name, cause.verified) for cause in found.then.causes] == [("learning_rate", True)]
    assert found.then.causes[0].reaches == pytest.approx(0.95, abs=0.02)
    # All trainings count, and none of these says anything of the training as it is written.
    assert found.runs == len(case.runs) + len(case.later) <= 60
    assert not [run for run in case.runs if run.part in LATER]
    said = "\n".join(sentences_of(found, "accuracy", "s"))
    assert "With write inputs standardised: accuracy of 4 fresh runs is 0.5" in said
    assert "    Change: write learning_rate x0.1, which reaches accuracy 0.9" in said
    page = checkup_page(case, found, MANIFEST)
    assert "With that mended" in page and case.later[0].trial in page
    assert found.as_json()["then"]["causes"][0]["name"] == "learning_rate"


def test_a_fault_that_a_check_names_is_mended_with_another_rate_where_it_takes_both() -> None:
    found, _ = checked(
        lambda changes, rng: (
            (0.9 if "residual" in changes and changes.get("learning_rate") == "x10" else 0.1) + 0.01 * rng.random()
        ),
        fault="residual_missing",
        mended_by="residual",
    )
    assert [cause.name for cause in found.causes] == ["residual_missing"] and found.causes[0].verified
    assert found.causes[0].repairs[0][0] == (("learning_rate", "x10"), ("residual", "added"))


def test_a_fault_that_a_check_names_is_mended_though_another_net_beside_learns_in_spite_of_it() -> None:
    found, _ = checked(
        lambda changes, rng: (
            (
                0.9
                if "residual" in changes and changes.get("learning_rate") == "x10"
                else 0.8
                if "capacity" in changes
                else 0.1
            )
            + 0.01 * rng.random()
        ),
        fault="residual_missing",
        mended_by="residual",
    )
    assert [cause.name for cause in found.causes] == ["residual_missing"] and found.causes[0].verified
    assert found.causes[0].repairs[0][0] == (("learning_rate", "x10"), ("residual", "added"))


def test_a_fault_that_a_check_still_sees_is_told_though_nothing_shows_that_it_costs_anything() -> None:
    found, _ = checked(
        lambda changes, rng: (0.8 if "inputs" in changes else 0.1) + 0.01 * rng.random(),
        fault="loss_input",
        mended_by="loss_form",
    )
    assert found.causes[0].name == "inputs"
    named = [*found.causes, *(found.then.causes if found.then is not None else [])]
    (other,) = [cause for cause in named if cause.name != "inputs"]
    assert (other.name, other.verified) == ("loss_input", False)


def test_what_helps_and_is_no_fault_is_told_as_such() -> None:
    found, _ = checked(
        lambda changes, rng: (
            (0.9 if "residual" in changes else 0.75) + 0.01 * rng.random() if "inputs" in changes else 0.1
        )
    )
    assert found.then is not None and not found.then.causes
    assert [changes for changes, *_ in found.then.gains] == [(("residual", "added"),)]
    assert "Beside it these take it further" in "\n".join(sentences_of(found, "accuracy", "s"))


def test_where_no_room_is_left_nothing_more_is_asked() -> None:
    found, case = checked(lambda changes, rng: (0.97 if "inputs" in changes else 0.1) + 0.01 * rng.random())
    assert found.then is None and not case.later


def test_luck_is_seldom_told_as_something_more() -> None:
    said = 0
    for luck in range(100):
        found, _ = checked(
            lambda changes, rng: (rng.gauss(0.6, 0.1) if "inputs" in changes else 0.1) + 0.01 * rng.random(), luck=luck
        )
        said += found.then is not None and bool(found.then.causes or found.then.gains)
    # .05 are allowed; 11 of 100 would be more in one of a hundred suites.
    assert said <= 11


def test_an_interrupted_checkup_goes_on_behind_its_repair() -> None:
    _, case = checked(two_faults)
    every = [*case.runs, *case.later]
    assert sum(run.part == THEN_PROOF for run in every) >= PROOFS
    for kept in (len(case.runs), len(case.runs) + 2, len(every) - 1):
        wanted = {one.trial for one in next_runs(CheckupPlan(SPACE, 60, 0), case_of(every[:kept]))}
        assert wanted and wanted <= {run.trial for run in every}


def test_what_only_the_repair_brings_about_is_not_told() -> None:
    _, case = checked(two_faults)
    own = Finding("validation_inputs", "train.py:9", "seen", "not seen", "mend it")
    runs = [
        run if not run.changes else type(run)(**{**vars(run), "findings": (own,)}) for run in (*case.runs, *case.later)
    ]
    then = answer_of(case_of(runs)).then
    assert then is not None and [cause.name for cause in then.causes] == ["learning_rate"]


def test_of_two_faults_the_one_whose_repair_goes_further_stands_first() -> None:
    def reached(changes: dict[str, str], rng: random.Random) -> float:
        return (0.9 if "residual" in changes else 0.3 if "inputs" in changes else 0.1) + 0.01 * rng.random()

    _, case = checked(reached, fault="residual_missing", mended_by="residual")
    also = Finding("inputs", "train.py:5", "seen", "not seen", "mend it")
    runs = [
        replace(run, findings=(also, *run.findings)) if "inputs" not in dict(run.changes) else run
        for run in (*case.runs, *case.later)
    ]
    fresh = [
        CheckedRun(f"fresh-{seed}", seed, "proof", "ok", (("inputs", "standardised"),), 0.3 + 0.001 * seed)
        for seed in range(3, 7)
    ]
    assert [one.name for one in answer_of(case_of([*runs, *fresh])).causes] == ["residual_missing", "inputs"]


def test_what_a_net_is_judged_by_is_blamed_beside_a_fault_that_nothing_is_seen_to_mend() -> None:
    found, _ = checked(
        lambda changes, rng: 0.1 + 0.01 * rng.random(), fault="loss_input", mended_by="nothing", by_heart=True
    )
    assert [cause.name for cause in found.causes] == ["loss_input", "judged_apart"]
    # Where a check sees how it is judged, that says it.
    found, _ = checked(
        lambda changes, rng: 0.1 + 0.01 * rng.random(), fault="validation_inputs", mended_by="nothing", by_heart=True
    )
    assert [cause.name for cause in found.causes] == ["validation_inputs"]


def test_all_that_is_verified_is_one_edit() -> None:
    found, case = checked(two_faults)
    edits = {
        "inputs": "--- train.py\n+++ train.py\n@@ -2,2 +2,3 @@\n x = load()\n+x = x / 255\n net = make()",
        "learning_rate": "--- train.py\n+++ train.py\n@@ -3,2 +3,2 @@\n net = make()\n-opt = SGD(1)\n+opt = SGD(.1)",
    }
    whole = (
        "--- train.py\n+++ train.py\n@@ -2,3 +2,4 @@\n x = load()\n+x = x / 255\n net = make()\n-opt = SGD(1)\n"
        "+opt = SGD(.1)"
    )

    def with_edits(*names: str) -> str:
        options = [replace(one, patch=edits[one.name] if one.name in names else "") for one in case.options]
        again = answer_of(replace(case, options=options))
        said = "\n".join(sentences_of(again, "accuracy", "my study"))
        assert (f"patch -p0 < '{Path('my study').resolve()}/report/fix.patch'" in said) == bool(again.edit)
        assert ('href="fix.patch"' in checkup_page(case, again, MANIFEST)) == bool(again.edit)
        return str(again.as_json()["edit"])

    assert found.edit == with_edits() == ""
    assert with_edits("inputs", "learning_rate") == whole
    # What is no edit beside one that is: the one alone, and none where the first of both is missing.
    assert with_edits("inputs") == edits["inputs"]
    assert with_edits("learning_rate") == ""


def test_an_error_that_ends_at_nothing_beside_a_repair_has_a_place_on_the_report() -> None:
    def errors(values: dict[tuple[tuple[str, str], ...], float], part: str) -> list[CheckedRun]:
        return [
            CheckedRun(
                trial=f"{part}-{len(changes)}-{seed}",
                seed=seed,
                part=part,
                outcome="ok",
                changes=changes,
                value=value + seed / 1e5,
                reports=(0.0, value),
            )
            for changes, value in values.items()
            for seed in range(3)
        ]

    slow, both = (("learning_rate", "x0.1"),), (("inputs", "standardised"), ("learning_rate", "x0.1"))
    runs = [*errors({(): 0.5}, "written"), *errors({slow: 0.001}, "tried"), *errors({slow: 0.001}, "proof")]
    later = [replace(run, value=0.0) for run in errors({both: 0.0}, THEN_PROOF)]
    case = replace(case_of(runs), mode="min", later=later)
    assert case.logarithmic and case.score(later[0]) == max(map(case.score, runs))
    page = checkup_page(case, answer_of(case), MANIFEST)
    assert later[0].trial in page


def test_a_rate_beside_another_optimiser_is_told_by_that_ones() -> None:
    def reached(changes: dict[str, str], rng: random.Random) -> float:
        adam, fast = changes.get("optimiser") == "adam_usual", changes.get("learning_rate") == "x10"
        return (0.95 if adam and fast else 0.5 if adam else 0.1) + 0.01 * rng.random()

    _, case = checked(reached)
    edit = "--- train.py\n+++ train.py\n@@ -3 +3 @@\n-opt = SGD(lr=1)\n+opt = SGD(lr=10)"
    rates = {"relative_to": "optimiser", "relative": "10 times its rate", "patch": edit}
    options = [replace(one, **rates) if one.changes == (("learning_rate", "x10"),) else one for one in case.options]
    case = replace(case, options=options)
    found = answer_of(case)
    assert [cause.name for cause in found.causes] == ["optimiser"] and found.then is not None
    assert [(cause.name, cause.patch) for cause in found.then.causes] == [("learning_rate", "")]
    said = "\n".join(sentences_of(found, "accuracy", "s"))
    assert "Change: 10 times its rate, which reaches accuracy 0.9" in said
    # Alone it is told by the number that is written.
    assert "write learning_rate x10: accuracy 0.1" in said
    assert "10 times its rate; write optimiser adam_usual" in checkup_page(case, found, MANIFEST)


def test_an_edit_that_mends_two_faults_is_shown_once() -> None:
    found, case = checked(two_faults)
    (cause,) = found.causes
    edit = "--- train.py\n+++ train.py\n@@ -3 +3 @@\n-bad\n+good"
    both = replace(found, causes=[replace(cause, patch=edit), replace(cause, name="order", patch=edit)])
    said = "\n".join(sentences_of(both, "accuracy", "s"))
    assert said.count("+good") == 1 and said.count("As an edit:\n    the one above") == 1
    page = checkup_page(case, both, MANIFEST)
    assert page.count("+good") == 1 and page.count("the one above") == 1
