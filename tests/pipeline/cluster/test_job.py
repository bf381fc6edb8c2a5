"""What a cluster's job runs, and with which environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtrack.cluster.job import command_for, driver_environment, shared_options


def test_the_driver_joins_the_cluster_that_its_job_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not any Ray that runs on the machine, and not the one of the terminal that submitted it."""
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.7:6379")
    environment = driver_environment({"AWS_ACCESS_KEY_ID": "k", "RAY_ADDRESS": "http://outside:8265"})
    assert environment["RAY_ADDRESS"] == "10.0.0.7:6379"
    assert environment["AWS_ACCESS_KEY_ID"] == "k" and environment["PATH"]


def test_a_study_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    sweep = ["toy", "--task", "project/toy.py", "--runs", "60", "--workers", "2", "--max-memory=1GB", "--no-mlflow"]
    asked = {"study": str(tmp_path), "sweep": sweep}
    assert command_for(asked) == ["sweep", *sweep, "--json"]
    (tmp_path / "manifest.json").write_text("{}")
    assert command_for(asked) == ["resume", str(tmp_path), *shared_options(sweep), "--json"]
    assert shared_options(sweep) == ["--task", "project/toy.py", "--workers", "2", "--max-memory=1GB", "--no-mlflow"]
