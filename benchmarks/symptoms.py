"""What watching for symptoms costs, and how often healthy and failed trainings show each of them.

    python benchmarks/symptoms.py [--studies studies/claims] [--out docs/symptoms.md]

Rates come from studies that are there already (`make claims` leaves them). Costs are ratios: the same trainings,
watched and not, in turn.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from pathlib import Path

import torch

from backtrack import load_task, open_study
from backtrack.stages.screen import plan_screen
from backtrack.trial import run_replicate
from backtrack.watch.symptoms import all_symptoms

TASKS = ("squirrel", "winners", "opposite", "road")
COST = {"squirrel": {"rows": 1500, "valid_rows": 500, "epochs": 1}, "winners": {"epochs": 8}}
CONFIGS, ROUNDS = 6, 4


def rates(place: Path) -> dict[str, dict[str, tuple[Counter[str], int]]]:
    """`{task: {healthy | failed: (runs that show each symptom, runs)}}`."""
    found = {}
    for name in TASKS:
        if not (place / name / "manifest.json").exists():
            continue
        rows = open_study(place / name).trials.to_pylist()
        groups = {
            "healthy": [row for row in rows if row["outcome"] == "ok"],
            "failed": [row for row in rows if row["outcome"] != "ok"],
        }
        found[name] = {
            group: (Counter(symptom for row in own for symptom in row["symptoms"]), len(own))
            for group, own in groups.items()
        }
    return found


def cost(name: str) -> float:
    """Time of watched trainings over that of the same ones unwatched: median over configs, each the best of rounds."""
    torch.set_num_threads(1)
    task = load_task(name).with_options(COST[name])
    ratios = []
    for planned in plan_screen(task.space, CONFIGS * 4, 0)[:CONFIGS]:
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for number in range(ROUNDS + 1):
            for watched in (True, False) if number % 2 else (False, True):
                result = run_replicate(task, planned.config, planned.seeds[0], watched=watched)
                if number:
                    seconds[watched].append(result.seconds)
        ratios.append(min(seconds[True]) / min(seconds[False]))
    return statistics.median(ratios)


def cell(part: int, whole: int) -> str:
    """A share with its count."""
    return f"{part / whole:.0%} ({part})" if whole else "–"


INTRO = """# Symptoms

Backtrack watches every training for these signs of trouble. `benchmarks/symptoms.py` writes this page. Each symptom
is a file in `pipeline/watch/symptoms/`. The records keep what it measures as the curve `symptom/NAME` (MLflow shows a
group of its own). The names of the symptoms that a run showed stand in `trials.parquet`, and in the report beside the
cause that they go with. `--threshold NAME=VALUE`, or `thresholds={…}` of a task, sets another threshold. A black box
or a script that says `loss` (`train_loss`), `valid_loss` (`val_loss`), `active` or `norm` is judged by these as well.

Scripts, black boxes and plain loops show them too, at the close looks that [checks](checks.md) take: of each model
that an optimiser moves. Of a further model than the first (a critic, a discriminator) the curve is
`symptom/NAME/MODEL`. A close look takes longer than the step that it looks at. So `slow_first_call` holds the first
step against the two behind it, which are looked at as closely; and `starved_device` goes by the steps between two
looks, within an epoch of a DataLoader, on another device than the processor, which does not wait for what it fetches
itself (never run on a GPU so far). Instead of `wrong_first_loss` the check `first_loss` speaks.

| symptom | measured | seen when | points at | cost | source |
|---|---|---|---|---|---|
"""
RATES = """
## How often they are seen

The table counts them in screens over the tasks' whole spaces: among the trainings that ended ok, and among those
that failed. A symptom of a training that ended ok is a false alarm, unless it shows what keeps that training from
being better.

"""
COSTS = """
## What watching costs

"""
OUTRO = """
Backtrack measures the first step of a training and eight more, at most every eighth; it looks at three validations.
None of this was run on a GPU so far.
"""


def catalogue() -> str:
    """A row a symptom: what it measures, its rule, and what lies behind it."""
    rows = []
    for symptom in all_symptoms():
        rule = symptom.rule.format(threshold=symptom.threshold)
        cells = (f"`{symptom.name}`", symptom.measured, rule, symptom.points_at, symptom.cost, symptom.source)
        rows.append("| " + " | ".join(cells) + " |\n")
    return "".join(rows)


def rates_table(measured: dict[str, dict[str, tuple[Counter[str], int]]]) -> str:
    """A row a symptom: its share among healthy and failed trainings of each task."""
    groups = [(name, group) for name in measured for group in ("healthy", "failed")]
    head = ["symptom", *(f"{name}: {'ok' if group == 'healthy' else group}" for name, group in groups)]
    rows = [head, ["---"] * len(head), ["*runs*", *(str(measured[name][group][1]) for name, group in groups)]]
    for symptom in all_symptoms():
        cells = [cell(measured[name][group][0][symptom.name], measured[name][group][1]) for name, group in groups]
        rows.append([f"`{symptom.name}`", *cells])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=Path, default=Path("studies/claims"))
    parser.add_argument("--out", type=Path, default=Path("docs/symptoms.md"))
    arguments = parser.parse_args()
    text = INTRO + catalogue() + RATES + rates_table(rates(arguments.studies)) + COSTS
    for name in COST:
        text += f"- `{name}`: watched trainings took {cost(name):.3f} times as long as unwatched ({CONFIGS} configs).\n"
    arguments.out.write_text(text + OUTRO)
    print(text[text.index("## How often") :])


if __name__ == "__main__":
    main()
