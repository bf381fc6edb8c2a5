"""The claims stage and its verdicts: pairs that differ in one factor, and tests that keep their error rate."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from offline import analyse_offline, sweep_offline
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from backtrack import Categorical, Claim, FunctionTask, Numeric, SearchSpace
from backtrack.errors import PlanError, SpaceError
from backtrack.stages.claims import plan_claims
from backtrack.views.findings import findings_of
from backtrack.views.plots.claims import claim_figure
from backtrack.vocabulary.contrasts import contrast_question, contrasts_of
from backtrack.vocabulary.plan import PAIRED


def claim(level, against, response="gain", expect="better", where=None):
    return Claim("a claim", "a post", level, against, response, expect, where or {})


SPACE = SearchSpace(
    (
        Categorical("optimiser", ["sgd", "adam", "rmsprop"]),
        Categorical(
            "activation",
            ["relu", "winners", "maxout"],
            claims=(
                claim("winners", "relu"),
                claim("winners", "relu", "speed"),
                claim("relu", "winners", "failure"),
                claim("winners", "maxout", where={"optimiser": "adam", "lr": 0.001}),
            ),
        ),
        Categorical("group", [2, 4], when={"activation": ["winners", "maxout"]}),
        Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}, claims=(claim(0.9, 0.0),)),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
    )
)


def test_pairs_differ_in_the_claims_factor_alone_and_backgrounds_are_balanced():
    contrasts = contrasts_of(SPACE)
    assert [factor.name for factor, _ in contrasts] == ["activation", "activation", "momentum"], "each contrast once"
    questions = [contrast_question(factor.name, named) for factor, named in contrasts]
    planned = plan_claims(SPACE, 361, seed=7)
    assert len(planned) == 360 and len({one.trial for one in planned}) == 360
    assert planned == plan_claims(SPACE, 361, seed=7)
    pairs = list(zip(planned[::2], planned[1::2], strict=True))
    assert len({first.seeds for first, _ in pairs}) == len(pairs), "each pair has a seed of its own"
    firsts = Counter()
    for first, second in pairs:
        assert first.seeds == second.seeds and first.stage == "claims"
        number = questions.index(first.question)
        assert (second.pair, second.question) == (first.pair, first.question) and first.part == PAIRED
        factor, named = contrasts[number]
        sides = {first.side: first.config[factor.name], second.side: second.config[factor.name]}
        assert sides == {"claimed": named.level, "other": named.against}
        assert {first.config[factor.name], second.config[factor.name]} == {named.level, named.against}
        firsts[number, first.config[factor.name] == named.level] += 1
        differs = {
            name for name in {*first.config, *second.config} if first.config.get(name) != second.config.get(name)
        }
        assert differs - {"group"} == {factor.name}, "only what hangs on the factor may differ with it"
        if number == 1:
            assert "group" not in differs, "it exists under both levels"
            assert first.config["optimiser"] == "adam" and first.config["lr"] == 0.001
        if number == 2:
            assert first.config["optimiser"] == "sgd", "momentum exists under it only"
    assert all(12 < count < 48 for count in firsts.values()), "either level may come first"
    assert [one.pair for one in planned] == [number // 2 for number in range(360)]
    own = [one.config for one in planned if one.question == questions[0]]
    assert Counter(config["optimiser"] for config in own) == {"sgd": 40, "adam": 40, "rmsprop": 40}
    assert Counter(config["group"] for config in own if config["activation"] == "winners") == {2: 30, 4: 30}


def test_what_cannot_be_planned_is_refused_with_what_it_would_take():
    with pytest.raises(PlanError, match="no factor of this task carries a claim"):
        plan_claims(SearchSpace((Categorical("a", [1, 2]),)), 100, 0)
    with pytest.raises(PlanError, match="3 contrasts need at least 6"):
        sweep_offline(box(lambda config, noise, luck: 0.0, SPACE), 4, 0, ["claims"])
    with pytest.raises(PlanError, match="expected some of"):
        sweep_offline(box(lambda config, noise, luck: 0.0, SPACE), 40, 0, ["claim"])


def test_claims_that_name_what_the_space_does_not_have():
    factor = Categorical("a", [1, 2], claims=(claim(1, 2, where={"absent": 1}), claim(1, 2)))
    space = SearchSpace((factor, Categorical("b", [1, 2])))
    assert [own.where for _, own in contrasts_of(space)] == [{}]
    first, second = verdicts(box(lambda config, noise, luck: config["a"] + noise / 9, space), 20)
    assert first.verdict == "undecided" and first.pairs == 0 and second.pairs == 10
    for wrong, said in (
        (claim(1, 2, where={"b": 3}), "which b never takes"),
        (claim(1, 1), "with itself"),
        (Claim("c", "s", 1, 2, "failure", of="x"), "expected response .gain. for a claim about another number"),
    ):
        with pytest.raises(SpaceError, match=said):
            SearchSpace((Categorical("a", [1, 2], claims=(wrong,)), Categorical("b", [1, 2])))


def test_a_claim_about_the_only_factor_is_tried_with_another_seed_each_time():
    planned = plan_claims(SearchSpace((Categorical("a", [1, 2], claims=(claim(1, 2),)),)), 20, 0)
    assert len({one.seeds for one in planned}) == 10


def box(metric, space, failing=lambda config, noise, luck: False):
    """A black box with noise of its own for each run, and luck that runs of a seed share."""

    def run(config, seed):
        text = repr(sorted((name, str(level)) for name, level in config.items()))
        noise = float(np.random.default_rng([seed, *text.encode()]).normal())
        luck = float(np.random.default_rng(seed).normal())
        broken = failing(config, noise, luck)
        for _ in range(3):
            yield {"score": 0.0 if broken else 10 + metric(config, noise, luck)}

    return FunctionTask(name="box", run=run, metric="score", mode="max", chance=0.0, factors=list(space))


def verdicts(task, runs, seed=0):
    return analyse_offline(task, sweep_offline(task, runs, seed, ["claims"])).claims


PLAIN = SearchSpace(
    (
        Categorical("a", ["x", "y", "z"], claims=(claim("x", "y"), claim("x", "y", "failure"))),
        Categorical("b", [1, 2], claims=(claim(1, 2, expect="same"),)),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
    )
)


def test_estimates_are_the_paired_t_test_and_mcnemars():
    task = box(
        lambda config, noise, luck: 0.5 * (config["a"] == "x") + noise + 3 * luck,
        PLAIN,
        lambda config, noise, luck: noise > (0.5 if config["a"] == "x" else 1.5),
    )
    finished = sweep_offline(task, 320, 3, ["claims"])
    gain, failure, _ = analyse_offline(task, finished).claims
    by_pair = {}
    for one in finished:
        if one.planned.question.startswith("a:"):
            by_pair.setdefault(one.planned.pair, {})[one.planned.config["a"]] = one.results[0]
    pairs = [(pair["x"], pair["y"]) for pair in by_pair.values()]
    assert len(pairs) == 80
    both = [(x.value, y.value) for x, y in pairs if x.outcome == y.outcome == "ok"]
    known = stats.ttest_rel(*zip(*both, strict=True))
    interval = known.confidence_interval(0.95)
    assert (gain.p, gain.low, gain.high) == pytest.approx((known.pvalue, interval.low, interval.high))
    assert gain.pairs == len(both) < 80 and f"{80 - len(both)} of 80 pairs" in gain.statement
    table = np.zeros((2, 2))
    for x, y in pairs:
        table[int(x.outcome == "ok"), int(y.outcome == "ok")] += 1
    assert failure.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert failure.effect == pytest.approx((table[0].sum() - table[:, 0].sum()) / 80)
    assert failure.low < failure.effect < failure.high
    assert failure.verdict == "refuted", "x was claimed to fail less, and fails more"


def test_a_training_that_never_reaches_the_target_was_slower():
    space = SearchSpace(
        (Categorical("a", ["x", "y"], claims=(claim("x", "y", "speed"),)), Numeric("lr", 1e-4, 1e-1, log=True))
    )

    def run(config, seed):
        slow = config["a"] == "y"
        noise = float(np.random.default_rng([seed, slow]).normal())
        for epoch in range(1, 9):
            # Most of y stop short of half of the way from chance to the usual end; all of them train.
            top = 0.4 + 0.05 * noise if slow and seed % 4 else 1.0
            yield {"score": top * min(1.0, epoch / (3 + noise / 4 + 2 * slow))}

    task = FunctionTask(name="box", run=run, metric="score", mode="max", chance=0.0, noise=0.01, factors=list(space))
    finished = sweep_offline(task, 60, 0, ["claims"])
    (found,) = analyse_offline(task, finished).claims
    assert found.verdict == "supported" and found.pairs == 30 and "times with y" in found.statement
    known = stats.quantile_test(np.array(found.differences), q=0.0, p=0.5)
    interval = known.confidence_interval(0.95)
    assert found.p == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)))


def test_verdicts_follow_the_truth():
    found = verdicts(box(lambda config, noise, luck: (config["a"] == "x") + noise + 3 * luck, PLAIN), 480)
    assert found[0].verdict == "supported"
    turned = verdicts(box(lambda config, noise, luck: -(config["a"] == "x") + noise + 3 * luck, PLAIN), 480)
    assert turned[0].verdict == "refuted"


def test_a_contrast_that_another_factor_turns_round_depends_on_it():
    def metric(config, noise, luck):
        return (config["a"] == "x") * (1.5 if config["b"] == 1 else -1.5) + noise

    assert verdicts(box(metric, PLAIN), 320)[0].verdict == "depends on b"


def test_pairs_of_a_narrower_claim_do_not_tilt_a_wider_one():
    space = SearchSpace(
        (
            Categorical("b", [1, 2]),
            Categorical("a", ["x", "y"], claims=(claim("x", "y"), claim("x", "y", where={"b": 1}))),
        )
    )
    wide, narrow = verdicts(
        box(lambda config, noise, luck: (config["a"] == "x") * (config["b"] == 1) + noise / 20, space), 200
    )
    assert wide.effect == pytest.approx(0.5, abs=0.05), "half of the backgrounds have b=1"
    assert narrow.effect == pytest.approx(1.0, abs=0.05)


def test_a_sweep_of_claims_alone_says_what_it_can_say():
    task = box(lambda config, noise, luck: (config["a"] == "x") + noise, PLAIN)
    analysis = analyse_offline(task, sweep_offline(task, 160, 0, ["claims"]))
    findings = findings_of(analysis, "score", {"claims": 160})
    assert any("Supported: “a claim”" in sentence for sentence in findings.helped)
    assert not any("show no factor" in sentence for sentence in findings.helped), "no factor was asked about"
    assert "80 pairs" in findings.sure[0] and "Only claims" in findings.next[0]
    assert all("would decide it" in one.statement for one in analysis.claims if one.verdict == "undecided")
    panels = claim_figure(analysis.claims).axes
    assert [len(axes.get_yticks()) for axes in panels] == [2, 1], "a panel a response, a row a claim"
    screened = analyse_offline(task, sweep_offline(task, 60, 0, ["screen"]))
    assert claim_figure(screened.claims) is None and all(one.pairs == 0 for one in screened.claims)


def test_where_nothing_is_true_one_in_twenty_at_most_is_called():
    called = Counter()
    sweeps = 120
    for seed in range(sweeps):
        task = box(
            # Noise that differs by level, luck shared by seed, a background that matters, failures.
            lambda config, noise, luck: (1 + 2 * (config["a"] == "x")) * noise + 3 * luck + 2 * np.log10(config["lr"]),
            PLAIN,
            lambda config, noise, luck: luck > 1,
        )
        for one in verdicts(task, 80, seed):
            called[one.claim.response] += one.verdict not in ("undecided", "no effect") and one.claim.expect != "same"
    most = stats.binom.ppf(0.999, sweeps, 0.05)
    assert called["gain"] <= most and called["failure"] <= most
