"""`cluster.yaml` and the examples for Kubernetes and SLURM, checked as far as a machine without them allows."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "cluster"


def launcher() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "cluster.yaml").read_text()))


def test_ray_accepts_the_launcher_file() -> None:
    config = launcher()
    validate_config(prepare_config(copy.deepcopy(config)))
    kinds = config["available_node_types"]
    spot = [kind for kind in kinds.values() if kind["node_config"].get("InstanceMarketOptions")]
    assert len(spot) == 1 and spot[0]["max_workers"] > 0
    assert config["head_node_type"] in kinds and len(kinds) == 3
    # A schema that accepts everything would prove nothing.
    with pytest.raises(Exception, match="max_workerz"):
        validate_config(prepare_config({**config, "max_workerz": 3}))


def test_ray_accepts_the_variant_for_machines_of_ones_own() -> None:
    text = (ROOT / "cluster.yaml").read_text()
    commented = text[text.index("# provider:\n") : text.index("auth:")]
    provider = yaml.safe_load("\n".join(line.removeprefix("# ") for line in commented.splitlines()))["provider"]
    config = launcher()
    for key in ("available_node_types", "head_node_type", "max_workers"):
        del config[key]
    validate_config(prepare_config({**config, "provider": provider}))


@pytest.mark.parametrize(("file", "kind"), [("rayjob.yaml", "RayJob"), ("raycluster.yaml", "RayCluster")])
def test_the_kubernetes_manifests_have_what_kuberay_requires(file: str, kind: str) -> None:
    manifest = yaml.safe_load((EXAMPLES / file).read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", kind)
    assert manifest["metadata"]["name"]
    spec = manifest["spec"]["rayClusterSpec"] if kind == "RayJob" else manifest["spec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        assert isinstance(group["rayStartParams"], dict)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        (container,) = group["template"]["spec"]["containers"]
        assert container["name"] and container["image"]
        # Without the token a node cannot join; it comes from a secret, never from the file.
        token = next(variable for variable in container["env"] if variable["name"] == "RAY_AUTH_TOKEN")
        assert token["valueFrom"]["secretKeyRef"]["name"]
        assert container["resources"]["limits"] == container["resources"]["requests"]
    for group in spec["workerGroupSpecs"]:
        assert group["groupName"] and group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_slurm_script_is_sound() -> None:
    script = EXAMPLES / "sweep.slurm"
    subprocess.run(["bash", "-n", str(script)], check=True)
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert checker, "shellcheck comes with the dev dependencies"
    done = subprocess.run([checker, "-S", "warning", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
