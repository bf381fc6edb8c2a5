from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtrack import Categorical, Composite, Numeric, SearchSpace
from backtrack.errors import StudyError
from backtrack.records import directory as records_module
from backtrack.records.directory import Records
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.outcomes import OUTCOMES
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import CurvePoint, RunResult

SPACE = SearchSpace(
    (
        Categorical("optimiser", ["sgd", "adam"]),
        Categorical("momentum", [0, 0.9], when={"optimiser": ["sgd"]}),
        Categorical("mixed", ["none", 1.5, True]),
        Categorical("nesterov", [True, False]),
        Numeric("lr", 1e-4, 1e-1, log=True),
        Numeric("layers", 1, 9, integer=True),
        Composite("init", levels={"a": {"p": "x", "q": "x"}, "b": {"p": "y", "q": "y"}}),
    )
)
MANIFEST = {"factors": [describe_factor(factor) for factor in SPACE], "task": {"name": "t"}, "stages": {}}


def trial(number: int, seeds: tuple[int, ...] = (0,), **changes: object) -> FinishedTrial:
    levels = {
        "optimiser": "adam", "mixed": 1.5, "nesterov": True, "lr": 0.01, "layers": 3, "init": "a", **changes,
    }  # fmt: skip
    results = tuple(
        RunResult(
            seed,
            "ok",
            0.5 + seed,
            2,
            1.0,
            0.1,
            1000,
            0.5,
            "cpu",
            symptoms=("dead_units",),
            error="",
            curve=(CurvePoint(1, 0.5, "loss", 0.7, 0.1),),
        )
        for seed in seeds
    )
    return FinishedTrial(
        PlannedTrial(f"screen-{number:05d}", "screen", SPACE.config(levels), seeds), results, 1, "n", 5.0
    )


def without_curve(finished: FinishedTrial) -> FinishedTrial:
    from dataclasses import replace

    return replace(finished, results=tuple(replace(result, curve=()) for result in finished.results))


levels = st.fixed_dictionaries(
    {
        "mixed": st.sampled_from(["none", 1.5, True]),
        "nesterov": st.booleans(),
        "lr": st.floats(1e-4, 1e-1).map(lambda value: float(f"{value:.6g}")).filter(lambda v: 1e-4 <= v <= 1e-1),
        "layers": st.integers(1, 9),
        "init": st.sampled_from(["a", "b", "p=x|q=y"]),
    }
)
optimisers = st.one_of(
    st.just({"optimiser": "adam"}), st.sampled_from([0, 0.9]).map(lambda m: {"optimiser": "sgd", "momentum": m})
)
runs = st.builds(
    RunResult,
    seed=st.integers(0, 2**62),
    outcome=st.sampled_from(OUTCOMES),
    value=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    epochs=st.integers(0, 1000),
    seconds=st.floats(0, 1e6),
    warmup_seconds=st.floats(0, 1e3),
    peak_memory=st.integers(0, 2**50),
    chance=st.one_of(st.none(), st.floats(-10, 10)),
    device=st.sampled_from(["cpu", "cuda:0"]),
    symptoms=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    error=st.text(max_size=40).filter(lambda text: "\x00" not in text and text.isprintable()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels, optimisers, st.lists(runs, min_size=1, max_size=3))
def test_what_is_written_is_read(tmp_path_factory, levels: dict, optimiser: dict, results: list[RunResult]) -> None:
    records = Records.create(tmp_path_factory.mktemp("study"), SPACE, MANIFEST)
    planned = PlannedTrial("search-00001", "search", SPACE.config(levels | optimiser), tuple(r.seed for r in results))
    written = FinishedTrial(planned, tuple(results), 2, "node-1", 12.5)
    records.append(written)
    again = Records.open(records.location)
    assert again.finished() == [written]
    assert again.finished()[0].planned.config.hash == planned.config.hash


def test_columns_are_those_of_the_design(tmp_path: Path) -> None:
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    records.append(trial(0, seeds=(4, 5)))
    table = pq.read_table(tmp_path / "s" / "trials")
    names = [
        "trial", "replicate", "seed", "stage", *(f"config.{factor.name}" for factor in SPACE), "outcome", "value",
        "epochs", "seconds", "warmup_seconds", "peak_memory", "symptoms", "error",
    ]  # fmt: skip
    assert set(names) <= set(table.column_names)
    assert table["config.momentum"].to_pylist() == [None, None]
    assert table["config.lr"].type == pa.float64()
    assert table["config.nesterov"].type == pa.bool_()


def test_compaction_keeps_everything_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "COMPACT_AT", 7)
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    for number in range(40):
        records.append(trial(number))
    assert len(list((tmp_path / "s" / "trials").iterdir())) < 15
    assert records.trials()["trial"].to_pylist() == [f"screen-{number:05d}" for number in range(40)]
    assert records.curves().num_rows == 40


def test_a_crash_in_a_compaction_leaves_no_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The joined part is written, the single ones are still there."""
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    for number in range(5):
        records.append(trial(number))
    joined = pa.concat_tables([pq.read_table(path) for path in sorted((tmp_path / "s" / "trials").iterdir())])
    pq.write_table(joined, tmp_path / "s" / "trials" / "compact-00000.parquet")
    assert Records.open(tmp_path / "s").trials().num_rows == 5


def test_a_trial_run_again_replaces_itself(tmp_path: Path) -> None:
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    records.append(trial(1))
    records.append(trial(1))
    assert records.trials().num_rows == 1
    assert records.curves().num_rows == 1


def write_forever(location: str) -> None:
    records = Records.create(location, SPACE, MANIFEST)
    for number in range(100_000):
        records.append(trial(number, seeds=(0, 1)))


def test_kill_9_while_writing_loses_nothing_whole_and_leaves_nothing_half(tmp_path: Path) -> None:
    for attempt in range(4):
        location = str(tmp_path / f"s{attempt}")
        process = multiprocessing.get_context("spawn").Process(target=write_forever, args=(location,))
        process.start()
        parts = Path(location) / "trials"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (
            not parts.exists() or len(list(parts.glob("*.parquet"))) < 20 + 7 * attempt
        ):
            time.sleep(0.005)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        records = Records.open(location)
        finished = records.finished()
        assert len(finished) >= 20
        assert all(len(found.results) == 2 for found in finished)
        # Numbered without a gap: only the one that was being written is missing.
        assert [found.planned.trial for found in finished] == [f"screen-{n:05d}" for n in range(len(finished))]
        with_curves = set(records.curves()["trial"].to_pylist())
        assert {found.planned.trial for found in finished} <= with_curves
        records.append(trial(len(finished)))
        assert len(records.finished()) == len(finished) + 1


def test_a_study_is_never_overwritten(tmp_path: Path) -> None:
    Records.create(tmp_path / "s", SPACE, MANIFEST)
    with pytest.raises(StudyError, match=r"already holds a study.*backtrack resume"):
        Records.create(tmp_path / "s", SPACE, MANIFEST)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(StudyError, match="is not empty"):
        Records.create(tmp_path / "other", SPACE, MANIFEST)


def test_studies_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no study"):
        Records.open(tmp_path / "nothing")
    Records.create(tmp_path / "s", SPACE, MANIFEST)
    manifest = tmp_path / "s" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(StudyError, match=r"format 99.*reads the formats \(1, 2, 3\)"):
        Records.open(tmp_path / "s")
    manifest.write_text("{half")
    with pytest.raises(StudyError, match="damaged"):
        Records.open(tmp_path / "s")


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    records.append(trial(0))
    (tmp_path / "s" / "trials" / "screen-00001.parquet").write_bytes(b"not parquet")
    with pytest.raises(StudyError, match=r"screen-00001\.parquet is damaged.*move it away"):
        records.trials()


def test_a_full_disk_is_said_and_nothing_finished_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    records.append(trial(0))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StudyError, match=r"the disk is full.*backtrack resume"):
            records.append(trial(1))
    assert [found.planned.trial for found in records.finished()] == ["screen-00000"]
    assert not list((tmp_path / "s").rglob("*.tmp"))


def test_file_uri_is_the_same_place(tmp_path: Path) -> None:
    Records.create((tmp_path / "s").as_uri(), SPACE, MANIFEST).append(trial(0))
    assert without_curve(trial(0)) == Records.open(tmp_path / "s").finished()[0]


def test_a_copy_made_while_parts_are_compacted_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records.create(tmp_path / "study", SPACE, MANIFEST)
    for number in range(6):
        records.append(trial(number, seeds=(0, 1)))
    content = Records._content
    taken = []

    def compacting(self: Records, name: str) -> bytes | None:
        if name.startswith("trials/") and not taken:
            # Between listing and reading, the writer joins the parts.
            taken.append(name)
            records._compact()
        return content(self, name)

    monkeypatch.setattr(Records, "_content", compacting)
    Records.open(tmp_path / "study").copy_to(tmp_path / "copy")
    assert taken and Records.open(tmp_path / "copy").trials().equals(records.trials())
    assert Records.open(tmp_path / "copy").curves().equals(records.curves())
    with pytest.raises(StudyError, match="another study"):
        other = Records.create(tmp_path / "other", SPACE, {**MANIFEST, "study": "another"})
        other.copy_to(tmp_path / "copy")


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads in /proc")
def test_reading_starts_no_thread_of_arrows(tmp_path: Path) -> None:
    """A thread of Arrow's that lets go of Python's bytes while the interpreter ends aborts a command that is done."""
    made = Records.create(tmp_path / "s", SPACE, MANIFEST)
    for number in range(3):
        made.append(trial(number))
    made.write_table("report/effects.parquet", made.trials())
    program = """
import os, sys
from backtrack.records.directory import Records
records = Records.open(sys.argv[1])
before = set(os.listdir("/proc/self/task"))
assert records.trials().num_rows == 3 and records.curves().num_rows == 3
assert records.read_table("report/effects.parquet").num_rows == 3
print([open(f"/proc/self/task/{thread}/comm").read() for thread in set(os.listdir("/proc/self/task")) - before])
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "s"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_stale_curve_does_not_survive_a_crash_and_a_compaction(tmp_path: Path) -> None:
    """A run that reported .5 three times came back with nine points of 9.0."""

    def with_curve(value: float, points: int) -> FinishedTrial:
        first = trial(0)
        curve = tuple(CurvePoint(step, float(step), "error", value, 0.0) for step in range(1, points + 1))
        return replace(first, results=tuple(replace(result, curve=curve) for result in first.results))

    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    # Killed between the curve and the trial: the curve lies there, the trial does not.
    records.append(with_curve(9.0, 9))
    (tmp_path / "s" / "trials" / f"{trial(0).planned.trial}.parquet").unlink()
    records.append(trial(1))
    records._compact()
    records.append(with_curve(0.5, 3))
    for _ in range(2):
        own = records.curves().filter(pa.compute.equal(records.curves()["trial"], trial(0).planned.trial))
        by_replicate = {}
        for row in own.to_pylist():
            by_replicate.setdefault(row["replicate"], []).append(row["value"])
        assert all(values == [0.5] * 3 for values in by_replicate.values()) and by_replicate
        records._compact()


def test_a_trial_that_runs_again_replaces_what_was_compacted_of_it(tmp_path: Path) -> None:
    records = Records.create(tmp_path / "s", SPACE, MANIFEST)
    records.append(trial(0))
    records._compact()
    again = replace(trial(0), results=tuple(replace(result, value=0.123) for result in trial(0).results))
    records.append(again)
    assert set(Records.open(tmp_path / "s").trials()["value"].to_pylist()) == {0.123}
