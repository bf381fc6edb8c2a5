"""What a study is examined by, and what an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from backtrack.evidence.analysis import Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.model import Model, build_model
from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.responses.responses import Response, gain_of
from backtrack.vocabulary.responses import GAIN

# Tests of a sound study's runs err at most so often, each: twelve of them together in at most 5 %.
ALPHA = 0.004


@dataclass(frozen=True)
class Examined:
    """A study with its analysis.

    Args:
        analysis: of its runs.
        trials: its runs, as `Records.trials` gives them.
        metric, mode: of the task.
        same_seed: two values of the metric that one config gave under one seed, where they differ; else None.
    """

    analysis: Analysis
    trials: pa.Table
    metric: str
    mode: str
    same_seed: tuple[float, float] | None = None

    @property
    def frame(self) -> Frame:
        """All runs."""
        return self.analysis.frame

    @property
    def evidence(self) -> Frame:
        """The runs that verdicts rest on."""
        return self.frame.of_stages()

    @property
    def gain(self) -> ResponseAnalysis:
        """The answers for the gain."""
        return self.analysis.responses[GAIN]

    @cached_property
    def model(self) -> Model | None:
        """The gain of the evidence that trained, on all factors at once and the active pairs."""
        response = gain_of(self.evidence, self.metric, self.mode)
        if len(response.y) < 2 or np.ptp(response.y) == 0:
            return None
        pairs = [(pair.factor_a, pair.factor_b) for pair in self.gain.interactions if pair.verdict == "active"]
        terms, _ = terms_of(response)
        return build_model(response, terms, pairs[:6])

    def residuals(self) -> tuple[Response, Floats] | None:
        """The gain's runs, and what the model leaves of each; None without a model."""
        model = self.model
        return None if model is None else (model.response, model.fit.residuals / model.fit.root)


@dataclass(frozen=True)
class Flag:
    """One thing that an examination found.

    Args:
        name: of the check.
        measured: what was found, in numbers.
        means: what that means.
        remedy: what to do.
        factors: that it is about, or empty.

    Example:
        >>> Flag("drift", "results rise over time", "something changed", "look for what").plain()["factors"]
        []
    """

    name: str
    measured: str
    means: str
    remedy: str
    factors: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """It as plain JSON values."""
        return {**vars(self), "factors": list(self.factors)}


def predicted(model: Model, frame: Frame) -> Floats:
    """(n,) what a model expects of the configs of `frame`."""
    active = {factor.name: frame.active(factor) for factor in frame.space}
    return np.array(
        [
            model.predict({name: column[row] for name, column in frame.levels.items() if active[name][row]})
            for row in range(len(frame))
        ],
        dtype=np.float64,
    )
