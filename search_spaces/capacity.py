"""A hidden layer beside the net: whether the net itself lets through, and can express, what is to be learnt."""

from __future__ import annotations

import math
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training, train_beside

UNITS, EMBEDDED = 256, 16
# Numbers of one example, and of its output, up to which a hidden layer beside the net stays small.
WIDEST, MOST_OUTPUTS = 20_000, 1000
# Where a model keeps the layer: with the model, so that a copy of the model is a copy of both.
NAME = "_layer_beside"


def _levels(anatomy: Anatomy) -> dict[str, str]:
    given, result = anatomy.maps.get("given", []), anatomy.maps.get("result", [])
    fits = (
        bool(anatomy.loss.get("varies"))
        # An agent has copies of its net, which would each get another layer.
        and not anatomy.acts
        # One answer an example: a net that answers at each step of a sequence must not see the steps after it.
        and len(result) in (1, 2)
        and given[:1] == result[:1]
        and list(anatomy.loss.get("output", []))[:1] == result[:1]
        and _width(given) <= WIDEST
        and _width(result) <= MOST_OUTPUTS
        # A net that is to give its inputs back is narrow on purpose.
        and not (anatomy.loss.get("floats") and list(anatomy.loss.get("target", [])) == given)
    )
    narrow = anatomy.maps.get("narrowest", {})
    through = f"{narrow['numbers']} of an example's {narrow['of']} numbers" if narrow else ""
    where = f" ({narrow['path']}, {narrow['kind']}, lets {through} through)" if narrow else ""
    return {"beside": f"a wider or deeper net{where}, here: model(x) + a hidden layer of {UNITS} units"} if fits else {}


def _narrowest(anatomy: Anatomy) -> str:
    """Where the net is narrowest, if that is worth a word."""
    narrow = anatomy.maps.get("narrowest", {})
    return f"{narrow['path']} ({narrow['kind']})" if narrow else ""


def _width(shape: list[int]) -> int:
    return math.prod(shape[1:])


def _widen(training: Training, level: str) -> None:
    torch: Any = training.torch
    made: list[Any] = []
    given: dict[int, Any] = {}

    def layer_of(model: Any, inputs: Any, outputs: int) -> Any:
        found = model.__dict__.get(NAME)
        if found is None:
            # The program's random numbers stay what they are.
            with torch.random.fork_rng(devices=[]):
                found = _Beside(torch, model, inputs, outputs)
            model.__dict__[NAME] = found
            made.append(found)
        return found

    def before(model: Any, inputs: Any) -> Any:
        given[id(model)] = inputs
        return inputs

    def after(model: Any, result: Any) -> Any:
        inputs = given.pop(id(model), None)
        both = isinstance(inputs, torch.Tensor) and isinstance(result, torch.Tensor)
        if not both or result.ndim not in (1, 2) or len(inputs) != len(result) or not result.is_floating_point():
            return result
        layer = layer_of(model, inputs, result[:1].numel())
        return result + layer(inputs).reshape(result.shape) if layer.fits(inputs, result) else result

    training.at_forward(before, after)
    train_beside(training, made)


class _Beside:
    """A hidden layer from a model's inputs to its outputs; tokens are embedded first."""

    def __init__(self, torch: Any, model: Any, inputs: Any, outputs: int) -> None:
        self._torch = torch
        self._sizes = (inputs[:1].numel(), outputs)
        tables = [one.num_embeddings for one in model.modules() if isinstance(one, torch.nn.Embedding)]
        tokens = not inputs.is_floating_point() and bool(tables)
        self._table = torch.nn.Embedding(max(tables), EMBEDDED) if tokens else None
        self._hidden = torch.nn.Linear(self._sizes[0] * (EMBEDDED if tokens else 1), UNITS)
        self._out = torch.nn.Linear(UNITS, outputs)
        for layer in self._layers:
            layer.to(inputs.device)

    @property
    def _layers(self) -> list[Any]:
        return [layer for layer in (self._table, self._hidden, self._out) if layer is not None]

    def parameters(self) -> list[Any]:
        return [weight for layer in self._layers for weight in layer.parameters()]

    def fits(self, inputs: Any, result: Any) -> bool:
        return bool((inputs[:1].numel(), result[:1].numel()) == self._sizes)

    def __call__(self, inputs: Any) -> Any:
        # Functions and no modules: whoever hears modules takes them for the training's.
        functional, hidden, out = self._torch.nn.functional, self._hidden, self._out
        table = self._table
        known = functional.embedding(inputs, table.weight) if table is not None else inputs.to(hidden.weight.dtype)
        units = functional.linear(known.flatten(1), hidden.weight, hidden.bias).clamp_min(0)
        return functional.linear(units, out.weight, out.bias)


CAPACITY = Intervention(
    "capacity",
    what=f"a hidden layer of {UNITS} units learns beside the net: y = f(x) + W₂ max(0, W₁ x)",
    source="Hornik, Stinchcombe & White, Multilayer feedforward networks are universal approximators (1989); "
    "AutoTrainer and DeepFD: layers and units",
    levels=_levels,
    place=_narrowest,
    apply=_widen,
    # Behind every change of the net itself: beside most faults another net learns.
    size=4,
    cannot="nets with several inputs, and those that answer at each step of a sequence",
)
