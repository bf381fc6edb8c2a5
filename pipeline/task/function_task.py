"""A black box: any program that reports numbers while it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backtrack.errors import TaskError
from backtrack.task.options import typed_options
from backtrack.task.swept import Changes, Levels, Mode, Source, Swept, check_common
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.space import SearchSpace


@dataclass(frozen=True)
class FunctionTask(Swept):
    """A black box: any program that reports numbers while it trains.

    Args:
        name: the task's name.
        run: `run(config, seed)` yields one dict for every report step; or returns one at its end; or calls
            `backtrack.report(…)` from wherever it is, such as a library's callback. Of a report the numbers are kept,
            nested dicts opened, everything else left out. `config` maps factor names to levels (inactive factors
            absent; a composite also as `NAME.COMPONENT`). It may end with `raise TrialFailed("diverged")`, any outcome
            name. The last value of `metric` is the result.
        metric: the key to judge by; it may be absent from some reports.
        mode: "min" or "max".
        factors: the search space; a checkup needs none.
        chance: the value of `metric` for a model that has learnt nothing; without it no_learning and collapsed
            cannot be told from poor training, and are never reported.
        noise: run-to-run standard deviation of `metric` at chance. Where it is not given, it is taken from the
            reports of each run themselves (see `backtrack.vocabulary.outcomes`).
        unit: what the x axis counts: "epoch", "step", "environment step", "token", "second".
        description: one line for `backtrack tasks`.
        defaults: options that `--set NAME=VALUE` may change, with their default values; where there are any, `run` is
            called as `run(config, seed, options)`.
        fixed: `{factor: level}` of factors that the sweep does not vary; see `with_fixed`.
        thresholds: `{symptom: threshold}` in place of the default ones; `docs/symptoms.md` lists them.
        source: where it was loaded from; None for an object that was made in Python.
        changes: interventions among its factors; see `with_changes`.
        goals: further numbers that it reports and is judged by, each with a direction and perhaps a limit.

    Raises:
        TaskError, SpaceError: for an incomplete task or an unusable space.

    Example:
        >>> from backtrack import Categorical
        >>> def run(config, seed):
        ...     for epoch in range(3):
        ...         yield {"error": 1.0 - 0.1 * epoch * config["speed"]}
        >>> task = FunctionTask(name="mine", run=run, metric="error", mode="min", chance=1.0,
        ...                     factors=[Categorical("speed", [1, 2])])
        >>> [factor.name for factor in task.space]
        ['speed']
    """

    name: str
    run: Callable[..., Iterator[Mapping[str, float]]]
    metric: str
    mode: Mode
    factors: Sequence[Factor] = ()
    chance: float | None = None
    noise: float | None = None
    unit: str = "epoch"
    description: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Levels = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False)
    changes: Changes = field(default=Changes(), compare=False)
    goals: Sequence[Goal] = ()

    def __post_init__(self) -> None:
        check_common(self.name, self.metric, self.mode)
        object.__setattr__(self, "options", {**self.defaults, **self.options})
        if not callable(self.run):
            raise TaskError(f"task {self.name!r}: run is {self.run!r}; expected a function run(config, seed)")
        self._set_spaces()

    space: SearchSpace = field(init=False, repr=False, compare=False)
    whole_space: SearchSpace = field(init=False, repr=False, compare=False)

    def with_options(self, options: Mapping[str, Any]) -> FunctionTask:
        """This task with some options changed.

        Raises:
            TaskError: for an option that the task does not have, or of another type.
        """
        return replace(self, options={**self.options, **typed_options(self.name, self.options, options)})

    def program(self, config: Levels, seed: int) -> Iterator[Mapping[str, float]]:
        """Starts a run."""
        return self.run(dict(config), seed, dict(self.options)) if self.defaults else self.run(dict(config), seed)

    def validate(self) -> None:
        """Nothing to check before the first trial."""
