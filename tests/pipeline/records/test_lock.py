"""One driver a study, on a disk and on an object store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtrack import Categorical, SearchSpace, StudyError
from backtrack.records import lock
from backtrack.records.directory import Records
from backtrack.records.lock import LEASE, driving, owner_of

SPACE = SearchSpace((Categorical("a", ["x", "y"]),))
MANIFEST = {"factors": [], "task": {}, "study": "s"}


def test_a_second_driver_is_refused_with_the_owners_name(tmp_path: Path) -> None:
    with driving(Records(tmp_path / "s")):
        owner = owner_of(Records(tmp_path / "s"))
        assert owner is not None
        with pytest.raises(StudyError, match=f"driven by {owner.user} on {owner.host} .process {owner.pid}"):
            with driving(Records(tmp_path / "s")):
                raise AssertionError("two drivers")
    with driving(Records(tmp_path / "s")):
        assert (tmp_path / "s" / LEASE).exists()
    assert not (tmp_path / "s").exists(), "an empty directory is not left behind"


HOLD = """
import sys, time
from backtrack.records.directory import Records
from backtrack.records.lock import driving
with driving(Records(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_drivers_lease_is_taken_over_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(StudyError, match=f"process {holder.pid}"), driving(Records(tmp_path / "s")):
        raise AssertionError("two drivers")
    holder.kill()
    holder.wait()
    with driving(Records(tmp_path / "s")):
        owner = owner_of(Records(tmp_path / "s"))
        assert owner is not None and owner.pid != holder.pid


def test_of_two_that_begin_at_once_one_wins(tmp_path: Path) -> None:
    race = "import sys; sys.stdin.readline()\n" + HOLD
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", race, str(tmp_path / "s")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for _ in range(300):
        losers = [racer for racer in racers if racer.poll() is not None]
        if len(losers) == 3:
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"{len(losers)} of 4 were refused")
    for racer in losers:
        assert racer.stderr is not None and "is driven by" in racer.stderr.read()
    (winner,) = [racer for racer in racers if racer not in losers]
    assert winner.stdout is not None and winner.stdout.readline() == "held\n"
    winner.kill()


def test_on_another_machine_silence_decides(tmp_path: Path) -> None:
    records = Records(tmp_path / "s")
    away = {"user": "ann", "host": "elsewhere", "pid": 7, "started": 1, "token": "t", "renewed": time.time()}
    records.write(LEASE, json.dumps(away).encode())
    with pytest.raises(StudyError, match="driven by ann on elsewhere"), driving(records):
        raise AssertionError("two drivers")
    records.write(LEASE, json.dumps({**away, "renewed": time.time() - lock.EXPIRY - 1}).encode())
    with driving(records):
        owner = owner_of(records)
        assert owner is not None and owner.host != "elsewhere"


def test_the_lease_is_renewed_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT", 0.05)
    records = Records(tmp_path / "s")
    with driving(records):
        first = owner_of(records)
        assert first is not None
        renewed = first.renewed
        for _ in range(200):
            now = owner_of(records)
            if now is not None and now.renewed > renewed:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("never renewed")


def test_a_study_that_is_driven_has_no_other_files_in_its_way(tmp_path: Path) -> None:
    with driving(Records(tmp_path / "s")):
        Records.create(tmp_path / "s", SPACE, MANIFEST)
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["manifest.json"]
