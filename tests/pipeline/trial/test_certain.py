"""Trainings that are ended because their outcome is certain."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from backtrack import Categorical, FunctionTask, ScriptTask, TorchTask, sweep
from backtrack.evidence.certain import ENOUGH, Slowest, is_audited, stopped_runs
from backtrack.evidence.studied import analysis_of
from backtrack.records.rows import curve_rows, trial_rows
from backtrack.task import Data
from backtrack.trial import run_trial
from backtrack.views.findings import findings_of
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.outcomes import STOPPED
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial

REPORTS = 40


def errors(config: dict[str, str], seed: int) -> Iterator[dict[str, float]]:
    """Learns at its third report, at its thirtieth, never, or leaves the finite numbers at its fifth."""
    begins = {"soon": 3, "late": 30}.get(config["kind"], REPORTS + 1)
    for report in range(1, REPORTS + 1):
        wrong = float("nan") if config["kind"] == "wild" and report == 5 else 1.0
        yield {"error": 0.2 if report >= begins else wrong}


def task(*kinds: str) -> FunctionTask:
    kind = Categorical("kind", list(kinds))
    return FunctionTask(name="certain", run=errors, metric="error", mode="min", chance=1.0, factors=[kind])


def ended(kind: str, patience: int | None, trial: str = "screen-00001") -> FinishedTrial:
    config = Config({"kind": kind})
    (result,) = run_trial(task("soon", "late", "never", "wild"), config, [0], patience=patience)
    return FinishedTrial(PlannedTrial(trial, "screen", config, (0,)), (result,))


@pytest.mark.parametrize(
    ("kind", "patience", "outcome", "reports"),
    [
        ("never", 7, "no_learning", 7),
        ("never", 0, "no_learning", REPORTS),
        ("never", None, "no_learning", REPORTS),
        ("soon", 7, "ok", REPORTS),
        ("wild", 0, "diverged", 5),
        ("wild", None, "diverged", REPORTS),
    ],
)
def test_a_run_is_ended_where_its_outcome_is_certain(
    kind: str, patience: int | None, outcome: str, reports: int
) -> None:
    (result,) = ended(kind, patience).results
    assert (result.outcome, result.epochs) == (outcome, reports)
    assert result.error.startswith(STOPPED) == (reports < REPORTS)


def test_a_program_is_ended_with_what_it_calls_its_metric(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "import time\nfor epoch in range(600):\n    print('val_error:', 1.0, flush=True)\n    time.sleep(0.05)\n"
    )
    own = ScriptTask(name="mine", command=[sys.executable, str(script)], metric="error", mode="min", chance=1.0,
                     factors=[Categorical("kind", ["a", "b"])], environment={"KIND": "{kind}"})  # fmt: skip
    (result,) = run_trial(own, Config({"kind": "a"}), [0], patience=4)
    assert result.outcome == "no_learning" and result.value == 1.0
    assert {point.name for point in result.curve} == {"error"} and len(result.curve) == 4


def unmoved(config: dict[str, str]) -> torch.nn.Module:
    """A net that answers with the rarer class, and is never changed."""
    net = torch.nn.Linear(4, 2)
    torch.nn.init.zeros_(net.weight)
    with torch.no_grad():
        net.bias.copy_(torch.tensor([0.0, 1.0]))
    return net


def test_a_torch_task_is_ended_after_its_epoch() -> None:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0.5).long()
    own = TorchTask(
        name="stuck",
        data=lambda options: Data(x, y, x, y),
        model=unmoved,
        loss=torch.nn.functional.cross_entropy,
        metric="accuracy",
        mode="max",
        epochs=12,
        score=lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean()),
        optimiser=lambda model, config: torch.optim.SGD(model.parameters(), lr=0.0),
        factors=[Categorical("kind", ["a", "b"])],
    )
    (whole,) = run_trial(own, Config({"kind": "a"}), [3])
    (result,) = run_trial(own, Config({"kind": "a"}), [3], patience=5)
    assert (result.outcome, result.epochs) == ("no_learning", 5)
    assert (whole.outcome, whole.epochs) == ("no_learning", 12)


def test_it_takes_enough_runs_that_learnt() -> None:
    slowest = Slowest("error", "min", None)
    slowest.add(ended("soon", None) for _ in range(ENOUGH - 1))
    slowest.add([ended("never", None), ended("wild", None)])
    assert slowest.patience is None
    slowest.add([ended("soon", None)])
    assert slowest.patience == 6
    slowest.add([ended("late", None)])
    assert slowest.patience == 48


def test_the_audit_tells_of_runs_that_learn_late() -> None:
    names = [f"screen-{number:05d}" for number in range(200)]
    audited = [name for name in names if is_audited(name)]
    assert 4 <= len(audited) <= 20
    plain = [name for name in names if not is_audited(name)]
    finished = [ended("soon", None, name) for name in plain[:ENOUGH]] + [ended("never", 7, plain[ENOUGH])]
    own = task("soon", "late", "never", "wild")

    def told(*late: FinishedTrial) -> tuple[int, int, int]:
        import pyarrow as pa

        every = [*finished, *late]
        found = stopped_runs(
            pa.concat_tables([trial_rows(own.space, one) for one in every]),
            pa.concat_tables([curve_rows(one) for one in every]),
            "error",
            "min",
        )
        assert found is not None
        return found.stopped, found.audited, found.recovered

    assert told() == (1, 0, 0)
    assert told(ended("never", None, audited[0])) == (1, 1, 0)
    assert told(ended("never", None, audited[0]), ended("late", None, audited[1])) == (1, 2, 1)


def test_a_sweep_stops_what_is_certain_and_says_so(tmp_path: Path) -> None:
    own = task("soon", "never", "wild")
    study = sweep(
        own, runs=180, directory=tmp_path / "study", stages=["screen"], stop_certain=True, here=True, track=False
    )
    rows = study.records.trials().to_pylist()
    stopped = [row for row in rows if (row["error"] or "").startswith(STOPPED)]
    assert {row["outcome"] for row in stopped} == {"no_learning", "diverged"}
    assert all(row["epochs"] == REPORTS for row in rows if is_audited(row["trial"]) or row["config.kind"] == "soon")
    assert len(stopped) > 20 and sum(row["epochs"] for row in stopped) < 0.3 * REPORTS * len(stopped)
    failed = findings_of(analysis_of(study.records), own.metric, {"screen": 180}).failed
    assert any(f"{len(stopped)} runs were ended early" in sentence for sentence in failed)
