"""`report.html`: one self-contained page."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np
import pyarrow as pa

from backtrack.evidence.analysis import MARGIN, Analysis
from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.evidence.failures.failure_rules import rate_interval
from backtrack.evidence.health import Flag, health_checks
from backtrack.evidence.shorter import Shorter
from backtrack.views import ink
from backtrack.views.cause_sentences import best_repair_text, outcomes_text, repair_text, symptoms_text
from backtrack.views.findings import Findings
from backtrack.views.goals import goals_of
from backtrack.views.numbers import runs_text
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.responses import FAILURE, GAIN
from backtrack.vocabulary.space import SearchSpace

MOST_PAIRS = 15


def page(
    analysis: Analysis,
    findings: Findings,
    plots: dict[str, bytes],
    trials: pa.Table,
    manifest: dict[str, Any],
    opinions: dict[str, dict[str, float]],
    notes: Sequence[str] = (),
    health: Sequence[Flag] = (),
    early: Sequence[Shorter] = (),
) -> str:
    """The page as HTML.

    Args:
        analysis, findings, plots: what is shown.
        trials: every run, for the table that the numbers lead to.
        manifest: of the study.
        opinions: of other importance tools, `{tool: {factor: importance}}`.
        notes: on parts of the report that could not be made.
        health: what the study's examination found.
        early: what shorter trainings would have told.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    task = manifest["task"]
    more = sum(one["runs"] for one in manifest.get("extensions", ()))
    planned = {**manifest["stages"], **({"more": more} if more else {})}
    stages = ", ".join(f"{stage} {runs}" for stage, runs in planned.items())
    return environment.get_template("page.html.j2").render(
        title=f"Why does {task['name']} train, or not?",
        description=task["description"] or f"task {task['name']}",
        subtitle=(
            f"study {manifest['study']} · {len(analysis.frame)} training runs ({stages} planned) · "
            f"{manifest['created']} · seed {manifest['seed']}"
        ),
        metric=task["metric"],
        answers=[(heading, [_with_commands(one) for one in sentences]) for heading, sentences in findings.answers],
        checks=_checks(analysis),
        plots={name: base64.b64encode(content).decode() for name, content in plots.items()},
        responses=[_response(name, answer) for name, answer in analysis.responses.items()],
        causes=_causes(analysis, plots),
        claims=_claims(analysis),
        interactions=_interactions(analysis),
        unasked=analysis.responses[GAIN].unasked,
        opinions=_opinions(analysis, opinions),
        tools=list(opinions),
        notes=notes,
        health=health,
        early=[_early(one) for one in early],
        several=_several(analysis),
        front=_front(analysis),
        health_checks=len(health_checks()),
        ink=ink,
        alpha=f"{analysis.alpha:g}",
        margin=f"{MARGIN:g}",
        manifest=json.dumps({name: value for name, value in manifest.items() if name != "factors"}, indent=2),
        # "<" is escaped: a traceback in a cell must not end the script.
        runs_json=markupsafe.Markup(
            json.dumps(_runs(analysis.frame.space, trials), separators=(",", ":")).replace("<", "\\u003c")
        ),
    )


def _with_commands(sentence: str) -> markupsafe.Markup:
    """A sentence with what stands between backticks as a command to type."""
    parts = [markupsafe.escape(part) for part in sentence.split("`")]
    joined = "".join(f"<code>{part}</code>" if place % 2 else str(part) for place, part in enumerate(parts))
    # Each part was escaped above.
    return markupsafe.Markup(joined)


def _checks(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            **{name.removeprefix("_"): text for name, text in vars(one.finding).items()},
            "check": one.finding.check.replace("_", " "),
            "runs": f"{one.runs} of {one.of}",
            "trials": " ".join(one.trials),
        }
        for one in analysis.seen
    ]


def _number(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _range(low: float | None, high: float | None) -> str:
    return f"{_number(low)} to {_number(high)}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def _rank(rank: int, interval: tuple[int, int] | None) -> str:
    """The place in the ranking, and the interval of the rank by size where it is not certain."""
    if interval is None or interval[0] == interval[1] == rank:
        return str(rank)
    return f"{rank} ({interval[0]}–{interval[1]})"


def tuned_text(answer: ResponseAnalysis, factor: str) -> str:
    """What tuning a nuisance changes about a factor; empty where it changes nothing."""
    effect = answer.tuned.get(factor)
    if effect is None or not effect.differs:
        return ""
    tuned, common = (
        f"{_number(size)} ({_range(low, high)}), best {best}"
        for size, low, high, best in (
            (effect.tuned, effect.tuned_low, effect.tuned_high, effect.tuned_best),
            (effect.common, effect.common_low, effect.common_high, effect.common_best),
        )
    )
    return (
        f"each level at its own best {effect.nuisance}: {tuned}; all at {effect.nuisance} {effect.common_at}: {common}"
    )


def _response(name: str, answer: ResponseAnalysis) -> dict[str, Any]:
    rows = [
        {
            "rank": _rank(rank, answer.ranks.get(effect.factor.name)),
            "factor": effect.factor.name,
            "role": effect.factor.role,
            "effect": _number(effect.effect),
            "interval": _range(effect.low, effect.high),
            "p": _p(effect.p_adjusted),
            "share": f"{share:.0%}" if np.isfinite(share := answer.shares[effect.factor.name]) else "–",
            "verdict": effect.verdict,
            "best_level": effect.best_level,
            "runs": effect.runs,
            "runs_to_decide": runs_text(effect.runs_to_decide),
            "statement": "; ".join(filter(None, (effect.statement, tuned_text(answer, effect.factor.name)))),
        }
        for rank, effect in enumerate(answer.factors, start=1)
    ]
    rows += [
        {
            "rank": "–",
            "factor": factor,
            "role": "",
            "effect": "–",
            "interval": "–",
            "p": "–",
            "share": "–",
            "verdict": "undecided",
            "best_level": "",
            "runs": 0,
            "runs_to_decide": "",
            "statement": why,
        }
        for factor, why in sorted(answer.silent.items())
    ]
    levels = [
        {
            "factor": effect.factor.name,
            "level": level.level,
            "mean": _number(level.mean),
            "interval": _range(level.low, level.high),
            "runs": level.runs,
            "filter": "" if isinstance(effect.factor, Numeric) else f"{effect.factor.name}={level.level}",
        }
        for effect in answer.factors
        for level in effect.levels
    ]
    return {
        "name": name,
        "question": answer.response.kind.question,
        "unit": answer.response.kind.unit,
        "statement": answer.statement,
        "censored": answer.response.censored,
        "rows": rows,
        "levels": levels,
    }


def _early(one: Shorter) -> dict[str, str]:
    def named(names: Sequence[str]) -> str:
        return ", ".join(names) or "–"

    return {
        "share": f"{one.share:.0%}",
        "agreement": f"{one.agreement:.2f}",
        "kept": named(one.kept),
        "lost": named(one.lost),
        "new": named(one.new),
        "turned": named(one.turned),
    }


def _several(analysis: Analysis) -> dict[str, Any]:
    """One table factor × response, with sign and interval; empty where the task has no further goals."""
    goals = goals_of(analysis)
    if not goals:
        return {}
    names = [name for name in (GAIN, *goals, FAILURE) if name in analysis.responses]
    effects = {name: {effect.factor.name: effect for effect in analysis.responses[name].factors} for name in names}
    rows = []
    for factor in analysis.frame.space:
        cells = [_signed(effects[name].get(factor.name)) for name in names]
        rows.append({"factor": factor.name, "cells": cells})
    units = [analysis.responses[GAIN].response.kind.unit if name == GAIN else name for name in names]
    return {"names": [unit.replace("_", " ") for unit in units], "rows": rows}


def _signed(effect: FactorEffect | None) -> dict[str, str]:
    """An effect with the sign of its last level against its first, and the best level."""
    if effect is None or not effect.levels or not np.isfinite(effect.effect):
        return {"text": "–", "verdict": ""}
    sign = "+" if effect.levels[-1].mean >= effect.levels[0].mean else "−"
    text = f"{sign}{_number(effect.effect)} ({_range(effect.low, effect.high)}), best {effect.best_level}"
    return {"text": text, "verdict": effect.verdict}


def _front(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "trial": one.trial,
            "knee": "knee" if one.knee else "",
            "numbers": [f"{_number(value)} ({_range(low, high)})" for value, low, high in one.values.values()],
            "names": list(one.values),
        }
        for one in analysis.front
    ]


def _causes(analysis: Analysis, plots: dict[str, bytes]) -> list[dict[str, Any]]:
    rows = []
    for number, one in enumerate(analysis.causes, start=1):
        cause = one.cause
        inside, outside = rate_interval(*one.inside), rate_interval(*one.outside)
        state = "verified" if cause.verified else "refuted" if cause.refuted else "not yet"
        flips = [
            {
                "before": flip.before,
                "after": flip.after,
                "what": turned + ("" if flip.reached else ", but it reaches less than healthy runs")
                if flip.turned
                else stayed
                if flip.stayed
                else "then fails in another way",
            }
            for way, turned, stayed in (
                (cause.broke, "added: breaks it", "added: does not break it"),
                (cause.mended, "removed: mends it", "removed: does not mend it"),
            )
            for flip in way
        ]
        rows.append(
            {
                "outcome": outcomes_text(one),
                "cause": " and ".join(cause.cause),
                "with_": f"{inside[0]:.0%} ({inside[1]:.0%} to {inside[2]:.0%}) of {one.inside[1]}",
                "without": f"{outside[0]:.0%} ({outside[1]:.0%} to {outside[2]:.0%}) of {one.outside[1]}",
                "share": f"{one.share:.0%}",
                "state": state.split(" ")[0],
                "verified": f"{state}, {cause.flips} flips" if cause.flips else state,
                "with_it": " ".join(one.with_it),
                "without_it": " ".join(one.without_it),
                "repair": repair_text(cause) if cause.verified else "",
                "amplifiers": " and ".join(map(str, cause.amplifiers)),
                "best_repair": best_repair_text(analysis, cause) if cause.verified else "",
                "symptoms": symptoms_text(one),
                "plot": name if (name := f"cause-{number}.png") in plots else "",
                "runs": cause.runs,
                "flips": flips,
            }
        )
    return rows


def _claims(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "claim": result.claim.text,
            "source": result.claim.source,
            "factor": result.factor,
            "contrast": result.claim.contrast,
            "response": result.claim.on,
            "effect": f"{_number(result.effect)} ({_range(result.low, result.high)})",
            "verdict": result.verdict,
            "statement": result.statement,
            "rests": f"{result.pairs} pairs" if result.pairs else f"{result.runs} runs" if result.runs else "–",
            "levels": [
                (label(level), f"{'claims' if result.pairs else 'screen'} {result.factor}={label(level)}")
                for level in (result.claim.level, result.claim.against)
            ],
        }
        for result in analysis.claims
    ]


def _interactions(analysis: Analysis) -> list[dict[str, str]]:
    pairs = [(name, pair) for name, answer in analysis.responses.items() for pair in answer.interactions]
    pairs.sort(key=lambda row: (row[1].p_adjusted, row[1].p, row[0]))
    return [
        {
            "response": name.replace("_", " "),
            "pair": f"{pair.factor_a} × {pair.factor_b}",
            "effect": _number(pair.effect),
            "interval": _range(pair.low, pair.high),
            "p": _p(pair.p_adjusted),
            "verdict": pair.verdict,
        }
        for name, pair in pairs[:MOST_PAIRS]
    ]


def _opinions(analysis: Analysis, opinions: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Our verdicts beside the numbers of other tools, the most important for the first tool first."""
    if not opinions:
        return []
    first = next(iter(opinions.values()))
    factors = sorted((factor.name for factor in analysis.frame.space), key=lambda name: (-first.get(name, -1.0), name))
    verdicts = {
        response: {effect.factor.name: effect.verdict for effect in analysis.responses[response].factors}
        for response in (FAILURE, GAIN)
    }
    return [
        {
            "factor": name,
            "numbers": [f"{tool[name]:.3f}" if name in tool else "–" for tool in opinions.values()],
            **{response: verdict.get(name, "undecided") for response, verdict in verdicts.items()},
        }
        for name in factors
    ]


def _runs(space: SearchSpace, trials: pa.Table) -> dict[str, Any]:
    """Every run as a row of text cells, for the table at the end of the page."""
    factors = [factor.name for factor in space]
    plain = ["trial", "replicate", "seed", "stage", "outcome", "value"]
    rows = []
    for row in trials.to_pylist():
        cells: list[Any] = [row["trial"], row["replicate"], row["seed"], row["stage"], row["outcome"]]
        cells.append(None if row["value"] is None else f"{row['value']:.4g}")
        cells += [label(row[f"config.{name}"]) for name in factors]
        cells += [f"{row['seconds']:.2f}", (row["error"] or "").strip().splitlines()[-1:] or None]
        if cells[-1] is not None:
            cells[-1] = cells[-1][0]
        rows.append(cells)
    return {"columns": [*plain, *factors, "seconds", "error"], "factors": factors, "rows": rows}
