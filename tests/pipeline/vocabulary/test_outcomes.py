"""Each outcome rule with series that must and must not trigger it."""

from __future__ import annotations

import random

import pytest

from backtrack.vocabulary.outcomes import judge, of_exception, own_noise

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 0.7, 0.8], "ok"),
        ([0.5, 0.51, 0.49], "no_learning"),
        ([0.55, 0.9, 0.5], "collapsed"),
        ([0.55, 0.9, 0.4], "collapsed"),
        ([0.55, 0.9, 0.6], "ok"),
        ([0.5, 0.55, 0.5], "no_learning"),  # a blip of five deviations is no height to fall from
        ([0.8, NAN], "diverged"),
        ([INF], "diverged"),
        ([], "no_learning"),
        ([0.2, 0.1], "no_learning"),  # worse than chance is not learning either
    ],
)
def test_an_accuracy_with_measured_noise(values: list[float], expected: str) -> None:
    assert judge(values, mode="max", chance=0.5, noise=0.01) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 0.8, 0.3], "ok"),
        ([1.0, 1.0, 1.0], "no_learning"),
        ([1.0, 4.0, 5.1], "diverged"),
        ([1.0, 4.0, 4.9], "no_learning"),
        ([9.0, 0.3], "ok"),  # a bad start that recovers
        ([1.0, 0.2, 1.0], "collapsed"),
        ([0.997], "no_learning"),
        ([0.9], "ok"),
    ],
)
def test_an_error_without_stated_noise(values: list[float], expected: str) -> None:
    assert judge(values, mode="min", chance=1.0) == expected


def test_losses_beyond_a_multiple_of_chance_diverge() -> None:
    shared = {"mode": "max", "chance": 0.5, "noise": 0.01, "chance_loss": 0.69}
    assert judge([0.8], losses=[0.7, 3.6], **shared) == "diverged"
    assert judge([0.8], losses=[3.6, 0.7], **shared) == "ok"
    assert judge([0.8], losses=[0.7, NAN], **shared) == "diverged"


def test_without_chance_only_divergence_is_known() -> None:
    assert judge([7.0, 7.0], mode="min", chance=None) == "ok"
    assert judge([7.0, NAN], mode="min", chance=None) == "diverged"


def test_false_alarms_of_noise_that_learns_nothing() -> None:
    """Noise around chance of any size, 9 reports: fewer than 3 in 100 pass for learning."""
    rng = random.Random(0)
    wrong = 0
    for _ in range(1000):
        noise = rng.choice([0.001, 0.02, 0.1])
        wrong += judge([1 + rng.gauss(0, noise) for _ in range(9)], mode="min", chance=1.0) != "no_learning"
    assert wrong < 30


def test_learning_is_seen_through_the_noise() -> None:
    rng = random.Random(1)
    right = sum(
        judge([0.3 + 0.7 * 0.6**e + rng.gauss(0, 0.03) for e in range(9)], mode="min", chance=1.0) == "ok"
        for _ in range(500)
    )
    assert right >= 495


def test_own_noise_ignores_a_trend() -> None:
    assert own_noise([1 - 0.1 * step for step in range(9)], chance=1.0) == pytest.approx(0.005)
    rng = random.Random(2)
    noisy = [1 + rng.gauss(0, 0.1) for _ in range(400)]
    assert own_noise(noisy, chance=1.0) == pytest.approx(0.1, rel=0.25)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "out_of_memory"),
        (ValueError("shapes do not match"), "crashed"),
    ],
)
def test_exceptions_have_their_outcome(fault: Exception, expected: str) -> None:
    assert of_exception(fault) == expected


def test_the_bend_of_a_curve_is_no_noise() -> None:
    """It was called no_learning."""
    assert judge([3, 1.5, 0.8, 0.6, 0.5], mode="min", chance=1.0) == "ok"


def test_a_restless_curve_that_ends_well_learns() -> None:
    """Of a thousand nearly all by themselves; the rest are judged by their fellows (`evidence/fellows.py`)."""
    rng = random.Random(3)
    curves = [[3.5 + (-1) ** step * 0.3 + rng.gauss(0, 0.05) for step in range(20)] for _ in range(1000)]
    assert sum(judge(curve, mode="min", chance=4.17) == "ok" for curve in curves) >= 970
