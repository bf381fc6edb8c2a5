"""An output for each class where class numbers are learnt as one number."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.loss_function import SQUARED
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training, train_beside

# With two classes one number tells them apart; beyond so many, whole numbers are rather counts.
FEWEST, MOST = 3, 100
# Where a layer keeps the one that answers in its place: a copy of the model is a copy of both.
NAME = "_outputs_for_classes"


def _levels(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    classes, output = int(loss.get("whole", 0)), list(loss.get("output", []))
    one = len(output) == 1 or output[1:] == [1]
    if loss.get("name") not in SQUARED or not FEWEST <= classes <= MOST or not one or anatomy.last or anatomy.acts:
        return {}
    return {
        "one_each": f"an output for each class (nn.Linear(…, {classes})), nn.CrossEntropyLoss() in the place of "
        f"{loss['name']}, and argmax(1) where they are judged"
    }


def _apply(training: Training, level: str) -> None:
    torch: Any = training.torch
    classes = int(training.anatomy.loss["whole"])
    only: set[int] = set()
    made: list[Any] = []
    # (outputs, the classes that they name) of the last pass that may train.
    last: list[tuple[Any, Any]] = []

    def choose(model: Any) -> None:
        ends = [part for part in model.modules() if isinstance(part, torch.nn.Linear) and part.out_features == 1]
        if len(ends) == 1:
            only.add(id(ends[0]))

    def answer(layer: Any, path: str, given: Any, result: Any) -> Any:
        if id(layer) not in only:
            return result
        wide = layer.__dict__.get(NAME)
        if wide is None:
            # The program's random numbers stay what they are.
            with torch.random.fork_rng(devices=[]):
                wide = torch.nn.Linear(layer.in_features, classes).to(layer.weight)
            layer.__dict__[NAME] = wide
            made.append(wide)
        # A function and no module: whoever hears modules takes it for the training's.
        outputs = torch.nn.functional.linear(given, wide.weight, wide.bias)
        named = outputs.argmax(-1, keepdim=True).to(result.dtype)
        if outputs.requires_grad:
            last[:] = [(outputs, named)]
        # Its own weights get a gradient of zero, so that nothing of the training misses one.
        return named + 0 * result

    def compare(call: LossCall) -> None:
        if not call.training or call.name not in SQUARED or not last:
            return
        outputs, named = last[0]
        if not call.output.detach().flatten().equal(named.flatten()) or call.target.numel() != named.numel():
            return
        call.name, call.output = "cross_entropy", outputs.flatten(0, -2)
        call.target = call.target.flatten().long()
        call.options = {name: value for name, value in call.options.items() if name == "reduction"}

    training.at_model(choose)
    training.at_layer(answer)
    training.at_loss(compare)
    train_beside(training, made)


CLASS_OUTPUTS = Intervention(
    "class_outputs",
    what=f"class numbers ({FEWEST} to {MOST} of them) that one output is to hit get an output each, and cross entropy; "
    "the net answers with the number of the largest",
    source="Goodfellow et al., Deep Learning (2016), 6.2.2.3; DeepFD: wrong last layer and loss function",
    levels=_levels,
    apply=_apply,
    inside=True,
    size=3,
    cannot="losses that are written by hand, and nets that end in an activation",
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
)
