"""What the report's pictures share: colours, style, bytes, curves as paths, labels that keep apart."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#9aa5b1", "#e4e7eb"
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


def paths_of(curves: pa.Table, name: str) -> dict[tuple[str, int], list[tuple[float, float]]]:
    """`{(trial, seed): finite points of the curve called name, (epoch, value), in order}`."""
    paths: dict[tuple[str, int], list[tuple[float, float]]] = {}
    wanted = curves.filter(pa.compute.equal(curves["name"], name))
    columns = (wanted[column].to_pylist() for column in ("trial", "seed", "epoch", "value"))
    for trial, seed, epoch, value in zip(*columns, strict=True):
        if np.isfinite(value):
            paths.setdefault((trial, seed), []).append((epoch, value))
    return {key: sorted(path) for key, path in paths.items()}


def apart(heights: list[float], limits: tuple[float, float]) -> list[float]:
    """Heights for labels at the right edge, moved up where two would lie on each other."""
    gap = 0.08 * (limits[1] - limits[0])
    moved = list(heights)
    below = -np.inf
    for number in np.argsort(heights, kind="stable"):
        below = moved[number] = max(heights[number], below + gap)
    return moved
