"""Parameters that get a gradient, and that no optimiser moves."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard, ModelHeard
from backtrack.watch.checks.moments import Step
from backtrack.watch.listening.holders import holders_of

# Steps after which every optimiser that there is has stepped.
AFTER = 20
# Close looks at which what was frozen has to have a gradient.
LOOKS = 2


class ParametersWithoutOptimiser(Check):
    name = "parameters_without_optimiser"
    looks_at = (
        "which parameters with a gradient no optimiser holds, after each one's first steps, at the end, and, of those "
        "that were frozen at first, at later close steps"
    )
    cost = "nothing but a set of ids"
    source = "TheDeepChecker (2021); PyTorch issues on parameters that are created after the optimiser"
    expected = "every parameter that gets a gradient belongs to an optimiser"
    remedy = "give all of the model's parameters to the optimiser, after the model is complete"
    more_exact_than = ("parameters_without_gradient",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Parameters that were frozen when all optimisers had stepped, and at how many looks they had a gradient since.
        self._frozen: dict[int, int] = {}

    def after_step(self, step: Step) -> None:
        # Again for each optimiser that begins later: a layer may have been exchanged before it.
        if AFTER in (self.heard.steps, step.number):
            self._look()
            weights = [one for model in self.heard.models for one in model.module.parameters()]
            self._frozen |= {id(one): 0 for one in weights if not one.requires_grad}
        elif step.close and self._frozen and self._are_let_loose():
            self._look()

    def end(self) -> None:
        if 0 < self.heard.steps < AFTER:
            self._look()

    def _are_let_loose(self) -> bool:
        """Whether parameters that were frozen get gradients at two looks: an optimiser of theirs has had its time."""
        learning = [
            id(one)
            for model in self.heard.models
            for one in model.module.parameters()
            if id(one) in self._frozen and one.requires_grad and one.grad is not None
        ]
        for key in learning:
            self._frozen[key] += 1
        return any(self._frozen[key] == LOOKS for key in learning)

    def _look(self) -> None:
        all_held = [id(weight) for one in self.heard.optimisers for weight in one.parameters]
        held = set(all_held)
        # Two optimisers that were made of one model's parameters, and another model that none was made of.
        twice = len(held) < len(all_held)
        for model in self.heard.models:
            if model.loaded or not model.trained:
                # Of a pretrained model parts may be meant to stay.
                continue
            named = [(name, one) for name, one in model.module.named_parameters() if one.requires_grad]
            self._look_at_plain(model, held)
            lost = [
                name for name, one in named if id(one) not in held and one.grad is not None and bool(one.grad.any())
            ]
            if lost and holders_of([one for name, one in named if name in lost]):
                # Another one holds them that has not stepped so far: `idle_optimiser` waits for it.
                continue
            if lost and len(lost) < len(named):
                self.finds(
                    f"{model.name}: {joined(lost)}",
                    f"{len(lost)} of {len(named)} parameters of {model.name} get a gradient, and no "
                    "optimiser holds them",
                )
            elif lost and not any(id(one) in held for _, one in named) and (len(self.heard.models) == 1 or twice):
                self.finds(
                    f"{model.name}",
                    f"no optimiser holds any of the {len(named)} parameters of {model.name}: it steps over others"
                    + (", which two of them hold" if twice else ""),
                )

    def _look_at_plain(self, model: ModelHeard, held: set[int]) -> None:
        """Tensors that a module keeps as plain attributes: no `nn.Parameter`, so `parameters()` leaves them out."""
        from backtrack.watch.listening.tensors import plain_weights

        lost = [
            f"{path}.{name}".lstrip(".")
            for path, module in model.module.named_modules()
            for name, one in plain_weights(module).items()
            if id(one) not in held and one.grad is not None and bool(one.grad.any())
        ]
        if lost:
            self.finds(
                f"{model.name}: {joined(lost)}",
                f"{joined(lost)} get a gradient, are plain tensors of {model.name}, and no optimiser holds them",
                remedy="make them nn.Parameter, so that model.parameters() has them",
            )
