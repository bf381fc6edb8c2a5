from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backtrack.running.scratch import LOCK, MOMENT, scratch

HOLD = """
import sys
from backtrack.running.scratch import scratch
with scratch("test") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_it_is_gone_after_the_block() -> None:
    with scratch("test") as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not() -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    other = Path(process.stdout.readline().strip())
    made = (other / LOCK).stat().st_mtime - 2 * MOMENT
    os.utime(other / LOCK, (made, made))
    with scratch("test"):
        assert other.is_dir()
    process.kill()
    process.wait()
    with scratch("another"):
        assert other.is_dir()
    with scratch("test"):
        assert not other.exists()
