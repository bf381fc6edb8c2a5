"""Every claim of the posts put to the test: runs the tasks and writes docs/claims.md with a plot for each claim.

    python benchmarks/claims.py [--scale 1.0] [--studies studies/claims] [--out docs]

Claims name their contrast beforehand, so all runs go into balanced screens. A study that is there already is gone on
with; `make claims` is this command. The outcome is written as it comes.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pipeline import load_task, resume, sweep
from pipeline.analysis import Analysis
from pipeline.analysis.claims import ClaimResult
from pipeline.manifest import versions
from pipeline.space import Numeric, label
from pipeline.study import Study

# Training runs of each task; together about half an hour on two cores. `runtime` has claims only where there are other
# environments to compare with.
RUNS = {"squirrel": 240, "winners": 240, "opposite": 200, "road": 80}
INK, SOFT, COLOURS = "#1f2933", "#9aa5b1", ("#2b6cb0", "#b4231f")


def study_of(task_name: str, runs: int, place: Path) -> Study:
    """The task's study, complete: run, gone on with, or as it was."""
    task = load_task(task_name)
    directory = place / task_name
    if (directory / "manifest.json").exists():
        return resume(directory, track=False)
    return sweep(task, runs, directory, seed=0, stages=["screen"], track=False, source="builtin")


def plot(analysis: Analysis, result: ClaimResult, file: Path) -> None:
    """The runs of the two levels that a claim compares, with mean and its 95 % interval."""
    response = analysis.responses[result.claim.response].response
    factor = response.frame.space[result.factor]
    column = response.frame.levels[result.factor]
    rng = np.random.default_rng(0)
    figure = Figure(figsize=(6.4, 1.5))
    axes = figure.subplots()
    for row, (level, colour) in enumerate(zip((result.claim.against, result.claim.level), COLOURS, strict=True)):
        if isinstance(factor, Numeric):
            continue
        values = response.y[column == label(level)]
        values = np.exp(values) if response.ratio else values
        axes.scatter(values, row + rng.uniform(-0.22, 0.22, len(values)), s=7, color=colour, alpha=0.45, linewidths=0)
        if len(values) > 1:
            mean, error = float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
            axes.plot([mean - error, mean + error], [row, row], color=INK, linewidth=2.5)
            axes.plot(mean, row, "o", color=INK, markersize=5)
    axes.set_yticks([0, 1], [label(result.claim.against), label(result.claim.level)])
    axes.set_ylim(-0.5, 1.5)
    axes.set_xlabel(
        f"{response.unit} ({response.name.replace('_', ' ')}), a dot a run; mean with 95 % interval", fontsize=8
    )
    axes.tick_params(labelsize=9, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, dpi=100, bbox_inches="tight", metadata={"Software": None})


def spoken(name: str) -> str:
    """A response's name for reading."""
    return name.replace("_", " ")


def effect_text(analysis: Analysis, result: ClaimResult) -> str:
    """A claim's effect with its interval."""
    if not math.isfinite(result.effect):
        return "no estimate"
    response = analysis.responses.get(result.claim.response)
    times = "×" if response and response.response.ratio else ""
    return f"{times}{result.effect:.3g} ({result.low:.3g} to {result.high:.3g})"


def section(task_name: str, analysis: Analysis, folder: Path) -> list[str]:
    """The part of the page for one task."""
    failed = int(analysis.frame.failed.sum())
    lines = [f"## {task_name}", "", f"{len(analysis.frame)} runs, {failed} of them failed.", ""]
    for number, result in enumerate(analysis.claims, start=1):
        response = analysis.responses.get(result.claim.response)
        runs = len(response.response.y) if response else 0
        file = folder / f"{task_name}-{number}.png"
        lines += [
            f"### {result.claim.text}: **{result.verdict}**",
            "",
            f"*{result.claim.source}.* {result.factor}: {result.claim.contrast}, on {spoken(result.claim.response)}: "
            + f"{effect_text(analysis, result)}, p (Holm) {result.p_adjusted:.2g}, {runs} runs."
            + (f" {result.statement[0].upper()}{result.statement[1:]}." if result.statement else ""),
            "",
        ]
        if response is not None:
            plot(analysis, result, file)
            lines += [f"![{result.factor}: {result.claim.contrast}](claims/{file.name})", ""]
    return lines


def main() -> None:
    """Runs everything and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of runs")
    parser.add_argument("--studies", type=Path, default=Path("studies/claims"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    folder = arguments.out / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "# What the posts claim, and what came out",
        "",
        "Written by `make claims`; nothing here was edited by hand. Each claim is a contrast that was named before any",
        "run, judged on balanced, randomised runs with all other factors adjusted for (alpha .05, Holm over the claims",
        "on one response; `docs/findings.md` says how). Effects are level minus level in the metric's unit, × marks",
        "ratios of times, failure is a difference of probabilities. The plots show plain means, not adjusted ones.",
        "",
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, no GPU; "
        + ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("torch", "ray", "python"))
        + ".",
        "",
    ]
    summary = ["| task | claim | contrast | on | effect (95 %) | verdict |", "|---|---|---|---|---|---|"]
    sections = []
    for name, runs in RUNS.items():
        analysis = study_of(name, max(24, round(runs * arguments.scale)), arguments.studies).analyse()
        for result in analysis.claims:
            cells = [name, result.claim.text, f"{result.factor}: {result.claim.contrast}"]
            cells += [spoken(result.claim.response), effect_text(analysis, result), f"**{result.verdict}**"]
            summary.append("| " + " | ".join(cell.replace("|", "at") for cell in cells) + " |")
        sections += section(name, analysis, folder)
        print(f"{name}: done", flush=True)
    (arguments.out / "claims.md").write_text("\n".join([*lines, *summary, "", *sections]).rstrip() + "\n")


if __name__ == "__main__":
    main()
