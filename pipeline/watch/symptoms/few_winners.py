"""In groups that compete, nearly always the same unit wins."""

from __future__ import annotations

import math

from backtrack.watch.symptoms.symptom import Look, Symptom, last_under


def at_look(look: Look) -> float | None:
    """Entropy of which unit of a group wins, over log(group size), mean over the groups, in the worst layer."""
    worst: float | None = None
    for layer in look.layers:
        if layer.kind != "group" or layer.group_size < 2:
            continue
        units = layer.values.flatten(2).movedim(1, -1).flatten(0, -2) if layer.values.ndim > 2 else layer.values
        grouped = units.unflatten(1, (-1, layer.group_size))
        shares = (grouped >= grouped.amax(-1, keepdim=True)).float().mean(0)
        shares = shares / shares.sum(-1, keepdim=True)
        entropy = -(shares * shares.clamp_min(1e-12).log()).sum(-1).mean() / math.log(layer.group_size)
        worst = float(entropy) if worst is None else min(worst, float(entropy))
    return worst


SYMPTOM = Symptom(
    name="few_winners",
    measured="entropy of the winner in a group / log(group size), mean over the groups, worst layer",
    rule="under {threshold:g} at the last look",
    # Half of the entropy, a first thought, is a third of the healthy trainings of `winners`.
    threshold=0.2,
    points_at="activation, initialisation",
    cost="one comparison a layer and look",
    source="Srivastava et al., Compete to Compute (NIPS 2013)",
    found=last_under("few_winners"),
    at_look=at_look,
)
