"""The report's pictures: drawn by matplotlib, the same bytes for the same analysis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.failures.cause import Cause
from backtrack.views.ink import FAINT, GRID, INK, OUTCOME_INK, VERDICT_INK
from backtrack.views.plots.claims import claim_figure
from backtrack.views.plots.drawing import STYLE, apart, finite_paths_of, png
from backtrack.views.plots.reported import reported_figure
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.plan import STAGES
from backtrack.vocabulary.responses import GAIN

MOST_CURVES = 400
# Room for labels inside bars: width of the longest bar, and of a character at 9 points.
BAR_INCHES, CHARACTER_INCHES = 6.0, 0.08


# Makes one picture, or gives what stands in its place where that fails; arguments: name, maker, replacement.
Make = Callable[[str, Callable[[], Figure | None], None], Figure | None]


def _plainly(name: str, maker: Callable[[], Figure | None], otherwise: None) -> Figure | None:
    return maker()


def plots_of(
    analysis: Analysis, curves: pa.Table, metric: str, make: Make = _plainly, unit: str = "epoch"
) -> dict[str, bytes]:
    """Every picture of the report as `{file name: PNG}`.

    Args:
        analysis: of the runs.
        curves: as `Records.curves` gives them.
        metric: the task's.
        make: calls the maker of a picture; may leave one out that fails, so that the others are drawn all the same.
        unit: what the x axis counts.
    """
    wanted: dict[str, Callable[[], Figure | None]] = {
        "outcomes": lambda: outcomes(analysis),
        "curves": lambda: metric_curves(analysis, curves, metric, unit),
    }
    for name, answer in analysis.responses.items():
        if answer.factors:
            wanted[f"ranking-{name}"] = partial(ranking, answer)
            shown = [effect for effect in answer.factors if effect.levels][:6]
            if shown:
                wanted[f"levels-{name}"] = partial(level_means, answer, shown)
    wanted["groups"] = lambda: group_table(analysis, curves, metric)
    wanted["reported"] = lambda: reported_figure(analysis, curves, metric, unit)
    wanted["claims"] = lambda: claim_figure(analysis.claims)
    for number, one in enumerate(analysis.causes, start=1):
        wanted[f"cause-{number}"] = partial(before_and_after, one.cause, curves, metric, unit)
    found = {}
    with mpl.rc_context(STYLE):
        for name, maker in wanted.items():
            figure = make(f"the plot {name}", maker, None)
            if figure is not None:
                found[f"{name}.png"] = png(figure)
    return found


def group_table(analysis: Analysis, curves: pa.Table, metric: str) -> Figure | None:
    """Groups of a metric against the levels of its strongest factor: mean of the last `METRIC/GROUP`, a cell each.

    Colours compare within a row (a group): what helps it more or less than the others do. None where the task reports
    no such curves, or all factors are numeric.
    """
    groups = sorted(
        {name.partition("/")[2] for name in curves["name"].unique().to_pylist() if name.startswith(f"{metric}/")}
    )
    tested = [effect.factor for effect in analysis.responses[GAIN].factors]
    ranked = [factor for factor in tested or analysis.frame.space if not isinstance(factor, Numeric)]
    if not groups or not ranked:
        return None
    factor, frame = ranked[0], analysis.frame
    level_of = dict(
        zip(
            zip(frame.trial.tolist(), frame.seed.tolist(), strict=True), frame.levels[factor.name].tolist(), strict=True
        )
    )
    levels = [label(level) for level in factor.levels]
    cells = np.full((len(groups), len(levels)), np.nan)
    for row, group in enumerate(groups):
        last = {key: path[-1][1] for key, path in finite_paths_of(curves, f"{metric}/{group}").items()}
        for column, level in enumerate(levels):
            own = [value for key, value in last.items() if level_of.get(key) == level]
            cells[row, column] = np.mean(own) if own else np.nan
    spread = np.nanmax(np.abs(cells - np.nanmean(cells, axis=1, keepdims=True)))
    figure = Figure(figsize=(1.6 + 0.62 * len(levels), 1.0 + 0.3 * len(groups)))
    axes = figure.subplots()
    axes.imshow(cells - np.nanmean(cells, axis=1, keepdims=True), cmap="RdBu", vmin=-spread, vmax=spread, aspect="auto")
    for row, column in np.ndindex(*cells.shape):
        if np.isfinite(cells[row, column]):
            axes.text(column, row, f"{cells[row, column]:.2f}", ha="center", va="center", fontsize=8, color=INK)
    axes.set_xticks(range(len(levels)), levels, rotation=35, ha="right", fontsize=9)
    axes.set_yticks(range(len(groups)), groups, fontsize=9)
    axes.set_xlabel(factor.name)
    axes.set_ylabel(f"{metric} of each group")
    axes.tick_params(length=0)
    return figure


def before_and_after(cause: Cause, curves: pa.Table, metric: str, unit: str = "epoch") -> Figure | None:
    """A cause's flips over epochs: the run before each flip in grey, the run after it in colour, same seed.

    Shows the metric, or the training loss where trainings are too short for the metric to have three points; None where
    no flip left a curve.
    """
    ways = [(cause.broke, "cause added to healthy configs"), (cause.mended, "cause removed from failing configs")]
    wanted = {(trial, flip.seed) for way, _ in ways for flip in way for trial in (flip.before, flip.after)}
    mine = curves.filter(
        pa.compute.is_in(curves["trial"], pa.array([trial for trial, _ in sorted(wanted)], pa.string()))
    )
    paths = finite_paths_of(mine, metric)
    name = metric
    if max((len(path) for path in paths.values()), default=0) < 3:
        losses = finite_paths_of(mine, "loss")
        paths, name = (losses, "training loss") if losses else (paths, name)
    if not any(key in paths for key in wanted):
        return None
    figure = Figure(figsize=(7.6, 2.5))
    for axes, (way, title), ink in zip(
        figure.subplots(1, 2, sharey=True), ways, (OUTCOME_INK["no_learning"], OUTCOME_INK["ok"]), strict=True
    ):
        for flip in way:
            for trial, colour in ((flip.before, FAINT), (flip.after, ink)):
                path = paths.get((trial, flip.seed), [])
                style: dict[str, Any] = {"marker": "o", "markersize": 3} if len(path) < 3 else {}
                if path:
                    axes.plot(*zip(*path, strict=True), color=colour, linewidth=1.4, **style)
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.text(0.02, 0.03, "before", color=FAINT, fontsize=9, transform=axes.transAxes)
        axes.text(0.24, 0.03, "after", color=ink, fontsize=9, transform=axes.transAxes)
        axes.set_xlabel(unit)
    shown = [value for key in wanted for _, value in paths.get(key, [])]
    # A first loss far above the others would flatten what matters.
    low, high = np.quantile(shown, [0.0, 0.96])
    figure.axes[0].set_ylim(low - 0.12 * (high - low) - 1e-9, high + 0.08 * (high - low) + 1e-9)
    figure.axes[0].set_ylabel(name)
    return figure


def ranking(answer: ResponseAnalysis) -> Figure:
    """Effects with 95 % intervals, one line a factor, the verdict written beside each."""
    effects = [effect for effect in answer.factors if np.isfinite(effect.effect)]
    figure = Figure(figsize=(7.6, 0.6 + 0.34 * max(1, len(effects))))
    axes = figure.subplots()
    null = 1.0 if answer.response.kind.ratio else 0.0
    axes.axvline(null, color=FAINT, linewidth=1)
    for row, effect in enumerate(reversed(effects)):
        ink = VERDICT_INK[effect.verdict]
        axes.plot([effect.low, effect.high], [row, row], color=ink, linewidth=3, alpha=0.45, solid_capstyle="butt")
        axes.plot([effect.effect], [row], "o", color=ink, markersize=6)
        axes.annotate(
            effect.verdict, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9, color=ink
        )
    axes.set_yticks(range(len(effects)), [effect.factor.name for effect in reversed(effects)])
    axes.set_ylim(-0.6, len(effects) - 0.4)
    axes.set_xlabel(f"worst to best level, {answer.response.kind.unit} (line: 95 % interval)")
    axes.tick_params(length=0)
    return figure


def level_means(answer: ResponseAnalysis, effects: list[FactorEffect]) -> Figure:
    """Adjusted level means with 95 % intervals, a panel a factor, the same scale in all."""
    columns = min(3, len(effects))
    rows = -(-len(effects) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for panel, effect in zip(grid.flat, effects, strict=False):
        ink = VERDICT_INK[effect.verdict]
        means = [level.mean for level in effect.levels]
        low, high = [level.low for level in effect.levels], [level.high for level in effect.levels]
        if isinstance(effect.factor, Numeric):
            x = [float(level.level) for level in effect.levels]
            panel.fill_between(x, low, high, color=ink, alpha=0.2, linewidth=0)
            panel.plot(x, means, color=ink)
            panel.set_xscale("log" if effect.factor.log else "linear")
        else:
            x = list(range(len(means)))
            panel.vlines(x, low, high, color=ink, linewidth=3, alpha=0.45)
            panel.plot(x, means, "o", color=ink)
            panel.set_xticks(x, [_short(level.level) for level in effect.levels], fontsize=8)
            panel.set_xlim(-0.5, len(x) - 0.5)
        panel.set_title(effect.factor.name, fontsize=10, loc="left")
        panel.yaxis.grid(True, color=GRID)
        panel.set_axisbelow(True)
    for panel in list(grid.flat)[len(effects) :]:
        panel.set_visible(False)
    figure.supylabel(answer.response.kind.axis, fontsize=9)
    return figure


def _short(text: str) -> str:
    return text if len(text) <= 14 else text.replace("_", "\n").replace("|", "\n")


def outcomes(analysis: Analysis) -> Figure:
    """How the runs ended, a bar a stage, each part labelled with its outcome and number."""
    frame = analysis.frame
    stages = [stage for stage in STAGES if (frame.stage == stage).any()]
    longest = max((int((frame.stage == stage).sum()) for stage in stages), default=1)
    figure = Figure(figsize=(7.6, 0.5 + 0.55 * max(1, len(stages))))
    axes = figure.subplots()
    for row, stage in enumerate(reversed(stages)):
        left = 0
        own = frame.outcome[frame.stage == stage]
        for outcome, ink in OUTCOME_INK.items():
            count = int((own == outcome).sum())
            if not count:
                continue
            axes.barh(row, count, left=left, color=ink, height=0.62)
            room = BAR_INCHES * count / longest
            whole = f"{outcome.replace('_', ' ')} {count}"
            text = next((text for text in (whole, str(count)) if len(text) * CHARACTER_INCHES < room), "")
            if text:
                axes.text(left + count / 2, row, text, ha="center", va="center", color="white", fontsize=9)
            left += count
    axes.set_yticks(range(len(stages)), list(reversed(stages)))
    axes.set_xlabel("training runs")
    axes.tick_params(length=0)
    return figure


def metric_curves(analysis: Analysis, curves: pa.Table, metric: str, unit: str = "epoch") -> Figure:
    """The metric over epochs, a thin line a run, coloured and labelled by outcome."""
    figure = Figure(figsize=(7.6, 2.8))
    axes = figure.subplots()
    frame = analysis.frame
    outcome_of = dict(
        zip(zip(frame.trial.tolist(), frame.seed.tolist(), strict=True), frame.outcome.tolist(), strict=True)
    )
    paths = finite_paths_of(curves, metric)
    keys = sorted(paths)
    stride = max(1, -(-len(keys) // MOST_CURVES))
    ends: dict[str, list[float]] = {}
    for key in keys[::stride]:
        path = paths[key]
        outcome = outcome_of.get(key)
        if not path or outcome is None:
            continue
        style: dict[str, Any] = {"marker": "o", "markersize": 3} if len(path) < 3 else {}
        axes.plot(*zip(*path, strict=True), color=OUTCOME_INK[outcome], linewidth=0.7, alpha=0.5, **style)
        ends.setdefault(outcome, []).append(path[-1][1])
    notes = [
        (float(np.median(values)), outcome.replace("_", " "), OUTCOME_INK[outcome]) for outcome, values in ends.items()
    ]
    chance = frame.chance[np.isfinite(frame.chance)]
    if len(chance):
        axes.axhline(float(np.median(chance)), color=INK, linewidth=1, linestyle=":")
        notes.append((float(np.median(chance)), "chance", INK))
    for height, (_, text, ink) in zip(apart([note[0] for note in notes], axes.get_ylim()), notes, strict=True):
        axes.annotate(text, (1.01, height), xycoords=("axes fraction", "data"), color=ink, fontsize=9, va="center")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(unit)
    axes.set_ylabel(metric)
    return figure
