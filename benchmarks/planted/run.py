"""The planted benchmark: is the ranking right, at the error rate that it states, and is it better than the others?

    python benchmarks/planted/run.py [--runs 48,60,120,240,480] [--problems 40] [--first 1000]

It prints two tables over the same problems, with a line for each number of runs. The first: recall and false
discoveries of active factors and of interactions, exactly named failure causes, coverage of the 95 % intervals, the
best config's distance from the optimum, and the alarms on problems where nothing is true. The second: what importance
tools make of a pure TPE search of as many runs (`rivals.py`), and how many runs ours takes for the best one's recall.
The third: what random repairs of failing configs name (`repairs.py`).
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import optuna
from offline import analyse_offline, sweep_offline
from problems import NOISE, draw
from repairs import Repairs, repair_at_random
from rivals import TOOLS, rank
from score import Ranking, Score, score

STAGES = ["screen", "search", "confirm", "backtrack"]
OURS = [
    "runs",
    "recall",
    "false",
    "pair recall",
    "of visible",
    "pair false",
    "failure recall",
    "failure false",
    "cause exact",
    "coverage",
    "regret",
    "alarms",
    "false causes",
]
REPAIRS = ["runs", "of which repairs", "that mended", "first named is a rule's", "dominant rule's factors exact"]
RANKINGS = ["runs", "Backtrack", *TOOLS, "regret of the search", "runs of Backtrack's for the best tool's recall"]


def one(seed: int, runs: int, inert: bool, stages: list[str]) -> Score:
    """The score of one problem."""
    quiet()
    problem = draw(seed, inert)
    task = problem.task()
    return score(problem, analyse_offline(task, sweep_offline(task, runs, seed, stages)), NOISE)


def others(seed: int, runs: int) -> tuple[dict[str, Ranking], float]:
    """The importance tools' rankings of one problem, and the regret of their search."""
    quiet()
    return rank(draw(seed), runs)


def random_repairs(seed: int, runs: int, stages: list[str]) -> Repairs:
    """What random repairs make of one problem; nothing where it has no failure rule."""
    quiet()
    problem = draw(seed)
    return repair_at_random(problem, runs, stages) if problem.rules else Repairs()


def quiet() -> None:
    """Keeps a process's output free of what Optuna and scikit-learn say of every run."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")


def our_row(found: Score, nothing: Score) -> list[str]:
    """The first table's cells after the number of runs.

    Args:
        found: summed over problems where something is true.
        nothing: summed over problems where nothing is.
    """
    return [
        rate(found.found, found.active), rate(found.wrong, found.called),
        rate(found.pairs_found, found.pairs), rate(found.pairs_found, found.pairs - found.pairs_hidden),
        rate(found.pairs_wrong, found.pairs_called),
        rate(found.failing_found, found.failing), rate(found.failing_wrong, found.failing_called),
        rate(found.rules_right, found.rules), rate(found.covered, found.intervals),
        f"{found.regret / found.problems:.2f}",
        rate(nothing.alarmed, nothing.problems), rate(nothing.causes_claimed, nothing.problems),
    ]  # fmt: skip


def ranking_row(
    ours: Ranking, theirs: Sequence[tuple[dict[str, Ranking], float]], by_runs: Sequence[tuple[int, float]]
) -> list[str]:
    """The second table's cells after the number of runs: recall of the first k, and how often inert before active.

    Args:
        ours: our ranking, summed over problems.
        theirs: the tools' of each problem, and the regret.
        by_runs: (runs, recall of our ranking), by runs.
    """
    tools = [sum((found[tool] for found, _ in theirs), Ranking()) for tool in TOOLS]
    needed = runs_for(max(tool.hits / tool.asked for tool in tools), by_runs)
    return [
        *(f"{one.hits / one.asked:.3f}, {one.inverted / one.problems:.0%}" for one in (ours, *tools)),
        f"{sum(regret for _, regret in theirs) / len(theirs):.2f}",
        needed,
    ]


def repairs_row(found: Repairs) -> list[str]:
    """The third table's cells after the number of runs."""
    return [
        f"{found.tried / max(1, found.problems):.0f}",
        rate(found.mended, found.tried),
        rate(found.first_right, found.problems),
        rate(found.exact, found.problems),
    ]


def runs_for(wanted: float, by_runs: Sequence[tuple[int, float]]) -> str:
    """Runs for a recall, between the measured ones in the logarithm of the runs.

    Args:
        wanted: the recall.
        by_runs: (runs, recall), by runs.
    """
    below: tuple[int, float] | None = None
    for runs, recall in by_runs:
        if recall >= wanted:
            if below is None:
                return f"at most {runs}"
            share = (wanted - below[1]) / (recall - below[1])
            return f"{below[0] * (runs / below[0]) ** share:.0f}"
        below = (runs, recall)
    return f"more than {by_runs[-1][0]}"


def rate(part: float, whole: float) -> str:
    """A share to three digits."""
    return f"{part / whole:.3f}" if whole else "  -  "


def print_row(cells: Sequence[object]) -> None:
    """A line of a Markdown table, at once."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def print_head(columns: Sequence[str]) -> None:
    """The head of a Markdown table."""
    print_row(columns)
    print("|---" * len(columns) + "|", flush=True)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="48,60,120,240,480")
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--first", type=int, default=1000, help="seed of the first problem")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--no-tools", action="store_true", help="leave the second table out")
    arguments = parser.parse_args()
    seeds = list(range(arguments.first, arguments.first + arguments.problems))
    stages = arguments.stages.split(",")
    counts = sorted(map(int, arguments.runs.split(",")))
    ours: dict[int, Ranking] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        print_head(OURS)
        for runs in counts:
            found, nothing = (
                sum(pool.map(one, seeds, repeat(runs), repeat(inert), repeat(stages)), Score())
                for inert in (False, True)
            )
            print_row([runs, *our_row(found, nothing)])
            ours[runs] = found.ranked
        if arguments.no_tools:
            return
        print()
        print_head(RANKINGS)
        by_runs = [(runs, ranking.hits / ranking.asked) for runs, ranking in ours.items()]
        for runs in counts:
            theirs = list(pool.map(others, seeds, repeat(runs)))
            print_row([runs, *ranking_row(ours[runs], theirs, by_runs)])
        if "backtrack" not in stages:
            return
        print()
        print_head(REPAIRS)
        for runs in counts:
            luck = sum(pool.map(random_repairs, seeds, repeat(runs), repeat(stages)), Repairs())
            print_row([runs, *repairs_row(luck)])


if __name__ == "__main__":
    main()
