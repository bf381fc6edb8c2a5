"""Most units of a layer are zero for every example."""

from __future__ import annotations

from pipeline.training.symptoms.symptom import Look, Symptom, last_over


def at_look(look: Look) -> float | None:
    """Share of units that are zero for all examples and places, in the worst layer of rectified units."""
    shares = []
    for layer in look.layers:
        # Units lie along the last dimension of a sequence, else along the second.
        units = 2 if layer.values.ndim == 3 else 1
        if layer.kind == "relu" and layer.values.ndim > units:
            alive = (layer.values != 0).movedim(units, -1).flatten(0, -2).any(dim=0)
            shares.append(1 - float(alive.float().mean()))
    return max(shares, default=None)


SYMPTOM = Symptom(
    name="dead_units",
    measured="share of a layer's rectified units that are zero for a whole batch of validation examples, worst layer",
    rule="over {threshold:.0%} at the last look",
    threshold=0.7,
    points_at="activation, learning rate, initialisation",
    cost="one comparison a layer and look",
    source="AUTOTRAINER (Zhang et al., ICSE 2021)",
    found=last_over("dead_units"),
    at_look=at_look,
)
