"""An extension: more runs for a study that is complete, where they decide most."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backtrack.evidence.failures.failure_rules import all_failure_rules
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows
from backtrack.stages.backtrack import plan_backtrack
from backtrack.stages.design import balanced_configs
from backtrack.stages.screen import SEED_BLOCKS, moved_out, seed_pool
from backtrack.vocabulary.config import Level
from backtrack.vocabulary.narrowing import fix
from backtrack.vocabulary.plan import MORE, MORE_REFINED, FinishedTrial, FixedPlan, PlannedTrial
from backtrack.vocabulary.space import SearchSpace

# What one cause takes that no flips have verified: its probes, and three flips each way.
FLIP_RUNS = 24
# The designs and the seeds of extensions lie apart from those of the other stages.
DESIGN_SEED = 100


@dataclass(frozen=True)
class Extension:
    """More runs for a study that was complete.

    Args:
        number: 1 for the first.
        evidence: fresh balanced runs.
        flips: further runs for backtracking.
        began: backtracking's runs when it was made.
        held: factors that the fresh runs do not vary, with their level.
        moved: whether the fresh runs leave regions where nearly all trainings fail.
        kept: whether the runs for backtracking are kept for causes that the extension itself may show.
        block: where the code has changed since: seeds of its own keep old and new runs apart.
    """

    number: int
    evidence: int
    flips: int
    began: int
    held: Mapping[str, Level]
    moved: bool
    block: bool = False
    kept: bool = False

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> tuple[Extension, ...]:
        """The extensions of a study, from its manifest."""
        return tuple(
            cls(
                number=number,
                evidence=one["evidence"],
                flips=one["flips"],
                began=one["began"],
                held=one["held"],
                moved=one["moved"],
                block=one.get("block", False),
                kept=one.get("kept", False),
            )
            for number, one in enumerate(manifest.get("extensions", []), start=1)
        )

    def ids(self, count: int) -> list[str]:
        """Ids of its first fresh runs."""
        return [f"more-{self.number:02d}-{place:05d}" for place in range(count)]


def plan_evidence(
    space: SearchSpace, one: Extension, ids: Sequence[str], before: Sequence[FinishedTrial], seed: int, alpha: float
) -> list[PlannedTrial]:
    """The fresh runs of an extension: balanced among themselves, with the study's seeds.

    Args:
        space: the factors.
        one: the extension.
        ids: of the runs; more than it began with where backtracking left some over.
        before: every trial that was recorded before it.
        seed: of the study.
        alpha: error rate behind the failure rules that runs are moved out of.
    """
    free, held = fix(space, one.held)
    design = [seed, DESIGN_SEED + one.number, len(ids)]
    configs = balanced_configs(free, len(ids), hash_of(design), blocks=min(SEED_BLOCKS, len(ids)))
    pool = seed_pool(seed + DESIGN_SEED + one.number if one.block else seed)
    planned = [
        PlannedTrial(identifier, "screen", space.repair({**config, **held}, {}), (pool[block],), MORE)
        for identifier, (config, block) in zip(ids, configs, strict=True)
    ]
    if not one.moved:
        return planned
    rules = all_failure_rules(frame_from(space, trial_rows(space, *before)), alpha)
    return moved_out(space, planned, rules, seed, MORE_REFINED)


def hash_of(numbers: Sequence[int]) -> int:
    """One seed of several numbers, the same everywhere."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + int(number)) % 2**31
    return mixed


def plan_extensions(
    space: SearchSpace,
    extensions: Sequence[Extension],
    finished: Sequence[FinishedTrial],
    running: Collection[PlannedTrial],
    *,
    seed: int,
    metric: str,
    mode: str,
    alpha: float,
) -> FixedPlan | None:
    """What the extensions want next; None where all have come to their end.

    Args:
        space: the factors.
        extensions: in their order.
        finished: every recorded trial.
        running: trials that have been handed out.
        seed, metric, mode, alpha: of the study.
    """
    known = {trial.planned.trial for trial in finished} | {planned.trial for planned in running}
    for one in extensions:
        own = {*one.ids(one.evidence + one.flips)}
        before = [trial for trial in finished if not _is_later(trial.planned, one)]
        first = one.ids(one.evidence)
        if not known.issuperset(first):
            if any(planned.trial not in own for planned in running):
                return FixedPlan([])
            planned = plan_evidence(space, one, first, before, seed, alpha)
            return FixedPlan([trial for trial in planned if trial.trial not in known])
        if not one.flips:
            continue
        if any(planned.trial in own for planned in running):
            # An investigation reads them; what it finds must not change under it.
            return FixedPlan([])
        plan = _flips(space, one, finished, running, before, seed=seed, metric=metric, mode=mode, alpha=alpha)
        if plan is not None:
            return plan
    return None


def _is_later(planned: PlannedTrial, one: Extension) -> bool:
    """Whether a trial belongs to an extension or to a later one."""
    return planned.part in (MORE, MORE_REFINED) and int(planned.trial.split("-")[1]) >= one.number


def _flips(
    space: SearchSpace,
    one: Extension,
    finished: Sequence[FinishedTrial],
    running: Collection[PlannedTrial],
    before: Sequence[FinishedTrial],
    *,
    seed: int,
    metric: str,
    mode: str,
    alpha: float,
) -> FixedPlan | None:
    """What backtracking wants with the extension's flips; what it leaves over becomes evidence."""
    known = {trial.planned.trial for trial in finished} | {planned.trial for planned in running}
    done = sum(len(trial.planned.seeds) for trial in finished if trial.planned.stage == "backtrack") - one.began
    asked = sum(planned.stage == "backtrack" for planned in running)
    spare = one.ids(one.evidence + one.flips)[one.evidence :]
    if not any(identifier in known for identifier in spare):
        wanted = plan_backtrack(space, finished, one.flips - done, metric, mode, alpha, only_open=one.kept)
        fresh = [planned for planned in wanted if planned.trial not in known][: max(0, one.flips - done - asked)]
        if fresh or asked:
            return FixedPlan(fresh)
    rest = spare[: max(0, one.flips - done)]
    waiting = [identifier for identifier in rest if identifier not in known]
    if not waiting:
        return None
    planned = plan_evidence(space, one, rest, before, seed + 1, alpha)
    return FixedPlan([trial for trial in planned if trial.trial not in known])
