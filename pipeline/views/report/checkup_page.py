"""`report.html` of a checkup: its answer first, then all that was tried, then every run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import jinja2

from backtrack.evidence.checkup.case import Case, Changes, spelled
from backtrack.evidence.checkup.unverified import told
from backtrack.evidence.checkup.verdict import YES, Checkup, CheckupCause
from backtrack.views import ink
from backtrack.views.checkup import EDIT, after_that, doubtful, edit_of, no_cause, standing, state

# Changes of each kind that the first screen shows; the table behind it has all.
SHOWN = 3


def checkup_page(case: Case, found: Checkup, manifest: dict[str, Any]) -> str:
    """The page as HTML.

    Args:
        case: every run.
        found: what they say.
        manifest: of the study.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    metric = manifest["task"]["metric"]
    return environment.get_template("checkup.html.j2").render(
        title=f"Does {manifest['task']['name']} learn, and if not, why?",
        subtitle=(
            f"checkup {manifest['study']} · {found.runs} trainings · {manifest['created']} · seed {manifest['seed']}"
        ),
        metric=metric,
        standing=standing(found, metric),
        causes=_causes(found.causes),
        then=_then(found.then, metric) if found.then is not None else None,
        edit=Path(EDIT).name if found.edit else "",
        sound=found.learns == YES,
        nothing="" if found.causes else no_cause(found),
        doubtful=[(heading, rows[:SHOWN]) for heading, rows in doubtful(found, metric)],
        limits=found.limits,
        gains=[_repair(one[:3]) for one in found.gains],
        rows=_rows(case),
        findings=[
            *case.wrong.values(),
            *found.unusual,
        ],
        runs=[
            {
                "trial": run.trial,
                "seed": run.seed,
                "changes": spelled(run.changes) or "as written",
                "value": _shown(run.value),
                "outcome": run.outcome,
            }
            for run in (*case.runs, *case.later)
        ],
        ink=ink,
    )


def _causes(causes: Sequence[CheckupCause]) -> list[dict[str, Any]]:
    return [_cause(cause, edit_of(cause, causes[:number])) for number, cause in enumerate(causes)]


def _cause(cause: CheckupCause, edit: str) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "name": cause.name.replace("_", " "),
        "place": cause.place,
        "said": cause.said,
        "verified": cause.verified,
        "state": state(cause),
        "repairs": [_repair(one) for one in cause.repairs],
        "hides": [_repair(one) for one in cause.hides],
        "patch": edit,
        "signs": ", ".join(sign.replace("_", " ") for sign in dict.fromkeys(cause.signs)),
    }


def _then(then: Checkup, metric: str) -> dict[str, Any]:
    return {
        "said": after_that(then, metric),
        "causes": _causes(then.causes),
        "gains": [_repair(one[:3]) for one in then.gains],
    }


def _repair(one: tuple[Changes, str, float]) -> dict[str, str]:
    return {"text": one[1], "reaches": _shown(one[2]) if math.isfinite(one[2]) else ""}


def _rows(case: Case) -> list[dict[str, Any]]:
    """A row for each set of changes, the best first."""
    rows, all_runs = [], [*case.runs, *case.later]
    for changes in dict.fromkeys(run.changes for run in all_runs):
        runs = [run for run in all_runs if run.changes == changes]
        values = [run.value for run in runs if run.value is not None and math.isfinite(run.value)]
        counts = {run.outcome: sum(one.outcome == run.outcome for one in runs) for run in runs}
        rows.append(
            {
                "changes": spelled(changes) or "as written",
                "text": told(case, changes, None)[1],
                "runs": len(runs),
                "value": _shown(median(values) if values else None),
                "outcomes": ", ".join(f"{count} {outcome}" for outcome, count in counts.items()),
                "score": median(case.score(run) for run in runs),
            }
        )
    return sorted(rows, key=lambda row: -row["score"])


def _shown(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"
