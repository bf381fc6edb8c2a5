"""The analysis as tables: the columns of `report/*.parquet`, fixed by the design (section 9)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa

from backtrack.evidence.failures.failure_rules import rate_interval
from backtrack.views.cause_sentences import repairs_of

if TYPE_CHECKING:
    from backtrack.evidence.analysis import Analysis
    from backtrack.evidence.answers import ResponseAnalysis
    from backtrack.evidence.effects.effects import FactorEffect
    from backtrack.evidence.effects.tuned import TunedEffect
    from backtrack.evidence.pareto import FrontRun


def report_tables(analysis: Analysis) -> dict[str, pa.Table]:
    """Every table of the report by its name."""
    return {
        "factors": factors_table(analysis),
        "levels": levels_table(analysis),
        "interactions": interactions_table(analysis),
        "causes": causes_table(analysis),
        "claims": claims_table(analysis),
        "checks": checks_table(analysis),
        **({"front": front_table(analysis)} if analysis.front else {}),
    }


def front_run(one: FrontRun) -> dict[str, object]:
    """A run of the Pareto front as a row: each number with its 95 % interval."""
    row: dict[str, object] = {"trial": one.trial, "seed": one.seed, "knee": one.knee}
    for name, (value, low, high) in one.values.items():
        row |= {name: value, f"{name}.low": low, f"{name}.high": high}
    return row


def front_table(analysis: Analysis) -> pa.Table:
    """`report/front.parquet`: the runs that no other beats in everything, and the knee."""
    return pa.Table.from_pylist([front_run(one) for one in analysis.front])


def checks_table(analysis: Analysis) -> pa.Table:
    """`report/checks.parquet`: what checks found, with its place and the first trial that shows it."""
    rows = [{**vars(one.finding), "trial": one.trials[0], "runs": one.runs, "of": one.of} for one in analysis.seen]
    names = ("check", "trial", "place", "measured", "expected", "remedy", "weight")
    counts = [("runs", pa.int64()), ("of", pa.int64())]
    return pa.Table.from_pylist(rows, schema=pa.schema([*((name, pa.string()) for name in names), *counts]))


FACTORS: dict[str, pa.DataType] = {
    "response": pa.string(),
    "factor": pa.string(),
    "rank": pa.int32(),
    "effect": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "unit": pa.string(),
    "p_adjusted": pa.float64(),
    "verdict": pa.string(),
    "runs": pa.int64(),
    "runs_to_decide": pa.int64(),
    "best_level": pa.string(),
    "share": pa.float64(),
    "role": pa.string(),
    "statement": pa.string(),
    "rank_low": pa.int32(),
    "rank_high": pa.int32(),
    "twins": pa.list_(pa.string()),
    "robust_effect": pa.float64(),
}


def factors_table(analysis: Analysis) -> pa.Table:
    """`report/factors.parquet` (design, section 9), with each factor's role, share (`total_shares`) and statement."""
    rows = []
    for name, answer in analysis.responses.items():
        rows += [_effect_row(name, answer, rank, effect) for rank, effect in enumerate(answer.factors, start=1)]
        rows += [_silent_row(name, answer, factor, why) for factor, why in sorted(answer.silent.items())]
    tuned = {name: pa.string() if name.endswith(("best", "at")) else pa.float64() for name in TUNED}
    return pa.Table.from_pylist(rows, schema=pa.schema(list((FACTORS | tuned).items())))


def _effect_row(name: str, answer: ResponseAnalysis, rank: int, effect: FactorEffect) -> dict[str, object]:
    low, high = answer.ranks.get(effect.factor.name, (1, len(answer.factors)))
    return {
        "response": name,
        "factor": effect.factor.name,
        "rank": rank,
        "effect": effect.effect,
        "low": effect.low,
        "high": effect.high,
        "unit": answer.response.kind.unit,
        "p_adjusted": effect.p_adjusted,
        "verdict": effect.verdict,
        "runs": effect.runs,
        "runs_to_decide": effect.runs_to_decide,
        "best_level": effect.best_level,
        "share": share if math.isfinite(share := answer.shares[effect.factor.name]) else None,
        "role": effect.factor.role,
        "statement": effect.statement,
        "rank_low": low,
        "rank_high": high,
        "twins": list(effect.twins),
        "robust_effect": effect.robust if math.isfinite(effect.robust) else None,
        **_tuned_columns(answer.tuned.get(effect.factor.name)),
    }


def _silent_row(name: str, answer: ResponseAnalysis, factor: str, why: str) -> dict[str, object]:
    """A factor of which nothing can be said: what is not here is null."""
    return {
        "response": name,
        "factor": factor,
        "rank": len(answer.factors) + 1,
        "unit": answer.response.kind.unit,
        "p_adjusted": 1.0,
        "verdict": "undecided",
        "runs": 0,
        "best_level": "",
        "role": answer.response.frame.space[factor].role,
        "statement": why,
        "rank_low": 1,
        "rank_high": len(answer.factors) + len(answer.silent),
    }


# Columns of `factors.parquet` for the gain, null elsewhere: see `TunedEffect`.
TUNED = (
    "tuned", "tuned_low", "tuned_high", "tuned_best", "common", "common_low", "common_high", "common_best", "common_at",
)  # fmt: skip


def _tuned_columns(effect: TunedEffect | None) -> dict[str, object]:
    return {name: getattr(effect, name) if effect is not None else None for name in TUNED}


def levels_table(analysis: Analysis) -> pa.Table:
    """`report/levels.parquet`: adjusted level means with 95 % intervals; of a numeric factor, points of its curve."""
    rows = [
        {
            "response": name,
            "factor": effect.factor.name,
            "level": level.level,
            "mean": level.mean,
            "low": level.low,
            "high": level.high,
            "runs": level.runs,
        }
        for name, answer in analysis.responses.items()
        for effect in answer.factors
        for level in effect.levels
    ]
    schema = pa.schema(
        [
            ("response", pa.string()),
            ("factor", pa.string()),
            ("level", pa.string()),
            ("mean", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("runs", pa.int64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def interactions_table(analysis: Analysis) -> pa.Table:
    """`report/interactions.parquet`."""
    rows = [
        {
            "response": name,
            "factor_a": pair.factor_a,
            "factor_b": pair.factor_b,
            "effect": pair.effect,
            "low": pair.low,
            "high": pair.high,
            "p_adjusted": pair.p_adjusted,
            "verdict": pair.verdict,
        }
        for name, answer in analysis.responses.items()
        for pair in answer.interactions
    ]
    schema = pa.schema(
        [
            ("response", pa.string()),
            ("factor_a", pa.string()),
            ("factor_b", pa.string()),
            ("effect", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("p_adjusted", pa.float64()),
            ("verdict", pa.string()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def causes_table(analysis: Analysis) -> pa.Table:
    """`report/causes.parquet`: each cause with its rates and flips; what backtracking refuted is left out."""
    rows = []
    for explained in analysis.causes:
        cause = explained.cause
        if cause.refuted:
            continue
        with_rate, with_low, with_high = rate_interval(*explained.inside)
        without_rate, without_low, without_high = rate_interval(*explained.outside)
        rows.append(
            {
                "outcome": cause.outcome,
                "outcomes": [f"{outcome}: {count}" for outcome, count in explained.outcomes.items()],
                "cause": list(cause.cause),
                "share": explained.share,
                "fails_with": with_rate,
                "fails_with_low": with_low,
                "fails_with_high": with_high,
                "fails_without": without_rate,
                "fails_without_low": without_low,
                "fails_without_high": without_high,
                "runs_with": explained.inside[1],
                "runs_without": explained.outside[1],
                "flips": cause.flips,
                "verified": cause.verified,
                "repairs": repairs_of(cause) if cause.verified else [],
                "amplifiers": list(map(str, cause.amplifiers)),
                "symptoms": [share.name for share in explained.symptoms],
                "checks": [share.name for share in explained.checks],
            }
        )
    schema = pa.schema(
        [
            ("outcome", pa.string()),
            ("outcomes", pa.list_(pa.string())),
            ("cause", pa.list_(pa.string())),
            ("share", pa.float64()),
            ("fails_with", pa.float64()),
            ("fails_with_low", pa.float64()),
            ("fails_with_high", pa.float64()),
            ("fails_without", pa.float64()),
            ("fails_without_low", pa.float64()),
            ("fails_without_high", pa.float64()),
            ("runs_with", pa.int64()),
            ("runs_without", pa.int64()),
            ("flips", pa.int64()),
            ("verified", pa.bool_()),
            ("repairs", pa.list_(pa.string())),
            ("amplifiers", pa.list_(pa.string())),
            ("symptoms", pa.list_(pa.string())),
            ("checks", pa.list_(pa.string())),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def claims_table(analysis: Analysis) -> pa.Table:
    """`report/claims.parquet`."""
    rows = [
        {
            "claim": result.claim.text,
            "source": result.claim.source,
            "factor": result.factor,
            "contrast": result.claim.contrast,
            "response": result.claim.on,
            "expect": result.claim.expect,
            "effect": result.effect,
            "low": result.low,
            "high": result.high,
            "p_adjusted": result.p_adjusted,
            "verdict": result.verdict,
            "statement": result.statement,
            "runs": result.runs,
            "pairs": result.pairs,
        }
        for result in analysis.claims
    ]
    schema = pa.schema(
        [
            ("claim", pa.string()),
            ("source", pa.string()),
            ("factor", pa.string()),
            ("contrast", pa.string()),
            ("response", pa.string()),
            ("expect", pa.string()),
            ("effect", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("p_adjusted", pa.float64()),
            ("verdict", pa.string()),
            ("statement", pa.string()),
            ("runs", pa.int64()),
            ("pairs", pa.int64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
