"""Studies of format 1, which kept in the spelling of a trial's id what is a column now. `tests/data/format1` is one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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


def test_an_old_study_is_analysed_as_it_was(old: Path) -> None:
    """Every number of its report, but of causes only what they are and how often they fail: rates without a cause count
    every run since, and flips are made in another order. The last bit of a number depends on where its array lies in
    memory, and may move a drawn rank, or a whole number of runs, by one.
    """
    study = write_report(old)
    for name in ("factors", "levels", "interactions", "causes", "claims"):
        before, now = pq.read_table(OLD / "report" / f"{name}.parquet"), study.table(name)
        assert now.num_rows == before.num_rows
        for column in before.column_names:
            if name == "causes" and column not in ("outcome", "cause", "fails_with", "runs_with"):
                continue
            close = 1.01 if column in ("runs_to_decide", "rank_low", "rank_high") else 1e-9
            kinds = before["response"].to_pylist() if "response" in before.column_names else [""] * before.num_rows
            for kind, was, is_now in zip(kinds, before[column].to_pylist(), now[column].to_pylist(), strict=True):
                if column in ("p_adjusted", "runs_to_decide") or (
                    kind == "failure" and column in ("low", "high", "verdict")
                ):
                    # Tests are others since: by ranks, exact ones; and no interval of a share is without width.
                    continue
                number = isinstance(was, (int, float)) and not isinstance(was, bool)
                expected = pytest.approx(was, rel=1e-6, abs=close, nan_ok=True) if number else was
                assert is_now == expected, f"{name}.{column}"


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
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 3}))
    with pytest.raises(StudyError, match=r"format 3; this version reads the formats \(1, 2\)"):
        open_study(old)


def test_no_name_of_ours_is_pickled_into_a_study(old: Path, tmp_path: Path) -> None:
    """A study of any version is plain numbers, texts and lists: no import name is needed to read it."""
    task = FunctionTask("box", lambda config, seed: iter([{"e": 0.5}]), "e", "min", [Categorical("a", [1, 2])])
    new = Path(sweep(task, 12, tmp_path / "new", here=True, track=False).directory)
    plain = ("string", "double", "int32", "int64", "bool", "list<element: string>")
    for study in (old, new):
        for file in study.rglob("*.parquet"):
            assert {str(field.type) for field in pq.read_schema(file)} <= set(plain), file
        assert json.loads((study / "manifest.json").read_text())["task"]["name"]
    for line in (new / "optuna" / "journal.log").read_text().splitlines():
        json.loads(line)
