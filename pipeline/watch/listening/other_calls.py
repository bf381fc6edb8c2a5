"""What a program calls beside modules, losses, backward passes and steps: dropout, clipping, weights, loaders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.watch.checks.heard import Heard, ModelHeard
from backtrack.watch.checks.moments import Clipped, Distributed, Dropped, Initialised, Iterated, Loaded, Plateau
from backtrack.watch.listening import patches
from backtrack.watch.listening.clock import Clock
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.standing_back import Undo

# Calls of dropout functions that are told of, with gradients and without; clippings of gradients; and distributions.
DROPS, CLIPPINGS, DISTRIBUTIONS = 40, 12, 12


class OtherCalls:
    """Tells of them.

    Args:
        torch: the module.
        heard: what has been heard so far.
        tell: `tell(moment, description)`.
        is_muted: whether what happens now is the watch's own.
        model_of: what is heard of a module.
        clock: times what loaders take.
    """

    def __init__(
        self,
        torch: Any,
        heard: Heard,
        tell: Callable[..., None],
        is_muted: Callable[[], bool],
        model_of: Callable[[Any], ModelHeard],
        clock: Clock,
    ) -> None:
        self._torch, self._heard, self._tell = torch, heard, tell
        self._is_muted, self._model_of, self._clock = is_muted, model_of, clock
        self._drops = {True: 0, False: 0}
        self._clippings = self._distributions = 0

    def attach(self) -> list[Undo]:
        """Begins to hear them; what is returned ends it."""
        torch = self._torch
        return [
            *patches.on_dropouts(torch, self._dropped, self._wants_drops),
            *patches.on_clipping(torch, self._clipped),
            *patches.on_initialising(torch, self._initialised),
            *patches.on_sampling(torch, self._sampled),
            *patches.on_loading(torch, self._loaded, self._iterated),
            *patches.on_fetching(torch, self._clock.fetch),
            *patches.on_plateaus(torch, self._plateau),
            *patches.on_distributions(torch, self._distributed),
        ]

    def _wants_drops(self) -> bool:
        return self._drops[self._torch.is_grad_enabled()] < DROPS and not self._is_muted()

    def _dropped(self, share: float, active: bool, by_module: bool) -> None:
        gradients = self._torch.is_grad_enabled()
        self._drops[gradients] += 1
        in_training = any(model.module.training for model in self._heard.models)
        call = Dropped(
            share=share,
            active=active,
            by_module=by_module,
            gradients=gradients,
            in_training=in_training,
            place=own_place(),
        )
        self._tell("dropped", call)

    def _clipped(self, norm: Any, bound: float, scale: Callable[[], float]) -> None:
        if not self._is_muted() and self._clippings < CLIPPINGS:
            self._clippings += 1
            self._tell("clipped", Clipped(lambda: float(norm), bound, scale, own_place()))

    def _distributed(self, name: str, logits: Any) -> None:
        if self._distributions < DISTRIBUTIONS and not self._is_muted():
            self._distributions += 1
            self._tell("distributed", Distributed(name, logits, own_place()))

    def _initialised(self, name: str, tensor: Any) -> None:
        if self._heard.steps and not self._is_muted():
            self._tell("initialised", Initialised(name, tensor, own_place()))

    def _sampled(self) -> None:
        if not self._is_muted():
            self._heard.sampled += 1

    def _loaded(self, module: Any, state: Any, result: Any) -> None:
        self._model_of(module).loaded = True
        missing, unexpected = (getattr(result, name, ()) for name in ("missing_keys", "unexpected_keys"))
        self._tell("loaded", Loaded(type(module).__name__, len(state), missing, unexpected, own_place()))

    def _iterated(self, loader: Any) -> None:
        self._clock.iterate()
        order, batches, size = self._heard.loaders[id(loader)] = patches.drawn_by(loader)
        data, weights = getattr(loader, "dataset", None), patches.weights_of(loader)
        self._tell(
            "iterated",
            Iterated(batches=batches, size=size, place=own_place(), data=data, order=order, weights=weights),
        )

    def _plateau(self, schedule: Any, value: float, lowered: bool) -> None:
        if not self._is_muted():
            call = Plateau(
                schedule=schedule,
                optimiser=schedule.optimizer,
                mode=schedule.mode,
                value=value,
                lowered=lowered,
                place=own_place(),
            )
            self._tell("plateau", call)
