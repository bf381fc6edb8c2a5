"""Verifies a cause both ways: put in, it breaks configs that pass; taken out, it mends configs that fail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scipy.stats import binom, binomtest, fisher_exact

from backtrack.evidence.failures.cause import Cause, Flip
from backtrack.evidence.failures.laboratory import SUREST, Laboratory, NotRun, Run, Wanted
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Config, Level
from backtrack.vocabulary.factors import Categorical, Composite
from backtrack.vocabulary.plan import FLIP
from backtrack.vocabulary.space import SearchSpace

# Flips that verify a cause, each way and each on another background; those that mend take out each part once at least.
FLIPS = 3
# Of causes that are what they seem, so many come to their flips within the backgrounds that are tried; at most so many
# are tried.
POWER, MOST_TRIES = 0.97, 12
# Flips that turn so much more seldom than the rule says, by chance, contradict it.
DISAGREE = 0.05
# Flips are planned for no lower rate than this. A failure that no rule is known of counts as (failures, runs).
LEAST_RATE, UNRULED = 0.3, (90, 100)

Change = Callable[[Run, int], tuple[Config | None, Condition | None]]


@dataclass(frozen=True)
class _Way:
    """One of the two ways to verify a cause.

    Args:
        found: the flips so far.
        backgrounds: recorded runs that can be flipped, the preferred first.
        changed: the config of a background with the cause put in, or a part of it taken out, for the n-th flip; None
            where that cannot be. Beside it the part that is taken out.
        stays, wanted: outcomes of the backgrounds, and those that a flip should lead to.
        seen: (runs that ended as a flip should, runs) of the rule's: inside for flips that break, outside for those
            that mend.
        needed: flips that have to turn.
        bar: what the worst healthy run reaches, larger is better: a mended one below it has not come back; NaN where
            that is not asked.
    """

    found: list[Flip]
    backgrounds: Sequence[Run]
    changed: Change
    stays: tuple[str, ...]
    wanted: tuple[str, ...]
    seen: tuple[int, int]
    needed: int
    bar: float = math.nan

    @property
    def tries(self) -> int:
        """Backgrounds to try at most, those aside that then fail in another way."""
        return tries_for(least_rate(*self.seen), self.needed)

    @property
    def failed(self) -> bool:
        """Whether so many stayed as they were that too few of the tries that are left could still turn."""
        return sum(flip.stayed for flip in self.found) > self.tries - self.needed

    @property
    def turned(self) -> int:
        """Flips that turned the outcome."""
        return sum(flip.turned for flip in self.found)

    @property
    def settled(self) -> bool:
        """Whether enough turned, and no part was only taken out once, without bringing its run back."""
        if self.turned < self.needed:
            return False
        told = [flip for flip in self.found if flip.part is not None and (flip.turned or flip.stayed)]
        counts = Counter(flip.part for flip in told)
        return not any(counts[flip.part] == 1 and (flip.stayed or not flip.reached) for flip in told)

    @property
    def agrees(self) -> bool:
        """Whether the flips turned about as often as the rule says."""
        stayed = sum(flip.stayed for flip in self.found)
        table = [[self.turned, stayed], [self.seen[0], self.seen[1] - self.seen[0]]]
        return float(fisher_exact(table, alternative="less").pvalue) >= DISAGREE

    def flip(self, lab: Laboratory, run: Run, config: Config, part: Condition | None) -> None:
        """Compares a background with its changed config, trained with the same seed."""
        after = lab.look([(config, run.seed)], FLIP)[0]
        turned, stayed = after.outcome in self.wanted, after.outcome in self.stays
        reached = not (turned and after.reached < self.bar)
        self.found.append(
            Flip(
                before=run.trial,
                after=after.trial,
                seed=run.seed,
                turned=turned,
                stayed=stayed,
                part=part,
                reached=reached,
            )
        )


def verify(cause: Cause, lab: Laboratory, failing: Sequence[Run], passing: Sequence[Run]) -> None:
    """Puts the cause into configs that pass, and takes it out of configs that fail, each with that run's own seed.

    A cause of several parts is taken out one part at a time, in turn: a repair that nobody tried is none. A part
    without which runs still fail, or do not reach what healthy ones reach, only amplifies the others.

    Args:
        cause: its parts are verified; it gets the flips and the answer.
        lab: asked for the runs.
        failing: runs that fail by the cause's rule.
        passing: runs that no rule covers, and that train.
    """
    ways = _ways(cause, lab, failing, passing)
    missing: list[Wanted] = []
    for way in ways:
        try:
            _flip_enough(way, lab)
        except NotRun as not_run:
            missing += not_run.wanted
    if missing:
        raise NotRun(missing)
    enough = all(way.turned >= way.needed for way in ways)
    cause.verified = enough and all(way.agrees for way in ways)
    # Too few backgrounds leave it open; only flips that failed refute it.
    cause.refuted = any(way.failed for way in ways) or (enough and not cause.verified)
    if cause.verified:
        _under_each_seed(cause, lab, ways)


def _ways(cause: Cause, lab: Laboratory, failing: Sequence[Run], passing: Sequence[Run]) -> tuple[_Way, _Way]:
    space = lab.space
    assert cause.failing is not None and cause.passing is not None

    def has(run: Run) -> bool:
        return all(part.holds(space, run.config) for part in cause.parts)

    def put_in(run: Run, number: int) -> tuple[Config | None, Condition | None]:
        return with_parts(space, run.config, cause.parts, cause.failing, put_in=True, turn=number), None

    def taken_out(run: Run, number: int) -> tuple[Config | None, Condition | None]:
        for shift in range(len(cause.parts)):
            part = cause.parts[(number + shift) % len(cause.parts)]
            config = with_parts(space, run.config, [part], cause.passing, put_in=False)
            if config is not None:
                return config, part
        return None, None

    # Other configs first; where the space has too few, the same ones with other seeds.
    passing = list(dict.fromkeys([*spread_runs(passing), *passing]))
    failing = list(dict.fromkeys([*spread_runs(failing), *failing]))
    healthy = [run.reached for run in passing if not has(run) and math.isfinite(run.reached)]
    inside, outside = (cause.rule.inside, cause.rule.outside) if cause.rule else (UNRULED, (0, UNRULED[1]))
    broken = _Way(
        found=cause.broke,
        backgrounds=[run for run in passing if not has(run) and run != cause.passing],
        changed=put_in,
        stays=("ok",),
        wanted=cause.outcomes,
        seen=inside,
        needed=FLIPS,
    )
    mended = _Way(
        found=cause.mended,
        backgrounds=[run for run in failing if has(run) and run != cause.failing],
        changed=taken_out,
        stays=cause.outcomes,
        wanted=("ok",),
        # Without its cause a failing config fails as seldom as others do.
        seen=(outside[1] - outside[0], outside[1]),
        needed=max(FLIPS, len(cause.parts)),
        bar=min(healthy, default=math.nan),
    )
    return broken, mended


def _flip_enough(way: _Way, lab: Laboratory) -> None:
    """Flips one background after another, until enough turned or too few can.

    Raises:
        NotRun: naming the flips that are wanted next; those that are recorded already are in `way.found`.
    """
    pairs = ((run, *way.changed(run, number)) for number, run in enumerate(way.backgrounds))
    usable = list(islice(((run, config, part) for run, config, part in pairs if config is not None), MOST_TRIES))
    for number, (run, config, part) in enumerate(usable):
        if way.settled or way.failed:
            return
        try:
            way.flip(lab, run, config, part)
        except NotRun:
            # The next few are wanted anyway: ask for them together, so that workers do not wait.
            lab.look([(c, r.seed) for r, c, _ in usable[number : number + max(1, way.needed - way.turned)]], FLIP)
            raise


def least_rate(turned: int, runs: int) -> float:
    """A rate that the true one is hardly below (Wilson's interval at `POWER`), and none that a single run decides."""
    low = float(binomtest(turned, runs).proportion_ci(2 * POWER - 1, "wilson").low) if runs else 0.0
    return min(max(low, LEAST_RATE), SUREST)


def tries_for(rate: float, needed: int = FLIPS) -> int:
    """Backgrounds to try for flips that come at a rate: a share `POWER` of true causes then comes to `needed` flips."""
    most = max(MOST_TRIES, needed)
    return next((n for n in range(needed, most) if binom.sf(needed - 1, n, rate) >= POWER), most)


def _under_each_seed(cause: Cause, lab: Laboratory, ways: Sequence[_Way]) -> None:
    """Flips with those of the study's seeds that verified nothing yet; what is missing for it is in `cause.further`.

    They change no verdict: they say how far it depends on the luck of a seed.
    """
    for way in ways:
        flipped = {flip.seed for flip in way.found}
        for seed in lab.seeds:
            usable = (
                (run, *way.changed(run, number))
                for number, run in enumerate(way.backgrounds)
                if run.seed == seed and seed not in flipped
            )
            for run, config, part in usable:
                if config is None or any(flip.before == run.trial for flip in way.found):
                    continue
                try:
                    way.flip(lab, run, config, part)
                except NotRun as missing:
                    cause.further += missing.wanted
                break


def with_parts(
    space: SearchSpace, config: Config, parts: Sequence[Condition], donor: Run | None, put_in: bool, turn: int = 0
) -> Config | None:
    """`config` with the parts put in, or taken out; None where a condition keeps it from existing there.

    Args:
        space: the factors.
        config: to be changed.
        parts: of a cause.
        donor: gives the levels that are put in; of a part with several levels one after another is put in.
        put_in: whether the parts are put in.
        turn: counts such configs.
    """
    assert donor is not None
    levels: dict[str, Any] = dict(config)
    for part in parts:
        name, _, component = part.factor.partition(".")
        factor = space[name]
        if name not in levels and factor.when and put_in:
            # The cause lives under a condition: the donor's parents come with it.
            levels.update({parent: donor.config[parent] for parent in factor.when if parent in donor.config})
        if component and isinstance(factor, Composite):
            own = factor.parts(str(levels.get(name, donor.config[name])))
            own[component] = part.level if put_in or part.mends is None else part.mends  # type: ignore[assignment]
            levels[name] = factor.mixture(own)
        elif put_in:
            levels[name] = _bad_level(space, part, donor, turn)
        else:
            if part.mends is None:
                return None
            levels[name] = part.mends
    changed = space.repair(levels, donor.config)
    held = all(part.holds(space, changed) for part in parts)
    return changed if held == put_in else None


def _bad_level(space: SearchSpace, part: Condition, donor: Run, turn: int) -> Level:
    """A level that meets a part: the donor's, or in turn each of those that the part means."""
    factor = space[part.factor]
    if isinstance(factor, Categorical) and part.sign != "=":
        meant = [level for level in factor.levels if part.means(level)]
        return meant[turn % len(meant)]
    return donor.config[part.factor]


def spread_runs(runs: Sequence[Run]) -> list[Run]:
    """One run a config, in the order of the records, those of the screen first: they differ most."""
    seen: dict[Config, Run] = {}
    for run in sorted(runs, key=lambda run: run.stage != "screen"):
        seen.setdefault(run.config, run)
    return list(seen.values())
