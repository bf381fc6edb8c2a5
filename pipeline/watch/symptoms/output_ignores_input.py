"""The outputs hardly differ between examples."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Look, Symptom, last_under


def at_look(look: Look) -> float | None:
    """Standard deviation of each output over the examples, averaged over the outputs."""
    if look.outputs.ndim != 2 or len(look.outputs) < 2 or not look.outputs.is_floating_point():
        return None
    return float(look.outputs.float().std(dim=0).mean())


SYMPTOM = Symptom(
    name="output_ignores_input",
    measured="standard deviation of the logits over the examples of a batch, mean over the logits",
    rule="under {threshold:g} at the last look",
    threshold=0.01,
    points_at="initialisation of embedding or input, dead layers, too small updates",
    cost="one standard deviation of the outputs a look",
    source="Karpathy, A Recipe for Training Neural Networks (2019): input-independent baseline",
    found=last_under("output_ignores_input"),
    at_look=at_look,
)
