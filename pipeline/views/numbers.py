"""Numbers for reading."""

from __future__ import annotations

import math

from backtrack.vocabulary.config import label

# Further runs beyond which a number of them says only that they will not be made.
OUT_OF_REACH = 100_000


def number_text(level: object) -> str:
    """A level for reading.

    Example:
        >>> number_text(0.00012345), number_text("adam"), number_text(False)
        ('0.000123', 'adam', 'false')
    """
    return f"{level:.3g}" if isinstance(level, float) else label(level)


def percent(rate: tuple[float, float, float]) -> str:
    """A rate with its interval.

    Example:
        >>> percent((0.5, 0.25, 0.75))
        '50% (25% to 75%)'
    """
    value, low, high = rate
    return "unknown" if math.isnan(value) else f"{value:.0%} ({low:.0%} to {high:.0%})"


def runs_text(runs: int | None) -> str:
    """How many further runs would decide a question; empty where it is decided.

    Example:
        >>> runs_text(1200), runs_text(10**9), runs_text(None)
        ('1,200', 'over 100,000', '')
    """
    if runs is None:
        return ""
    return f"{runs:,}" if runs <= OUT_OF_REACH else f"over {OUT_OF_REACH:,}"
