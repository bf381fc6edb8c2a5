"""Squashing units sit at their ends, where they have no gradient."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Look, Symptom, last_over

# Beyond this a unit counts as saturated; of a sigmoid, whose outputs lie in (0, 1), on both sides.
END = 0.99


def at_look(look: Look) -> float | None:
    """Share of outputs beyond the end, in the worst layer of tanh, sigmoid or recurrent units."""
    shares = []
    for layer in look.layers:
        if layer.kind in ("tanh", "recurrent"):
            shares.append(float((layer.values.abs() > END).float().mean()))
        elif layer.kind == "sigmoid":
            shares.append(float(((2 * layer.values - 1).abs() > 2 * END - 1).float().mean()))
    return max(shares, default=None)


SYMPTOM = Symptom(
    name="saturated_units",
    measured="share of tanh, sigmoid or recurrent outputs beyond 0.99 (a sigmoid's also under 0.01), worst layer",
    rule="over {threshold:.0%} at the last look",
    threshold=0.5,
    points_at="scale of the initial weights, learning rate",
    cost="one comparison a layer and look",
    source="Glorot, Bengio (AISTATS 2010); SageMaker Debugger's rules",
    found=last_over("saturated_units"),
    at_look=at_look,
)
