"""Few runs: factors judged against what all the others leave, the others shrunk."""

from __future__ import annotations

import numpy as np

from backtrack import Categorical, Numeric, SearchSpace
from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.few_runs import are_few, judged
from backtrack.evidence.frame import frame_from
from backtrack.evidence.responses.responses import Response, gain_of
from backtrack.records.rows import trial_rows
from backtrack.stages.screen import plan_screen
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.result import RunResult

SPACE = SearchSpace(
    (
        *(Categorical(f"f{number}", ["a", "b", "c"][: 2 + number % 2]) for number in range(8)),
        Numeric("lr", 1e-4, 1e-1, log=True),
    )
)


def response(runs: int, seed: int, value) -> Response:
    """The gain of a screen whose results follow `value(config)` and normal noise of one."""
    rng = np.random.default_rng([seed, 1])
    trials = [
        FinishedTrial(one, (RunResult(one.seeds[0], "ok", float(value(one.config) + rng.normal())),))
        for one in plan_screen(SPACE, runs, seed)
    ]
    return gain_of(frame_from(SPACE, trial_rows(SPACE, *trials)).of_stages(), "error", "min")


def p_values(asked: Response) -> dict[str, float]:
    terms, _ = terms_of(asked)
    return {name: found.p for name, found in judged(asked, terms, None).items()}


def test_where_nothing_is_true_p_values_hold() -> None:
    found = np.array([p for seed in range(60) for p in p_values(response(30, seed, lambda config: 0.0)).values()])
    # 540 of them: two standard errors around .05 and .01 are .02 and .009, since those of a screen are not independent.
    assert (found < 0.05).mean() < 0.07
    assert (found < 0.01).mean() < 0.02


def test_beside_true_factors_the_inert_ones_stay_so_and_more_is_found_than_by_chance() -> None:
    def value(config) -> float:
        return 2.0 * (config["f0"] == "a") + 2.0 * (config["f1"] == "b") + 1.5 * (config["f2"] == "a")

    sweeps = [p_values(response(30, seed, value)) for seed in range(30)]
    true = np.array([[sweep[name] for name in ("f0", "f1", "f2")] for sweep in sweeps])
    inert = np.array([[sweep[f"f{number}"] for number in range(3, 8)] for sweep in sweeps])
    assert (true < 0.01).mean() > 0.6
    assert (inert < 0.01).mean() < 0.03


def test_coefficients_are_those_that_were_planted() -> None:
    asked = response(60, 3, lambda config: 3.0 * (config["f0"] == "a"))
    terms, _ = terms_of(asked)
    added = judged(asked, terms, None)["f0"].added
    step = terms[0].codes[0] - terms[0].codes[1]
    error = float(np.sqrt(step @ added.cov @ step))
    assert abs(float(step @ added.beta) - 3.0) < 3 * error
    assert 0.1 < error < 0.6


def test_the_same_records_give_the_same_answer() -> None:
    asked = response(30, 5, lambda config: float(config["f0"] == "a"))
    assert p_values(asked) == p_values(asked)


def test_few_is_fewer_than_three_runs_a_column() -> None:
    terms, _ = terms_of(response(30, 0, lambda config: 0.0))
    columns = 1 + sum(term.columns.shape[1] for term in terms)
    assert are_few(response(3 * columns - 1, 0, lambda config: 0.0), terms)
    assert not are_few(response(3 * columns, 0, lambda config: 0.0), terms)
