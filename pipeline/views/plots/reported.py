"""What a task reports beside its metric, over training: a panel a number, a line a level."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.curves import Paths
from backtrack.evidence.frame import INACTIVE
from backtrack.views.ink import FAINT, INK, LINES
from backtrack.views.plots.drawing import apart, finite_paths_of
from backtrack.vocabulary.factors import Numeric

# The losses have their own rules (symptoms); groups of the metric their own table.
ELSEWHERE = {"loss", "valid_loss"}
MOST_PANELS = 6


def reported_figure(analysis: Analysis, curves: pa.Table, metric: str, unit: str = "epoch") -> Figure | None:
    """Every other number over epochs, as the mean of the runs at each level of the factor that it differs most by.

    That factor is the one whose levels explain the largest share of the variance of the last values (η², in the screen
    where there is one); nothing is tested here. None where the task reports nothing else.

    Args:
        analysis: of the runs.
        curves: as `Records.curves` gives them.
        metric: the task's; it has plots of its own.
    """
    names = sorted(
        name
        for name in curves["name"].unique().to_pylist()
        if "/" not in name and name != metric and name not in ELSEWHERE
    )[:MOST_PANELS]
    panels = [(name, finite_paths_of(curves, name)) for name in names]
    panels = [(name, paths) for name, paths in panels if any(len(path) > 1 for path in paths.values())]
    if not panels:
        return None
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 2.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, paths) in zip(grid.flat, panels, strict=False):
        _panel(axes, name, paths, analysis, unit)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    return figure


def _panel(axes: Axes, name: str, paths: Paths, analysis: Analysis, unit: str) -> None:
    factor, level_of = _separating(paths, analysis)
    levels = sorted(set(level_of.values()))
    notes = []
    for level, ink in zip(levels[: len(LINES)], LINES, strict=False):
        points: dict[float, list[float]] = {}
        for key, path in paths.items():
            if level_of.get(key) == level:
                for epoch, value in path:
                    points.setdefault(epoch, []).append(value)
        if not points:
            # Every run of this level ended before it reported the number.
            continue
        epochs = sorted(points)
        means = [float(np.mean(points[epoch])) for epoch in epochs]
        axes.plot(epochs, means, color=ink, linewidth=1.8, marker="o", markersize=3)
        notes.append((means[-1], level, ink))
    for height, (_, text, ink) in zip(apart([note[0] for note in notes], axes.get_ylim()), notes, strict=True):
        axes.annotate(text, (1.02, height), xycoords=("axes fraction", "data"), color=ink, fontsize=8.5, va="center")
    axes.set_title(f"{name}, by {factor}" if factor else name, fontsize=10, loc="left", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(unit)
    axes.spines["left"].set_color(FAINT)


def _separating(paths: Paths, analysis: Analysis) -> tuple[str, dict[tuple[str, int], str]]:
    """The factor with the largest η² of the last values, and `{(trial, seed): its level}`; "" and one level without."""
    frame = analysis.frame
    rows = frame.stage == "screen" if (frame.stage == "screen").any() else np.ones(len(frame), bool)
    keys = [(str(trial), int(seed)) for trial, seed in zip(frame.trial, frame.seed, strict=True)]
    last = np.array([paths[key][-1][1] if paths.get(key) else np.nan for key in keys])
    rows = rows & np.isfinite(last)
    best = (0.0, "")
    for factor in frame.space:
        column = frame.levels[factor.name]
        known = rows & frame.active(factor)
        if isinstance(factor, Numeric) or known.sum() < 3 or np.ptp(last[known]) == 0:
            continue
        values = last[known]
        groups = [values[column[known] == level] for level in np.unique(column[known])]
        between = sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups)
        # Of the runs that have it, times how many those are: a factor of a few runs separates only them.
        share = float(between / ((values - values.mean()) ** 2).sum() * known.sum() / rows.sum())
        best = max(best, (share, factor.name))
    if not best[1]:
        return "", dict.fromkeys(keys, "all runs")
    column = frame.levels[best[1]]
    return best[1], {key: str(level) for key, level in zip(keys, column, strict=True) if str(level) != INACTIVE}
