"""Most units of a layer are zero for every example."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Look, Symptom, last_over


def at_look(look: Look) -> float | None:
    """Share of units that are zero for all examples and places, in the worst layer of rectified units."""
    shares = []
    for layer in look.layers:
        # Units lie along the last dimension of a sequence, else along the second.
        units = 2 if layer.values.ndim == 3 else 1
        if layer.kind == "relu" and layer.values.ndim > units:
            others = [dimension for dimension in range(layer.values.ndim) if dimension != units]
            # Rectified units are never under zero, so the largest says whether any differs from it.
            shares.append(float((layer.values.amax(others) == 0).float().mean()))
    return max(shares, default=None)


SYMPTOM = Symptom(
    name="dead_units",
    measured="share of a layer's rectified units that are zero for all of up to 128 validation examples, worst layer",
    rule="over {threshold:.0%} at the last look",
    threshold=0.7,
    points_at="activation, learning rate, initialisation",
    cost="one comparison a layer and look",
    source="AUTOTRAINER (Zhang et al., ICSE 2021)",
    found=last_over("dead_units"),
    at_look=at_look,
)
