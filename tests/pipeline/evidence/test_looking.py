"""The error rate of a study that is looked at again and again."""

from __future__ import annotations

import pytest

from backtrack.evidence.looking import FIRST_SHARE, look_of, next_share


def manifest(*extensions, **more):
    return {"alpha": 0.05, "factors": [{}] * 6, "extensions": list(extensions), **more}


def test_a_study_that_is_not_extended_keeps_a_fifth_for_later():
    look = look_of(manifest())
    assert look.number == 1 and look.alpha == pytest.approx(FIRST_SHARE * 0.05)
    assert next_share(manifest()) == pytest.approx((1 + FIRST_SHARE) / 2)


def test_an_extension_has_a_level_of_its_own_and_leaves_what_was_decided():
    one = {"from": 60, "evidence": 60, "spent": 0.9, "active": {"gain": [["lr"], ["a", "b"]]}}
    look = look_of(manifest(one))
    assert look.number == 2 and look.alpha == pytest.approx(0.1 * 0.05)
    assert look.decided == {"gain": (("lr",), ("a", "b"))}
    two = {"from": 120, "evidence": 60, "spent": 0.95, "active": {}}
    assert look_of(manifest(one, two)).alpha < look.alpha


def test_all_looks_together_use_no_more_than_the_rate():
    """The union bound needs nothing of how looks are tied to each other."""
    looks, spent = [], FIRST_SHARE
    extensions = []
    for number in range(6):
        looks.append(look_of(manifest(*extensions)).alpha)
        spent = next_share(manifest(*extensions))
        extensions.append({"from": 60 + 30 * number, "evidence": 30, "spent": spent, "active": {}})
    assert looks == sorted(looks, reverse=True) and min(looks) > 0
    assert sum(looks) <= 0.05 and sum(looks) == pytest.approx(0.05 * (1 - (1 - FIRST_SHARE) / 2**5))


def test_a_part_that_nothing_is_read_of_uses_nothing():
    part = {"from": 60, "evidence": 30, "spent": FIRST_SHARE, "active": {}}
    assert look_of(manifest(part)).alpha == 0
    last = {"from": 90, "evidence": 30, "spent": 0.9, "active": {}}
    assert look_of(manifest(part, last)).alpha == pytest.approx(0.1 * 0.05)
