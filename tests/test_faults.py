"""The benchmark of faults: its programs, patches and names are there, and its ablation agrees with them."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest

from backtrack.evidence.checkup.memorised import JUDGED, LABELS
from backtrack.evidence.checkup.unlearnt import LOSS_APART
from backtrack.task.length import LENGTH
from backtrack.task.stopping import STOPPING
from backtrack.trial.intervening.catalogue import all_interventions
from backtrack.watch.checks import all_checks

FAULTS = Path(__file__).parents[1] / "benchmarks" / "faults"
TRUTH = json.loads((FAULTS / "truth.json").read_text())
ABLATION = json.loads((FAULTS / "ablation.json").read_text())
# The net learns as well with the layers that train: a fault that costs nothing here.
HARMLESS = {"layers_in_a_list"}
CHECKS = {check.name for check in all_checks()} | {LABELS, JUDGED, LOSS_APART}


def test_every_program_has_its_truth() -> None:
    faulty = {name for name, fact in TRUTH.items() if not fact.get("healthy")}
    assert faulty == {file.stem for file in (FAULTS / "faulty").glob("*.py")}
    assert set(TRUTH) - faulty == {file.stem for file in (FAULTS / "healthy").glob("*.py")}
    assert len(faulty) >= 30 and len(TRUTH) - len(faulty) >= 10
    known = CHECKS | set(all_interventions()) | {LENGTH, STOPPING}
    for name in faulty:
        fact = TRUTH[name]
        assert fact["patch"][0] in (FAULTS / "faulty" / f"{name}.py").read_text(), name
        assert {part for one in fact["accepted"] for part in one.split("+")} <= known, name
        if "also" in fact:
            assert fact["also"]["patch"][0] in (FAULTS / "faulty" / f"{name}.py").read_text(), name
            assert {*fact["also"]["accepted"]} <= known and fact["also"]["accepted"], name


@pytest.mark.parametrize("name", ABLATION)
def test_the_ablation_agrees_with_what_is_accepted(name: str) -> None:
    found, fact = ABLATION[name], TRUTH[name]
    own, patched = ([value for value in found[key] if value is not None] for key in ("as_written", "patched"))
    assert len(patched) == 5
    sign = 1 if fact["mode"] == "max" else -1
    assert name in HARMLESS or not own or sign * median(patched) > sign * median(own), "the patch mends it"
    mending = {one.partition("=")[0] for one in found["repairs"]}
    assert mending & set(fact["accepted"]) or CHECKS & set(fact["accepted"])
