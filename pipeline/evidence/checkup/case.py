"""One training under a checkup: its runs, what can be changed, and a scale on which more is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from backtrack.evidence.checkup.luck import (
    PAIR,
    beyond_counting,
    beyond_luck,
    beyond_runs,
    is_better,
    later_half,
    learns_labels,
    loss_at_start,
)
from backtrack.evidence.checkup.option import Option
from backtrack.task.intervention import CONTROL, PROBE, REPAIR
from backtrack.vocabulary.crashes import crash_kind
from backtrack.vocabulary.finding import UNUSUAL, WRONG, Finding
from backtrack.vocabulary.plan import WRITTEN

# Values that are all positive and this many times apart are compared by their logarithms, where less is better.
WIDE = 10.0
# Share of the way from chance to the best that a training has to go: on the metric's scale, and on the logarithm's.
FAR, FAR_BY_LOGARITHM = 1 / 3, 0.25
# Of a share of right answers, whose best is known, it has to go further, unless it ends well all the same. Beside
# another seed, which differs by luck as well, it may stay farther behind.
FAR_OF_A_SHARE, BESIDE_A_SEED, WELL = 0.75, 0.6, 0.75
# An error that another run makes so many times smaller shows no learning, wherever chance ends: controls explode too.
ASTRAY = 1e4
# What a case shows whose runs as written fall below chance: a sign that interventions may point at.
WORSE_THAN_CHANCE = "worse_than_chance"
# Share of chance that a last printed digit may be: .9996 is not worse than .9995.
PRINTED = 0.01
# Signs that what a net gets does not come through it, the most certain first.
SHUT = ("constant_output", "output_ignores_input", "vanishing_gradient")
# The control that makes no step.
UNTRAINED = "steps"
# Runs as written, and controls, of which all of the former lie above all of the latter in one deal of 20 by luck, and
# share of the way from luck to perfect that each of them goes at least.
LEAST_CLEAR, WELL_ON = 3, 0.25
# The ceiling of a metric that counts in percent.
PERCENT = 100.0
# A share above 1 is none of a percentage where no run goes beyond this.
FEW_PERCENT = 5.0
# Probes: of a net on one batch alone, and of the loss of training examples that it never trains on.
ONE_BATCH, HELD_BACK = "one_batch", "held_back"

Changes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CheckedRun:
    """One run of a checkup.

    Args:
        trial, seed, part, outcome, symptoms, findings, error: as recorded.
        changes: what was changed in it; empty for a run as written.
        value: of the metric; None where it has none.
        reports: the metric over time.
        losses: of the training over time, where it says them; begun: the loss of its first step; NaN where not seen.
        crash: what it said where it crashed, with its place; empty elsewhere.
    """

    trial: str
    seed: int
    part: str
    outcome: str
    changes: Changes
    value: float | None
    symptoms: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: str = ""
    reports: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    crash: str = ""
    begun: float = math.nan


@dataclass(frozen=True)
class Case:
    """What a checkup knows so far.

    Args:
        runs: all but the later ones; options: what can be changed.
        mode: "min" or "max"; chance: the metric of a training that has learnt nothing, where somebody gave it.
        alpha: error rate of what is called verified.
        improve: whether it is asked what a sound training could still gain.
        is_share: whether the metric is a share of right answers, by its name.
        is_of_variance: whether it is the share of a variance that is explained, which is 1 at best and may be negative.
        guessed: the share of right answers that a guess among the classes of the loss has; 0 where not known.
        later: runs of the training with what mends it, and something else changed beside: no evidence of what mends it.
    """

    runs: Sequence[CheckedRun]
    options: Sequence[Option]
    mode: str
    chance: float | None = None
    alpha: float = 0.05
    improve: bool = False
    is_share: bool = False
    is_of_variance: bool = False
    guessed: float = 0.0
    later: Sequence[CheckedRun] = ()

    @property
    def written(self) -> list[CheckedRun]:
        """Runs as written, the first ones first."""
        return [run for run in self.runs if not run.changes]

    @property
    def first(self) -> list[CheckedRun]:
        """Runs as written that came before anything else."""
        return self.of((), WRITTEN)

    @property
    def controlled(self) -> list[CheckedRun]:
        """Runs that cannot learn, whatever else is changed in them."""
        return self._of_kind(CONTROL)

    @property
    def controls(self) -> list[CheckedRun]:
        """Those in which nothing else is changed."""
        return [run for run in self.controlled if len(run.changes) == 1]

    @cached_property
    def at_chance(self) -> list[CheckedRun]:
        """The controls that say what chance is: those whose labels mean nothing, else untrained nets.

        Where a loss is written by hand, nobody sees its labels: inputs that change places stand in for these. A loss
        that has no labels, as a density's, is learnt all the same. So where these runs reach a smaller metric than
        untrained nets, and as small a loss as with labels, or crash, they are no control, and untrained nets are.
        """
        mixed = [run for run in self.controls if run.changes[0][0] != UNTRAINED and run.value is not None]
        untrained = [run for run in self.controls if run.changes[0][0] == UNTRAINED]
        if mixed and untrained and self.mode == "min":
            late = self._late(mixed)
            luck = [self.scored(value) for run in untrained for value in run.reports]
            losses = [[run.losses for run in runs] for runs in (self.first, mixed)]
            if is_better(late, luck) and not learns_labels(*losses):
                return untrained
        return mixed or untrained

    @property
    def repairs(self) -> list[Option]:
        """Options that a checkup tries; parts of levels come later."""
        return [one for one in self.options if one.kind == REPAIR and not one.part_of and self.is_wanted(one)]

    def is_wanted(self, option: Option) -> bool:
        """Whether something points at an option that takes a suspicion; whether it is there, of others."""
        return not (option.on_suspicion and self._suspicions.isdisjoint([*option.answers, *option.points]))

    @cached_property
    def _suspicions(self) -> set[str]:
        return self.signs | set(self.unusual)

    @cached_property
    def unusual(self) -> dict[str, Finding]:
        """`{check: finding}` of what half of the runs as written show, or more, and may be meant."""
        return self._found_by_half(UNUSUAL)

    @property
    def probes(self) -> list[CheckedRun]:
        """Runs that ask something which no repair answers."""
        return self._of_kind(PROBE)

    def probe(self, name: str, beside: Changes = ()) -> CheckedRun | None:
        """The run that asked one of these, with its losses, and changed nothing else but this; None where none did."""
        asked = (run for run in self.probes if name in dict(run.changes) and len(run.losses) > 1)
        return next((run for run in asked if {one for one in run.changes if one[0] != name} == {*beside}), None)

    @property
    def signs(self) -> set[str]:
        """Checks that found a fault, symptoms of the first runs, and whether these fall below chance."""
        symptoms = {symptom for run in self.first for symptom in run.symptoms}
        return {*self.wrong, *symptoms, *([WORSE_THAN_CHANCE] if self.worse_than_chance else [])}

    @property
    def shut(self) -> str:
        """The most certain sign that what the net gets does not come through it; empty where there is none."""
        sign = next((sign for sign in SHUT if sign in self.signs), "")
        # That nothing at all comes back says more than that little does.
        return "zero_gradient" if sign == "vanishing_gradient" and "zero_gradient" in self.wrong else sign

    @property
    def worse_than_chance(self) -> bool:
        """Whether the runs as written end where luck does not reach down: half of them, or more."""
        late = self._late(self.at_chance)
        finals = [score for score in map(self.score, self.first) if math.isfinite(score)]
        if not late or not finals or not all(map(math.isfinite, late)):
            return False
        if self.has_untrained and self.open_ended:
            # A return: what untrained nets get moves far, and all of it may lie above what was learnt.
            own = self._late(self.first)
            return median(own) < min(late) and is_better(late, own)
        # As far below the lowest report of chance as luck moves these; by more than the digits that a program prints.
        low = 2 * min(late) - median(late) - PRINTED * abs(median(late))
        return sum(score < low for score in finals) * 2 > len(self.first)

    def _of_kind(self, kind: str) -> list[CheckedRun]:
        names = {option.name for option in self.options if option.kind == kind}
        return [run for run in self.runs if names & dict(run.changes).keys()]

    def of(self, changes: Changes, part: str = "") -> list[CheckedRun]:
        """Runs with exactly these changes."""
        return [run for run in self.runs if run.changes == changes and (not part or run.part == part)]

    @cached_property
    def crash(self) -> str:
        """What every run as written says that crashes, where all of them do, and alike; else empty."""
        said = [run.crash for run in self.first]
        return said[0] if said and all(said) and len(set(map(crash_kind, said))) == 1 else ""

    @property
    def always_crashes(self) -> bool:
        """Whether every run so far crashes as the runs as written do, whatever was changed in it."""
        kind = crash_kind(self.crash)
        return bool(self.crash) and all(crash_kind(run.crash) == kind for run in self.runs if run.changes)

    @cached_property
    def _finals(self) -> list[float]:
        return sorted(run.value for run in self.runs if run.value is not None and math.isfinite(run.value))

    @cached_property
    def logarithmic(self) -> bool:
        """Whether values are compared by their logarithms."""
        return self.mode == "min" and bool(self._finals) and 0 < WIDE * self._finals[0] < self._finals[-1]

    def scored(self, value: float | None) -> float:
        """A value on a scale where more is better; minus infinity for none."""
        if value is None or not math.isfinite(value):
            return -math.inf
        if self.logarithmic:
            # A report on the way, or a run beside a repair, may reach 0, which has no logarithm.
            return -math.log(value if value > 0 else self._finals[0])
        return value if self.mode == "max" else -value

    def score(self, run: CheckedRun) -> float:
        """What a run reached, on that scale; a run that ended in a fault reached nothing."""
        lost = run.outcome in ("crashed", "diverged", "out_of_memory", "timed_out")
        return -math.inf if lost or self.is_beyond_a_share(run) else self.scored(run.value)

    @cached_property
    def bar(self) -> float:
        """What a training that learns nothing reaches at best, as a score; minus infinity where it is not known."""
        return self._bar_of(self.at_chance)

    def _bar_of(self, controls: Sequence[CheckedRun]) -> float:
        known = self.scored(self.start_loss if self.chance is None else self.chance)
        luck = [[*map(self.scored, run.reports)] for run in controls]
        counted = beyond_counting([value for one in luck for value in one], _values_of(self.runs), self.ceiling)
        return max(known, beyond_luck(luck, self.ceiling), counted if self.is_share else -math.inf)

    def bar_of(self, changes: Changes) -> float:
        """What luck reaches with these changes: by controls with them, where there are two."""
        own = self.paired(changes)
        return self.bar if len(own) < PAIR else max([*self.luck, self._bar_of(own)])

    @cached_property
    def luck(self) -> list[float]:
        """The scores of all reports of chance."""
        return [self.scored(value) for run in self.at_chance for value in run.reports]

    def paired(self, changes: Changes) -> list[CheckedRun]:
        """Controls with these changes beside; none for none."""
        both = [run for run in self.controlled if 1 < len(run.changes) == len(changes) + 1]
        return [run for run in both if {*changes} < {*run.changes}]

    @cached_property
    def largest_share(self) -> float:
        """What a share of right answers cannot be above: 1 where the runs as written stay below; else infinity."""
        own = _values_of(self.written)
        # A percentage that is mended from below 1 goes further than that.
        few = self.is_share and bool(own) and max(_values_of(self.runs)) <= FEW_PERCENT
        return 1.0 if few and max(own) <= 1 else math.inf

    def is_beyond_a_share(self, run: CheckedRun) -> bool:
        """Whether it is a changed run in which a share of right answers comes out above 1."""
        return bool(run.changes) and run.value is not None and run.value > self.largest_share

    @cached_property
    def ceiling(self) -> float:
        """The best that the metric can be, as a score, where that can be seen: 1 of a share, 100 of a percentage."""
        values = _values_of([run for run in self.runs if not self.is_beyond_a_share(run)])
        finite = [value for value in values if math.isfinite(value)]
        if self.mode != "max" or not finite or min(finite) < 0 or max(finite) > PERCENT:
            return math.inf
        if max(finite) <= 1:
            return 1.0
        # A return of 24 is no percentage.
        return PERCENT if max(finite) > PERCENT / 2 else math.inf

    @cached_property
    def chance_score(self) -> float:
        """What chance reaches on average, as a score; minus infinity where it is not known."""
        if self.chance is not None:
            return self.scored(self.chance)
        finals = [self.score(run) for run in self.at_chance]
        finals = [score for score in finals if math.isfinite(score)]
        if not finals:
            return -math.inf
        # A net that hardly moves answers as it was made, which may be worse than guessing. (Where no report of chance
        # comes up to a guess among the loss's classes, these are not what the metric counts.)
        is_known = self.is_share and math.isfinite(self.ceiling)
        guess = min(self.guessed * self.ceiling, max(self.luck, default=-math.inf)) if is_known else -math.inf
        return max(median(finals), guess, self.scored(self.start_loss))

    @cached_property
    def start_loss(self) -> float:
        """The metric of a net that makes no step, where that is its loss and controls explode; else infinity."""
        runs = [run for run in (*self.first, *self.at_chance) if self.mode == "min" and run.reports and run.losses]
        begun = [run.begun for run in runs if math.isfinite(run.begun)]
        ends = [(run.reports[-1], run.losses[-1]) for run in runs]
        return loss_at_start(begun, ends, [run.reports[-1] for run in self.at_chance if run.reports])

    @cached_property
    def untrained_score(self) -> float:
        """What untrained nets reach: the best of them where a share has a known best, the worst of an error; or -inf.

        Of other metrics it says little: a return of an untrained agent is all luck.
        """
        scores = [self.score(run) for run in self.controls if run.changes[0][0] == UNTRAINED]
        known = self.mode == "min" or (math.isfinite(self.ceiling) and not self.has_untrained)
        return (min if self.mode == "min" else max)(scores, default=-math.inf) if known else -math.inf

    @property
    def wrong(self) -> dict[str, Finding]:
        """`{check: finding}` of faults that half of the runs as written show, or more."""
        return self._found_by_half(WRONG)

    def _found_by_half(self, weight: str) -> dict[str, Finding]:
        found: dict[str, list[Finding]] = {}
        for run in self.first:
            for check, finding in {one.check: one for one in run.findings if one.weight == weight}.items():
                found.setdefault(check, []).append(finding)
        return {check: findings[0] for check, findings in found.items() if len(findings) * 2 >= len(self.first)}

    def scored_beyond_chance(self, score: float) -> bool:
        """Whether a score is more than chance ever reaches."""
        return math.isfinite(score) and score > self.bar

    @cached_property
    def _is_as_chance(self) -> bool:
        """Whether a run as written says the same as the control under its seed, report by report: steps do nothing."""
        pairs = [(run, one) for run in self.first for one in self.at_chance if run.seed == one.seed and run.reports]
        return bool(pairs) and all(run.reports == one.reports for run, one in pairs)

    @cached_property
    def told_chance(self) -> float:
        """What a training that learns nothing reaches, as it is told; not a number where it is not known."""
        if self.chance is not None:
            return self.chance
        if math.isfinite(self.start_loss):
            return self.start_loss
        values = sorted(run.value for run in self.at_chance if run.value is not None and math.isfinite(run.value))
        return values[len(values) // 2] if values else math.nan

    @cached_property
    def _end_at_chance(self) -> bool:
        """Whether half of the runs as written, or more, end no better than what is told to be chance."""
        finals = [score for score in map(self.score, self.written) if math.isfinite(score)]
        return bool(finals) and median(finals) <= self.scored(self.told_chance)

    def learnt(self, run: CheckedRun) -> bool:
        """Whether a run reached more than chance ever does, or its later reports are better than all luck."""
        if not run.changes and self._is_as_chance:
            return False
        if not run.changes and self._end_at_chance:
            # Their reports on the way may be better than all of luck's: all seeds are judged by the same few examples.
            return self.scored_beyond_chance(self.score(run))
        beyond = self.scored_beyond_chance(self.score(run)) or self._beats_luck(run)
        return beyond or (self._are_all_clear and self._is_clear(run))

    @cached_property
    def _are_all_clear(self) -> bool:
        """Whether each run as written is clear of all luck: then luck that moves far is no reason to doubt them."""
        enough = min(len(self.first), len(self.controls)) >= LEAST_CLEAR
        return enough and math.isfinite(self.ceiling) and all(map(self._is_clear, self.first))

    def _is_clear(self, run: CheckedRun) -> bool:
        """Whether a share goes well on its way from luck to perfect, and lies above all reports of all controls."""
        luck = max((self.scored(value) for one in self.controls for value in one.reports), default=math.inf)
        return self.typical(run) > luck and self.share(self.typical(run), self.ceiling) >= WELL_ON

    @property
    def has_untrained(self) -> bool:
        """Whether what chance reaches was seen of untrained nets, since labels could not be shuffled."""
        return any(run.changes[0][0] == UNTRAINED for run in self.at_chance)

    def _beats_luck(self, run: CheckedRun) -> bool:
        """Whether a run's later reports are better than those of chance by an exact test of ranks.

        The best of many reports says little where luck moves them far: those of an untrained agent, which differ from
        episode to episode; a share of right answers where few groups of inputs get one answer each; a loss of batches
        that differ. Of the latter two a run has to be half-way to perfect as well: next to chance, ranks would make
        much of little. A reward, or a loss that may be negative, has no perfect: what a run reaches there has to be
        more than any later report of luck, by as much as lies between two runs of luck: a seed may draw other data.
        """
        if not math.isfinite(self.score(run)):
            return False
        late = self._late([run])
        clear = self.open_ended and self.typical(run) > self._luck_reaches
        if not (self.has_untrained or self.is_half_way(run) or clear):
            return False
        return is_better(late, self.luck)

    @cached_property
    def _luck_reaches(self) -> float:
        """The best later report of chance, and as much beyond as lies between two runs of it."""
        return beyond_runs([self._late([one]) for one in self.at_chance if one.reports])

    @cached_property
    def open_ended(self) -> bool:
        """Whether the metric has no best value, as a return and a log-likelihood have none."""
        negative = any(value < 0 for run in self.runs for value in run.reports)
        return math.isinf(self.ceiling) and (self.mode == "max" or negative)

    def _late(self, runs: Sequence[CheckedRun]) -> list[float]:
        """The scores of the later half of each run's reports."""
        return [self.scored(value) for run in runs for value in later_half(run.reports)]

    def typical(self, run: CheckedRun) -> float:
        """The median score of a run's later reports: what luck moves less than its last one."""
        late = [score for score in self._late([run]) if math.isfinite(score)]
        return median(late) if late else self.score(run)

    def is_half_way(self, run: CheckedRun) -> bool:
        """Whether a run ends half-way from chance to perfect: to a share of 1, or to a positive loss of 0."""
        luck = [one.value for one in self.at_chance if one.value is not None and math.isfinite(one.value)]
        if not luck or run.value is None:
            return False
        if self.mode == "min":
            reports = [value for one in (*self.at_chance, run) for value in one.reports]
            return min([*luck, *reports], default=-1.0) > 0 and run.value <= median(luck) / 2
        return math.isfinite(self.ceiling) and run.value >= (median(luck) + self.ceiling) / 2

    def share(self, score: float, best: float) -> float:
        """How far a score is on the way from chance to the best, 0 to 1; 1 where chance is not known."""
        low = self.chance_score
        if not math.isfinite(score):
            return 0.0
        if not math.isfinite(low) or best <= low:
            return 1.0
        return max(0.0, min(1.0, (score - low) / (best - low)))

    def is_far(self, score: float, best: float, of_a_share: float = FAR_OF_A_SHARE) -> bool:
        """Whether a score is as far as a sound training would be, where `best` can be reached.

        Args:
            score, best: more is better.
            of_a_share: how much of the way a share of right answers has to go that does not end well.
        """
        if not math.isfinite(score):
            return False
        if not self.logarithmic:
            # (What is explained of a variance falls below chance where a net learns by heart, as no share does.)
            share, top = self.share(score, best), 1.0 if self.is_of_variance else self.ceiling
            # Where chance is near to perfect, the way between them is short: what ends well is not behind.
            behind = math.isfinite(top) and not self.has_untrained and score < WELL * top
            return share >= (of_a_share if behind else FAR)
        if best - score > math.log(ASTRAY):
            return False
        raw = [math.exp(-one) for one in (self.chance_score, score, best)] if math.isfinite(self.chance_score) else []
        linear = (raw[0] - raw[1]) / (raw[0] - raw[2]) if raw and raw[0] > raw[2] else 1.0
        return linear >= FAR and self.share(score, best) >= FAR_BY_LOGARITHM


def _values_of(runs: Sequence[CheckedRun]) -> list[float]:
    """All reports and results of runs."""
    return [value for run in runs for value in (*run.reports, run.value) if value is not None]


def spelled(changes: Changes) -> str:
    """Changes as `name=level`; empty for none."""
    return " and ".join(f"{name}={level}" for name, level in changes)
