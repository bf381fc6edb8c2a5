"""What goes on after a sweep's end: how many more runs a study gets, and for what."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from backtrack.evidence.analysis import NOTHING_TO_EXPLAIN, Analysis
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.looking import PLANNED_SHARE, next_share, spent_share
from backtrack.evidence.studied import analysis_of
from backtrack.records.directory import Records
from backtrack.stages.extension import FLIP_RUNS
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.responses import FAILURE, GAIN

DECIDED = "decided"
# Where no cause waits for flips, an extension's own runs may still show one: one in so many is kept for it, and is
# evidence like the others where none is found.
KEPT = 4
# A look at least adds so many runs, and this share of those so far: closer looks cost more than they tell.
LEAST_BATCH, GROWTH = 16, 0.35
# Of the time that is left, so much is planned at once; then the pace is measured again.
TIME_SHARE = 0.7
# At the end the report is written, which takes so many times an analysis, the first of them about so long.
REPORT_TIMES, REPORT_SECONDS = 8.0, 1.5
# What is left of a budget has to be expected to decide so many questions; one that was asked by name, with this chance.
LEAST_DECIDED, LEAST_CHANCE = 1.0, 0.1


@dataclass(frozen=True)
class Asked:
    """What an extension is for.

    Args:
        factors: that are asked about; empty for all that are no nuisances.
        block: whether its runs are a block of their own.
    """

    factors: tuple[str, ...] = ()
    block: bool = False

    def questions(self, analysis: Analysis) -> list[tuple[FactorEffect, str]]:
        """Each factor's effect on failures and on the gain, where these runs have something to explain."""
        return [
            (effect, name)
            for name in (FAILURE, GAIN)
            if name in analysis.responses and not analysis.responses[name].statement.endswith(NOTHING_TO_EXPLAIN)
            for effect in analysis.responses[name].factors
            if (effect.factor.name in self.factors if self.factors else effect.factor.role == "scientific")
        ]


def add_extension(
    records: Records,
    finished: Sequence[FinishedTrial],
    analysis: Analysis,
    asked: Asked,
    runs: int,
    spent: float,
    only_evidence: bool = False,
    last: bool = False,
) -> tuple[int, str]:
    """Gives a study an extension of `runs` runs, and says what for.

    Args:
        records: the study.
        finished: its recorded trials.
        analysis: of them.
        asked: what it is for.
        runs: how many.
        spent: of the error rate, what this and all earlier looks use up.
        only_evidence: whether no flips are wanted.
        last: whether no other extension follows by itself, which could verify what this one shows.
    """
    loose = analysis.unverified
    questions = asked.questions(analysis)
    undecided = [(effect, name) for effect, name in questions if effect.verdict == "undecided"]
    flips = 0 if only_evidence or not loose else min(runs, FLIP_RUNS * len(loose))
    kept = min(FLIP_RUNS, runs // KEPT) if last and not loose and not only_evidence else 0
    if undecided and flips:
        flips = min(flips, max(runs // 2, runs - 2 * LEAST_BATCH))
    about_failures = any(name == FAILURE for _, name in undecided) if asked.factors else False
    extension = {
        "runs": runs,
        "evidence": runs - flips - kept,
        "flips": flips + kept,
        "kept": kept > 0,
        "from": len(analysis.frame.of_stages()),
        "began": sum(len(trial.planned.seeds) for trial in finished if trial.planned.stage == "backtrack"),
        "held": {},
        "moved": not about_failures,
        "block": asked.block,
        "ask": list(asked.factors),
        "spent": spent,
        "active": _active(analysis),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    records.note(extensions=[*records.manifest.get("extensions", []), extension])
    what = []
    if flips:
        what.append(f"{flips} to verify {len(loose)} cause{'s' if len(loose) > 1 else ''}")
    if runs > flips:
        open_now = len({effect.factor.name for effect, _ in undecided})
        what.append(
            f"{runs - flips} drawn afresh, for {open_now} open factor{'s' if open_now != 1 else ''}"
            + (f"; should they show a cause, {kept} of them verify it" if kept else "")
        )
    return runs, ", ".join(what)


def _active(analysis: Analysis) -> dict[str, list[list[str]]]:
    """What this look calls active: later ones leave it so."""
    return {
        name: [
            *([effect.factor.name] for effect in answer.factors if effect.verdict == "active" and not effect.partners),
            *([pair.factor_a, pair.factor_b] for pair in answer.interactions if pair.verdict == "active"),
        ]
        for name, answer in analysis.responses.items()
    }


@dataclass
class Once:
    """One extension of so many runs."""

    asked: Asked
    runs: int
    given: bool = False

    def __call__(self, records: Records, finished: Sequence[FinishedTrial]) -> tuple[int, str] | None:
        """The extension, once."""
        if self.given:
            return None
        self.given = True
        return add_extension(
            records, finished, analysis_of(records), self.asked, self.runs, next_share(records.manifest), last=True
        )


def pace_of(finished: Sequence[FinishedTrial], workers: int) -> float:
    """Seconds of wall time that a run takes, about: the larger of what its own clock and the records' ends say.

    Args:
        finished: recorded trials.
        workers: trainings side by side.
    """
    own = [result.seconds + result.warmup_seconds for trial in finished for result in trial.results]
    ends = np.sort([trial.ended for trial in finished])
    # A pause between two sittings is no training.
    gaps = np.sort(np.diff(ends))[: max(1, round(0.95 * (len(ends) - 1)))]
    return max(float(np.mean(own or [1.0])) / workers, float(np.mean(gaps)) if len(gaps) else 0.0)


@dataclass
class Within:
    """As many runs as fit into the time, by their measured times.

    Args:
        asked: what for.
        deadline: on the monotonic clock.
        workers: trainings side by side.
        analysing: seconds that the last analysis took; then of the time that is left the report's is kept.
        began, done_before, target: set at its first part: the clock, the runs, what the look may use up.
    """

    asked: Asked
    deadline: float
    workers: int
    analysing: float = REPORT_SECONDS
    began: float | None = None
    done_before: int = 0
    target: float | None = None

    def __call__(self, records: Records, finished: Sequence[FinishedTrial]) -> tuple[int, str] | None:
        """The next part of the runs that fit; parts share one look, at the end."""
        now = time.monotonic()
        if self.began is None:
            self.began, self.done_before = now, len(finished)
        else:
            pace = (now - self.began) / max(1, len(finished) - self.done_before)
        if self.target is None:
            self.target = next_share(records.manifest)
            pace = pace_of(finished, self.workers)
        left = self.deadline - now - REPORT_TIMES * self.analysing
        runs = int(TIME_SHARE * left / max(pace, 1e-3))
        if runs < max(2, self.workers):
            return None
        earlier = records.manifest.get("extensions", [])
        spent_before = self._spent_before(records)
        if self._mine(earlier):
            # No verdict is read at the end of a part.
            records.note(extensions=[*earlier[:-1], {**earlier[-1], "spent": spent_before}])
        started = time.monotonic()
        analysis = analysis_of(records)
        self.analysing = time.monotonic() - started
        told = add_extension(records, finished, analysis, self.asked, runs, self.target)
        extensions = records.manifest["extensions"]
        records.note(extensions=[*extensions[:-1], {**extensions[-1], "deadline": self.deadline}])
        return told

    def _mine(self, extensions: Sequence[dict[str, Any]]) -> bool:
        return bool(extensions) and extensions[-1].get("deadline") == self.deadline

    def _spent_before(self, records: Records) -> float:
        others = [one for one in records.manifest.get("extensions", []) if one.get("deadline") != self.deadline]
        return spent_share({**records.manifest, "extensions": others})


@dataclass
class Until:
    """Runs until every question is decided, or cannot be within the budget.

    What is left of the budget lies in the manifest (`open`), so that an interrupted study goes on by `resume`.

    Args:
        asked: what for.
    """

    asked: Asked

    def __call__(self, records: Records, finished: Sequence[FinishedTrial]) -> tuple[int, str] | None:
        """The next batch; None where nothing more would be decided."""
        still = records.manifest["open"]
        left = still["budget"] - still["used"]
        if left < 1:
            closed(records)
            return None
        analysis = analysis_of(records)
        batch = max(LEAST_BATCH, round(GROWTH * len(analysis.frame.of_stages())))
        worth = worth_asking(analysis, self.asked, left, batch)
        loose = analysis.unverified
        if not worth and not loose:
            closed(records)
            return None
        batch = min(left, batch if worth else FLIP_RUNS * len(loose))
        if left - batch < LEAST_BATCH:
            batch = left
        used = still["used"] + batch
        share = still["spent"] + (still["reach"] - still["spent"]) * used / still["budget"]
        told = add_extension(records, finished, analysis, self.asked, batch, float(share))
        records.note(open={**still, "used": used})
        return told


def open_budget(records: Records, asked: Asked, budget: int) -> Until:
    """Begins to run until every question is decided, with at most `budget` further runs."""
    spent = spent_share(records.manifest)
    reach = max(PLANNED_SHARE, (1 + spent) / 2)
    records.note(
        open={
            "until": DECIDED,
            "budget": budget,
            "used": 0,
            "ask": list(asked.factors),
            "block": asked.block,
            "spent": spent,
            "reach": reach,
        }
    )
    return Until(asked)


def closed(records: Records) -> None:
    """Ends what an earlier `--until decided` left open, so that no later resume goes on with its budget."""
    still = records.manifest.get("open")
    if still and not still.get("closed"):
        records.note(open={**still, "closed": True})


def reopened(records: Records) -> Until | None:
    """What an interrupted study still has to do after its planned runs."""
    still = records.manifest.get("open")
    if not still or still.get("closed"):
        return None
    return Until(Asked(tuple(still["ask"]), still.get("block", False)))


def worth_asking(analysis: Analysis, asked: Asked, left: int, batch: int) -> list[tuple[FactorEffect, str]]:
    """The undecided questions that are worth more runs; none where too little would come of them.

    That is, where `left` more runs are expected to make fewer than `LEAST_DECIDED` questions active (of a question that
    was asked by name, where the chance is less than `LEAST_CHANCE`), and the next `batch` is about to show of none that
    nothing is there.
    """
    alpha = analysis.look.alpha if analysis.look is not None else analysis.alpha
    even = 1 / max(1, len(analysis.frame.space.factors))
    found, expected, nearly = [], 0.0, False
    for effect, name in asked.questions(analysis):
        if effect.verdict != "undecided" or effect.runs_to_decide is None:
            continue
        share = effect.p / effect.p_adjusted if 0 < effect.p_adjusted < 1 else even
        # A factor that exists under some levels only gets its part of the runs.
        own = round(left * effect.runs / max(1, len(analysis.responses[name].response.frame)))
        expected += chance_to_decide(effect.p, effect.runs, own, alpha * min(1.0, share))
        nearly = nearly or (bool(asked.factors) and effect.runs_to_decide <= batch)
        found.append((effect, name))
    return found if nearly or expected >= (LEAST_CHANCE if asked.factors else LEAST_DECIDED) else []


def chance_to_decide(p: float, runs: int, more: int, alpha: float) -> float:
    """The chance that `more` runs bring a p-value below `alpha`, given the one so far.

    Predictive power with a flat prior (Spiegelhalter, Freedman and Blackburn 1986): from z over n runs, z' over
    n' = n + more is normal with mean z √(n' / n) and variance more / n.

    Example:
        >>> round(chance_to_decide(0.05, 100, 100, 0.05), 2), round(chance_to_decide(0.5, 100, 20, 0.05), 3)
        (0.79, 0.003)
    """
    runs = max(runs, 1)
    deviate = float(stats.norm.isf(max(p, 1e-300) / 2))
    wanted = float(stats.norm.isf(alpha / 2))
    return float(stats.norm.sf((wanted - deviate * ((runs + more) / runs) ** 0.5) / (more / runs) ** 0.5))
