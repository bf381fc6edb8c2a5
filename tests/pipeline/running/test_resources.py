"""How trainings share the CPUs and GPUs, and what the doctor says of them."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
import torch

from backtrack.running import doctor
from backtrack.running.resources import ResourceError, Resources, bytes_from, cpus_of, share_out
from backtrack.vocabulary.factors import Categorical
from backtrack.vocabulary.space import SearchSpace


@pytest.mark.parametrize(
    ("asked", "cpus", "gpus", "memory_share", "workers", "share"),
    [
        (Resources(), 8, 0, None, 8, 0.0),
        (Resources(cpus_per_trial=2), 8, 0, None, 4, 0.0),
        (Resources(workers=3), 8, 0, None, 3, 0.0),
        (Resources(), 8, 1, None, 4, 0.25),  # at most four on one GPU
        (Resources(), 2, 1, None, 2, 0.5),  # no more than the CPUs feed
        (Resources(), 8, 1, 0.1, 4, 0.25),
        (Resources(), 8, 1, 0.4, 1, 1.0),  # two would not fit: 2 · 1.5 · 0.4 > 1
        (Resources(), 8, 2, 0.3, 4, 0.5),
        (Resources(gpus_per_trial=0.5), 8, 1, 0.9, 2, 0.5),  # as asked
        (Resources(gpus_per_trial=2), 8, 4, None, 2, 2.0),
        (Resources(gpus_per_trial=0), 8, 1, None, 8, 0.0),
        (Resources(workers=16), 8, 1, None, 4, 0.25),
        # A cluster that grows starts with nothing.
        (Resources(workers=16, gpus_per_trial=1, address="head:6379"), 0, 0, None, 16, 1.0),
    ],
)
def test_places(
    asked: Resources, cpus: float, gpus: float, memory_share: float | None, workers: int, share: float
) -> None:
    places = share_out(asked, cpus, gpus, wants_gpu=True, memory_share=memory_share)
    assert (places.workers, places.gpu_share) == (workers, share)
    assert places.why
    if not asked.address:
        assert places.workers * places.gpu_share <= gpus or share == 0


def test_a_training_has_the_cpus_that_its_threads_ask_for() -> None:
    plain, threads = Categorical("order", [4, 8]), Categorical("threads", [1, 6, 2])
    assert cpus_of(SearchSpace((plain,)), {}) == 1
    assert cpus_of(SearchSpace((plain, threads)), {}) == 6
    assert cpus_of(SearchSpace((plain,)), {"threads": 3}) == 3


def test_a_black_box_takes_no_gpu_unasked() -> None:
    assert share_out(Resources(), 4, 1, wants_gpu=False).gpu_share == 0


def test_more_gpus_than_there_are() -> None:
    with pytest.raises(ResourceError, match="asks for 2 GPUs and Ray sees 1"):
        share_out(Resources(gpus_per_trial=2), 4, 1, wants_gpu=True)


def test_sizes() -> None:
    assert bytes_from("2GB") == bytes_from("2 GiB") == bytes_from("2048mb") == 2 * 1024**3
    assert bytes_from("1073741824") == 1024**3
    for wrong in ("two", "2TBB", "", "-1GB", "GB"):
        with pytest.raises(ResourceError, match="expected"):
            bytes_from(wrong)


def by_name(monkeypatch: pytest.MonkeyPatch | None = None) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine()}


def test_the_doctor_looks_at_everything_and_says_what_it_would_do() -> None:
    found = by_name()
    assert {"Python", "CPU cores", "memory", "disk for studies", "torch", "NVIDIA driver", "torch sees a GPU",
            "first and second call on cpu", "a sweep here"} <= set(found) or torch.cuda.is_available()  # fmt: skip
    assert "side by side" in found["a sweep here"].value
    assert all(bool(finding.remedy) != finding.good for finding in found.values())


def test_every_fault_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 10**9, 10**6))
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=10**8))
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = by_name()
    for name, remedy in (
        ("memory", "--workers 1"), ("disk for studies", "make room"), ("NVIDIA driver", "restart the machine"),
        ("torch sees a GPU", "install one for CUDA" if torch.version.cuda is None else "update the driver"),
    ):  # fmt: skip
        assert not found[name].good and remedy in found[name].remedy, found[name]


def test_a_driver_that_answers_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'GeForce MX150, 390.12, 1900 MiB, 2002 MiB'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert by_name()["NVIDIA driver"] == doctor.Finding("NVIDIA driver", "GeForce MX150, 390.12, 1900 MiB, 2002 MiB")
