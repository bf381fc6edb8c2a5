"""The engine in this process: no Ray, the same records; what a debugger sees."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from backtrack import Categorical, FunctionTask, ResourceError, Resources, health, resume, sweep
from backtrack.running import here
from backtrack.running.engine import Work
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, PlannedTrial


def run(config, seed):
    if config["a"] == "broken":
        raise ValueError("this level is broken")
    for epoch in range(1, 4):
        yield {"error": 1.0 - 0.2 * epoch + 0.01 * seed}


TASK = FunctionTask(
    name="box",
    run=run,
    metric="error",
    mode="min",
    chance=1.0,
    factors=[Categorical("a", ["fine", "broken"]), Categorical("b", ["x", "y"])],
)


def test_a_sweep_here_is_a_study_like_any_other(tmp_path: Path) -> None:
    study = sweep(TASK, 24, tmp_path / "s", here=True, track=False)
    assert study.complete and study.trials.num_rows == 24
    assert set(study.trials["outcome"].to_pylist()) == {"ok", "crashed"}
    assert {row["error_place"] for row in study.trials.to_pylist() if row["error"]} == {
        f"{__file__}:{run.__code__.co_firstlineno + 2}"
    }
    (cause,) = study.causes.to_pylist()
    assert cause["cause"] == ["a=broken"]
    assert "ray" not in _imported_by_a_sweep_here(tmp_path)


def _imported_by_a_sweep_here(folder: Path) -> set[str]:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_here import TASK\n"
        "from backtrack import sweep\n"
        "sweep(TASK, 12, sys.argv[1], here=True, track=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code, str(folder / "own"), str(Path(__file__).parent)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_what_somebody_interrupts_is_gone_on_with(tmp_path: Path) -> None:
    done: list[dict[str, str]] = []

    def until_interrupted(config, seed):
        if len(done) == 9:
            done.append(config)
            raise KeyboardInterrupt
        done.append(config)
        yield from run({**config, "a": "fine"}, seed)

    task = FunctionTask("box", until_interrupted, "error", "min", TASK.factors, chance=1.0)
    study = sweep(task, 20, tmp_path / "s", here=True, track=False, stages=["screen"])
    assert not study.complete and study.trials.num_rows == 7
    study = resume(tmp_path / "s", task=task, here=True)
    assert study.complete and study.trials.num_rows == 20
    assert len(done) == 23, "only the one that was interrupted was trained again; the first two were rehearsals"


def test_a_seed_that_does_not_fix_the_training_is_told(tmp_path: Path) -> None:
    def loose(config, seed):
        yield {"error": random.SystemRandom().random()}

    task = FunctionTask("box", loose, "error", "min", TASK.factors, chance=1.0)
    sweep(task, 20, tmp_path / "s", here=True, track=False, stages=["screen"])
    flag = next(flag for flag in health(tmp_path / "s") if flag.name == "loose_seeds")
    assert "one config under one seed gave error" in flag.measured


def test_the_debugger_opens_where_a_training_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(here.pdb, "post_mortem", lambda trace: seen.append(_last(trace)))
    planned = [PlannedTrial(a, "screen", TASK.space.config({"a": a, "b": "x"}), (0,)) for a in ("fine", "broken")]
    plans = iter([FixedPlan(planned)])
    recorded: list[FinishedTrial] = []
    work = Work(TASK, lambda running: next(plans, None), recorded.append, lambda first: None, Resources())  # type: ignore[arg-type, return-value]
    assert here.execute(work, debugger=True)
    assert [trial.results[0].outcome for trial in recorded] == ["ok", "crashed"]
    assert seen == [("run", {"config": {"a": "broken", "b": "x"}, "seed": 0})]


def _last(trace):
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_name, dict(trace.tb_frame.f_locals)


def test_a_cluster_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="leave one of them out"):
        sweep(TASK, 12, tmp_path / "s", here=True, resources=Resources(address="auto"))
    assert not (tmp_path / "s").exists(), "the same command can be given again"
