"""From the table of trials to effects, interactions, causes, claims and their verdicts.

Pure functions: the same records give the same answer. Knows neither Ray nor torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.analysis.best import best_config
from pipeline.analysis.claims import ClaimResult, judge_claims
from pipeline.analysis.coding import Term
from pipeline.analysis.effects import (
    FactorEffect,
    FactorTest,
    InteractionEffect,
    Model,
    build_model,
    factor_effects,
    interaction_effects,
    noise_weights,
    terms_of,
    tests_of,
)
from pipeline.analysis.failure_rules import Rule, failure_rules
from pipeline.analysis.frame import Frame, frame_from
from pipeline.analysis.multiple import holm
from pipeline.analysis.responses import Response, responses_of
from pipeline.analysis.speed import epochs_to_target, target_of
from pipeline.analysis.tables import report_tables
from pipeline.space import SearchSpace

__all__ = ["MARGIN", "Analysis", "ResponseAnalysis", "analyse", "report_tables"]

# An effect inside a quarter of the run-to-run standard deviation is called none (design, section 9).
MARGIN = 0.25
# Active interactions join the model before the factors are judged: they take noise out of its errors. Beyond this
# many they would eat more degrees of freedom than they give.
MOST_PAIRS = 6
# Of the error rate of a response, what the interactions may use up.
PAIR_SHARE = 1 / 3
NUISANCE_SHARE = 1 / 4


@dataclass(frozen=True)
class ResponseAnalysis:
    """One response's answers.

    Args:
        response: what was asked, of which runs.
        factors: effects, ranked.
        interactions: of all pairs, strongest first.
        silent: `{factor: why nothing can be said}`.
        noise: run-to-run standard deviation (what the model leaves), NaN where it is unknown.
        statement: what cannot be known of the whole response, and how many runs it would take; or empty.
    """

    response: Response
    factors: list[FactorEffect]
    interactions: list[InteractionEffect]
    silent: dict[str, str]
    noise: float
    statement: str


@dataclass(frozen=True)
class Analysis:
    """Everything that the trials say.

    Args:
        frame: all replicates.
        responses: `{name: answers}`.
        rules: failure rules, for each outcome the strongest first.
        claims: verdicts.
        target: the metric that "speed" runs to.
        best: config, value, interval and trial of the best training, or None where nothing trained.
    """

    frame: Frame
    responses: dict[str, ResponseAnalysis]
    rules: list[Rule]
    claims: list[ClaimResult]
    target: float
    best: dict[str, Any] | None


def analyse(
    space: SearchSpace,
    trials: pa.Table,
    curves: pa.Table,
    metric: str,
    mode: str,
    alpha: float = 0.05,
    margin: float = MARGIN,
) -> Analysis:
    """Analyses a study's trials.

    Args:
        space: the factors.
        trials, curves: as `Records` gives them.
        metric, mode: of the task.
        alpha: error rate of the verdicts, for each response.
        margin: equivalence margin, as a share of the run-to-run standard deviation.
    """
    frame = frame_from(space, trials)
    evidence = frame.of_stages()
    target = target_of(evidence, mode)
    epochs = epochs_to_target(evidence, curves, metric, mode, target)
    answers: dict[str, ResponseAnalysis] = {}
    models: dict[str, Model | None] = {}
    for response in responses_of(evidence, metric, mode, epochs):
        answers[response.name], models[response.name] = _answer(response, alpha, margin)
    claims = judge_claims(
        [(factor.name, claim) for factor in space for claim in factor.claims],
        models,
        {
            name: {(i.factor_a, i.factor_b) for i in answer.interactions if i.verdict == "active"}
            for name, answer in answers.items()
        },
        alpha,
        margin,
    )
    outcomes = [outcome for outcome in np.unique(frame.outcome).tolist() if outcome != "ok"]
    rules = [rule for outcome in outcomes for rule in failure_rules(frame, outcome, alpha)]
    rules.sort(key=lambda rule: (-rule.inside[0], rule.outcome))
    gain = answers["gain"]
    pairs = [(pair.factor_a, pair.factor_b) for pair in gain.interactions if pair.verdict == "active"]
    best = best_config(frame, trials, metric, mode, pairs[:MOST_PAIRS], gain.noise)
    return Analysis(frame, answers, rules, claims, target, best)


def _answer(response: Response, alpha: float, margin: float) -> tuple[ResponseAnalysis, Model | None]:
    terms, silent = terms_of(response)
    changes = len(response.y) > 1 and float(np.ptp(response.y)) > 0
    model = _model(response, terms, alpha) if changes and terms else None
    pairs = interaction_effects(response, model)
    tests = tests_of(response, model, terms) if changes else []
    adjusted = holm([test.p for test in tests] + [pair.p for pair in pairs], _weights(response, tests, pairs))
    pairs = [
        replace(pair, p_adjusted=float(p), verdict="active" if p < alpha else "undecided")
        for pair, p in zip(pairs, adjusted[len(tests) :], strict=True)
    ]
    effects = factor_effects(tests, list(adjusted[: len(tests)]), pairs, model, alpha, margin)
    noise = model.fit.sd if model is not None else float("nan")
    return ResponseAnalysis(response, effects, pairs, silent, noise, _statement(response, terms, model)), model


def _weights(response: Response, tests: Sequence[FactorTest], pairs: Sequence[InteractionEffect]) -> list[float]:
    """Shares of the error rate: all questions of a response are one family.

    A third is for the pairs, which are many, the rest for the factors. A nuisance is not what the sweep asks about:
    it gets a quarter of a scientific factor's share, a pair the product of its factors'.
    """
    role = {factor.name: NUISANCE_SHARE if factor.role == "nuisance" else 1.0 for factor in response.frame.space}
    own = np.array([role[test.term.name] for test in tests])
    joint = np.array([role[pair.factor_a] * role[pair.factor_b] for pair in pairs])
    whole = 1 - PAIR_SHARE if pairs else 1.0
    return [*(whole * own / max(own.sum(), 1e-9)), *(PAIR_SHARE * joint / max(joint.sum(), 1e-9))]


def _model(response: Response, terms: list[Term], alpha: float) -> Model | None:
    """All factors at once, with the interactions that stand out, found one after another, and the noise weighted.

    An interaction that is left out is noise to everything else; with it in the model, weaker ones show.
    """
    model = build_model(response, terms)
    chosen: list[tuple[str, str]] = []
    weights = None
    while model is not None:
        if response.name != "failure" and weights is None:
            weights = noise_weights(model)
            model = build_model(response, terms, chosen, weights) or model
        candidates = interaction_effects(response, model)
        bar = alpha * PAIR_SHARE / max(1, len(candidates))
        fresh = [(e.factor_a, e.factor_b) for e in candidates if e.p < bar and (e.factor_a, e.factor_b) not in chosen]
        richer = build_model(response, terms, [*chosen, fresh[0]], weights) if fresh else None
        if richer is None or len(chosen) >= MOST_PAIRS or fresh[0] not in richer.pairs:
            break
        chosen.append(fresh[0])
        model = richer
    return model


def _statement(response: Response, terms: list[Term], model: Model | None) -> str:
    columns = 1 + sum(term.columns.shape[1] for term in terms)
    runs = len(response.y)
    if runs < 2:
        return f"{runs} runs have this response: nothing can be said; {response.censored or 'run more'}".strip()
    if np.ptp(response.y) == 0:
        value = "never happened" if response.name == "failure" and response.y[0] == 0 else "is the same in every run"
        return f"{response.name} {value} in {runs} runs: there is nothing to explain"
    if model is None:
        return (
            f"{runs} runs are too few to judge {len(terms)} factors together (it takes about {3 * columns}); "
            "each was judged by itself, with wider intervals"
        )
    return ""
