"""The training set is learnt and the metric shows nothing of it: labels, metric, or one of the two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backtrack.evidence.checkup.case import HELD_BACK, ONE_BATCH, Case, CheckedRun
from backtrack.evidence.checkup.memorised import (
    EITHER,
    JUDGED,
    LABELS,
    asked_of_held_back,
    could_memorise,
    has_no_room,
    learns_little,
    memorised,
    not_carried_over,
    of_one_batch,
)
from backtrack.evidence.checkup.option import Option
from backtrack.evidence.checkup.repairs import half_way
from backtrack.evidence.checkup.unverified import unverified
from backtrack.evidence.checkup.verdict import conclude
from backtrack.stages.checkup import CheckupPlan, next_runs
from backtrack.task.intervention import AS_WRITTEN, CONTROL, PROBE, REPAIR
from backtrack.vocabulary.factors import Categorical
from backtrack.vocabulary.finding import UNUSUAL, WRONG, Finding
from backtrack.vocabulary.plan import TRIED
from backtrack.vocabulary.space import SearchSpace


def option(name: str, level: str, kind: str) -> Option:
    return Option(
        name=name, level=level, text="", what="", place="", answers=(), points=(), kind=kind, harmless=False
    )  # fmt: skip


PROBES = [option(HELD_BACK, "quarter", PROBE), option(ONE_BATCH, "first", PROBE)]
OPTIONS = [option("labels", "shuffled", CONTROL), *PROBES]


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


def test_where_a_batch_is_all_there_is_it_says_nothing_by_itself() -> None:
    assert of_one_batch(case(run("probe", [2.3, 1.9, 1.8, 1.8], one_batch="first"))) == (2.3, 1.8)
    assert of_one_batch(case(run("probe", [2.3, 1.0, 0.1, 0.1], one_batch="first"))) is None
    assert of_one_batch(case()) is None


def test_nothing_is_said_where_the_training_set_is_not_learnt() -> None:
    assert memorised(case(own=2.3)) is None
    assert not_carried_over(case(own=2.3)) is None


def test_examples_that_are_held_back_tell_labels_from_metric() -> None:
    found = not_carried_over(case(run("probe", [2.3, 2.9, 3.5, 4.0], held_back="quarter")))
    assert found is not None and found.check == LABELS
    found = not_carried_over(case(run("probe", [2.3, 1.5, 0.6, 0.4], held_back="quarter")))
    assert found is not None and found.check == JUDGED
    assert "held back" in found.measured


def test_fewer_right_answers_than_by_luck_are_turned_round() -> None:
    carried = run("probe", [2.3, 1.5, 0.6, 0.4], held_back="quarter")
    written = [replace(run(f"written-{n}", [2.3, 1.0, 0.1, 0.1]), value=0.02) for n in range(3)]
    # Of few classes luck gives now and then no right answer at all.
    luck = [replace(one, reports=(0.0, 0.2, 0.0, 0.1)) for one in case().controls]
    found = not_carried_over(Case([*written, *luck, carried], OPTIONS, "max", is_share=True))
    assert found is not None and found.check == JUDGED and "turned round" in found.measured
    found = not_carried_over(case(carried))
    assert found is not None and "turned round" not in found.measured


def test_what_is_seen_of_how_a_net_is_judged_is_the_first_to_look_at() -> None:
    seen = Finding("scaled_by_itself", "train.py:9", "each of 3 features has a mean of 0", "", "scale", UNUSUAL)
    luckier = replace(run("luckier", [2.3, 2.2, 2.1, 2.0], learning_rate="x0.01"), value=0.8)
    carried = run("probe", [2.3, 1.5, 0.6, 0.4], held_back="quarter")
    for findings, told in (((seen,), True), ((), False)):
        written = [replace(run(f"written-{n}", [2.3, 1.0, 0.1, 0.1]), findings=findings) for n in range(3)]
        found = not_carried_over(Case([*written, *case().controls, luckier, carried], OPTIONS, "max", is_share=True))
        # A changed run that comes half of the way shows what is learnt; elsewhere.
        assert (found is not None) == told
        if found is not None:
            assert (found.check, found.place, found.remedy) == (JUDGED, "train.py:9", "scale")
            assert "held back" in found.measured and "mean of 0" in found.measured and found.weight == WRONG


def test_a_few_answers_that_are_wrong_with_great_certainty_count() -> None:
    # Half of the answers happen to be right: the median alone tells of something learnt.
    skewed = [2.3, 2.3, 2.3, 2.3, 1.6, 4.9, 1.7, 5.2, 1.5, 1.7]
    found = not_carried_over(case(run("probe", skewed, held_back="quarter")))
    assert found is not None and found.check == LABELS
    # What is usually told, and once is not, is neither.
    spiked = [2.3, 2.0, 1.0, 0.5, 0.4, 0.3, 0.3, 14.0, 0.3, 0.3]
    found = not_carried_over(case(run("probe", spiked, held_back="quarter")))
    assert found is not None and found.check == EITHER


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


def learning(*more: CheckedRun, value: float = 0.35, held: float = 0.12, own: float = 0.1) -> Case:
    """Runs as written that are beyond chance, a share of right answers of .25, with a loss that says more of them."""
    reports = tuple(value + jitter for jitter in (0.0, 0.01, -0.01, 0.0))
    written = [replace(run(f"written-{n}", [1.3, 0.4, own, own]), value=value, reports=reports) for n in range(3)]
    luck = (0.25, 0.24, 0.26, 0.25)
    controls = [
        replace(run(f"control-{n}", [1.4, 1.38, 1.38, 1.38], labels="shuffled"), value=0.25, reports=luck)
        for n in range(2)
    ]
    asked = run("probe", [1.3, 0.5, held, held], held_back="quarter")
    return Case([*written, *controls, asked, *more], OPTIONS, "max", is_share=True)


def test_a_share_of_right_answers_below_what_the_loss_leaves_room_for_is_computed_wrongly() -> None:
    found = not_carried_over(learning())
    assert found is not None and found.check == JUDGED
    assert "at least 83% of the answers are right" in found.measured
    # Nothing is said of a net that learns by heart, of one whose answers are as right as its loss says, of a metric
    # that is no such share, nor where a change takes it half of its way.
    assert not_carried_over(learning(held=1.6)) is None
    assert not_carried_over(learning(value=0.7)) is None
    assert not_carried_over(replace(learning(), is_share=False)) is None
    mended = replace(run("mended", [1.3, 0.1, 0.1, 0.1], modes="by_gradients"), value=0.8)
    assert not_carried_over(learning(mended)) is None


def test_a_share_above_one_is_computed_wrongly() -> None:
    smaller = replace(run("smaller", [1.3, 0.1, 0.1, 0.1], batch_size="x0.25"), value=1.2)
    found = learning(smaller)
    assert (
        [run for run in found.runs if found.is_beyond_a_share(run)] == [smaller]
        and found.score(smaller) == float("-inf")
        and found.ceiling == 1
    )
    said = not_carried_over(found)
    assert said is not None and said.check == JUDGED
    assert "with batch_size=x0.25 the metric comes out as 1.2" in said.measured
    # Who divides by a batch size that is written out is right as long as it stays what it is.
    right = replace(run("right", [1.3, 0.1, 0.1, 0.1], learning_rate="x10"), value=0.95)
    assert not_carried_over(learning(smaller, right)) is None
    # A percentage that is mended, and a metric of another name, may be above 1.
    percent = replace(smaller, value=60.0)
    assert not learning(percent).is_beyond_a_share(percent)
    assert not replace(found, is_share=False).is_beyond_a_share(smaller)


def falling(value: float, held: float = 0.01) -> Case:
    """An error of 2 without learning, as written `value`, with a training loss of a hundredth of the control's."""
    reports = (value + 0.01, value, value + 0.01, value)
    written = [replace(run(f"written-{n}", [1.0, 0.1, 0.01, 0.01]), value=value, reports=reports) for n in range(3)]
    luck = (2.0, 2.01, 1.99, 2.0)
    controls = [
        replace(run(f"control-{n}", [1.1, 1.0, 1.0, 1.0], labels="shuffled"), value=2.0, reports=luck) for n in range(2)
    ]
    asked = replace(run("probe", [1.0, 0.1, held, held], held_back="quarter"), value=value, reports=reports)
    return Case([*written, *controls, asked], OPTIONS, "min")


def test_an_error_that_does_not_follow_the_loss_is_of_something_else() -> None:
    found = not_carried_over(falling(1.8))
    assert found is not None and found.check == JUDGED and "in other units" in found.measured
    assert not_carried_over(falling(1.8, held=0.9)) is None
    assert not_carried_over(falling(1.2)) is None


def short(*more: CheckedRun, longer: float = 2.1) -> Case:
    """Too few epochs to learn anything by heart: the loss as written is a hair below that of the control."""
    four = run("longer", [2.3, 2.2, longer, longer], length="x4")
    return case(four, *more, own=2.27)


def test_a_training_that_is_too_short_is_asked_in_four_times_its_length() -> None:
    assert asked_of_held_back(short()) == (("length", "x4"),) and asked_of_held_back(case()) == ()
    assert asked_of_held_back(short(longer=2.28)) is None
    # A batch's loss is moved that far by luck: neither metric nor labels are blamed for it.
    assert not_carried_over(short()) is None
    probe = run("probe", [2.3, 2.3, 2.5, 2.6], held_back="quarter", length="x4")
    batch = run("batch", [2.3, 1.4, 0.5], one_batch="first")
    found = not_carried_over(short(probe, batch))
    assert found is not None and found.check == LABELS and "in four times the training" in found.measured
    lucky = run("probe", [2.3, 2.3, 2.1, 2.15], held_back="quarter", length="x4")
    assert not_carried_over(short(lucky)) is None


def test_where_little_is_learnt_as_written_the_longer_training_is_asked() -> None:
    four = run("longer", [2.3, 2.0, 1.4, 1.4], length="x4")
    probe = run("probe", [2.3, 2.3, 2.5, 2.6], held_back="quarter", length="x4")
    assert asked_of_held_back(case(four, own=2.15)) == (("length", "x4"),)
    # What a shorter training held back answers another question.
    shorter = run("probe", [2.3, 2.3, 2.3, 2.3], held_back="quarter")
    found = not_carried_over(case(four, shorter, own=2.15))
    assert found is not None and found.check == EITHER
    found = not_carried_over(case(four, probe, own=2.15))
    assert found is not None and found.check == LABELS and "in four times the training" in found.measured


def small(*more: CheckedRun, own: float = 2.3) -> Case:
    """A net that learns nothing by heart, in no more than the training and in four times as much."""
    four, wide = (
        run("longer", [2.3, 2.3, 2.25, 2.25], length="x4"),
        run("wide", [2.3, 2.3, 2.2, 2.2], capacity="beside"),
    )
    return case(four, wide, *more, own=own)


def test_a_net_too_small_to_learn_by_heart_is_asked_with_a_wider_one() -> None:
    both = {"capacity": "beside", "length": "x4"}
    assert could_memorise(small()) == tuple(both.items())
    assert could_memorise(case(own=2.3)) is None and could_memorise(small(own=0.1)) is None
    heart = run("both", [2.3, 1.0, 0.2, 0.1], **both)
    assert could_memorise(small(heart)) is None and asked_of_held_back(small(heart)) == tuple(both.items())
    # As it is recorded: by name.
    asked = {"capacity": "beside", "held_back": "quarter", "length": "x4"}
    apart = small(heart, run("probe", [2.3, 2.3, 2.6, 2.9], **asked))
    found = not_carried_over(apart)
    assert found is not None and found.check == LABELS
    assert (
        "with a wide layer beside the net and in four times the training the training set is learnt" in found.measured
    )
    carried = not_carried_over(small(heart, run("probe", [2.3, 1.4, 0.6, 0.4], **asked)))
    assert carried is not None and carried.check == JUDGED


def overfitted(mode: str, value: float, luck: float, held: float | None, by_hand: bool = False) -> Case:
    """A regression whose training set is learnt by heart, and whose metric falls below chance by it.

    Untrained nets are asked as well: of a loss by hand in any case, else since the metric is worse than chance.
    """

    def at(name: str, value: float, losses: list[float], **changes: str) -> CheckedRun:
        reports = tuple(value + jitter for jitter in (0.0, 0.01, -0.01, 0.0))
        return replace(run(name, losses, **changes), value=value, reports=reports)

    runs = [at(f"written-{n}", value, [1.0, 0.5, 0.1, 0.1]) for n in range(3)]
    runs += [at(f"control-{n}", luck, [1.0, 1.0, 1.0, 1.0], labels="shuffled") for n in range(2)]
    runs.append(at("untrained", luck, [1.2, 1.2, 1.2, 1.2], steps="none"))
    if held is not None:
        runs.append(at("probe", value, [1.0, 1.1, held, held], held_back="quarter"))
    untrained = replace(option("steps", "none", CONTROL), on_suspicion=not by_hand)
    return Case(runs, [*OPTIONS, untrained], mode)


@pytest.mark.parametrize(("mode", "value", "luck"), [("max", -0.4, -0.02), ("min", 1.3, 1.0)])
def test_an_error_below_chance_by_what_is_learnt_by_heart_is_asked_of_the_labels(
    mode: str, value: float, luck: float
) -> None:
    assert overfitted(mode, value, luck, None).worse_than_chance
    found = not_carried_over(overfitted(mode, value, luck, held=1.4))
    assert found is not None and found.check == LABELS
    found = not_carried_over(overfitted(mode, value, luck, held=0.2))
    assert found is not None and found.check == JUDGED
    # Without examples held back, nothing tells a sign from labels of other inputs.
    assert not_carried_over(overfitted(mode, value, luck, None)) is None


@pytest.mark.parametrize(
    ("written", "worse", "better", "helps"), [(0.9996, False, 0.9993, False), (1.3, True, 0.8, True)]
)
def test_a_last_printed_digit_is_neither_worse_than_chance_nor_a_repair(
    written: float, worse: bool, better: float, helps: bool
) -> None:
    def at(name: str, value: float, **changes: str) -> CheckedRun:
        return replace(run(name, [1.0, 0.5, 0.1], **changes), value=value, reports=(value,) * 4)

    runs = [at(f"written-{n}", written) for n in range(3)]
    runs += [at(f"control-{n}", 0.9995, labels="shuffled") for n in range(2)]
    runs.append(at("changed", better, length="x4"))
    found = Case(runs, [*OPTIONS, option("length", "x4", REPAIR)], "min")
    assert found.worse_than_chance is worse and (found.score(runs[-1]) >= half_way(found)) is helps
    others = unverified(found, [], some_learn=False)
    assert bool(others.helped or others.within_luck) is helps


def test_a_loss_that_asks_for_nothing_is_not_learnt_by_heart() -> None:
    probe = run("probe", [0.0, 0.0, 0.0, 0.0], held_back="quarter")
    nothing = [run(f"written-{number}", [0.0, 0.0, 0.0, 0.0]) for number in range(3)]
    controls = [run(f"control-{number}", [2.3, 2.3, 2.3, 2.3], labels="shuffled") for number in range(2)]
    assert not_carried_over(Case([*nothing, *controls, probe], OPTIONS, "max")) is None
    learnt = [replace(one, losses=(2.0, 1.0, 0.1, 0.1)) for one in nothing]
    found = not_carried_over(Case([*learnt, *controls, replace(probe, losses=(2.0, 1.0, 0.1, 0.1))], OPTIONS, "max"))
    assert found is not None and found.check == JUDGED


def test_of_what_is_learnt_a_little_the_labels_are_not_blamed() -> None:
    """A net that cannot say what they ask for learns as little, and a few examples tell it from labels of others."""
    probe = run("probe", [2.3, 2.3, 2.4, 2.4], held_back="quarter")
    whole = not_carried_over(case(probe))
    assert whole is not None and whole.measured.startswith("the training set is learnt by heart")
    assert not_carried_over(case(probe, own=2.2)) is None
    # One that learns a batch by heart can say it.
    batch = [run("batch", [2.3, 1.4, last], one_batch="first") for last in (0.5, 1.4)]
    little = not_carried_over(case(probe, batch[0], own=2.2))
    assert little is not None and little.measured.startswith("a little of the training set is learnt by heart")
    assert not_carried_over(case(probe, batch[1], own=2.2)) is None
    told, untold = (
        [replace(run(f"few-{level}", [2.3, 2.3, loss, loss], few_examples=level), part=TRIED) for level, loss in few]
        for few in ((("own", 6.1), ("exchanged", 6.0)), (("own", 2.31), ("exchanged", 2.32)))
    )
    blamed = not_carried_over(case(probe, *told, own=2.2))
    assert blamed is not None and blamed.check == LABELS and "a few of its examples alone" in blamed.measured
    assert not_carried_over(case(probe, *untold, own=2.2)) is None


def test_labels_that_nobody_sees_are_not_spoken_of() -> None:
    assert not_carried_over(overfitted("max", -0.4, -0.02, held=1.4)) is not None
    assert not_carried_over(overfitted("max", -0.4, -0.02, held=1.4, by_hand=True)) is None


def weak(ends: float, held: float, mode: str = "min") -> Case:
    """An error of about 1 without learning, of which luck moves each single run by as much as can be learnt."""

    def at(name: str, value: float, losses: list[float], **changes: str) -> CheckedRun:
        reports = tuple(value + jitter for jitter in (0.1, -0.1, 0.1, 0.0))
        return replace(run(name, losses, **changes), value=value, reports=reports)

    runs = [at(f"written-{n}", ends + 0.01 * n, [1.0, 0.8, 0.5, 0.5]) for n in range(3)]
    runs += [at(f"tried-{n}", ends + 0.002 * n, [1.0, 0.8, 0.5, 0.5], rate=f"x{n}") for n in range(12)]
    runs += [at(f"control-{n}", 1.0 + 0.02 * n, [1.1, 1.1, 1.1, 1.1], labels="shuffled") for n in range(2)]
    return Case([*runs, at("probe", ends, [1.0, 1.0, held, held], held_back="quarter")], OPTIONS, mode)


def test_nearly_all_runs_a_little_better_than_luck_show_what_is_learnt() -> None:
    # No single run lies beyond luck, and all together do: the labels depend on the inputs, and the metric is right.
    assert not weak(0.92, 0.7).learnt(weak(0.92, 0.7).first[0])
    assert not_carried_over(weak(0.92, 0.7)) is None and not_carried_over(weak(0.92, 1.2)) is None
    # An error that moves by a hundredth where the loss does by a half is of something else, as one in other units is.
    found = not_carried_over(weak(0.97, 0.3))
    assert found is not None and found.check == JUDGED
    found = not_carried_over(weak(1.01, 1.2))
    assert found is not None and found.check == LABELS


@pytest.mark.parametrize(("guessed", "found"), [(0.1, True), (0.0, False)])
def test_controls_that_give_one_answer_each_reach_less_than_a_guess(guessed: float, found: bool) -> None:
    """Runs that end about a guess lie above both, and show nothing of the labels."""
    written = [
        replace(run(f"written-{n}", [2.3, 1.0, 0.1, 0.1]), value=value, reports=(0.1, value))
        for n, value in enumerate((0.09, 0.095, 0.11))
    ]
    controls = [
        replace(one, value=value, reports=(0.12, value))
        for one, value in zip(case().controls, (0.08, 0.07), strict=True)
    ]
    probe = run("probe", [2.3, 2.9, 3.5, 4.0], held_back="quarter")
    said = not_carried_over(Case([*written, *controls, probe], OPTIONS, "max", is_share=True, guessed=guessed))
    assert (said is not None and said.check == LABELS) is found


def test_a_metric_that_is_nearly_the_best_without_learning_has_no_room_to_show_it() -> None:
    def near(value: float, *more: CheckedRun) -> Case:
        reports = tuple(value + jitter for jitter in (0.0, 0.002, -0.002, 0.0))
        runs = [replace(one, value=value + 0.001 * (n % 2), reports=reports) for n, one in enumerate(case(*more).runs)]
        return Case(runs, OPTIONS, "max", is_share=True)

    apart = run("probe", [2.3, 2.3, 2.5, 2.6], held_back="quarter")
    assert has_no_room(near(0.97)) and not has_no_room(near(0.5))
    assert not_carried_over(near(0.97)) is None and not_carried_over(near(0.97, apart)) is None
    found = not_carried_over(near(0.5, apart))
    assert found is not None and found.check == LABELS
    said = conclude(near(0.97, apart))
    assert said.saturated and not said.causes and not conclude(near(0.5, apart)).saturated


def of_few(own: float, exchanged: float, *more: CheckedRun, learns: bool = False) -> Case:
    """A training that learns little by heart; a few examples were asked, and their loss is one of others."""
    asked = [
        replace(run(f"few-{level}", [2.3, 2.3, loss, loss], few_examples=level), part=TRIED)
        for level, loss in (("own", own), ("exchanged", exchanged))
    ]
    found = small(*asked, *more)
    better = [replace(one, value=0.9, reports=(0.9,) * 4) if learns and not one.changes else one for one in found.runs]
    return Case(better, [*OPTIONS, option("few_examples", "own", PROBE)], "max")


def test_labels_of_which_a_few_examples_tell_nothing_do_not_belong_to_inputs() -> None:
    found = not_carried_over(of_few(6.1, 6.0))
    assert found is not None and found.check == LABELS and "by those of the few" in found.measured
    # What fits others better by their own labels was learnt of them.
    assert not_carried_over(of_few(3.0, 6.0)) is None
    # Nor is anything said where nothing was learnt by heart, or the metric shows what is learnt.
    assert not_carried_over(of_few(2.3, 2.35)) is None
    assert not_carried_over(of_few(6.1, 6.0, learns=True)) is None
    both = run("both", [2.3, 0.1, 0.1], capacity="beside", length="x4")
    assert learns_little(small()) and not learns_little(small(both))


def test_a_few_examples_are_asked_once_the_wider_net_has_learnt_little_as_well() -> None:
    """What that one learns by heart takes a run more, and there may be no other left."""
    levels = {"labels": "shuffled", "capacity": "beside", "length": "x4", HELD_BACK: "quarter", ONE_BATCH: "first"}
    space = SearchSpace([
        *(Categorical(name, [AS_WRITTEN, level]) for name, level in levels.items()),
        Categorical("few_examples", [AS_WRITTEN, "own", "exchanged"]),
    ])  # fmt: skip
    few = [option("few_examples", level, PROBE) for level in ("own", "exchanged")]
    repairs = [option("capacity", "beside", REPAIR), option("length", "x4", REPAIR)]

    def asked(deep: list[float]) -> list[str]:
        """The runs of a checkup in which nothing mends anything; `deep`: losses of a wider net in a longer training."""
        done: list[CheckedRun] = []
        while wanted := next_runs(CheckupPlan(space, 60, 0), Case(done, [*OPTIONS, *repairs, *few], "max")):
            for one in wanted:
                changes = {name: str(level) for name, level in one.config.items() if level != AS_WRITTEN}
                losses = deep if {"capacity", "length"} <= set(changes) else [2.4, 2.3, 2.3, 2.3]
                done.append(replace(run(one.trial, losses, **changes), seed=one.seeds[0], part=one.part))
        return [" ".join(name for name, _ in one.changes) for one in done]

    little, heart = asked([2.3, 2.3, 2.2, 2.2]), asked([2.3, 1.0, 0.2, 0.1])
    assert little.index("capacity length") < little.index("few_examples") and little.count("few_examples") == 2
    assert "few_examples" not in heart and "capacity held_back length" in heart
