"""The training set is learnt and the metric shows nothing of it: labels, metric, or one of the two."""

from __future__ import annotations

from dataclasses import replace

from backtrack.evidence.checkup.case import HELD_BACK, Case, CheckedRun, Option
from backtrack.evidence.checkup.memorised import EITHER, JUDGED, LABELS, memorised, not_carried_over
from backtrack.task.intervention import CONTROL, PROBE


def option(name: str, level: str, kind: str) -> Option:
    return Option(
        name=name, level=level, text="", what="", place="", answers=(), points=(), kind=kind, harmless=False
    )  # fmt: skip


OPTIONS = [option("labels", "shuffled", CONTROL), option(HELD_BACK, "quarter", PROBE)]


def run(name: str, losses: list[float], **changes: str) -> CheckedRun:
    return CheckedRun(
        trial=name,
        seed=0,
        part="written",
        outcome="ok",
        changes=tuple(changes.items()),
        value=0.1,
        reports=(0.09, 0.1, 0.11, 0.1),
        losses=tuple(losses),
    )


def case(*more: CheckedRun, own: float = 0.1) -> Case:
    written = [run(f"written-{number}", [2.3, 1.0, own, own]) for number in range(3)]
    controls = [run(f"control-{number}", [2.4, 2.3, 2.3, 2.3], labels="shuffled") for number in range(2)]
    return Case([*written, *controls, *more], OPTIONS, "max")


def test_nothing_is_said_where_the_training_set_is_not_learnt() -> None:
    assert memorised(case(own=2.3)) is None
    assert not_carried_over(case(own=2.3)) is None


def test_examples_that_are_held_back_tell_labels_from_metric() -> None:
    found = not_carried_over(case(run("probe", [2.3, 2.9, 3.5, 4.0], held_back="quarter")))
    assert found is not None and found.check == LABELS
    found = not_carried_over(case(run("probe", [2.3, 1.5, 0.6, 0.4], held_back="quarter")))
    assert found is not None and found.check == JUDGED
    assert "held back" in found.measured


def test_where_none_could_be_held_back_both_are_named() -> None:
    found = not_carried_over(case())
    assert found is not None and found.check == EITHER


def test_a_run_a_little_beyond_chance_leaves_the_metric_to_blame_and_acquits_the_labels() -> None:
    beyond = replace(run("beyond", [2.3, 1.0, 0.1, 0.1], learning_rate="x10"), value=0.3)
    carried = run("probe", [2.3, 1.5, 0.6, 0.4], held_back="quarter")
    found = not_carried_over(case(beyond, carried))
    assert found is not None and found.check == JUDGED
    assert "little whatever is changed" in found.measured
    # Nor is anything said where what is held back is told a little better than luck alone.
    assert not_carried_over(case(beyond, run("probe", [2.3, 2.2, 1.9, 1.7], held_back="quarter"))) is None
    assert not_carried_over(case(beyond, run("probe", [2.3, 2.9, 3.5, 4.0], held_back="quarter"))) is None


def test_nothing_is_said_where_a_change_brings_the_metric_half_of_its_way() -> None:
    mended = replace(run("mended", [2.3, 1.0, 0.1, 0.1], modes="by_gradients"), value=0.8)
    assert memorised(case(mended)) is None
