from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from backtrack import load_task
from backtrack.errors import DataError, TaskError
from backtrack.tasks import squirrel
from backtrack.trial import run_replicate
from backtrack.vocabulary.factors import reference

TITLES = Path(__file__).parents[3] / "shared" / "data" / "titles.parquet"
SMALL = {"rows": 200, "valid_rows": 200}


@pytest.fixture
def task():
    return load_task("squirrel")


def reference_config(task) -> dict:
    levels: dict = {}
    for factor in task.space:
        if task.space.is_active(factor, levels):
            levels[factor.name] = reference(factor)
    return levels


def test_default_data_are_balanced_and_as_many_as_promised(task) -> None:
    data = task.data(task.options)
    assert len(data.inputs) == 4000
    assert len(data.valid_inputs) == 2000
    assert data.targets.float().mean() == data.valid_targets.float().mean() == 0.5
    assert data.inputs.shape[1] == 80


def test_the_split_does_not_follow_the_order_of_the_file(task, tmp_path: Path, monkeypatch) -> None:
    table = pq.read_table(squirrel.GLOSSES)
    shuffled = tmp_path / "shuffled.parquet"
    pq.write_table(table.take(pa.array(torch.randperm(len(table)).numpy())), shuffled)
    before = task.data({**task.options, **SMALL})
    monkeypatch.setattr(squirrel, "GLOSSES", shuffled)
    after = task.data({**task.options, **SMALL})
    assert torch.equal(before.inputs, after.inputs)
    assert torch.equal(before.valid_inputs, after.valid_inputs)


def test_no_line_is_on_both_sides(task) -> None:
    data = task.data(task.options)
    train = {tuple(row) for row in data.inputs.tolist()}
    both = sum(tuple(row) in train for row in data.valid_inputs.tolist())
    assert both < 0.01 * len(data.valid_inputs)  # a few definitions are given to two words


@pytest.mark.parametrize("factor", [factor.name for factor in squirrel.task.space if factor.name != "decay_scope"])
def test_every_level_changes_what_is_computed(task, factor: str) -> None:
    """Not only a name: two levels of a factor, all else and the seed equal, give other numbers."""
    small = task.with_options({**SMALL, "epochs": 1})
    base = reference_config(task)
    seen = set()
    owner = task.space[factor]
    levels = [0.001, 0.02] if factor == "lr" else list(owner.levels)
    for level in levels:
        # Without decay, Adam and AdamW are the same; Adam forgets the length of gradients, SGD does not.
        apart = {"optimiser": {"weight_decay": 0.01}, "clip": {"optimiser": "sgd", "lr": 0.03}}
        config = task.space.repair({**base, **apart.get(factor, {}), factor: level}, donor={})
        result = run_replicate(small, config, 0)
        assert result.outcome in ("ok", "no_learning"), result.error
        seen.add(tuple(point.value for point in result.curve))
    assert len(seen) == len(levels)


def test_decay_scopes_differ_under_decay(task) -> None:
    small = task.with_options({**SMALL, "epochs": 1})
    base = reference_config(task) | {"weight_decay": 0.01}
    scopes = task.space["decay_scope"].levels
    curves = {
        tuple(p.value for p in run_replicate(small, task.space.config({**base, "decay_scope": s}), 0).curve)
        for s in scopes
    }
    assert len(curves) == len(scopes)


def test_a_file_of_another_schema_is_refused_with_both(task, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.parquet"
    pq.write_table(pa.table({"kind": ["movie"], "description": [1]}), wrong)
    with pytest.raises(DataError, match=r"description: string \(found int64\)") as refusal:
        task.with_options({"data": str(wrong)}).validate()
    assert "show_id: string (not there)" in str(refusal.value)
    assert "Expected: show_id: string, kind: string, description: string" in str(refusal.value)
    assert "Found: kind: string, description: int64" in str(refusal.value)


def test_files_that_cannot_be_used_are_refused(task, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        task.with_options({"data": str(tmp_path / "none.parquet")}).validate()
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        task.with_options({"data": str(tmp_path / "text.parquet")}).validate()
    empty = tmp_path / "empty.parquet"
    schema = pa.schema([("show_id", pa.string()), ("kind", pa.string()), ("description", pa.string())])
    pq.write_table(schema.empty_table(), empty)
    with pytest.raises(DataError, match="no rows"):
        task.with_options({"data": str(empty)}).validate()


def test_unknown_options_name_the_known_ones(task) -> None:
    with pytest.raises(TaskError, match=r"no option \['row'\].*rows"):
        task.with_options({"row": 10})
    with pytest.raises(TaskError, match="expected a whole number such as 4000"):
        task.with_options({"rows": "many"})


@pytest.mark.skipif(not TITLES.exists(), reason="the titles are not shipped")
def test_titles_tell_movies_from_the_rest(task) -> None:
    with_titles = task.with_options({"data": str(TITLES)})
    with_titles.validate()
    data = with_titles.data(with_titles.options)
    assert data.inputs.shape == (4000, 150)
    assert data.valid_targets.float().mean() == 0.5
    narrowed = with_titles.with_options({"against": "documentary"})
    assert len(narrowed.data(narrowed.options).inputs) == 2528 - 2 * (1264 // 4)


def test_a_directory_of_parquet_files_is_a_file(task, tmp_path: Path) -> None:
    table = pq.read_table(squirrel.GLOSSES).select(["id", "topic", "definition"]).take(list(range(0, 80_000, 20)))
    table = table.rename_columns(["show_id", "kind", "description"])
    folder = tmp_path / "parts"
    folder.mkdir()
    pq.write_table(table.slice(0, 2000), folder / "a.parquet")
    pq.write_table(table.slice(2000), folder / "b.parquet")
    types = table["kind"].value_counts().to_pylist()
    common = max(types, key=lambda row: row["counts"])["values"]
    given = task.with_options({"data": str(folder), "type": common, **SMALL})
    given.validate()
    assert len(given.data(given.options).inputs) > 0


def test_a_relative_data_path_holds_wherever_the_worker_stands(task, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert task.with_options({"data": "titles.parquet"}).options["data"] == str(tmp_path / "titles.parquet")
    assert task.with_options({"data": "s3://bucket/x"}).options["data"] == "s3://bucket/x"


def test_padding_stands_where_it_is_told() -> None:
    lines = [("ab", True)]
    assert squirrel.encode(lines, 4, "end")[0].tolist() == [[97, 98, 0, 0]]
    assert squirrel.encode(lines, 4, "start")[0].tolist() == [[0, 0, 97, 98]]
    with pytest.raises(TaskError, match="expected 'end' or 'start'"):
        load_task("squirrel").with_options({"padding": "left"}).validate()
