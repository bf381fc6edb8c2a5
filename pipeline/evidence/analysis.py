"""From the table of trials to effects, interactions, causes, claims and their verdicts.

Pure functions: the same records give the same answer. Knows neither Ray nor torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.best import best_config
from backtrack.evidence.certain import StoppedRuns, stopped_runs
from backtrack.evidence.claims.claims import ClaimResult, Estimate, estimate_in_model, judge_claims
from backtrack.evidence.claims.paired import paired_estimate
from backtrack.evidence.effects.associations import with_associations
from backtrack.evidence.effects.carried import carried
from backtrack.evidence.effects.coding import Term
from backtrack.evidence.effects.effects import FactorTest, factor_effects, still_active
from backtrack.evidence.effects.given import best_given
from backtrack.evidence.effects.interactions import InteractionEffect
from backtrack.evidence.effects.model import Model
from backtrack.evidence.effects.parents import at_best_children
from backtrack.evidence.effects.questions import MOST_PAIRS, ask
from backtrack.evidence.effects.ranks import rank_intervals
from backtrack.evidence.effects.relevance import NEGLIGIBLE
from backtrack.evidence.effects.robust import with_robust
from backtrack.evidence.effects.suspects import combined_p
from backtrack.evidence.effects.tuned import tuned_effects
from backtrack.evidence.failures.backtracking import backtrack_all
from backtrack.evidence.failures.blame import WAYS, convicted
from backtrack.evidence.failures.causes import ExplainedCause, explained_causes
from backtrack.evidence.failures.laboratory import runs_of
from backtrack.evidence.fellows import agreed, begun_in
from backtrack.evidence.frame import Frame, frame_from
from backtrack.evidence.looking import Look
from backtrack.evidence.pareto import FrontRun
from backtrack.evidence.responses.reported import reported_gain
from backtrack.evidence.responses.responses import Response, gain_of, responses_of
from backtrack.evidence.responses.speed import epochs_to_target, target_of
from backtrack.evidence.seen import Seen, seen_checks
from backtrack.evidence.several import front, responses_of_goals
from backtrack.evidence.statistics.multiple import holm
from backtrack.vocabulary.factors import Claim
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.outcomes import RUNNING
from backtrack.vocabulary.plan import EVIDENCE_STAGES, PAST
from backtrack.vocabulary.responses import GAIN
from backtrack.vocabulary.space import SearchSpace

# An effect inside a quarter of the run-to-run standard deviation is called none (design, section 9).
MARGIN = 0.25
# How the statement on a response ends that does not vary.
NOTHING_TO_EXPLAIN = "there is nothing to explain"


@dataclass(frozen=True)
class Analysis:
    """Everything that the trials say.

    Args:
        frame: all replicates.
        responses: `{name: answers}`.
        causes: of the failures, the dominant first; verified, not yet looked into, or refuted.
        claims: verdicts.
        target: the metric that "speed" runs to.
        best: config, value, interval and trial of the best training, or None where nothing trained.
        alpha: error rate that the verdicts were made at.
        reconsidered: runs that were recorded as `no_learning` and count as ok (`fellows`).
        beyond: runs that were recorded as ok and count as diverged.
        stopped: runs that were ended because their outcome was certain; None where there are none.
        seen: what checks found in the runs.
        look: which look at the study this is.
        front: the Pareto front over the metric and all goals; empty without goals.
    """

    frame: Frame
    responses: dict[str, ResponseAnalysis]
    causes: list[ExplainedCause]
    claims: list[ClaimResult]
    target: float
    best: dict[str, Any] | None
    alpha: float
    reconsidered: int = 0
    beyond: int = 0
    stopped: StoppedRuns | None = None
    seen: tuple[Seen, ...] = ()
    look: Look | None = None
    front: tuple[FrontRun, ...] = ()

    @property
    def unverified(self) -> list[ExplainedCause]:
        """The causes that fit the runs, and that no flips have verified or refuted."""
        return [one for one in self.causes if not one.cause.verified and not one.cause.refuted]


def analyse(
    space: SearchSpace,
    trials: pa.Table,
    curves: pa.Table,
    metric: str,
    mode: str,
    alpha: float = 0.05,
    margin: float = MARGIN,
    look: Look | None = None,
    goals: Sequence[Goal] = (),
    least: float = NEGLIGIBLE,
    unit: str = "epoch",
) -> Analysis:
    """Analyses a study's trials.

    Args:
        space: the factors.
        trials, curves: as `Records` gives them.
        metric, mode: of the task.
        alpha: error rate of the verdicts, for each response, over all looks.
        margin: equivalence margin, as a share of the run-to-run standard deviation.
        look: which look at the study this is; None for the only one. It sets the level of the verdicts; what raises a
            suspicion that flips then verify stays at `alpha`.
        goals: further numbers that the task is judged by.
        least: share of the variance below which nothing is called active.
        unit: what the task's x axis counts.
    """
    look = look or Look(1, alpha, alpha, alpha, {})
    # A past run that had not ended when it was read tells nothing yet.
    trials = trials.filter(pc.not_equal(trials["outcome"], RUNNING))
    # In the order in which stages read them, so that an investigation finds here what it found there.
    recorded = trials.sort_by([("trial", "ascending"), ("replicate", "ascending")])
    trials = agreed(recorded, mode, lambda: begun_in(curves, metric))
    changed = Counter(
        now
        for was, now in zip(recorded["outcome"].to_pylist(), trials["outcome"].to_pylist(), strict=True)
        if was != now
    )
    frame = frame_from(space, trials)
    evidence = frame.of_stages()
    target = target_of(evidence, mode)
    epochs = epochs_to_target(evidence, curves, metric, mode, target)
    answers: dict[str, ResponseAnalysis] = {}
    models: dict[str, Model | None] = {}
    # The confirm stage's design follows the gain, and leaves failing levels out: it is fresh evidence for the gain's
    # suspects; of failures only the screen, which nothing chose, is a fair sample.
    unchosen = evidence.stage == "screen" if (evidence.stage == "screen").any() else np.ones(len(evidence), bool)
    for own in responses_of(evidence.rows(unchosen), metric, mode, epochs[unchosen], unit):
        response = replace(own, least=least)
        if response.kind.of_the_trained and not unchosen.all() and not evidence.extended.any():
            # As many as were planned, whether they trained or not: the stage chose its suspects by that number.
            fresh = int((~unchosen).sum())
            answer = answer_of(gain_of(evidence, metric, mode), look, margin, response, fresh)
        else:
            answer = answer_of(response, look, margin)
        answers[response.kind.name], models[response.kind.name] = answer
    for response in responses_of_goals(evidence.rows(unchosen), curves, goals):
        answers[response.kind.name] = answer_of(response, look, margin)[0]
    if (frame.stage == PAST).any():
        answers = _associated(answers, frame, curves, metric, mode, look, margin, goals, least, unit)
    tested = frame.of_stages(["claims"])
    own_target = target if len(evidence) else target_of(tested, mode)
    epochs = epochs_to_target(tested, curves, metric, mode, own_target)
    in_pairs = responses_of(tested, metric, mode, epochs, unit)
    claims = _judged(
        space, tested, in_pairs, evidence.rows(unchosen), answers, models, curves, mode, look.alpha, margin
    )
    runs = runs_of(space, trials, mode)
    causes = explained_causes(space, runs, backtrack_all(frame, runs, alpha)[0])
    gain = answers[GAIN]
    pairs = [(pair.factor_a, pair.factor_b) for pair in gain.interactions if pair.verdict == "active"]
    best = best_config(frame, trials, metric, mode, pairs[:MOST_PAIRS], gain.noise)
    return Analysis(
        frame=frame,
        responses=answers,
        causes=causes,
        claims=claims,
        target=own_target,
        best=best,
        alpha=alpha,
        look=look,
        front=tuple(front(frame, curves, metric, mode, goals, answers)),
        seen=tuple(seen_checks(trials)),
        reconsidered=changed["ok"],
        beyond=changed["diverged"],
        stopped=stopped_runs(recorded, curves, metric, mode),
    )


def _associated(
    answers: Mapping[str, ResponseAnalysis],
    frame: Frame,
    curves: pa.Table,
    metric: str,
    mode: str,
    look: Look,
    margin: float,
    goals: Sequence[Goal],
    least: float,
    unit: str,
) -> dict[str, ResponseAnalysis]:
    """The answers with what past runs that results chose go with; arguments as for `analyse`."""
    pooled = frame.of_stages((*EVIDENCE_STAGES, PAST))
    reached = epochs_to_target(pooled, curves, metric, mode, target_of(pooled, mode))
    found = {}
    for response in (*responses_of(pooled, metric, mode, reached, unit), *responses_of_goals(pooled, curves, goals)):
        name = response.kind.name
        own, _ = answer_of(replace(response, least=least), look, margin)
        found[name] = with_associations(answers.get(name), own)
    return {**answers, **found}


def _judged(
    space: SearchSpace,
    tested: Frame,
    in_pairs: list[Response],
    screen: Frame,
    answers: Mapping[str, ResponseAnalysis],
    models: dict[str, Model | None],
    curves: pa.Table,
    mode: str,
    alpha: float,
    margin: float,
) -> list[ClaimResult]:
    """The verdict of every claim.

    Args:
        space: the factors with their claims.
        tested: the runs of the claims stage.
        in_pairs: its responses.
        screen: the runs that nothing chose.
        answers, models: of each response.
        curves, mode, alpha, margin: as for `analyse`.
    """
    asked = [(factor.name, claim) for factor in space for claim in factor.claims]
    for claim in {claim.on: claim for _, claim in asked if claim.of}.values():
        in_pairs.append(reported_gain(tested, curves, claim.of, mode, claim.on))
        models[claim.on] = ask(reported_gain(screen, curves, claim.of, mode, claim.on), alpha).model

    def estimate(factor: str, claim: Claim) -> Estimate | None:
        # Pairs were drawn for the contrast, and leave nothing to adjust for: where there are some, they decide.
        paired = paired_estimate(tested, in_pairs, factor, claim, alpha)
        name = claim.judged_on(answers)
        if paired is not None:
            return paired
        found = answers[name].interactions if name in answers else []
        active = {(pair.factor_a, pair.factor_b) for pair in found if pair.verdict == "active"}
        return estimate_in_model(factor, claim, models.get(name), active, alpha)

    return judge_claims(asked, [estimate(*one) for one in asked], alpha, margin)


def answer_of(
    response: Response, look: Look, margin: float, screen: Response | None = None, fresh: int = 0
) -> tuple[ResponseAnalysis, Model | None]:
    """All answers for one response, and the model that claims are judged in.

    Args:
        response: the pooled evidence; effects and intervals are its.
        look, margin: as for `analyse`.
        screen: where there are fresh runs that the screen's suspects chose: the others. The p-values of both are
            joined by `combined_p`; the pooled ones would not be valid.
        fresh: how many such runs there are.
    """
    alpha, before = look.alpha, set(look.decided.get(response.kind.name, ()))
    asked = ask(response, alpha)
    raw = asked.p
    first = None
    if screen is not None:
        # As the stage chose them.
        first = ask(screen, look.study)
        joined = combined_p(first.p, first.suspects(look.study, fresh), asked.model)
        raw = {names: joined.get(names, 1.0) for names in raw}
    adjusted = holm(list(raw.values()), asked.weights)
    tests = [replace(test, p=raw[(test.term.name,)]) for test in asked.tests]
    pairs = [
        replace(
            pair,
            p=raw[names],
            p_adjusted=float(p),
            verdict="active" if (p < alpha and pair.matters) or names in before else "undecided",
        )
        for pair, names, p in zip(asked.pairs, asked.names[len(tests) :], adjusted[len(tests) :], strict=True)
    ]
    pairs.sort(key=lambda pair: (pair.p, -pair.effect))
    pairs = [_with_best_levels(pair, asked.model) for pair in pairs]
    own = [float(p) for p in adjusted[: len(tests)]]
    said = [""] * len(tests)
    if response.kind.of_failures:
        own, said = _with_rules(response, tests, own, alpha)
    effects = at_best_children(
        factor_effects(tests, own, pairs, asked.model, (alpha, look.following), margin, said), asked.model
    )
    effects = with_robust(effects, asked.tests, asked.model)
    noise = asked.model.fit.sd if asked.model is not None else float("nan")
    statement = _statement(response, asked.terms, asked.model)
    effects = still_active(effects, {names[0] for names in before if len(names) == 1})
    ranks = rank_intervals(asked.terms, asked.model)
    tuned = tuned_effects(asked.model) if response.kind.of_the_trained else {}
    active = frozenset(effect.factor.name for effect in effects if effect.verdict == "active")
    answer = ResponseAnalysis(
        response=response,
        factors=effects,
        interactions=pairs,
        silent=asked.silent,
        unasked=asked.unasked,
        noise=noise,
        statement=statement,
        ranks=ranks,
        tuned=tuned,
        carried=carried(response, active, alpha) if response.kind.name == GAIN else None,
    )
    # Claims name their contrast beforehand; the confirm stage's runs follow what the screen saw, and are left out.
    return answer, first.model if first is not None else asked.model


def _with_best_levels(pair: InteractionEffect, model: Model | None) -> InteractionEffect:
    """An active pair with the best levels of each of its factors given the other."""
    if pair.verdict != "active" or model is None:
        return pair
    a, b = pair.factor_a, pair.factor_b
    return replace(pair, best_a=best_given(model, a, b), best_b=best_given(model, b, a))


def _with_rules(
    response: Response, tests: Sequence[FactorTest], adjusted: Sequence[float], alpha: float
) -> tuple[list[float], list[str]]:
    """p-values of the failure's factors by model and rules together, and what is said where a rule decides."""
    rules = convicted(response.frame, alpha)
    joined, said = [], []
    for test, p in zip(tests, adjusted, strict=True):
        by_rule, rule = rules.get(test.term.name, (1.0, None))
        joined.append(min(1.0, WAYS * min(p, by_rule)))
        decides = rule is not None and WAYS * by_rule < alpha <= WAYS * p
        said.append(f"active by the rule {rule.outcome} with {' and '.join(rule.cause)}" if rule and decides else "")
    return joined, said


def _statement(response: Response, terms: list[Term], model: Model | None) -> str:
    columns = 1 + sum(term.columns.shape[1] for term in terms)
    runs = len(response.y)
    if runs < 2:
        return f"{runs} runs have this response: nothing can be said; {response.censored or 'run more'}".strip()
    if np.ptp(response.y) == 0:
        value = "never happened in" if response.kind.of_failures and response.y[0] == 0 else "the same in all"
        return f"{value} {runs} runs: {NOTHING_TO_EXPLAIN}"
    if model is None:
        return (
            f"{runs} runs are too few to judge {len(terms)} factors together (it takes about {3 * columns}); "
            "each was judged by itself, with wider intervals"
        )
    return ""
