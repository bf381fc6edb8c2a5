"""Every claim of the posts put to the test: runs the tasks and writes docs/claims.md with a plot for each claim.

    python benchmarks/claims.py [--scale 1.0] [--studies studies/claims] [--out docs]

Claims name their contrast beforehand, so all runs are pairs that differ in the claim's factor alone (the stage
`claims`). A study that is there already is gone on with; `make claims` is this command. The outcome is written as it
comes.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from pathlib import Path

import matplotlib as mpl

from backtrack import load_task, resume, sweep
from backtrack.evidence.claims.claims import ClaimResult
from backtrack.records.manifest import versions
from backtrack.search_spaces.runtime import ENVIRONMENTS
from backtrack.views.plots.claims import claim_figure
from backtrack.views.plots.drawing import STYLE, png
from backtrack.views.study import Study
from backtrack.vocabulary.contrasts import contrasts_of

# Pairs of trainings for each contrast of a task: what two cores do in 50 minutes together.
PAIRS = {"squirrel": 50, "winners": 120, "opposite": 60, "topics": 60, "road": 20, "runtime": 20}


def study_of(task_name: str, pairs: int, place: Path) -> Study:
    """The task's study, complete: run, gone on with, or as it was."""
    directory = place / task_name
    if (directory / "manifest.json").exists():
        return resume(directory, track=False)
    task = load_task(task_name)
    runs = 2 * pairs * len(contrasts_of(task.space))
    return sweep(task, runs, directory, seed=0, stages=["claims"], track=False, source="builtin")


def effect_text(result: ClaimResult) -> str:
    """A claim's effect with its interval."""
    if not result.runs:
        return "no estimate"
    times = "×" if result.ratio else ""
    effect, low, high = (
        f"{value:.3g}" if math.isfinite(value) else "∞" for value in (result.effect, result.low, result.high)
    )
    return f"{times}{effect} ({low} to {high})"


def section(task_name: str, study: Study, results: list[ClaimResult], seconds: float, folder: Path) -> list[str]:
    """The part of the page for one task."""
    failed = sum(outcome != "ok" for outcome in study.trials["outcome"].to_pylist())
    lines = [
        f"## {task_name}",
        "",
        f"{study.trials.num_rows} runs, {failed} of them failed; {seconds / 60:.0f} minutes.",
        "",
    ]
    for number, result in enumerate(results, start=1):
        lines += [
            f"### {result.claim.text}: **{result.verdict}**",
            "",
            f"*{result.claim.source}.* {result.factor}: {result.claim.contrast}, on {spoken(result.claim.on)}: "
            + f"{effect_text(result)}, p (Holm) {result.p_adjusted:.2g}, {result.pairs} pairs."
            + (f" {result.statement[0].upper()}{result.statement[1:]}." if result.statement else ""),
            "",
        ]
        figure = claim_figure([result])
        if figure is not None:
            file = folder / f"{task_name}-{number}.png"
            file.write_bytes(png(figure))
            lines += [f"![{result.factor}: {result.claim.contrast}](claims/{file.name})", ""]
    return lines


def spoken(name: str) -> str:
    """A response's name for reading."""
    return name.replace("_", " ")


def main() -> None:
    """Runs everything and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of pairs")
    parser.add_argument("--studies", type=Path, default=Path("studies/claims"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    folder = arguments.out / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    lines = [
        "# What the posts claim, and what came out",
        "",
        "Written by `make claims`; nothing here was edited by hand. Each claim is a contrast that was named before any",
        "run. It is judged on pairs of trainings that differ in the claim's factor alone and share their seed, on",
        "balanced, randomised backgrounds (`--stages claims`; alpha .05, Holm over a task's claims on one response).",
        "Effects are level minus level in the metric's unit, × marks ratios of times, failure is a difference of",
        "probabilities. *No effect*: the whole interval lies within a quarter of the run-to-run standard deviation.",
        "",
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, no GPU; "
        + ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("torch", "ray", "python"))
        + ".",
        "",
    ]
    if not os.environ.get(ENVIRONMENTS):
        lines += [
            f"The claim on newer versions of the framework needs a second one: `{ENVIRONMENTS}`, see `runtime`.",
            "",
        ]
    summary = ["| task | claim | contrast | on | effect (95 %) | pairs | verdict |", "|---|---|---|---|---|---|---|"]
    sections = []
    for name, pairs in PAIRS.items():
        if not contrasts_of(load_task(name).space):
            continue
        started = time.monotonic()
        study = study_of(name, max(4, round(pairs * arguments.scale)), arguments.studies)
        seconds = time.monotonic() - started
        results = study.analyse().claims
        for result in results:
            cells = [name, result.claim.text, f"{result.factor}: {result.claim.contrast}", spoken(result.claim.on)]
            cells += [effect_text(result), str(result.pairs), f"**{result.verdict}**"]
            summary.append("| " + " | ".join(cell.replace("|", "at") for cell in cells) + " |")
        with mpl.rc_context(STYLE):
            sections += section(name, study, results, seconds, folder)
        print(f"{name}: {seconds:.0f} s", flush=True)
    (arguments.out / "claims.md").write_text("\n".join([*lines, *summary, "", *sections]).rstrip() + "\n")


if __name__ == "__main__":
    main()
