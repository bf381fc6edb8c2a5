"""What the columns of a table are taken for."""

from __future__ import annotations

import json

import pytest

from backtrack import DataError, Numeric
from backtrack.readers import read_runs
from backtrack.readers.as_rows import as_trials, common_step
from backtrack.readers.mapping import mapped
from backtrack.readers.past_runs import ENDED, PRUNED, PastRun, PastRuns


def table(tmp_path, rows):
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_runs(str(file))


def rows(count=40):
    return [
        {
            "run_id": f"a{i}",
            "lr": 10 ** -(1 + i % 7 / 2),
            "optimizer": "sgd" if i % 2 else "adam",
            "momentum": 0.9 * (i % 4 == 1) if i % 2 else None,
            "train_batch_size": 16 * (1 + i % 3),
            "val_loss": i / 7,
            "train_time": 3.0,
            "seed": i,
            "status": "failed" if i == 5 else "finished",
            "host": "here",
        }
        for i in range(count)
    ]


def test_names_and_values_tell_settings_from_numbers(tmp_path):
    found = mapped(table(tmp_path, [{**row, "accuracy": 0.5 + i / 99} for i, row in enumerate(rows())]), "accuracy")
    assert {factor.name for factor in found.factors} == {"lr", "optimizer", "momentum", "train_batch_size"}
    assert found.numbers == ("val_loss",) and found.seed == "seed"
    assert found.left_out["run_id"] == "names runs" and found.left_out["host"] == "names runs"
    momentum = next(factor for factor in found.factors if factor.name == "momentum")
    assert momentum.when == {"optimizer": ["sgd"]}
    assert [run.state for run in found.runs].count("failed") == 1


def test_a_named_column_is_a_factor_whatever_it_is_called(tmp_path):
    asked = mapped(table(tmp_path, rows()), "val_loss", ["train_batch_size"])
    assert [factor.name for factor in asked.factors] == ["train_batch_size"]
    assert asked.left_out["lr"] == "not asked for"


def test_what_is_not_there_is_named_with_what_is_near(tmp_path):
    with pytest.raises(DataError, match="no column 'val_los'; did you mean 'val_loss'"):
        mapped(table(tmp_path, rows()), "val_los")
    with pytest.raises(DataError, match="no setting 'optimiser'; did you mean 'optimizer'"):
        mapped(table(tmp_path, rows()), "val_loss", ["optimiser"])
    with pytest.raises(DataError, match="say --metric NAME"):
        mapped(table(tmp_path, rows()), None)
    with pytest.raises(DataError, match="no run has optimizer=rmsprop"):
        mapped(table(tmp_path, rows()), "val_loss", where={"optimizer": "rmsprop"})


def test_runs_that_lack_a_setting_for_no_reason_are_left_out_where_they_are_few(tmp_path):
    lacking = [{**row, "lr": None} if i in (3, 9) else row for i, row in enumerate(rows())]
    found = mapped(table(tmp_path, lacking), "val_loss")
    assert found.dropped == {"lack lr": 2} and len(found.runs) == 38
    many = [{**row, "lr": None} if i % 5 == 0 else row for i, row in enumerate(rows())]
    assert "no other setting tells why" in mapped(table(tmp_path, many), "val_loss").left_out["lr"]


def test_a_number_with_many_values_is_a_scale(tmp_path):
    spread = [{"lr": 10 ** -(i / 10), "width": 8 * (i % 12 + 1), "loss": 1.0 * i} for i in range(36)]
    lr, width = mapped(table(tmp_path, spread), "loss").factors
    assert isinstance(lr, Numeric) and lr.log and not lr.integer
    assert isinstance(width, Numeric) and width.integer and not width.log


def test_failed_and_lost_runs_are_results(tmp_path):
    found = mapped(table(tmp_path, [*rows(), {**rows()[0], "val_loss": None, "lr": 0.01}]), "val_loss")
    trials = as_trials(found, "min", None, range(41))
    outcomes = [trial.results[0].outcome for trial in trials]
    assert outcomes.count("crashed") == 2
    assert trials[-1].results[0].error == "it reported no val_loss"
    assert {trial.planned.stage for trial in trials} == {"screen"}


def test_seeds_that_nobody_shares_are_no_blocks(tmp_path):
    own = as_trials(mapped(table(tmp_path, rows()), "val_loss"), "min", None, ())
    assert {trial.planned.seeds for trial in own} == {(0,)}
    shared = [{**row, "seed": i % 4} for i, row in enumerate(rows())]
    again = as_trials(mapped(table(tmp_path, shared), "val_loss"), "min", None, ())
    assert [trial.planned.seeds[0] for trial in again[:5]] == [0, 1, 2, 3, 0]
    assert {trial.planned.stage for trial in again} == {"past"}


def pruned_runs():
    whole = [(float(step), 1.0 / (step + 1)) for step in range(8)]
    long = PastRun("0", {"x": 1}, {"loss": whole[-1][1]}, ENDED, {"loss": whole})
    short = PastRun("1", {"x": 2}, {"loss": whole[2][1]}, PRUNED, {"loss": whole[:3]})
    return [long, short]


def test_pruned_runs_are_compared_at_the_last_common_step():
    runs = pruned_runs()
    assert common_step(runs, "loss") == 2.0
    found = mapped(PastRuns("a test", "here", runs), "loss")
    values = [trial.results[0].value for trial in as_trials(found, "min", None, (0, 1))]
    assert values[0] == values[1] == pytest.approx(1 / 3)
    assert [trial.results[0].outcome for trial in as_trials(found, "min", None, ())] == ["ok", "pruned"]


def test_without_curves_pruned_runs_have_no_value():
    runs = [PastRun(run.name, run.settings, run.numbers, run.state) for run in pruned_runs()]
    assert common_step(runs, "loss") is None
    found = mapped(PastRuns("a test", "here", runs), "loss")
    assert [trial.results[0].value for trial in as_trials(found, "min", None, ())] == [pytest.approx(1 / 8), None]
