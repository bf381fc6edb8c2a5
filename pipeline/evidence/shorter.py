"""What shorter trainings would have told: the same runs, read before their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy import stats

from backtrack.evidence.analysis import MARGIN, Analysis, answer_of
from backtrack.evidence.curves import paths_of
from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.looking import Look
from backtrack.evidence.responses.responses import gain_of
from backtrack.vocabulary.responses import GAIN

# Shares of a training's reports at which it is read; trainings with fewer reports cannot be read before their end.
SHARES, LEAST_REPORTS = (0.25, 0.5, 0.75), 4
# More runs than these are not judged once more at each share: it would take longer than the report itself.
MOST_RUNS = 1000


@dataclass(frozen=True)
class Shorter:
    """What trainings of a share of the length would have told of the gain.

    Args:
        share: of each training's reports.
        agreement: rank correlation of the runs' results there with those at the end.
        kept: factors that are active at the end and there.
        lost: that are active at the end only.
        new: that are active there only.
        turned: active in both, with another best level there.
    """

    share: float
    agreement: float
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    new: tuple[str, ...]
    turned: tuple[str, ...]


def shorter(analysis: Analysis, curves: pa.Table, metric: str, mode: str) -> list[Shorter]:
    """What the evidence would have told of the gain at each of `SHARES`; empty where trainings report too seldom.

    The metric of each run that trained is read at that share of its reports, and the gain is judged as at the end.

    Args:
        analysis: of the whole runs.
        curves: as `Records.curves` gives them.
        metric, mode: of the task.
    """
    evidence = analysis.frame.of_stages()
    evidence = evidence.rows(~evidence.failed & np.isfinite(evidence.value))
    if len(evidence) > MOST_RUNS:
        evidence = evidence.rows(np.sort(np.random.default_rng(0).permutation(len(evidence))[:MOST_RUNS]))
    paths = paths_of(curves, metric)
    lengths = [len(paths.get(run, ())) for run in _runs(evidence)]
    if len(lengths) < 8 or float(np.median(lengths)) < LEAST_REPORTS:
        return []
    look = analysis.look or Look(1, analysis.alpha, analysis.alpha, analysis.alpha, {})
    at_the_end = analysis.responses[GAIN]
    if len(evidence) == MOST_RUNS:
        # The same runs at both moments: with all of them more would be seen at the end.
        at_the_end, _ = answer_of(gain_of(evidence, metric, mode), replace(look, decided={}), MARGIN)
    whole = {effect.factor.name: effect for effect in at_the_end.factors}
    active = [name for name, effect in whole.items() if effect.verdict == "active"]
    found = []
    for share in SHARES:
        early = replace(evidence, value=_values_at(evidence, paths, share))
        kept = early.rows(np.isfinite(early.value))
        answer, _ = answer_of(gain_of(kept, metric, mode), replace(look, decided={}), MARGIN)
        there = {effect.factor.name: effect for effect in answer.factors}
        own = [name for name, effect in there.items() if effect.verdict == "active"]
        known = np.isfinite(early.value)
        found.append(
            Shorter(
                share=share,
                agreement=float(stats.spearmanr(early.value[known], evidence.value[known]).statistic),
                kept=tuple(name for name in active if name in own),
                lost=tuple(name for name in active if name not in own),
                new=tuple(name for name in own if name not in active),
                turned=tuple(
                    name for name in active if name in own and there[name].best_level != whole[name].best_level
                ),
            )
        )
    return found


def _runs(frame: Frame) -> list[tuple[str, int]]:
    return [(str(trial), int(seed)) for trial, seed in zip(frame.trial, frame.seed, strict=True)]


def _values_at(frame: Frame, paths: Mapping[tuple[str, int], Sequence[tuple[float, float]]], share: float) -> Floats:
    """(n,) the metric at a share of each run's reports; NaN where a run has none."""
    values = []
    for run in _runs(frame):
        path = paths.get(run, ())
        values.append(float(path[max(0, int(np.ceil(share * len(path))) - 1)][1]) if len(path) else np.nan)
    return np.array(values, dtype=np.float64)
