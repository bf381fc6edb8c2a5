"""A part of the report that fails takes no other along; what the page says and links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backtrack import Categorical, Composite, FunctionTask, open_study, sweep, write_report
from backtrack.views.plots import overview


def run(config, seed):
    if config["a"] == "early":
        raise ValueError("before anything is reported")
    dead = config["init.embedding"] == "uniform"
    for epoch in range(1, 5):
        yield {
            "error": 1.0 if dead else 1 - 0.2 * epoch + 0.01 * (seed % 5),
            "extra": epoch + 0.1 * (config["b"] == "p"),
        }


TASK = FunctionTask(
    name="box",
    run=run,
    metric="error",
    mode="min",
    chance=1.0,
    factors=[
        Categorical("a", ["fine", "early"]),
        Categorical("b", ["p", "q", "r"]),
        Composite("init", {
            "default": {"embedding": "normal", "cell": "uniform"},
            "heuristic": {"embedding": "uniform", "cell": "orthogonal"},
        }),
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "s"
    found = sweep(TASK, 160, folder, here=True, track=False)
    assert found.problems == ()
    return folder


def test_a_level_that_never_reports_an_extra_number_keeps_no_report_from_being_made(study: Path) -> None:
    assert (study / "report" / "plots" / "reported.png").stat().st_size > 0
    assert not (study / "report" / "problems.txt").exists()


def test_one_view_that_fails_becomes_a_note_and_the_others_are_made(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(overview, "reported_figure", broken)
    monkeypatch.setattr(overview, "outcomes", broken)
    found = write_report(study)
    assert [problem.partition(" could")[0] for problem in found.problems] == ["the plot outcomes", "the plot reported"]
    page = (study / "report" / "report.html").read_text()
    assert "Parts of this report that are missing" in page
    assert page.count("could not be made: IndexError: list index out of range") == 2
    assert "test_report_parts.py" in (study / "report" / "problems.txt").read_text()
    assert found.factors.num_rows > 0 and "Causes of failures" in page
    monkeypatch.undo()
    assert write_report(study).problems == ()
    assert (study / "report" / "problems.txt").read_bytes() == b""


FAILING = """
import sys
from backtrack.views.plots import overview
overview.outcomes = lambda analysis: [][0]
from backtrack.cli.main import main
sys.argv = ["backtrack", "report", sys.argv[1]]
main()
"""


def test_the_exit_code_says_that_a_part_is_missing(study: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FAILING, str(study)], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "missing  the plot outcomes could not be made: IndexError" in done.stdout
    assert "report.html" in done.stdout


def test_an_alpha_of_a_thousandth_is_judged_and_printed_so(study: Path) -> None:
    strict = write_report(study, alpha=0.001)
    page = (study / "report" / "report.html").read_text()
    assert "(adjusted p below 0.001)" in page and "at most 0.1% of the rankings" in page
    assert strict.analysis is not None and strict.analysis.alpha == 0.001
    verdicts = [row["verdict"] for row in strict.factors.to_pylist() if row["p_adjusted"] >= 0.001]
    assert "active" not in verdicts
    write_report(study)
    assert "at most 5% of the rankings" in (study / "report" / "report.html").read_text()


def test_the_links_of_an_opened_cause_lead_to_its_runs(study: Path) -> None:
    found = open_study(study)
    page = (study / "report" / "report.html").read_text()
    (cause,) = [one for one in found.causes.to_pylist() if one["cause"] == ["init.embedding=uniform"]]
    inside, outside = re.findall(r'data-trials="([^"]*)" data-name="(?:with|without) init.embedding=uniform"', page)
    runs = json.loads(re.search(r"const RUNS = (.*);\n", page)[1])["rows"]  # type: ignore[index]
    ids = {row[0] for row in runs}
    assert len(inside.split()) == cause["runs_with"] and set(inside.split()) <= ids
    assert len(outside.split()) == cause["runs_without"] and set(outside.split()) <= ids
    assert not set(inside.split()) & set(outside.split())
    by_id = {row["trial"]: row for row in found.trials.to_pylist()}
    assert all("heuristic" in by_id[trial]["config.init"] or "embedding=uniform" in by_id[trial]["config.init"]
               for trial in inside.split())  # fmt: skip
