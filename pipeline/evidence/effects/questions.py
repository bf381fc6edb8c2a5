"""Every question that is asked of one response, with its p-value: each factor and each pair, one Holm family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from backtrack.evidence.effects.coding import HANDFUL, Term
from backtrack.evidence.effects.effects import FactorTest, terms_of, tests_of
from backtrack.evidence.effects.few_runs import are_few, judged
from backtrack.evidence.effects.interactions import InteractionEffect, interaction_effects
from backtrack.evidence.effects.model import Model, build_model, noise_weights
from backtrack.evidence.effects.suspects import Suspect, suspects_of
from backtrack.evidence.effects.tails import by_ranks, has_heavy_tails
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.multiple import holm

# Active interactions join the model before the factors are judged: they take noise out of its errors. Beyond this
# many they would eat more degrees of freedom than they give.
MOST_PAIRS = 6
# Of the error rate of a response, what the interactions may use up.
PAIR_SHARE = 1 / 3
# Few runs show hardly any pair: what it would use up is better spent on factors.
PAIR_SHARE_OF_FEW = 1 / 20
NUISANCE_SHARE = 1 / 4


@dataclass(frozen=True)
class Questions:
    """The questions of a response, and the model that they are asked in.

    Args:
        response: what is asked, of which runs.
        terms, silent: the factors that can be asked about; for the others, why not.
        model: all factors at once, or None.
        tests, pairs: each question with its raw p-value.
        weights: each question's share of the error rate, factors first.
    """

    response: Response
    terms: list[Term]
    silent: dict[str, str]
    model: Model | None
    tests: list[FactorTest]
    pairs: list[InteractionEffect]
    weights: list[float]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The factors of each question, in the order of `weights`."""
        return [(test.term.name,) for test in self.tests] + [(pair.factor_a, pair.factor_b) for pair in self.pairs]

    @property
    def p(self) -> dict[tuple[str, ...], float]:
        """The raw p-value of each question."""
        return dict(zip(self.names, [test.p for test in self.tests] + [pair.p for pair in self.pairs], strict=True))

    @property
    def unasked(self) -> dict[str, str]:
        """`{pair or pairs: why these runs can say nothing of them}`; pairs that the space rules out are left out."""
        if self.model is None:
            return {}
        frame, asked = self.response.frame, set(self.names)
        factors = {name: term.factor for name, term in self.model.terms.items()}
        alone = [name for name, term in self.model.terms.items() if not term.paired]
        found = {f"pairs with {name}": f"fewer than two of its levels have {HANDFUL} runs" for name in alone}
        for a, b in combinations((name for name in factors if name not in alone), 2):
            if (a, b) in asked or a in (factors[b].when or {}) or b in (factors[a].when or {}):
                continue
            if (frame.active(factors[a]) & frame.active(factors[b])).any():
                found[f"{a} × {b}"] = "some of their levels never occur together"
        return found

    def suspects(self, alpha: float, runs: int) -> list[Suspect]:
        """What is worth `runs` fresh runs."""
        adjusted = holm(list(self.p.values()), self.weights)
        return suspects_of(self.tests, self.pairs, [float(p) for p in adjusted], self.model, alpha, runs)


def ask(response: Response, alpha: float) -> Questions:
    """Fits the response and asks everything of it.

    Where its tails are heavy, the tests are those of its normal scores; effects and intervals stay in its own unit.
    """
    terms, silent = terms_of(response)
    changes = len(response.y) > 1 and float(np.ptp(response.y)) > 0
    model = _model(response, terms, alpha) if changes and terms else None
    pairs = interaction_effects(response, model)
    tests = tests_of(response, model, terms) if changes else []
    if model is not None and not response.kind.counts_failures and has_heavy_tails(model):
        tests, pairs = _tested_by_ranks(by_ranks(response), terms, tests, pairs, alpha)
    elif changes and are_few(response, terms):
        tests = _tested_by_deals(response, model, tests)
    return Questions(
        response=response,
        terms=terms,
        silent=silent,
        model=model,
        tests=tests,
        pairs=pairs,
        weights=_weights(response, tests, pairs),
    )


def _tested_by_ranks(
    ranked: Response,
    terms: list[Term],
    tests: Sequence[FactorTest],
    pairs: Sequence[InteractionEffect],
    alpha: float,
) -> tuple[list[FactorTest], list[InteractionEffect]]:
    """The tests and pairs with the p-values that the ranked response gives them, the strongest pairs first."""
    model = _model(ranked, terms, alpha)
    p = {test.term.name: test.p for test in tests_of(ranked, model, terms)}
    joint = {(pair.factor_a, pair.factor_b): pair.p for pair in interaction_effects(ranked, model)}
    own = [replace(test, p=p[test.term.name]) for test in tests]
    if are_few(ranked, terms):
        # Effects stay in the response's own unit; only the p-values are those of the ranks.
        own = [replace(test, p=of.p) for test, of in zip(own, _tested_by_deals(ranked, model, own), strict=True)]
    both = [replace(pair, p=joint.get((pair.factor_a, pair.factor_b), 1.0)) for pair in pairs]
    return own, sorted(both, key=lambda pair: (pair.p, -pair.effect))


def _tested_by_deals(response: Response, model: Model | None, tests: Sequence[FactorTest]) -> list[FactorTest]:
    """The tests of few runs (`few_runs`), where least squares can say something of the factor at all."""
    asked = [test for test in tests if not test.silent]
    found = judged(response, [test.term for test in asked], model)
    return [
        replace(test, p=found[test.term.name].p, added=found[test.term.name].added) if not test.silent else test
        for test in tests
    ]


def _weights(response: Response, tests: Sequence[FactorTest], pairs: Sequence[InteractionEffect]) -> list[float]:
    """Shares of the error rate: all questions of a response are one family.

    A third is for the pairs, which are many, the rest for the factors. A nuisance is not what the sweep asks about:
    it gets a quarter of a scientific factor's share, a pair the product of its factors'.
    """
    role = {factor.name: NUISANCE_SHARE if factor.role == "nuisance" else 1.0 for factor in response.frame.space}
    own = np.array([role[test.term.name] for test in tests])
    joint = np.array([role[pair.factor_a] * role[pair.factor_b] for pair in pairs])
    share = PAIR_SHARE_OF_FEW if are_few(response, [test.term for test in tests]) else PAIR_SHARE
    whole = 1 - share if pairs else 1.0
    return [*(whole * own / max(own.sum(), 1e-9)), *(share * joint / max(joint.sum(), 1e-9))]


def _model(response: Response, terms: list[Term], alpha: float) -> Model | None:
    """All factors at once, with the interactions that stand out, found one after another, and the noise weighted.

    An interaction that is left out is noise to everything else; with it in the model, weaker ones show.
    """
    model = build_model(response, terms)
    chosen: list[tuple[str, str]] = []
    weights = None
    while model is not None:
        if not response.kind.of_failures and weights is None:
            weights = noise_weights(model)
            model = build_model(response, terms, chosen, weights) or model
        candidates = interaction_effects(response, model)
        bar = alpha * PAIR_SHARE / max(1, len(candidates))
        fresh = [(e.factor_a, e.factor_b) for e in candidates if e.p < bar and (e.factor_a, e.factor_b) not in chosen]
        richer = build_model(response, terms, [*chosen, fresh[0]], weights) if fresh else None
        if richer is None or len(chosen) >= MOST_PAIRS or not richer.holds(*fresh[0]):
            break
        chosen.append(fresh[0])
        model = richer
    return model
