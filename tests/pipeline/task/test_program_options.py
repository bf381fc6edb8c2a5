"""Options that programs declare, read from their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtrack.task.first_imports import first_imports
from backtrack.task.program_options import option_for, options_of, seed_option
from backtrack.task.proposing import task_file_for

ARGPARSE = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("-b", "--batch-size", type=int, default=64)
p.add_argument("--lr", type=float, default=0.01, help="x")
p.add_argument("--opt", choices=["sgd", "adam"], default="adam")
p.add_argument("--no-cuda", action="store_false", dest="cuda")
p.add_argument("--amp", action=argparse.BooleanOptionalAction, default=False)
p.add_argument("--seed", type=int, default=1)
p.add_argument("data")
"""
CLICK = """
import click
@click.command()
@click.option("--lr", default=0.1)
@click.option("--kind", type=click.Choice(["a", "b"]), default="a")
@click.option("--fast/--no-fast", default=True)
def main(lr, kind, fast): ...
"""
TYPER = """
import typer
app = typer.Typer()
@app.command()
def main(lr: float = 0.1, batch_size: int = typer.Option(32), fast: bool = False): ...
"""
ABSL = "from absl import flags\nflags.DEFINE_float('lr', 0.1, 'x')\nflags.DEFINE_boolean('fast', True, 'x')\n"
DATACLASS = """
from dataclasses import dataclass
import tyro
@dataclass
class Args:
    learning_rate: float = 0.01
    use_amp: bool = False
    name: str = "x"
args = tyro.cli(Args)
"""
CONSTANTS = "LR = 0.1\nEPOCHS: int = 3\n_private = 1\nLR2 = LR * 2\nnames = []\n"


def options(tmp_path: Path, code: str) -> dict[str, tuple[str, str, object]]:
    script = tmp_path / "train.py"
    script.write_text(code)
    return {option.name: (option.flag, option.kind, option.default) for option in options_of(script)}


def test_argparse(tmp_path: Path) -> None:
    assert options(tmp_path, ARGPARSE) == {
        "batch_size": ("--batch-size", "option", 64),
        "lr": ("--lr", "option", 0.01),
        "opt": ("--opt", "option", "adam"),
        "cuda": ("--no-cuda", "off switch", True),
        "amp": ("--amp", "either", False),
        "seed": ("--seed", "option", 1),
    }
    found = options_of(tmp_path / "train.py")
    assert option_for("opt", found).choices == ("sgd", "adam")
    assert option_for("batch-size", found).name == "batch_size"
    assert seed_option(found).flag == "--seed"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (CLICK, {"lr": ("--lr", "option", 0.1), "kind": ("--kind", "option", "a"), "fast": ("--fast", "either", True)}),
        (
            TYPER,
            {
                "lr": ("--lr", "option", 0.1),
                "batch_size": ("--batch-size", "option", 32),
                "fast": ("--fast", "either", False),
            },
        ),
        (ABSL, {"lr": ("--lr", "option", 0.1), "fast": ("--fast", "either", True)}),
        (
            DATACLASS,
            {
                "learning_rate": ("--learning-rate", "option", 0.01),
                "use_amp": ("--use-amp", "either", False),
                "name": ("--name", "option", "x"),
            },
        ),
        (CONSTANTS, {"LR": ("LR", "constant", 0.1), "EPOCHS": ("EPOCHS", "constant", 3)}),
        ("def broken(:", {}),
    ],
)
def test_other_ways_to_declare_options(tmp_path: Path, code: str, expected: dict[str, object]) -> None:
    assert options(tmp_path, code) == expected


def test_what_counts_from_nothing_is_no_constant(tmp_path: Path) -> None:
    code = (
        "lr = 0.1\nwarm = 0\nseen = 0\nbest: float = 0.0\nfor step in range(3):\n    seen += 1\n    lr *= 0.9\n"
        "    if step > best:\n        best = step\n\ndef apart():\n    warm = 1\n"
    )
    assert options(tmp_path, code) == {"lr": ("lr", "constant", 0.1), "warm": ("warm", "constant", 0)}


def test_hydra(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(
        "defaults:\n  - model: mlp\noptim:\n  lr: 0.1  # rate\n  nesterov: true\nseed: 3\nname: run\n"
    )
    code = (
        "import hydra\n@hydra.main(version_base=None, config_path='conf', config_name='config')\ndef main(cfg): ...\n"
    )
    assert options(tmp_path, code) == {
        "optim.lr": ("optim.lr", "override", 0.1),
        "optim.nesterov": ("optim.nesterov", "override", True),
        "seed": ("seed", "override", 3),
        "name": ("name", "override", "run"),
    }


def test_the_first_imports_of_a_script_and_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os\nimport numpy as np\nfrom helpers import f\n")
    (tmp_path / "helpers.py").write_text("import scipy.stats\nimport train\nimport nowhere_to_be_found\n")
    assert first_imports(tmp_path / "train.py") == ["numpy", "scipy.stats"]


def test_a_task_file_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(ARGPARSE + "print('val acc', 0.5)")
    text = task_file_for(tmp_path / "train.py", tmp_path / "sweep_train.py", None)
    compile(text, "sweep_train.py", "exec")
    assert 'Numeric("batch_size", 16, 256, log=True, integer=True)' in text
    assert 'Numeric("lr", 0.0001, 0.1, log=True, role="nuisance")' in text
    assert "Categorical(\"opt\", ['sgd', 'adam'])" in text
    assert 'metric="acc"' in text and "passed by --seed" in text
