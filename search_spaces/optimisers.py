"""Optimisers, their learning rate, batch size and gradient clipping."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from types import MethodType
from typing import Any

import torch

from backtrack.search_spaces import SQUIRREL
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.factors import Categorical, Claim, Numeric

OPTIMISER = Categorical(
    "optimiser",
    ["adam", "adamw", "rmsprop", "sgd"],
    description="update rule; SGD has Nesterov-free momentum 0.9",
    claims=(
        Claim(
            "at the same learning rate of 0.001, RMSprop has a much lower error than Adam",
            SQUIRREL,
            level="rmsprop",
            against="adam",
            response="gain",
            expect="better",
            where={"lr": 0.001},
        ),
    ),
)

LR = Numeric("lr", 1e-3, 3e-2, log=True, role="nuisance", description="learning rate")

BATCH_SIZE = Categorical("batch_size", [32, 64], role="nuisance", description="training lines a step")

# 0.25 is what PyTorch's own word-level language model clips at; at 1 the gradients of small nets pass untouched.
CLIP = Categorical("clip", ["none", 0.25], description="largest norm of the whole gradient")

MOMENTUM = 0.9
# Beyond it, a step is more than twenty times as large as the rate says.
LARGE_MOMENTUM = 0.95


def make_optimiser(name: str, groups: Iterable[Mapping[str, Any]], config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """The optimiser called `name` over parameter `groups` at `config["lr"]`.

    - `sgd`: v ← 0.9 v + g, θ ← θ - lr v
    - `adam`: Kingma & Ba 2015, decay coupled (added to the gradient)
    - `adamw`: Loshchilov & Hutter 2019, decay decoupled
    - `rmsprop`: s ← 0.99 s + 0.01 g², θ ← θ - lr g / (√s + ε)

    Args:
        groups: torch parameter groups, each with its own `weight_decay`.
        config: levels; `lr` is used, and `decay_kind` where it is there.

    Raises:
        ValueError: for another name.
    """
    rate = float(config["lr"])
    parameters = [dict(group) for group in groups]
    if config.get("decay_kind") == "decoupled":
        return decoupled(make_optimiser(name, parameters, {**config, "decay_kind": "coupled"}))
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=MOMENTUM)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=rate)
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=rate)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate)
    raise ValueError(f"optimiser {name!r} is not known; expected one of {OPTIMISER.levels}")


def decoupled(optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The same optimiser with its decay taken out of the gradient: θ ← (1 - lr λ) θ before each step.

    What AdamW is to Adam (Loshchilov & Hutter 2019), for any optimiser. Changes `optimiser` in place.
    """
    decays = [float(group["weight_decay"]) for group in optimiser.param_groups]
    for group in optimiser.param_groups:
        group["weight_decay"] = 0.0

    @torch.no_grad()
    def shrink(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for group, decay in zip(optimiser.param_groups, decays, strict=True):
            for parameter in group["params"] if decay else ():
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * decay)

    # It treats every number by itself: replicates that are trained as one stacked model may keep it.
    shrink.elementwise = True  # type: ignore[attr-defined]
    optimiser.register_step_pre_hook(shrink)
    return optimiser


def _replacements(anatomy: Anatomy) -> dict[str, str]:
    own, rate = anatomy.optimiser.get("kind"), anatomy.optimiser.get("lr")
    # Options that make another rule of it than it is known for.
    as_known = not anatomy.optimiser.get("unusual")
    if not rate or own == "LBFGS":
        return {}

    def is_another(kind: Any, usual: float | None) -> bool:
        if usual is not None and not 0.3 < usual / rate < 3:
            return True
        twice = usual is not None and any(other is kind and at is None for other, at, _ in OTHERS.values())
        return not twice and not (kind.__name__ == own and as_known)

    # The program's own rule first: of two that do equally well it is the smaller change.
    ordered = sorted(OTHERS.items(), key=lambda one: one[1][0].__name__ != own)
    return {
        level: f"torch.optim.{kind.__name__}(model.parameters(), lr={usual or rate:.3g})"
        for level, (kind, usual, _) in ordered
        if is_another(kind, usual)
    }


def _other_call(source: Source, level: str, anatomy: Anatomy) -> str | None:
    kind, usual, options = OTHERS[level]
    for call in source.calls(str(anatomy.optimiser.get("kind"))):
        if not call.args:
            continue
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        prefix = source.segment(owner) if owner is not None else "torch.optim"
        given = {"lr": usual or anatomy.optimiser["lr"], **options}
        # The other rule decays the weights as the program's own did.
        decay = [source.segment(one) for one in call.keywords if one.arg == "weight_decay"]
        rest = ", ".join([*(f"{name}={value:g}" for name, value in given.items()), *decay])
        return source.replaced(call, f"{prefix}.{kind.__name__}({source.segment(call.args[0])}, {rest})")
    return None


def _replace(training: Training, level: str) -> None:
    kind, usual, options = OTHERS[level]
    making: list[bool] = []

    def change(optimiser: Any) -> None:
        if making:
            return
        making.append(True)
        try:
            rates = [group["lr"] for group in optimiser.param_groups]
            groups = [
                {"params": group["params"], "lr": usual or group["lr"], "weight_decay": group.get("weight_decay", 0.0)}
                for group in optimiser.param_groups
            ]
            other = kind(groups, **options)
        finally:
            making.clear()

        def step(_own: Any, closure: Any = None) -> Any:
            for group, shown, rate in zip(other.param_groups, optimiser.param_groups, rates, strict=False):
                # A schedule that moves the program's own rate moves this one alike.
                group["lr"] = shown["lr"] if usual is None or not rate else usual * shown["lr"] / rate
            for added in optimiser.param_groups[len(other.param_groups) :]:
                other.add_param_group({"params": added["params"], "lr": added["lr"]})
            return other.step(closure)

        # A bound method, as a scheduler expects that counts the steps.
        optimiser.step = MethodType(step, optimiser)

    training.at_optimiser(change)


# `{level: (rule, its usual rate or None for the program's own, options)}`.
OTHERS: dict[str, tuple[Any, float | None, dict[str, Any]]] = {
    "adam": (torch.optim.Adam, None, {}),
    "adam_usual": (torch.optim.Adam, 1e-3, {}),
    "adamw_usual": (torch.optim.AdamW, 1e-3, {}),
    "rmsprop": (torch.optim.RMSprop, None, {}),
    "rmsprop_usual": (torch.optim.RMSprop, 1e-3, {}),
    "sgd_momentum": (torch.optim.SGD, None, {"momentum": MOMENTUM}),
    "sgd_usual": (torch.optim.SGD, 0.05, {"momentum": MOMENTUM}),
}

OPTIMISER_OF_TRAINING = Intervention(
    "optimiser",
    what="each optimiser's steps are made by another rule, at the program's rate or at the rule's usual one",
    source="Kingma & Ba, Adam (2015); Choi et al., On empirical comparisons of optimizers (2019)",
    levels=_replacements,
    apply=_replace,
    size=2,
    points=("step_size", "not_finite", "update_ratio_off", "vanishing_gradient", "exploding_gradient"),
    tricks=lambda anatomy: {
        level: text for level, text in _replacements(anatomy).items() if level in ("adam", "rmsprop", "sgd_momentum")
    },
    claims=(
        Claim(
            "at the same rate RMSprop has a much lower error than Adam",
            SQUIRREL,
            level="rmsprop",
            against="adam",
            response="gain",
            expect="better",
        ),
    ),
    cannot="state that the program reads from its optimiser stays empty",
    patch=_other_call,
    place=lambda anatomy: str(anatomy.optimiser.get("place", "")),
)


def _momenta(anatomy: Anatomy) -> dict[str, str]:
    own = float(anatomy.optimiser.get("momentum") or 0.0)
    return {"usual": f"momentum={MOMENTUM} instead of {own:g}"} if own > LARGE_MOMENTUM else {}


def _with_usual(training: Training, level: str) -> None:
    def change(optimiser: Any) -> None:
        for group in optimiser.param_groups:
            if float(group.get("momentum") or 0.0) > LARGE_MOMENTUM:
                group["momentum"] = MOMENTUM

    training.at_optimiser(change)


MOMENTUM_OF_TRAINING = Intervention(
    "momentum",
    what=f"momentum is {MOMENTUM}: the step grows by 1 / (1 - momentum), 1,000 times at 0.999",
    source="Sutskever et al., On the importance of initialization and momentum (2013)",
    levels=_momenta,
    apply=_with_usual,
    points=("oscillating_loss", "step_size", "not_finite", "exploding_gradient"),
    patch=lambda source, level, anatomy: source.with_keyword("momentum", lambda value: f"{MOMENTUM}"),
    place=lambda anatomy: str(anatomy.optimiser.get("place", "")),
)
