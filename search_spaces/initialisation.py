"""Initialisation schemes of recurrent nets, component by component."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from backtrack.search_spaces import SQUIRREL
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import models_of, nn_of
from backtrack.vocabulary.factors import Claim, Composite
from backtrack.vocabulary.linear import LINEAR
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT

UNIFORM_RANGE = 0.1

INIT = Composite(
    "init",
    levels={
        "default": {"embedding": "default", "input": "default", "recurrent": "default", "readout": "default"},
        "heuristic": {"embedding": "uniform", "input": "uniform", "recurrent": "orthogonal", "readout": "uniform"},
        "orthogonal": {
            "embedding": "default",
            "input": "orthogonal",
            "recurrent": "orthogonal",
            "readout": "orthogonal",
        },
    },
    extra={"recurrent": ["uniform"]},
    description="initial weights: the framework's, U[-0.1, 0.1] with orthogonal recurrence, or orthogonal matrices",
    claims=(
        Claim(
            "with Adam, small uniform weights around an orthogonal recurrence stop the learning altogether",
            SQUIRREL,
            level="heuristic",
            against="default",
            response="failure",
            expect="worse",
            where={"optimiser": "adam"},
        ),
        Claim(
            "with the framework's own initialisation there is progress at once",
            SQUIRREL,
            level="default",
            against="heuristic",
            response="gain",
            expect="better",
        ),
    ),
)


@torch.no_grad()
def fill(weight: torch.Tensor, how: str, blocks: int = 1) -> None:
    """Overwrites `weight` in place.

    - `default`: left as the framework made it.
    - `uniform`: every entry from U[-0.1, 0.1].
    - `orthogonal`: each of `blocks` equal row blocks W satisfies W Wᵀ = I or WᵀW = I, whichever its shape
      allows (Saxe et al. 2013); a gated cell has one block a gate.

    Args:
        weight: (rows, columns) matrix.
        how: one of the above.
        blocks: gates that are stacked along the rows.

    Raises:
        ValueError: for another name.
    """
    if how == "default":
        return
    if how == "uniform":
        weight.uniform_(-UNIFORM_RANGE, UNIFORM_RANGE)
    elif how == "orthogonal":
        for block in weight.chunk(blocks):
            nn.init.orthogonal_(block)
    else:
        raise ValueError(f"initialisation {how!r} is not known; expected default, uniform or orthogonal")


def initialise(config: Mapping[str, Any], embedding: nn.Embedding, cell: nn.RNNBase, readout: nn.Linear) -> None:
    """Applies the components `init.embedding`, `init.input`, `init.recurrent`, `init.readout` of `config`.

    Biases stay as the framework made them: the posts speak of weights only. The row of the padding symbol
    stays zero.
    """
    fill(embedding.weight, config["init.embedding"])
    if embedding.padding_idx is not None:
        with torch.no_grad():
            embedding.weight[embedding.padding_idx].zero_()
    for name, weight in cell.named_parameters():
        gates = weight.shape[0] // cell.hidden_size
        if name.startswith("weight_ih"):
            fill(weight, config["init.input"], gates)
        elif name.startswith("weight_hh"):
            fill(weight, config["init.recurrent"], gates)
    fill(readout.weight, config["init.readout"])


# What each kind of module is in a net; others keep their weights.
PARTS = ("embedding", "input", "recurrent", "hidden", "readout")
SCHEMES = ("default", "kaiming", "xavier", "orthogonal", "heuristic")


def _schemes(anatomy: Anatomy) -> dict[str, str]:
    if anatomy.pretrained or not anatomy.parameters:
        return {}
    there = [part for part, kinds in KINDS.items() if anatomy.has(*kinds)]
    # The other schemes leave embeddings as torch makes them: alone, they would be the same training.
    schemes = SCHEMES if there != ["embedding"] else ("default",)
    found = {scheme: f"weights by {SAID[scheme]}" for scheme in schemes if scheme != "heuristic"}
    there += ["readout"] if anatomy.has(*LINEAR) else []
    if len(there) > 1:
        found |= {f"default/{part}": f"the {part}'s weights as torch makes them" for part in there}
    if "embedding" in there:
        # Torch draws them from N(0, 1), which is much where many of them are multiplied.
        found[SMALL] = f"the embedding's weights from U[-{UNIFORM_RANGE}, {UNIFORM_RANGE}]"
    return found


SAID = {
    "default": "torch's own initialisation, as its layers make them",
    "kaiming": "nn.init.kaiming_normal_",
    "xavier": "nn.init.xavier_uniform_",
    "orthogonal": "nn.init.orthogonal_",
    "heuristic": "U[-0.1, 0.1], recurrent ones orthogonal",
}
# Of a level that is no part of a scheme: it can help where the whole scheme does not.
SMALL = "small_embedding"
KINDS = {"embedding": ("Embedding", "EmbeddingBag"), "recurrent": RECURRENT, "hidden": LINEAR}


def _initialise(training: Training, level: str) -> None:
    scheme, _, part = ("heuristic/embedding" if level == SMALL else level).partition("/")

    # What another model had, and may have learnt, before this one took it up.
    seen: WeakSet[Any] = WeakSet()

    def change(model: Any) -> None:
        layers = [module for module in model.modules() if type(module).__name__ in LINEAR]
        for module in [one for one in model.modules() if one not in seen]:
            seen.add(module)
            kind = type(module).__name__
            own = "readout" if layers and module is layers[-1] and len(layers) > 1 else _part_of(kind)
            if own and (not part or own == part):
                _fill_module(module, scheme, kind)
            elif not part and not type(module).__module__.startswith("torch."):
                _fill_constant(module, scheme)

    training.at_model(change)


def _part_of(kind: str) -> str:
    return next((part for part, kinds in KINDS.items() if kind in kinds), "")


@torch.no_grad()
def _fill_module(module: Any, scheme: str, kind: str) -> None:
    if scheme == "default" or (kind in KINDS["embedding"] and scheme != "heuristic"):
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
        return
    for name, weight in module.named_parameters(recurse=False):
        if weight.ndim < 2:
            nn.init.zeros_(weight)
        else:
            _draw(weight, scheme, name)


@torch.no_grad()
def _fill_constant(module: Any, scheme: str) -> None:
    """Draws a module's own matrices that hold one number throughout."""
    for name, weight in module.named_parameters(recurse=False):
        if weight.ndim == 2 and min(weight.shape) > 1 and bool((weight == weight[0, 0]).all()):
            _draw(weight, scheme, name)


def _draw(weight: Any, scheme: str, name: str) -> None:
    if scheme == "default":
        # As a linear layer does.
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    elif scheme == "orthogonal" or (scheme == "heuristic" and "weight_hh" in name):
        nn.init.orthogonal_(weight)
    elif scheme == "heuristic":
        nn.init.uniform_(weight, -UNIFORM_RANGE, UNIFORM_RANGE)
    elif scheme == "kaiming":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(weight)


def _drawn_again(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file that makes a model's weights anew, before the optimiser that gets them is made."""
    models = models_of(anatomy.optimiser)
    lines = _drawing(source, models[0], level, anatomy) if len(models) == len(anatomy.optimisers) == 1 else []
    return source.before("\n".join(lines)) if lines else None


def _drawing(source: Source, model: str, level: str, anatomy: Anatomy) -> list[str]:
    """What a person would write to draw weights as a level does; empty where that is not known."""
    torch_nn = nn_of(source)
    scheme, _, part = level.partition("/")

    def each(kinds: Sequence[str], *then: str) -> list[str]:
        there = [f"{torch_nn}.{kind}" for kind in kinds if anatomy.has(kind)]
        if not there:
            return []
        which = there[0] if len(there) == 1 else f"({', '.join(there)})"
        return [f"for module in {model}.modules():", f"    if isinstance(module, {which}):", *then]

    anew, tables, linear = "module.reset_parameters()", KINDS["embedding"], KINDS["hidden"]
    if level == SMALL:
        bounds = f"-{UNIFORM_RANGE}, {UNIFORM_RANGE}"
        return each(tables, f"        {torch_nn}.init.uniform_(module.weight, {bounds})")
    if part in ("hidden", "readout"):
        kinds = ", ".join(f"{torch_nn}.{kind}" for kind in linear if anatomy.has(kind))
        listed = f"layers = [module for module in {model}.modules() if isinstance(module, ({kinds},))]"
        last = ["layers[-1].reset_parameters()"]
        return [listed, *(last if part == "readout" else ["for module in layers[:-1]:", f"    {anew}"])]
    if scheme == "default":
        return each(KINDS[part] if part else [kind for kinds in KINDS.values() for kind in kinds], f"        {anew}")
    drawn = f"{SAID[scheme]}(weight)"
    drawn = drawn if torch_nn == "nn" else f"torch.{drawn}"
    both = f"            {drawn} if weight.dim() > 1 else {torch_nn}.init.zeros_(weight)"
    return [
        *each([*linear, *RECURRENT], "        for weight in module.parameters():", both),
        # Those of the tables stay as torch makes them.
        *each(tables, f"        {anew}"),
    ]


INIT_OF_TRAINING = Intervention(
    "initialisation",
    what="the weights of each layer are made anew before the first pass, whole or part by part; with the whole also "
    "matrices of one's own modules that hold one number throughout",
    source=f"{SQUIRREL}; He et al. (2015); Glorot & Bengio (2010); Saxe et al. (2013)",
    levels=_schemes,
    apply=_initialise,
    size=2,
    harmless=True,
    patch=_drawn_again,
    edited=lambda anatomy: str(anatomy.optimiser.get("place", "")),
    answers=("equal_rows",),
    points=("vanishing_gradient", "output_ignores_input", "saturated_units", "dead_units", "wrong_first_loss",
            "zero_gradient", "constant_output", "update_ratio_off"),
    tricks=lambda anatomy: (
        {scheme: SAID[scheme] for scheme in ("default", "heuristic", "orthogonal")}
        if anatomy.parameters and not anatomy.pretrained
        else {}
    ),
    claims=(
        Claim("small uniform weights around an orthogonal recurrence stop the learning", SQUIRREL, level="heuristic",
              against="default", response="failure", expect="worse"),
        Claim("with the framework's own initialisation there is progress at once", SQUIRREL, level="default",
              against="heuristic", response="gain", expect="better"),
    ),
    cannot="other weights outside of torch's layers, weights that were loaded, and what another model had before",
)  # fmt: skip
