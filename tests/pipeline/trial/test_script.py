"""Programs as they are: levels in, numbers out, ended with all of their children."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest

from backtrack import Categorical, Numeric, ScriptTask
from backtrack.errors import TaskError
from backtrack.trial import Limits, run_trial
from backtrack.trial.rehearsal import rehearse
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import PlannedTrial
from backtrack.vocabulary.result import RunResult

ARGPARSE = """
import argparse, json, os, random, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
for epoch in range(3):
    print(f"epoch {epoch}: val_acc={0.1 * epoch + args.lr}")
print("GOT", json.dumps([vars(args), os.getcwd(), os.environ["BACKTRACK_RUN_DIR"]]))
"""


def task(folder: Path, code: str, **fields: object) -> ScriptTask:
    (folder / "train.py").write_text(code)
    given = {
        "factors": [Numeric("lr", 0.1, 0.9), Categorical("amp", [False, True])],
        "metric": "accuracy",
        "mode": "max",
    }
    return ScriptTask(name="mine", command=["train.py"], **{**given, **fields}).within(folder)  # type: ignore[arg-type]


def run(asked: ScriptTask, levels: dict[str, object], seed: int = 3, **limits: object) -> RunResult:
    return run_trial(asked, Config(levels), [seed], limits=Limits(**limits))[0]  # type: ignore[arg-type]


def test_levels_reach_a_program_as_it_declares_them(tmp_path: Path) -> None:
    factors = [Numeric("lr", 0.1, 0.9), Categorical("amp", [False, True]), Categorical("batch_size", [8, 16])]
    result = run(task(tmp_path, ARGPARSE, factors=factors), {"lr": 0.5, "amp": True, "batch_size": 16})
    assert result.outcome == "ok", result.error
    assert result.value == pytest.approx(0.7)
    got, folder, own = json.loads(result.output.partition("GOT ")[2])
    assert got == {"lr": 0.5, "batch_size": 16, "amp": True, "seed": 3}
    assert Path(folder) == tmp_path
    assert own != folder and not Path(own).exists()


def test_what_it_prints_is_a_curve_under_the_metrics_name(tmp_path: Path) -> None:
    result = run(task(tmp_path, ARGPARSE), {"lr": 0.5, "amp": False})
    points = [point for point in result.curve if point.name == "accuracy"]
    assert [point.epoch for point in points] == [0.0, 1.0, 2.0]
    assert [point.value for point in points] == pytest.approx([0.5, 0.6, 0.7])


def test_a_template_an_environment_and_a_config_file(tmp_path: Path) -> None:
    code = """
import json, os, sys
print("accuracy:", json.load(open(sys.argv[2]))["optim"]["lr"])
print(sys.argv, os.environ["AMP"])
"""
    (tmp_path / "base.json").write_text(json.dumps({"optim": {"lr": 0.0}, "seed": 0}))
    asked = task(
        tmp_path,
        code,
        arguments="--config {config_file}",
        environment={"AMP": "amp={amp}"},
        config_file="base.json",
        spelled={"lr": "optim.lr"},
    )
    result = run(asked, {"lr": 0.25, "amp": True})
    assert result.value == 0.25
    assert "amp=true" in result.output
    assert json.loads((tmp_path / "base.json").read_text())["optim"]["lr"] == 0.0


def test_a_constant_at_the_top_takes_its_level(tmp_path: Path) -> None:
    result = run(
        task(tmp_path, "lr = 0.01\namp = False\nprint('accuracy:', lr if amp else 0)"), {"lr": 0.5, "amp": True}
    )
    assert result.value == 0.5


def test_random_numbers_start_from_the_seed_where_the_program_takes_none(tmp_path: Path) -> None:
    code = (
        "import random, numpy, torch\nprint('accuracy:', random.random() + numpy.random.rand() + float(torch.rand(1)))"
    )
    asked = task(tmp_path, code, arguments="{lr}")
    values = [run(asked, {"lr": 0.5, "amp": False}, seed).value for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_reports_of_nested_numbers_come_by_the_channel(tmp_path: Path) -> None:
    code = """
import backtrack
for at in (10, 20):
    print(backtrack.report({"valid": {"accuracy": at / 40}, "note": "x", "none": None}, at=at))
"""
    result = run(task(tmp_path, code, arguments="{lr}", metric="valid_accuracy"), {"lr": 0.5, "amp": False})
    assert result.value == 0.5
    assert [point.epoch for point in result.curve] == [10.0, 20.0]
    assert "True" in result.output


def test_a_crash_has_its_trace_and_its_place(tmp_path: Path) -> None:
    result = run(
        task(tmp_path, "def f():\n    raise ValueError('no')\nprint('accuracy: 0.1')\nf()"), {"lr": 0.5, "amp": False}
    )
    assert (result.outcome, result.error_place) == ("crashed", f"{tmp_path / 'train.py'}:2")
    assert result.error.strip().endswith("ValueError: no")
    assert "launch.py" not in result.error
    assert result.value == 0.1 or any(point.value == 0.1 for point in result.curve)


def test_a_loss_that_is_not_finite_is_divergence(tmp_path: Path) -> None:
    result = run(
        task(tmp_path, "print('loss: nan accuracy: 0.5')\nprint('loss: nan, accuracy: 0.5')"), {"lr": 0.5, "amp": False}
    )
    assert result.outcome == "diverged"


def test_an_unknown_metric_is_told_with_the_known_ones(tmp_path: Path) -> None:
    result = run(task(tmp_path, ARGPARSE, metric="f1"), {"lr": 0.5, "amp": False})
    assert result.outcome == "crashed"
    assert "is called 'f1'; it has" in result.error and "val_acc" in result.error


def test_the_time_limit_ends_it_with_all_of_its_children(tmp_path: Path) -> None:
    code = f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        print("accuracy: 0.5")
        time.sleep(60)
    """
    import textwrap

    result = run(task(tmp_path, textwrap.dedent(code), arguments="{lr}"), {"lr": 0.5, "amp": False}, seconds=4.0)
    assert result.outcome == "timed_out"
    assert any(point.value == 0.5 for point in result.curve)
    child = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_what_a_program_leaves_behind_does_not_keep_its_run_open(tmp_path: Path) -> None:
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
print("accuracy: 0.5")
"""
    result = run(task(tmp_path, code, arguments="{lr}"), {"lr": 0.5, "amp": False}, seconds=200.0)
    assert (result.outcome, result.value) == ("ok", 0.5)
    child = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_the_memory_is_the_programs(tmp_path: Path) -> None:
    code = "kept = b'x' * 600_000_000\nprint('accuracy: 0.5')"
    result = run(task(tmp_path, code, arguments="{lr}"), {"lr": 0.5, "amp": False})
    assert result.peak_memory > 600_000_000


def test_the_memory_limit_is_the_programs(tmp_path: Path) -> None:
    code = "kept = bytearray(3 * 1024**3)\nprint('accuracy: 0.5')"
    result = run(task(tmp_path, code, arguments="{lr}"), {"lr": 0.5, "amp": False}, memory=512 * 1024**2)
    assert result.outcome == "out_of_memory"


def test_any_command_will_do(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text('#!/bin/sh\necho "accuracy: $1 at $SEED"\n')
    script.chmod(0o755)
    asked = ScriptTask("mine", ["./run.sh"], "accuracy", "max", [Numeric("lr", 0.1, 0.9)], arguments="{lr}",
                       environment={"SEED": "{seed}"}).within(tmp_path)  # fmt: skip
    result = run(asked, {"lr": 0.25}, seed=7)
    assert result.value == 0.25
    assert "at 7" in result.output


def test_a_module_of_a_package_runs(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "train.py").write_text(
        "from . import __name__ as own\nimport sys\nprint('accuracy:', sys.argv[2], own)"
    )
    asked = ScriptTask("mine", ["python", "-m", "pkg.train"], "accuracy", "max", [Numeric("lr", 0.1, 0.9)],
                       directory=str(tmp_path))  # fmt: skip
    result = run(asked.within(tmp_path), {"lr": 0.25})
    assert result.value == 0.25, result.error


def test_output_is_bounded(tmp_path: Path) -> None:
    code = "for i in range(200000):\n    print('line', i)\nprint('accuracy: 0.5')"
    result = run(task(tmp_path, code, arguments="{lr}"), {"lr": 0.5, "amp": False})
    assert result.value == 0.5
    assert len(result.output) < 400_000
    assert "bytes left out" in result.output and result.output.startswith("line 0") and "accuracy: 0.5" in result.output


def test_a_second_run_does_not_import_torch_again(tmp_path: Path) -> None:
    asked = task(tmp_path, "import torch\nprint('accuracy: 0.5')", arguments="{lr}")
    run(asked, {"lr": 0.5, "amp": False})
    plain = task(
        tmp_path,
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import torch'])\nprint('accuracy: 0.5')",
        arguments="{lr}",
    )
    fresh = run(plain, {"lr": 0.5, "amp": False})
    warm = run(task(tmp_path, "import torch\nprint('accuracy: 0.5')", arguments="{lr}"), {"lr": 0.5, "amp": False})
    # Compared in one run: a fresh Python that imports torch against a forked one.
    assert warm.seconds < fresh.seconds / 2


def planned(*levels: dict[str, object]) -> list[PlannedTrial]:
    return [PlannedTrial(f"screen-{n:05d}", "screen", Config(one), (n,)) for n, one in enumerate(levels)]


def test_a_rehearsal_ends_with_the_first_metric(tmp_path: Path) -> None:
    code = "import time\nprint('accuracy: 0.5', flush=True)\ntime.sleep(60)"
    started = time.monotonic()
    assert rehearse(task(tmp_path, code, arguments="{lr}"), planned({"lr": 0.5, "amp": False})).twice == (0.5, 0.5)
    assert time.monotonic() - started < 30


def test_a_rehearsal_tells_of_crashes_where_nothing_can_be_trained(tmp_path: Path) -> None:
    asked = task(tmp_path, ARGPARSE, factors=[Numeric("lr", 0.1, 0.9), Categorical("foo", ["a", "b"])])
    crashes = rehearse(asked, planned({"lr": 0.2, "foo": "a"}, {"lr": 0.4, "foo": "b"})).crashes
    assert len(crashes) == 2
    assert all("unrecognized arguments: --foo" in crash.error for crash in crashes)
    code = "import sys\nif float(sys.argv[1]) < 0.3:\n    1 / 0\nprint('accuracy: 0.5')"
    one_level = task(tmp_path, code, arguments="{lr}")
    runs = rehearse(one_level, planned({"lr": 0.2, "amp": False}, {"lr": 0.4, "amp": False}))
    assert not runs.crashes and runs.twice == (0.5, 0.5) and runs.differing is None


def test_a_rehearsal_tells_where_a_seed_does_not_fix_the_training(tmp_path: Path) -> None:
    code = "import os\nprint('accuracy:', int.from_bytes(os.urandom(6), 'big') / 2**48)"
    loose = rehearse(task(tmp_path, code, arguments="{lr}"), planned({"lr": 0.5, "amp": False}))
    assert loose.differing == loose.twice


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"nowhere\.py does not exist"):
        ScriptTask("mine", ["nowhere.py"], "accuracy", "max", [Numeric("lr", 0.1, 0.9)]).within(tmp_path)
    with pytest.raises(TaskError, match="names \\['rate'\\]"):
        ScriptTask("mine", ["x"], "accuracy", "max", [Numeric("lr", 0.1, 0.9)], arguments="--lr {rate}")


def test_nothing_of_a_run_stays(tmp_path: Path) -> None:
    before = set(Path("/tmp").glob("backtrack-run-*"))
    run(task(tmp_path, ARGPARSE), {"lr": 0.5, "amp": False})
    assert set(Path("/tmp").glob("backtrack-run-*")) <= before
