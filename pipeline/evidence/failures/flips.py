"""Verifies a cause both ways: put in, it breaks configs that pass; taken out, it mends configs that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scipy.stats import binom

from backtrack.evidence.failures.cause import Cause, Flip
from backtrack.evidence.failures.laboratory import Laboratory, NotRun, Run, Wanted, clipped
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.factors import Composite
from backtrack.vocabulary.plan import FLIP
from backtrack.vocabulary.space import SearchSpace

# Flips that verify a cause, each way and each on another background.
FLIPS = 3
# Of causes that are what they seem, so many come to their flips within the backgrounds that are tried; at most so many
# are tried.
POWER, MOST_TRIES = 0.97, 12


@dataclass(frozen=True)
class _Way:
    """One of the two ways to verify a cause.

    Args:
        found: the flips so far.
        backgrounds: recorded runs that can be flipped, the preferred first.
        changed: the config of a background with the cause put in, or taken out; None where that cannot be.
        outcome: of the backgrounds.
        wanted: the outcome that a flip should lead to.
        tries: backgrounds to try at most, those aside that then fail in another way.
    """

    found: list[Flip]
    backgrounds: Sequence[Run]
    changed: Callable[[Run], Config | None]
    outcome: str
    wanted: str
    tries: int

    @property
    def failed(self) -> bool:
        """Whether so many stayed as they were that too few of the tries that are left could still turn."""
        return sum(flip.stayed for flip in self.found) > self.tries - FLIPS

    @property
    def turned(self) -> int:
        """Flips that turned the outcome."""
        return sum(flip.turned for flip in self.found)

    def flip(self, lab: Laboratory, run: Run, config: Config) -> None:
        """Compares a background with its changed config, trained with the same seed."""
        after = lab.look([(config, run.seed)], FLIP)[0]
        turned, stayed = after.outcome == self.wanted, after.outcome == self.outcome
        self.found.append(Flip(run.trial, after.trial, run.seed, turned, stayed))


def verify(cause: Cause, lab: Laboratory, failing: Sequence[Run], passing: Sequence[Run]) -> None:
    """Puts the cause into configs that pass, and takes it out of configs that fail, each with that run's own seed."""
    space = lab.space
    assert cause.failing is not None and cause.passing is not None

    def has(run: Run) -> bool:
        return all(part.holds(space, run.config) for part in cause.parts)

    # Other configs first; where the space has too few, the same ones with other seeds.
    passing = list(dict.fromkeys([*spread_runs(passing), *passing]))
    failing = list(dict.fromkeys([*spread_runs(failing), *failing]))
    others = [run for run in passing if not has(run) and run != cause.passing]
    with_it, without = clipped(cause.rates)
    ways = (
        _Way(
            found=cause.broke,
            backgrounds=others,
            changed=lambda run: with_parts(space, run.config, cause.parts, cause.failing, put_in=True),
            outcome="ok",
            wanted=cause.outcome,
            tries=tries_for(with_it),
        ),
        _Way(
            found=cause.mended,
            backgrounds=[run for run in failing if has(run) and run != cause.failing],
            changed=lambda run: with_parts(space, run.config, cause.parts, cause.passing, put_in=False),
            outcome=cause.outcome,
            wanted="ok",
            # Without its cause a failing config fails as seldom as others do.
            tries=tries_for(1 - without),
        ),
    )
    missing: list[Wanted] = []
    for way in ways:
        pairs = ((run, way.changed(run)) for run in way.backgrounds)
        usable = list(islice(((run, config) for run, config in pairs if config is not None), MOST_TRIES))
        try:
            for number, (run, config) in enumerate(usable):
                if way.turned >= FLIPS or way.failed:
                    break
                # The next few are wanted anyway: ask for them together, so that workers do not wait.
                lab.look([(c, r.seed) for r, c in usable[number : number + FLIPS - way.turned]], FLIP)
                way.flip(lab, run, config)
        except NotRun as not_run:
            missing += not_run.wanted
    if missing:
        raise NotRun(missing)
    cause.verified = all(way.turned >= FLIPS for way in ways)
    # Too few backgrounds leave it open; only flips that failed refute it.
    cause.refuted = any(way.failed for way in ways)
    if cause.verified:
        _under_each_seed(cause, lab, ways)


def tries_for(rate: float) -> int:
    """Backgrounds to try for flips that come at a rate: a share `POWER` of true causes then comes to `FLIPS`."""
    return next((n for n in range(FLIPS, MOST_TRIES) if binom.sf(FLIPS - 1, n, rate) >= POWER), MOST_TRIES)


def _under_each_seed(cause: Cause, lab: Laboratory, ways: Sequence[_Way]) -> None:
    """Flips with those of the study's seeds that verified nothing yet; what is missing for it is in `cause.further`.

    They change no verdict: they say how far it depends on the luck of a seed.
    """
    for way in ways:
        flipped = {flip.seed for flip in way.found}
        for seed in lab.seeds:
            usable = ((run, way.changed(run)) for run in way.backgrounds if run.seed == seed and seed not in flipped)
            for run, config in usable:
                if config is None or any(flip.before == run.trial for flip in way.found):
                    continue
                try:
                    way.flip(lab, run, config)
                except NotRun as missing:
                    cause.further += missing.wanted
                break


def with_parts(
    space: SearchSpace, config: Config, parts: Sequence[Condition], donor: Run | None, put_in: bool
) -> Config | None:
    """`config` with the parts put in, or taken out; None where a condition keeps it from existing there."""
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
            own[component] = part.level if put_in or part.mends is None else part.mends
            levels[name] = factor.mixture(own)
        elif put_in:
            levels[name] = donor.config[name]
        else:
            if part.mends is None:
                return None
            levels[name] = part.mends
    changed = space.repair(levels, donor.config)
    held = all(part.holds(space, changed) for part in parts)
    return changed if held == put_in else None


def spread_runs(runs: Sequence[Run]) -> list[Run]:
    """One run a config, in the order of the records, those of the screen first: they differ most."""
    seen: dict[Config, Run] = {}
    for run in sorted(runs, key=lambda run: run.stage != "screen"):
        seen.setdefault(run.config, run)
    return list(seen.values())
