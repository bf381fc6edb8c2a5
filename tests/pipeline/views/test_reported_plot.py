"""Numbers that a task reports beside its metric: a panel each, by the factor that they differ most by."""

from __future__ import annotations

import pyarrow as pa
from offline import analyse_offline, sweep_offline

from backtrack import Categorical, FunctionTask
from backtrack.records.rows import curve_rows
from backtrack.views.plots.reported import reported_figure


def study(extra):
    def run(config, seed):
        for epoch in range(4):
            yield {"error": 0.5 - 0.1 * epoch, "loss": 1.0, **extra(config, epoch)}

    factors = [Categorical("a", ["a0", "a1"]), Categorical("b", ["b0", "b1", "b2"])]
    task = FunctionTask(name="box", run=run, metric="error", mode="min", factors=factors)
    finished = sweep_offline(task, 24, 0, {"screen": 24})
    return analyse_offline(task, finished), pa.concat_tables([curve_rows(one) for one in finished])


def test_each_number_is_shown_by_the_factor_that_separates_it():
    analysis, curves = study(
        lambda config, epoch: {
            "active": 1.0 - 0.2 * epoch * (config["b"] == "b1") + 0.01 * (config["a"] == "a1"),
            "norm": 1.0 + epoch * (config["a"] == "a1"),
            "error/group": 0.3,
        }
    )
    figure = reported_figure(analysis, curves, "error")
    active, norm = (axes for axes in figure.axes if axes.get_visible())
    assert active.get_title(loc="left") == "active, by b" and norm.get_title(loc="left") == "norm, by a"
    lines = {text.get_text(): line.get_ydata() for text, line in zip(norm.texts, norm.lines, strict=True)}
    assert list(lines["a0"]) == [1, 1, 1, 1] and list(lines["a1"]) == [1, 2, 3, 4], "the mean at each epoch"
    assert [text.get_text() for text in active.texts] == ["b0", "b1", "b2"]


def test_a_number_that_never_differs_is_one_line_and_nothing_else_is_none():
    analysis, curves = study(lambda config, epoch: {"rate": 0.1 * epoch})
    (axes,) = reported_figure(analysis, curves, "error").axes
    assert axes.get_title(loc="left") == "rate" and len(axes.lines) == 1
    analysis, curves = study(lambda config, epoch: {})
    assert reported_figure(analysis, curves, "error") is None
