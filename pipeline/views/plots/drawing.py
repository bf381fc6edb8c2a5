"""What the report's pictures share: colours, style, bytes, curves as paths, labels that keep apart."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from backtrack.evidence.curves import Paths, paths_of
from backtrack.views.ink import FAINT, INK

DPI = 110

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "svg.hashsalt": "backtrack",
    "figure.dpi": DPI,
}


def png(figure: Figure) -> bytes:
    """A figure as PNG without time stamps or version numbers."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def finite_paths_of(curves: pa.Table, name: str) -> Paths:
    """As `paths_of`, the finite points only: what can be drawn."""
    finite = {key: [point for point in path if np.isfinite(point[1])] for key, path in paths_of(curves, name).items()}
    return {key: path for key, path in finite.items() if path}


def apart(heights: list[float], limits: tuple[float, float]) -> list[float]:
    """Heights for labels at the right edge, moved up where two would lie on each other."""
    gap = 0.08 * (limits[1] - limits[0])
    moved = list(heights)
    below = -np.inf
    for number in np.argsort(heights, kind="stable"):
        below = moved[number] = max(heights[number], below + gap)
    return moved
