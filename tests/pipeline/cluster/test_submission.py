"""A job is handed over to a cluster that may have just started."""

from __future__ import annotations

import pytest

from backtrack.cluster import submission
from backtrack.cluster.submission import Submission, submit
from backtrack.errors import ClusterError


class Cluster:
    """What Ray's client does: refuses a number of times, for a reason, then takes the job."""

    def __init__(self, refusals: int, reason: str) -> None:
        self.asked, self._refusals, self._reason = 0, refusals, reason

    def submit_job(self, **job: object) -> str:
        self.asked += 1
        if self.asked <= self._refusals:
            raise RuntimeError(self._reason)
        return "job-1"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(submission.time, "sleep", found.append)
    return found


def submitted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(submission, "_client", lambda address: cluster)
    return submit(Submission(task="squirrel", study="s3://bucket/study"))


def test_a_cluster_without_an_agent_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    cluster = Cluster(3, "status code 500: No available agent to submit job, please try again later.")
    assert submitted(cluster, monkeypatch) == "job-1" and cluster.asked == 4 and len(waits) == 3


def test_what_will_not_change_is_said_at_once(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    cluster = Cluster(1, "status code 500: no space left")
    with pytest.raises(ClusterError, match=r"did not accept the job: .*no space left"):
        submitted(cluster, monkeypatch)
    assert cluster.asked == 1 and not waits
