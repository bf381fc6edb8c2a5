"""A cluster that does not answer is named at once, with where its address comes from."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from backtrack import Categorical, FunctionTask, Resources, sweep
from backtrack.errors import EngineError
from backtrack.running.reachable import check_reachable


@pytest.fixture
def closed() -> str:
    """An address that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def test_a_stale_address_in_the_environment(closed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_ADDRESS", closed)
    task = FunctionTask("box", lambda config, seed: iter([{"e": 0.5}]), "e", "min", [Categorical("a", [1, 2])])
    with pytest.raises(EngineError, match=f"RAY_ADDRESS={closed} from the environment does not answer"):
        sweep(task, 12, tmp_path / "study", track=False)
    assert not (tmp_path / "study").exists()


def test_an_address_that_was_asked_for(closed: str) -> None:
    with pytest.raises(EngineError, match=f"--address {closed} does not answer.*give another address"):
        check_reachable(Resources(address=closed))


def test_what_answers_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_reachable(Resources(address=f"127.0.0.1:{server.getsockname()[1]}"))
    check_reachable(Resources(address="auto"))
    check_reachable(None)
