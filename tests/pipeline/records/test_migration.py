"""Studies of format 1, which kept in the spelling of a trial's id what is a column now. `tests/data/format1` is one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from backtrack import Categorical, FunctionTask, StudyError, open_study, sweep, write_report
from backtrack.records.directory import Records
from backtrack.vocabulary.plan import DESIGN, FLIP, PAIRED, REFINED, SEARCHED

OLD = Path(__file__).parents[2] / "data" / "format1"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def test_an_old_study_says_in_columns_what_its_ids_said(old: Path) -> None:
    assert json.loads((old / "manifest.json").read_text())["format"] == 1
    rows = open_study(old).trials.to_pylist()
    assert len(rows) == 240
    by_prefix = {"screen": DESIGN, "refined": REFINED, "search": SEARCHED, "claims": PAIRED, "backtrack": FLIP}
    assert {row["part"] for row in rows} == set(by_prefix.values())
    for row in rows:
        prefix, _, number = row["trial"].partition("-")
        assert row["part"] == by_prefix[prefix]
        assert row["pair"] == (int(number) // 2 if prefix == "claims" else None)
        assert row["question"] == ("optimiser: adam - sgd" if prefix == "claims" else "")
        side = {"adam": "claimed", "sgd": "other"}[row["config.optimiser"]] if prefix == "claims" else ""
        assert row["side"] == side
    crashed = [row for row in rows if row["outcome"] == "crashed"]
    assert {row["error_place"] for row in crashed} == {"/tmp/old/toy.py:8"}


# What of each table follows from the records alone. How it is tested, how wide intervals of failures are, in which
# order flips are made, and what the rates without a cause count has changed since, for every study alike.
SAME = {
    "factors": ("response", "factor", "effect", "unit", "runs", "best_level"),
    "levels": ("response", "factor", "level", "mean", "runs"),
    "causes": ("outcome", "cause", "fails_with", "runs_with"),
    "claims": ("claim", "source", "factor", "contrast", "effect", "low", "high", "verdict"),
}


@pytest.mark.parametrize("name", SAME)
def test_an_old_study_is_analysed_as_it_was(old: Path, name: str) -> None:
    """The last bit of a number depends on where its array lies in memory."""
    before, now = pq.read_table(OLD / "report" / f"{name}.parquet"), write_report(old).table(name)
    assert now.num_rows == before.num_rows

    def sorted_rows(table: Any) -> list[tuple[Any, ...]]:
        rows = zip(*(table[column].to_pylist() for column in SAME[name]), strict=True)
        return sorted(rows, key=lambda row: [str(cell) for cell in row if not isinstance(cell, float)])

    for was, is_now in zip(sorted_rows(before), sorted_rows(now), strict=True):
        for column, one, other in zip(SAME[name], was, is_now, strict=True):
            expected = pytest.approx(one, rel=1e-6, abs=1e-9, nan_ok=True) if isinstance(one, float) else one
            assert other == expected, f"{name}.{column}"


def test_an_old_study_goes_on_with_new_rows_beside_old_ones(old: Path) -> None:
    records = Records.open(old)
    finished = records.finished()
    records.append(finished[0])
    again = Records.open(old).trials()
    assert again.num_rows == 240
    assert "part" not in pq.read_schema(old / "trials" / "compact-00000.parquet").names
    assert "part" in pq.read_schema(old / "trials" / f"{finished[0].planned.trial}.parquet").names


def test_a_format_of_the_future_is_refused(old: Path) -> None:
    manifest = old / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 4}))
    with pytest.raises(StudyError, match=r"format 4; this version reads the formats \(1, 2, 3\)"):
        open_study(old)


def test_no_name_of_ours_is_pickled_into_a_study(old: Path, tmp_path: Path) -> None:
    """A study of any version is plain numbers, texts and lists: no import name is needed to read it."""
    task = FunctionTask("box", lambda config, seed: iter([{"e": 0.5}]), "e", "min", [Categorical("a", [1, 2])])
    new = Path(sweep(task, 12, tmp_path / "new", here=True, track=False).directory)
    texts = ", ".join(f"{name}: string" for name in ("check", "place", "measured", "expected", "remedy", "weight"))
    lists = ("list<element: string>", f"list<element: struct<{texts}>>")
    plain = ("string", "double", "int32", "int64", "bool", *lists)
    for study in (old, new):
        for file in study.rglob("*.parquet"):
            assert {str(field.type) for field in pq.read_schema(file)} <= set(plain), file
        assert json.loads((study / "manifest.json").read_text())["task"]["name"]
    for line in (new / "optuna" / "journal.log").read_text().splitlines():
        json.loads(line)
