"""Each check finds the defect that it is for, and says what to do."""

from __future__ import annotations

import pytest
from run_health import DEFECTS, SOUND, flags_of

from backtrack.evidence.health import health_checks

RUNS = 120


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_flagged(defect):
    flags = {flag.name: flag for flag in flags_of(defect, 3, RUNS)}
    assert DEFECTS[defect] in flags
    flag = flags[DEFECTS[defect]]
    assert flag.measured and flag.means and flag.remedy


def test_a_sound_study_is_left_alone():
    assert flags_of(SOUND, 3, RUNS) == []


@pytest.mark.parametrize("seed", [4, 6])
def test_a_search_under_one_seed_is_not_said_to_have_changed(seed):
    # It lies as far off the average over the seeds as its own seed does.
    names = {flag.name for flag in flags_of("seeds", seed, RUNS)}
    assert "luck_of_seeds" in names and "search_against_screen" not in names


@pytest.mark.parametrize("seed", [7010, 7040])
def test_a_level_with_less_than_half_the_runs_of_another_is_flagged(seed):
    # 22 runs, and 50 of each other level.
    assert "optimiser" in next(flag for flag in flags_of("imbalance", seed, 160) if flag.name == "imbalance").factors


def test_every_check_has_a_defect_and_its_line_in_the_docs():
    assert set(DEFECTS.values()) == set(health_checks())


def test_the_range_to_try_lies_beyond_the_edge():
    flag = next(flag for flag in flags_of("edge", 3, RUNS) if flag.name == "edge_of_range")
    assert flag.factors == ("lr",) and "lr from 0.0032 to 3.2" in flag.remedy
