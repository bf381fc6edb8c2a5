"""How often a checkup names what is wrong: plain programs with known faults, and healthy ones.

    python benchmarks/faults/run.py [--runs 60] [--only NAME …] [--side-by-side 2]
    python benchmarks/faults/run.py --truth      # what each program reaches with its fault mended, over five seeds
    python benchmarks/faults/ablate.py FOLDER    # every single change that mends it, over five seeds

A program of `faulty/` is named exactly where the first cause is an accepted check or repair (`truth.json`), found by
ablation: the repair is the patch that mends it. Healthy programs must not be accused. The programs know nothing of
this tool.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from backtrack.evidence.checkup.repairs import tried
from backtrack.records.directory import Records
from backtrack.running.checking import case_of

# Programs whose case is one that a published tool was tried on.
THEIRS = re.compile(r"AUTOTRAINER|AutoTrainer|DeepFD|DeepLocalize|deepmufl|DEFault|UMLAUT")
# Taken from the papers, not run here: those tools read Keras programs. Of 52 faulty programs of Stack Overflow and
# GitHub, how many each diagnoses.
PUBLISHED = {"AutoTrainer": 10, "UMLAUT": 14, "DeepFD": 27, "DEFault": 33}
HERE = Path(__file__).parent
FAULTY, HEALTHY = HERE / "faulty", HERE / "healthy"
TRUTH = json.loads((HERE / "truth.json").read_text())
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def checked(script: Path, metric: str, mode: str, runs: int, folder: Path) -> dict[str, Any]:
    """The answer of a checkup of one program; with `error` where there is none."""
    command = [
        *(sys.executable, "-m", "backtrack", "checkup", str(script), "--metric", metric, "--mode", mode),
        *("--runs", str(runs), "--here", "--no-mlflow", "--json", "--study", str(folder / script.stem)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=ONE_THREAD, check=False)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"causes": [], "runs": 0, "learns": "", "error": done.stderr[-500:]}


def names_of(cause: dict[str, Any]) -> set[str]:
    """What a cause says: its check, and the interventions of its repairs."""
    names = {cause["name"]} if cause["kind"] == "check" else set()
    return names | {"+".join(sorted(one.partition("=")[0] for one in repair["changes"])) for repair in cause["repairs"]}


def best_single(study: Path) -> tuple[str, bool]:
    """Of the same runs, the single change with the best metric under one seed, and whether it beats all as written.

    That is what repairing at random ends at with as many trainings: no check, no control, no fresh seeds.
    """
    case = case_of(Records.open(study))
    singles = [run for run in tried(case) if len(run.changes) == 1 and math.isfinite(case.score(run))]
    if not singles:
        return "", False
    best = max(singles, key=case.score)
    return best.changes[0][0], case.score(best) > max(case.score(run) for run in case.first)


def is_accepted(cause: dict[str, Any], accepted: set[str]) -> bool:
    """Whether a cause is one that is accepted: by its check, or by its first repair."""
    first = cause["repairs"][0]["changes"] if cause["repairs"] else []
    return cause["name"] in accepted or "+".join(sorted(one.partition("=")[0] for one in first)) in accepted


def mended_text(text: str, fact: dict[str, Any]) -> str:
    """A program with its fault mended, or both of two."""
    both = [fact["patch"], *([fact["also"]["patch"]] if "also" in fact else [])]
    for old, new in both:
        text = text.replace(old, new)
    return text


def names_both(found: dict[str, Any], fact: dict[str, Any]) -> bool:
    """Whether each of a program's two faults is among all that an answer names, beside its repair too."""
    then = found.get("then") or {"causes": [], "gains": []}
    causes = [*found["causes"], *then["causes"]]
    changes = [one["changes"] for cause in causes for one in cause["repairs"][:1]] + [
        one["changes"] for one in then["gains"]
    ]
    named = {cause["name"] for cause in causes} | {one.partition("=")[0] for each in changes for one in each}
    return not named.isdisjoint(fact["accepted"]) and not named.isdisjoint(fact["also"]["accepted"])


def run_once(text: str, metric: str, seed: int) -> float | None:
    """The last value of the metric that a program prints, with its random numbers shifted by a seed."""
    lines = ["import torch as _t", "_own = _t.manual_seed", f"_t.manual_seed = lambda n: _own(n + {seed})"]
    shifted = "\n".join([*lines, f"_t.manual_seed({seed})", ""])
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(shifted + text)
    done = subprocess.run([sys.executable, file.name], capture_output=True, text=True, env=ONE_THREAD, check=False)
    Path(file.name).unlink()
    for name in (metric, "val_acc"):
        found = re.findall(rf"\b{name}['\"]?[=: ]+([-\d.naife]+)", done.stdout)
        if found:
            return float(found[-1])
    return None


def print_truth(names: list[str]) -> None:
    """What each program reaches as it is and mended, over five seeds."""
    print("| program | as written | mended |\n|---|---|---|")
    for name in names:
        text, fact = (FAULTY / f"{name}.py").read_text(), TRUTH[name]
        rows = []
        for version in (text, mended_text(text, fact)):
            values = [run_once(version, fact["metric"], seed) for seed in range(5)]
            rows.append(" ".join("-" if value is None else f"{value:.3g}" for value in values))
        print(f"| {name} | {rows[0]} | {rows[1]} |", flush=True)


def main() -> None:
    """Prints a line a program, and the figures over all of them."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=60)
    arguments.add_argument("--only", nargs="*", default=[], choices=TRUTH, metavar="PROGRAM")
    arguments.add_argument("--side-by-side", type=int, default=2)
    arguments.add_argument("--truth", action="store_true")
    given = arguments.parse_args()
    names = [name for name in TRUTH if not given.only or name in given.only]
    if given.truth:
        print_truth([name for name in names if "patch" in TRUTH[name]])
        return
    folder = Path(tempfile.mkdtemp(prefix="faults-"))

    def judged(name: str) -> tuple[str, dict[str, Any]]:
        fact = TRUTH[name]
        place = (HEALTHY if fact.get("healthy") else FAULTY) / f"{name}.py"
        return name, checked(place, fact["metric"], fact["mode"], given.runs, folder)

    print("| program | learns | first cause | verified | named | trainings |\n|---|---|---|---|---|---|")
    exact, right, said, verified, accused, spent = [], 0, 0, 0, [], []
    by_chance, changed = 0, 0
    twofold: dict[str, bool] = {}
    with ThreadPoolExecutor(given.side_by_side) as pool:
        for name, found in pool.map(judged, names):
            fact, causes = TRUTH[name], found["causes"]
            accepted = set(fact.get("accepted", ()))
            first = causes[0] if causes else None
            shown = f"{first['name']}: {first['repairs'][0]['text']}" if first else found.get("error", "none")[-80:]
            single, better = best_single(folder / name) if (folder / name).is_dir() else ("", False)
            by_chance += not fact.get("healthy") and single in accepted
            changed += bool(fact.get("healthy")) and better
            if fact.get("healthy"):
                accused += [name] if causes else []
                named = "accused" if causes else "left alone"
            else:
                exact += [name] if first and is_accepted(first, accepted) else []
                right += sum(is_accepted(cause, accepted) for cause in causes)
                said += len(causes)
                verified += bool(first and first["verified"])
                named = "yes" if name in exact else "NO"
                if "also" in fact:
                    twofold[name] = names_both(found, fact)
                    named += ", both" if twofold[name] else ", one"
            spent.append(found["runs"])
            sure = "" if not first else "yes" if first["verified"] else "no"
            print(f"| {name} | {found['learns']} | {shown[:90]} | {sure} | {named} | {found['runs']} |", flush=True)
    faulty = sum(not TRUTH[name].get("healthy") for name in names)
    print(
        f"\nNamed exactly: {len(exact)} of {faulty}. Of {said} causes that were named {right} are accepted. "
        f"Verified: {verified}. Healthy ones accused: {len(accused)} of {len(names) - faulty}. "
        f"Trainings: {median(spent):.0f} in the median, {max(spent)} at most.\n"
        f"The best of the same single changes, as random repairs end: {by_chance} of {faulty}; of the healthy ones "
        f"it would change {changed} of {len(names) - faulty}.\n"
        f"Both faults are named in {sum(twofold.values())} of {len(twofold)} programs with two.\n"
        f"{beside_the_published(names, exact)}\n"
        f"The studies: {folder}"
    )


def beside_the_published(names: list[str], exact: list[str]) -> str:
    """Of the programs whose case is theirs, how many are named; beside it what the papers say of their tools."""
    cases = [name for name in names if THEIRS.search(TRUTH[name].get("source", ""))]
    papers = ", ".join(f"{tool} {named}" for tool, named in PUBLISHED.items())
    return (
        f"Re-expressed from cases of published tools: {len({*cases} & {*exact})} of {len(cases)} named. As their "
        f"papers have it (Keras programs, another set, not run here), of 52: {papers}."
    )


if __name__ == "__main__":
    main()
