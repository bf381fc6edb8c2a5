"""What this machine has, what a sweep would do with it, and what stands in the way, each with its remedy."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from backtrack.errors import EngineError
from backtrack.running.reachable import check_reachable
from backtrack.running.resources import Resources, share_out
from backtrack.vocabulary.machine import usable_cpus

# Less than this much free, and a sweep is likely to end early.
LEAST_MEMORY, LEAST_DISK, LEAST_SCRATCH = 2 * 1024**3, 2 * 1024**3, 1024**3
# A matrix product that takes an ordinary GPU some milliseconds.
SIZE = 1024


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: of what.
        value: what was found.
        good: False where it stands in the way.
        remedy: what to do then; otherwise empty.
    """

    name: str
    value: str
    good: bool = True
    remedy: str = ""


def examine(study: str = "studies", resources: Resources | None = None) -> list[Finding]:
    """Every finding, in the order in which one would look by hand. Takes a few seconds; changes nothing.

    Args:
        study: where studies would go.
        resources: what the sweep would be given.
    """
    findings = [_python(), _cpus(), _memory(), _disk("studies", Path(study), LEAST_DISK)]
    findings.append(
        _disk("Ray's scratch space", Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir())), LEAST_SCRATCH)
    )
    findings += [_socket_folder(), *_ray_address()]
    findings += _torch()
    findings += [_driver(), *_devices()]
    findings += _calls()
    findings.append(_plan(resources or Resources()))
    return findings


# A Unix socket's path may have so many characters, and Ray appends about so many to its temporary folder.
LONGEST_SOCKET, RAYS_OWN = 107, 64


def _socket_folder() -> Finding:
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    good = len(folder) + RAYS_OWN <= LONGEST_SOCKET
    remedy = "" if good else "its path is too long for a socket: set RAY_TMPDIR=/tmp"
    return Finding("temporary folder", folder, good, remedy)


def _ray_address() -> list[Finding]:
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        return []
    try:
        check_reachable(None)
    except EngineError as fault:
        return [Finding("RAY_ADDRESS", address, False, str(fault))]
    return [Finding("RAY_ADDRESS", f"{address} answers: sweeps go to that cluster")]


def _python() -> Finding:
    version = platform.python_version()
    good = tuple(map(int, version.split(".")[:2])) >= (3, 11)
    return Finding(
        "Python", version, good, "" if good else "install Python 3.11 or newer, and make the environment anew"
    )


def _cpus() -> Finding:
    usable = usable_cpus()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = load > usable
    remedy = "other programs keep the cores busy; trainings run at low priority and will wait for them" if busy else ""
    return Finding("CPU cores", f"{usable} usable of {os.cpu_count()}, load {load:.1f}", not busy, remedy)


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    good = memory.available >= LEAST_MEMORY
    remedy = "" if good else "close other programs, or run fewer trainings side by side: --workers 1"
    return Finding("memory", f"{_gib(memory.available)} free of {_gib(memory.total)}", good, remedy)


def _disk(name: str, place: Path, least: int) -> Finding:
    place = place.expanduser().resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    writable = os.access(place, os.W_OK)
    remedy = ""
    if not writable:
        remedy = "it cannot be written; give another --study, or for Ray's scratch space set RAY_TMPDIR"
    elif free < least:
        remedy = "make room, give another --study, or for Ray's scratch space set RAY_TMPDIR"
    return Finding(f"disk for {name}", f"{_gib(free)} free at {place}", not remedy, remedy)


def _torch() -> list[Finding]:
    try:
        import torch
    except ImportError as fault:
        return [Finding("torch", f"does not import: {fault}", False, "pip install 'torch>=2.6'")]
    build = torch.version.cuda or getattr(torch.version, "hip", None)
    return [Finding("torch", f"{torch.__version__}, built for {f'CUDA {build}' if build else 'CPU only'}")]


def _driver() -> Finding:
    command = shutil.which("nvidia-smi")
    if command is None:
        return Finding("NVIDIA driver", "nvidia-smi not found: no NVIDIA GPU, or no driver for it")
    query = [command, "--query-gpu=name,driver_version,memory.free,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return Finding("NVIDIA driver", "nvidia-smi does not answer", False, "restart the machine; the driver hangs")
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return Finding(
            "NVIDIA driver", said[0] if said else "nvidia-smi failed", False,
            "driver and kernel module differ after an update: restart the machine, or install the driver anew",
        )  # fmt: skip
    return Finding("NVIDIA driver", "; ".join(done.stdout.strip().splitlines()))


def _devices() -> list[Finding]:
    import torch

    if not torch.cuda.is_available():
        if shutil.which("nvidia-smi") is None:
            return [Finding("torch sees a GPU", "no; trainings run on the CPU")]
        built = torch.version.cuda is not None
        remedy = (
            "the driver is older than this build needs: update the driver, or install a build for an older CUDA"
            if built
            else "this build of torch is for CPUs: install one for CUDA by the command that pytorch.org gives"
        )
        return [Finding("torch sees a GPU", "no, although there is a driver", False, remedy)]
    found = []
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        free, total = torch.cuda.mem_get_info(number)
        tight = free < total / 4
        found.append(
            Finding(
                f"GPU {number}",
                f"{properties.name}, compute {properties.major}.{properties.minor}, {_gib(free)} free of {_gib(total)}",
                not tight,
                "other programs hold most of its memory: nvidia-smi lists them" if tight else "",
            )
        )
    return found


def _calls() -> list[Finding]:
    """First and second call on each kind of device: the first pays for the start of the device."""
    import torch

    found = []
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:

        def product(device: str = device) -> None:
            matrix = torch.ones(SIZE, SIZE, device=device)
            (matrix @ matrix).sum().item()

        first, second = _timed(product), _timed(product)
        text = f"{first * 1e3:.1f} ms, then {second * 1e3:.1f} ms"
        found.append(Finding(f"first and second call on {device}", f"{text} (a {SIZE}² matrix product)"))
    return found


def _timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _plan(resources: Resources) -> Finding:
    """What a torch task's sweep would do with all this, and why."""
    import torch

    gpus = float(torch.cuda.device_count()) if torch.cuda.is_available() else 0.0
    plan = share_out(resources, usable_cpus(), gpus, wants_gpu=True)
    on = f"each on {plan.gpu_share:g} of a GPU" if plan.gpu_share else "on the CPU"
    return Finding("a sweep here", f"{plan.workers} trainings side by side, {on}, {plan.why}")


def _gib(size: float) -> str:
    return f"{size / 1024**3:.1f} GiB"
