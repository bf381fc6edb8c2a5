"""What to run next, and what came of it: the values that pass between stages, engine and records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtrack.vocabulary.config import Config

if TYPE_CHECKING:
    from backtrack.vocabulary.result import RunResult

# Runs that existed before, and that results or nobody knows what chose.
PAST = "past"
STAGES = ("screen", "search", "confirm", "claims", "backtrack", PAST)
# Nothing chose these trials by their results, so tests may be run on them (design, section 7).
EVIDENCE_STAGES = ("screen", "confirm")
# Parts of a stage. Drawn by a design, or picked by the searcher:
DESIGN, SEARCHED = "design", "searched"
# Trials of the screen that were moved out of where earlier ones failed: fair samples of what those measure that train,
# not of how often trainings fail.
REFINED = "refined"
# Trials, of screen, confirm or search, that are run with what backtracking left over; it does not look at them, so that
# it finds the same again when it is asked again.
EXTENSION = "extension"
# One of two trainings that differ in nothing but a claim's factor.
PAIRED = "pair"
CLAIMED, OTHER = "claimed", "other"
# Questions of backtracking: whether a config fails; what becomes of a config with a cause put in or taken out.
PROBE, FLIP = "probe", "flip"
# A config that somebody asks about.
ASKED = "asked"
# Of a checkup: runs as written and with labels that mean nothing, runs with something changed, fresh runs that verify
# what these suggest, and more of them for what may be luck; the second and third again, of the training with what
# mends it.
CHECKED = "checkup"
WRITTEN, TRIED, PROOF, MORE_PROOF = "written", "tried", "proof", "more-proof"
LATER = THEN_TRIED, THEN_PROOF = "then-tried", "then-proof"
# Fresh balanced runs of a study that was extended; and those of them that were moved out of where trainings fail.
MORE, MORE_REFINED = "more", "more-refined"
PARTS = (
    *(DESIGN, SEARCHED, REFINED, EXTENSION, PAIRED, PROBE, FLIP, ASKED, MORE, MORE_REFINED),
    *(WRITTEN, TRIED, PROOF, MORE_PROOF, *LATER),
)


@dataclass(frozen=True)
class PlannedTrial:
    """One config with its replicates' seeds.

    Args:
        trial: the id under which it is recorded, e.g. `screen-00007`; unique in a study, stable, and without meaning.
        stage: which stage asked for it.
        config: the levels.
        seeds: one for each replicate.
        part: of the stage; one of `PARTS`.
        pair: number of the pair that it belongs to; None for most.
        side: of the pair: `CLAIMED`, at the level that the claim is about, or `OTHER`; else empty.
        question: that it answers, in words: of a pair its contrast, of backtracking the suspected cause; or empty.

    Example:
        >>> PlannedTrial("screen-00007", "screen", Config({"a": 1}), seeds=(3,)).part
        'design'
    """

    trial: str
    stage: str
    config: Config
    seeds: tuple[int, ...]
    part: str = DESIGN
    pair: int | None = None
    side: str = ""
    question: str = ""


@dataclass(frozen=True)
class FinishedTrial:
    """A planned trial with what its replicates measured.

    Args:
        planned: what was asked.
        results: one a replicate.
        attempt: 1, or more where infrastructure failed and the trial was run again.
        node: name of the machine.
        ended: seconds since 1970 when it ended.

    Example:
        >>> from backtrack import RunResult
        >>> planned = PlannedTrial("screen-00007", "screen", Config({"a": 1}), seeds=(3,))
        >>> result = RunResult(3, "ok", 0.2, epochs=5, seconds=1.0, warmup_seconds=0.1, peak_memory=0, chance=1.0,
        ...                    device="cpu")
        >>> FinishedTrial(planned, (result,)).results[0].outcome
        'ok'
    """

    planned: PlannedTrial
    results: tuple[RunResult, ...]
    attempt: int = 1
    node: str = ""
    ended: float = 0.0


@dataclass(frozen=True)
class FixedPlan:
    """Trials that are known beforehand; the engine may run them in any order and side by side."""

    trials: Sequence[PlannedTrial]


@dataclass(frozen=True)
class SearchPlan:
    """Trials whose configs a searcher picks one by one, each seeing the results so far.

    Args:
        ids: ids of the trials to pick configs for.
        seeds: the seeds of each, the same for all: configs are compared with the same luck.
        first: configs that are run before the searcher picks its own.
        part: of the stage search that they belong to.
    """

    ids: Sequence[str]
    seeds: tuple[int, ...] = (0,)
    first: Sequence[Config] = ()
    part: str = SEARCHED

    def planned(self, trial: str, config: Config) -> PlannedTrial:
        """One of its trials, with the config that was picked for it."""
        return PlannedTrial(trial, "search", config, self.seeds, self.part)


Plan = FixedPlan | SearchPlan


def trial_id(stage: str, number: int) -> str:
    """The id of a stage's `number`-th trial: stable, so that a resumed study plans the same ids."""
    return f"{stage}-{number:05d}"


def objective(finished: FinishedTrial, mode: str) -> float:
    """What the search is told of a trial: the mean of its replicates, each failure as a finite bad value.

    A NaN or an error would be dropped by TPE, and it would walk into the same dead end again. A failure counts
    as chance, and a tenth of its size beyond, so that it is worse than any training that has learnt; where chance
    is not known, as a very large number on the bad side.
    """
    worse = 1.0 if mode == "min" else -1.0
    values = []
    for result in finished.results:
        if result.outcome == "ok" and result.value is not None and math.isfinite(result.value):
            values.append(result.value)
        elif result.chance is not None:
            values.append(result.chance + worse * 0.1 * max(abs(result.chance), 1e-3))
        else:
            values.append(worse * 1e6)
    return sum(values) / len(values)
