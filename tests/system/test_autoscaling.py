"""`cluster.yaml`'s kinds of nodes, brought up by Ray's fake provider as trials ask for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from nodes import Nodes
from ray.autoscaler._private.util import prepare_config
from test_cluster import FEW, complete, ended, run, slowed

ROOT = Path(__file__).parents[2]


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_gpu_nodes_come_when_trials_want_them(task_file: Path, tmp_path: Path) -> None:
    launcher = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    nodes = Nodes(tmp_path)
    kinds = {
        name: {"resources": {"CPU": 1, "GPU": kind["resources"]["GPU"]}, "node_config": {}, "min_workers": 0,
               "max_workers": 1}
        for name, kind in launcher["available_node_types"].items() if name != launcher["head_node_type"]
    }  # fmt: skip
    nothing_to_run = {name: [] for name in prepare_config(launcher) if name.endswith("_commands")}
    config = {
        **prepare_config(launcher), **nothing_to_run, "file_mounts": {}, "max_workers": 2,
        # Its nodes are processes here: nothing to set up on them by ssh.
        "provider": {"type": "fake_multinode", "gcs_address": f"127.0.0.1:{nodes.port}", "disable_node_updaters": True},
        "available_node_types": {**kinds, "ray.head.default": {"resources": {}, "node_config": {}, "max_workers": 0}},
        "head_node_type": "ray.head.default",
    }  # fmt: skip
    try:
        # As in cluster.yaml, the head trains nothing.
        nodes.start(cpus=0, autoscaling=config)
        slowed(task_file, 0.3)
        options = ("--runs", FEW, "--workers", 2, "--gpus-per-trial", 1, "--no-mlflow", "--json")
        where = ("--study", tmp_path / "s", "--address", nodes.address)
        done = run(nodes, "submit", "toy", "--task", task_file, *where, *options, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        job = json.loads(done.stdout)["job"]
        state = ended(nodes, job, tmp_path)
        printed = run(nodes, "logs", job, "--address", nodes.address, folder=tmp_path).stdout
        assert state["status"] == "SUCCEEDED", printed[-3000:]
        assert '"workers": 2' in printed
        complete(tmp_path / "s", FEW)
    finally:
        nodes.close()
