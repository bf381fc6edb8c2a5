"""One topic's kinds as the only negatives, and the report's table of topic against topic."""

from __future__ import annotations

import pyarrow as pa
import pytest
from offline import analyse_offline, sweep_offline

from backtrack import load_task
from backtrack.records.rows import CURVES, curve_rows
from backtrack.tasks import opposite
from backtrack.tasks.topics import TOPICS
from backtrack.trial import run_replicate
from backtrack.views.plots.overview import group_table, plots_of

SMALL = {"rows": 1024, "valid_rows": 400, "epochs": 2, "width": 16}


def test_negatives_come_from_one_topic_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    choose = opposite.choose

    def spy(how, number, right, scores, wrong):
        seen.append(scores.shape)
        return choose(how, number, right, scores, wrong)

    drawn = []
    loss = opposite.sampled_loss
    monkeypatch.setattr(opposite, "choose", spy)
    monkeypatch.setattr(opposite, "sampled_loss", lambda *args: drawn.append(args[4]) or loss(*args))
    task = load_task("topics").with_options(SMALL)
    result = run_replicate(task, task.space.config({"negative_topic": "food", "number": 5}), 0)
    assert result.outcome in ("ok", "no_learning"), result.error
    assert seen and all(shape[1] == 5 for shape in seen)
    data = opposite.load(SMALL["rows"], SMALL["valid_rows"])
    pool = (data["topics"] == data["topic_names"].index("food")).sum()
    assert 0 < pool < len(data["topics"]) / 4
    names = {point.name for point in result.curve}
    assert {f"mrr/{topic}" for topic in TOPICS[1:]} <= names


def test_the_report_shows_topic_against_topic() -> None:
    task = load_task("topics").with_options(SMALL)
    finished = sweep_offline(task, 24, 0, ["screen"])
    analysis = analyse_offline(task, finished)
    curves = pa.concat_tables([CURVES.empty_table(), *(curve_rows(one) for one in finished)])
    figure = group_table(analysis, curves, "mrr")
    assert figure is not None
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == sorted(TOPICS[1:])
    assert len(axes.texts) == len(TOPICS[1:]) * len(axes.get_xticklabels())
    assert "groups.png" in plots_of(analysis, curves, "mrr")
    assert group_table(analysis, curves.filter(pa.compute.equal(curves["name"], "mrr")), "mrr") is None
