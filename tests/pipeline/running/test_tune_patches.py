"""The one place that reaches into Ray Tune says at once when it cannot."""

from __future__ import annotations

import inspect

import pytest

from backtrack import EngineError
from backtrack.running import tune_patches
from backtrack.running.tune_patches import workers_kept


def test_another_ray_is_refused_with_the_versions_that_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(tune_patches.TuneController).replace("_resetting_trials", "_trials_in_reset")
    monkeypatch.setattr(tune_patches.inspect, "getsource", lambda thing: source)
    said = r"has no TuneController._resetting_trials.*ray\[default,tune\]>=2.50,<2.61"
    with pytest.raises(EngineError, match=said), workers_kept(2):
        raise AssertionError("went on")


def test_what_was_patched_is_put_back() -> None:
    own = tune_patches.TuneController._maybe_reuse_cached_actor
    with workers_kept(2):
        assert tune_patches.TuneController._maybe_reuse_cached_actor is not own
    assert tune_patches.TuneController._maybe_reuse_cached_actor is own
