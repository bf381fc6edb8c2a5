"""The truth of each faulty program: every single change that mends it, over five seeds.

    python benchmarks/faults/run.py                 # prints the folder of its studies
    python benchmarks/faults/ablate.py FOLDER       # writes ablation.json beside this file

The checkups of `run.py` tried each single change under one seed. Here each that went half-way from as written to what
the patch reaches is run under five seeds; it mends the program where four of these go that far. `ablation.json` has the
metric of each, of the program as written, and of the program with its patch.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Collection
from pathlib import Path
from statistics import median
from typing import Any

from run import FAULTY, TRUTH, mended_text, run_once

from backtrack.evidence.checkup.case import Case, Changes
from backtrack.evidence.checkup.repairs import tried
from backtrack.records.directory import Records
from backtrack.running.checking import case_of
from backtrack.running.engine import Work
from backtrack.running.explaining import no_search
from backtrack.running.resources import Resources
from backtrack.running.sweeping import engine_for, task_of
from backtrack.stages.checkup import CheckupPlan
from backtrack.vocabulary.plan import TRIED, FinishedTrial, FixedPlan, Plan, PlannedTrial

HERE = Path(__file__).parent
SEEDS, ENOUGH = 5, 4


def under_five_seeds(records: Records, changes: Collection[Changes]) -> None:
    """Runs each set of changes under the seeds that are missing."""
    plan = CheckupPlan(records.space, runs=0, seed=int(records.manifest["seed"]))
    case = case_of(records)
    known = {(run.changes, run.seed) for run in case.runs}
    wanted = [
        plan.planned(one, seed, TRIED) for one in changes for seed in plan.seeds[:SEEDS] if (one, seed) not in known
    ]
    waiting = [FixedPlan(wanted)] if wanted else []

    def next_plan(running: Collection[PlannedTrial]) -> Plan | None:
        return waiting.pop() if waiting else FixedPlan([]) if running else None

    def record(finished: FinishedTrial) -> None:
        records.append(finished)

    if wanted:
        engine_for(True)(Work(task_of(records), next_plan, record, no_search, Resources()))


def half_way(case: Case, patched: list[float | None]) -> float:
    """The score half-way from as written to what the patch reaches, each in the median."""
    own = [score for score in map(case.score, case.first) if math.isfinite(score)]
    low = max(median(own) if own else -math.inf, case.chance_score)
    high = median(case.scored(value) for value in patched)
    return low + (high - low) / 2 if math.isfinite(low) else high


def ablated(study: Path) -> dict[str, Any]:
    """What mends one program, and what that reaches."""
    records = Records.open(study)
    case = case_of(records)
    fact = TRUTH[study.name]
    program = mended_text((FAULTY / f"{study.name}.py").read_text(), fact)
    patched = [run_once(program, fact["metric"], seed) for seed in range(SEEDS)]
    bar = half_way(case, patched)
    singles = [run for run in tried(case) if len(run.changes) == 1 and case.score(run) >= bar]
    changes = sorted({run.changes for run in singles})
    under_five_seeds(records, [(), *changes])
    case = case_of(records)

    def values(one: Changes) -> list[float | None]:
        runs = {run.seed: run for run in case.of(one)}
        return [None if runs[seed].value is None else round(runs[seed].value, 4) for seed in sorted(runs)[:SEEDS]]  # type: ignore[arg-type]

    mending = [
        one
        for one in changes
        if sum(case.score(run) >= bar for run in case.of(one)) * SEEDS >= ENOUGH * len(case.of(one))
    ]
    return {
        "as_written": values(()),
        "patched": patched,
        "repairs": {f"{name}={level}": values(((name, level),)) for ((name, level),) in mending},
    }


def written(found: dict[str, Any]) -> str:
    """JSON with a line for each repair."""
    return (
        re.sub(r"\[\s+([^\[\]]*?)\s+\]", lambda one: f"[{' '.join(one[1].split())}]", json.dumps(found, indent=1))
        + "\n"
    )


def main() -> None:
    """Writes `ablation.json`, and prints a line a program."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path, help="of the studies that run.py made")
    arguments.add_argument("--only", nargs="*", default=[])
    arguments.add_argument("--out", type=Path, default=HERE / "ablation.json", help="two at a time: two files")
    given = arguments.parse_args()
    place = given.out
    found = json.loads(place.read_text()) if place.exists() else {}
    for name, fact in TRUTH.items():
        if fact.get("healthy") or (given.only and name not in given.only) or not (given.folder / name).is_dir():
            continue
        found[name] = ablated(given.folder / name)
        place.write_text(written(found))
        print(f"{name}: {', '.join(found[name]['repairs']) or 'none'}", flush=True)


if __name__ == "__main__":
    main()
