"""What is known of each config and seed, and what would have to be run to know more."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from backtrack.records.rows import config_of
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import EXTENSION, MORE, MORE_REFINED, PROBE
from backtrack.vocabulary.space import SearchSpace

# A test of a config ends when either answer is this many times as likely as the other (Wald 1945: it then errs with
# probability of at most about 1 / ODDS), or after so many runs.
ODDS, MOST_RUNS = 19.0, 8
# Rates are held inside these bounds, so that no single run decides.
SUREST, LEAST = 0.9, 0.05
# The outcome that stands for "learns, but worse than three quarters of the runs" where nothing fails.
LOW_GAIN = "low_gain"


@dataclass(frozen=True)
class Run:
    """One training run.

    Args:
        trial, stage, part: where it is recorded.
        config, seed: what was run.
        outcome: as recorded, or `LOW_GAIN`.
        symptoms: that it showed.
        checks: names of those that found something wrong.
        reached: its final metric, larger is better; NaN where it has none.
    """

    trial: str
    stage: str
    part: str
    config: Config
    seed: int
    outcome: str
    symptoms: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reached: float = math.nan

    @property
    def earlier(self) -> bool:
        """Whether it was run before backtracking began."""
        return self.stage != "backtrack" and self.part != EXTENSION

    @property
    def first(self) -> bool:
        """Whether it was run before backtracking began, and before the study was extended."""
        return self.earlier and self.part not in (MORE, MORE_REFINED)


@dataclass(frozen=True)
class Wanted:
    """A run that an investigation wants.

    Args:
        config, seed: what is to be run.
        part: PROBE (does this config fail?) or FLIP (a cause put in, or taken out).
        question: the suspected cause, in words.
    """

    config: Config
    seed: int
    part: str = PROBE
    question: str = ""


class NotRun(Exception):
    """An answer needs runs that nobody has done."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        super().__init__(f"{len(wanted)} runs are missing")
        self.wanted = tuple(wanted)


@dataclass
class Laboratory:
    """Answers questions about configs from the runs that are recorded; never runs anything itself.

    Because its answers depend on the records only, an investigation that stops at `NotRun` can be started again from
    its beginning when more is recorded, and comes to the same place: that is how an interrupted sweep goes on.

    Args:
        space: the factors.
        runs: what is recorded.
        seeds: of the study, ascending; tests use them in this order, so that configs are compared with the same luck.
        question: the suspected cause, in words; runs that are wanted carry it.
        used: how many runs the answers so far rest on.
        tried: configs that were judged, with the answers, in order.
    """

    space: SearchSpace
    runs: Sequence[Run]
    seeds: tuple[int, ...]
    question: str = ""
    used: int = 0
    tried: list[tuple[Config, bool]] = field(default_factory=list)
    _known: dict[tuple[Config, int], Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for run in self.runs:
            self._known.setdefault((run.config, run.seed), run)

    def look(self, wanted: Sequence[tuple[Config, int]], part: str = PROBE) -> list[Run]:
        """The run of each `(config, seed)`; `part` says what is asked of them.

        Raises:
            NotRun: naming those that are not recorded.
        """
        missing = list(dict.fromkeys(pair for pair in wanted if pair not in self._known))
        if missing:
            raise NotRun([Wanted(config, seed, part, self.question) for config, seed in missing])
        self.used += len(wanted)
        return [self._known[pair] for pair in wanted]

    def fails(self, config: Config, outcomes: Collection[str], rates: tuple[float, float]) -> bool:
        """Whether `config` ends in `outcomes` as often as the suspected cause does, or as seldom as others do.

        Wald's sequential test of two rates, seed by seed: it ends when one is `ODDS` times as likely. A cause that
        fails nearly always takes two runs, one that fails half the time four or five.

        Args:
            config: to be judged.
            outcomes: that are meant by failing.
            rates: of `outcomes` (with the cause, without it), as the earlier stages saw them.

        Raises:
            NotRun: as `look`.
        """
        high, low = clipped(rates)
        step = {True: math.log(high / low), False: math.log((1 - high) / (1 - low))}
        # How many runs it takes at least; they are asked for together, so that workers do not wait.
        least = math.ceil(math.log(ODDS) / max(step[True], -step[False]))
        seeds = list(self.seeds) + [self.seeds[-1] + 1 + extra for extra in range(MOST_RUNS)]
        score, votes = 0.0, 0
        while abs(score) < math.log(ODDS) and votes < MOST_RUNS:
            for run in self.look([(config, seed) for seed in seeds[votes : votes + (1 if votes else least)]]):
                score += step[run.outcome in outcomes]
                votes += 1
        self.tried.append((config, score > 0))
        return score > 0


def clipped(rates: tuple[float, float]) -> tuple[float, float]:
    """Rates of an outcome (with a cause, without it) that are sure enough to judge by, and apart."""
    high = float(np.clip(rates[0], 0.3, SUREST))
    return high, float(np.clip(rates[1], LEAST, high / 2))


def runs_of(space: SearchSpace, trials: pa.Table, mode: str) -> list[Run]:
    """The recorded runs; where no training of the screen failed, the worst quarter counts as `LOW_GAIN`.

    Args:
        space: the factors.
        trials: as `Records.trials` gives them.
        mode: of the task.
    """
    runs = []
    values = []
    sign = 1.0 if mode == "max" else -1.0
    for row in trials.to_pylist():
        symptoms = tuple(row["symptoms"] or ())
        runs.append(
            Run(
                trial=row["trial"],
                stage=row["stage"],
                part=row["part"],
                config=config_of(space, row),
                seed=int(row["seed"]),
                outcome=row["outcome"],
                symptoms=symptoms,
                checks=tuple(row["checks"] or ()),
                reached=math.nan if row["value"] is None else sign * row["value"],
            )
        )
        values.append(row["value"])
    first = [(run, value) for run, value in zip(runs, values, strict=True) if run.stage == "screen" and run.earlier]
    if not first or any(run.outcome != "ok" for run, _ in first):
        return runs
    known = sorted(sign * value for _, value in first if value is not None and math.isfinite(value))
    if len(known) < 8 or known[0] == known[-1]:
        return runs
    bar = known[len(known) // 4]
    return [
        replace(run, outcome=LOW_GAIN) if run.outcome == "ok" and value is not None and sign * value < bar else run
        for run, value in zip(runs, values, strict=True)
    ]
