"""Whether the edits that checkups suggest do what they promise: made in a copy of each program, and run.

    python benchmarks/faults/edits.py FOLDER …

A folder holds the studies of `run.py`, which says where. Each `report/fix.patch` is applied to a copy of its program,
which runs with three other seeds, beside the program as it is. The edit holds where the middle run goes half of the
way, or further, from as it is to what the checkup says that its repair reaches.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from run import run_once

from backtrack.evidence.checkup.afterwards import answer_of
from backtrack.records.directory import Records
from backtrack.running.checking import case_of

SEEDS = (101, 102, 103)
# Of the way from as it is to what is promised.
HOLDS = 0.5


def program_of(manifest: dict[str, Any]) -> Path:
    """The script that a checkup looked at."""
    return Path(manifest["task"]["script"]["command"][-1])


def edited(script: Path, edit: str) -> str | None:
    """The script's text with an edit; None where that cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(script, folder))
        done = subprocess.run(["patch", "--quiet", str(copy)], input=edit, text=True, capture_output=True, check=False)
        return copy.read_text() if done.returncode == 0 else None


def promised(answer: dict[str, Any]) -> float:
    """What the last repair of an edit is said to reach: one behind the first counts where the edit has it."""
    then = [one for one in (answer.get("then") or {}).get("causes", []) if one["patch"]]
    verified = [one["reaches"] for one in then or answer["causes"] if one["verified"] and one["reaches"] is not None]
    return float(verified[0]) if verified else math.nan


def middle(text: str, metric: str) -> float:
    """The median of a program's last values under the three seeds; infinitely bad ones count as NaN."""
    values = [run_once(text, metric, seed) for seed in SEEDS]
    return median(math.nan if one is None else one for one in values)


def main() -> None:
    """Prints a line for each study whose answer has an edit, and how many hold."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folders", nargs="+", type=Path)
    given = arguments.parse_args()
    print("| program | as it is | edited | promised | holds |\n|---|---|---|---|---|")
    held, edits, verified = 0, 0, 0
    for study in sorted(one.parent for folder in given.folders for one in folder.glob("*/manifest.json")):
        records = Records.open(study)
        answer = answer_of(case_of(records)).as_json()
        verified += any(one["verified"] for one in answer["causes"])
        if not answer["edit"]:
            continue
        edits += 1
        script, metric = program_of(records.manifest), records.manifest["task"]["metric"]
        text = edited(script, answer["edit"])
        own, wanted = middle(script.read_text(), metric), promised(answer)
        reached = math.nan if text is None else middle(text, metric)
        # A program that ends in no number is as far away as one can be.
        share = 1.0 if math.isnan(own) and math.isfinite(reached) else (reached - own) / (wanted - own)
        said = "yes" if share >= HOLDS else "NO"
        held += share >= HOLDS
        print(f"| {study.name} | {own:.4g} | {reached:.4g} | {wanted:.4g} | {said} |", flush=True)
    print(f"\n{held} of {edits} edits hold; {edits} of {verified} verified answers have one.")


if __name__ == "__main__":
    main()
