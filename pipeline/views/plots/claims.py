"""Claims as a picture: the difference within each pair of trainings, with mean and interval."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backtrack.evidence.claims.claims import ClaimResult
from backtrack.views.ink import BLUE, CLAIM_INK, FAINT, INK

ROW, WIDTH = 0.78, 8.2
# Share of the differences that is shown; a few far ones would squeeze all others into a line.
SHOWN = 0.98


def claim_figure(results: Sequence[ClaimResult]) -> Figure | None:
    """One row a claim that was judged from pairs, one panel a response; None where there is no such claim.

    Args:
        results: of the analysis; those from a model have no pairs to show and are left out.
    """
    known = [result for result in results if result.differences]
    panels = [
        [result for result in known if result.claim.on == response]
        for response in dict.fromkeys(result.claim.on for result in known)
    ]
    if not panels:
        return None
    height = sum(ROW * len(panel) + 0.75 for panel in panels)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[ROW * len(panel) + 0.35 for panel in panels])
    for own, panel in zip(axes[:, 0], panels, strict=True):
        _panel(own, panel)
    return figure


def _panel(axes: Axes, results: list[ClaimResult]) -> None:
    rng = np.random.default_rng(0)
    kind = results[0].kind
    assert kind is not None
    reach = 1.1 * max(_reach(result, kind.ratio) for result in results) or 1.0
    for row, result in enumerate(reversed(results)):
        differences = np.array(result.differences)
        # A difference of zeros and ones sits on three points: spread sideways there, so that dots can be counted.
        sideways = rng.uniform(-0.06, 0.06, len(differences)) if kind.of_failures else 0.0
        # What lies beyond the edge, or is infinite (the target was never reached), is drawn at it.
        axes.scatter(
            np.clip(differences + sideways, -reach, reach), row + rng.uniform(-0.2, 0.2, len(differences)),
            s=9, color=BLUE, alpha=0.35, linewidths=0, clip_on=False,
        )  # fmt: skip
        low, middle, high = np.clip(_shown(result, kind.ratio), -reach, reach)
        ink = CLAIM_INK.get(result.verdict.split()[0], INK)
        axes.plot([low, high], [row, row], color=ink, linewidth=3, solid_capstyle="butt")
        axes.plot(middle, row, "o", color=ink, markersize=6, clip_on=False)
        axes.text(1.02, row, result.verdict, transform=axes.get_yaxis_transform(), va="center", color=ink, fontsize=9.5)
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.6, len(results) - 0.4)
    labels = [textwrap.fill(f"{one.factor}: {one.claim.contrast.replace(' | ', ' at ')}", 34) for one in results]
    axes.set_yticks(range(len(results)), list(reversed(labels)), fontsize=9)
    axes.tick_params(length=0)
    if kind.ratio:
        # Ticks at powers of two, or of its roots where the ratios lie close to one.
        step = next(size for size in np.log(2) * 2.0 ** np.arange(-6, 40) if reach < 4 * size)
        count = int(reach / step)
        ticks = [number * step for number in range(-count, count + 1)]
        axes.set_xticks(ticks, [f"×{np.exp(tick):.3g}" for tick in ticks])
    what = results[0].claim.on.replace("_", " ")
    unit = "ratio within each pair" if kind.ratio else "difference within each pair"
    axes.set_xlabel(
        f"{what}: {unit} ({results[0].kind.unit if results[0].kind else ''}), a dot a pair; mean with 95 % interval",
        fontsize=9,
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _shown(result: ClaimResult, ratio: bool) -> tuple[float, float, float]:
    """Interval and estimate on the scale that is drawn."""
    numbers = np.array([result.low, result.effect, result.high])
    with np.errstate(divide="ignore"):
        # A ratio of zero: the target was never reached at the other level.
        low, middle, high = (np.log(numbers) if ratio else numbers).tolist()
    return low, middle, high


def _reach(result: ClaimResult, ratio: bool) -> float:
    """How far from zero there is something to see."""
    differences = np.abs(result.differences)
    finite = differences[np.isfinite(differences)]
    ends = np.abs([*(np.quantile(finite, [SHOWN]) if len(finite) else []), *_shown(result, ratio)])
    return float(ends[np.isfinite(ends)].max(initial=0.0))
