"""The search: Optuna's TPE over the same space, starting from the screen's trials. It suggests, never proves."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import optuna

from backtrack.vocabulary.config import Config
from backtrack.vocabulary.factors import Composite, Numeric
from backtrack.vocabulary.plan import FinishedTrial, objective
from backtrack.vocabulary.space import SearchSpace

STUDY_NAME = "search"


def suggest_levels(space: SearchSpace, trial: Any) -> None:
    """The space as an Optuna define-by-run program: asks `trial` for each active factor, parents first."""
    levels: dict[str, Any] = {}
    for factor in space:
        if space.is_active(factor, levels):
            distribution = distribution_of(factor)
            if isinstance(distribution, optuna.distributions.CategoricalDistribution):
                levels[factor.name] = trial.suggest_categorical(factor.name, distribution.choices)
            elif isinstance(distribution, optuna.distributions.IntDistribution):
                levels[factor.name] = trial.suggest_int(
                    factor.name, distribution.low, distribution.high, log=distribution.log
                )
            else:
                levels[factor.name] = trial.suggest_float(
                    factor.name, distribution.low, distribution.high, log=distribution.log
                )


def distribution_of(factor: Any) -> optuna.distributions.BaseDistribution:
    """The Optuna distribution with the levels of `factor`."""
    if isinstance(factor, Numeric):
        if factor.integer:
            return optuna.distributions.IntDistribution(math.ceil(factor.low), math.floor(factor.high), log=factor.log)
        return optuna.distributions.FloatDistribution(factor.low, factor.high, log=factor.log)
    names = list(factor.levels) if isinstance(factor, Composite) else factor.levels
    return optuna.distributions.CategoricalDistribution(tuple(names))


def build_study(
    storage: optuna.storages.BaseStorage,
    space: SearchSpace,
    mode: str,
    finished: Iterable[FinishedTrial],
    sampler: optuna.samplers.BaseSampler,
    first: Iterable[Config] = (),
) -> optuna.Study:
    """The search's Optuna study, made anew from the records: the trials so far are its start-up trials.

    Starting from the records each time leaves nothing over from an interrupted driver (trials that would
    stay "running" for ever), and lets a study go on on another machine.
    """
    if STUDY_NAME in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=STUDY_NAME, storage=storage)
    study = optuna.create_study(
        storage=storage,
        study_name=STUDY_NAME,
        sampler=sampler,
        direction="minimize" if mode == "min" else "maximize",
    )
    add_finished(study, space, mode, finished)
    for config in first:
        if _searchable(space, config):
            study.enqueue_trial(dict(config))
    return study


def add_finished(study: optuna.Study, space: SearchSpace, mode: str, finished: Iterable[FinishedTrial]) -> None:
    """Tells the search of trials that it did not pick itself.

    A mixture of components, which backtracking may have run, is not among the levels that it picks from: such trials
    are left out.
    """
    study.add_trials(
        [frozen_trial(space, trial, mode) for trial in finished if _searchable(space, trial.planned.config)]
    )


def _searchable(space: SearchSpace, config: Config) -> bool:
    """Whether every composite factor is at a named level."""
    composites = [factor for factor in space if isinstance(factor, Composite)]
    return all(config.get(f.name, "") in (*f.levels, "") for f in composites)


def frozen_trial(space: SearchSpace, finished: FinishedTrial, mode: str) -> optuna.trial.FrozenTrial:
    """A finished trial in Optuna's form, with the distributions of its own active factors."""
    config = finished.planned.config
    return optuna.trial.create_trial(
        params=dict(config),
        distributions={name: distribution_of(space[name]) for name in config},
        value=objective(finished, mode),
        user_attrs={"trial": finished.planned.trial},
    )


def make_sampler(seed: int, start_up: int = 10) -> optuna.samplers.TPESampler:
    """TPE that knows conditions (`group`), looks at factors together, and spreads trials that run side by side."""
    # The options are marked experimental; every sweep would print that.
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna.samplers.TPESampler(
        multivariate=True, group=True, constant_liar=True, seed=seed, n_startup_trials=start_up
    )


def config_from(space: SearchSpace, suggested: dict[str, Any]) -> Config:
    """The config of a suggestion; numbers rounded as everywhere, so that equal configs hash equally."""
    levels = {
        name: space[name].at(space[name].share(level)) if isinstance(space[name], Numeric) else level  # type: ignore[union-attr]
        for name, level in suggested.items()
    }
    return space.config(levels)
