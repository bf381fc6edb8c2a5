"""Curves as the points of each run."""

from __future__ import annotations

import pyarrow as pa

# (trial, seed) -> (epoch, value), in order.
Paths = dict[tuple[str, int], list[tuple[float, float]]]


def paths_of(curves: pa.Table, name: str) -> Paths:
    """`{(trial, seed): points of the curve called name, (epoch, value), in order}`; values may be NaN.

    Args:
        curves: as `Records.curves` gives them.
        name: of the number.
    """
    paths: Paths = {}
    wanted = curves.filter(pa.compute.equal(curves["name"], name))
    columns = (wanted[column].to_pylist() for column in ("trial", "seed", "epoch", "value"))
    for trial, seed, epoch, value in zip(*columns, strict=True):
        paths.setdefault((trial, seed), []).append((epoch, value))
    return {key: sorted(path) for key, path in paths.items()}
