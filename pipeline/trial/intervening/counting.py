"""All that is counted of a training besides what the anatomist hears itself."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.search_spaces.place_codes import count_codes
from backtrack.trial.intervening.calls import (
    count_again,
    count_choices,
    count_clipped_weights,
    count_compiled,
    count_cuts,
    count_exchanged_axes,
    count_items,
    count_loaders,
    count_loads,
    count_masks,
    count_noise,
    count_offsets,
    count_plateaus,
    count_read_targets,
    count_rows_apart,
    count_samplers,
    count_scored,
    count_second,
    count_short,
    count_sides,
    count_states,
    count_steep,
    count_uses,
)
from backtrack.trial.intervening.reductions import count_reductions
from backtrack.trial.intervening.several_inputs import count_several
from backtrack.trial.intervening.training import HookedTraining
from backtrack.trial.intervening.weighing import count_weighing


def count_all(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Begins to count; what is found goes into the training's anatomy.

    Args:
        training: that is looked at.
        is_early: whether these are its first steps.
    """
    count_cuts(training, is_early)
    count_masks(training, is_early)
    count_choices(training, is_early)
    count_noise(training, is_early)
    count_states(training)
    count_offsets(training)
    count_exchanged_axes(training, is_early)
    count_rows_apart(training, is_early)
    count_read_targets(training, is_early)
    count_uses(training)
    count_loaders(training)
    count_loads(training)
    count_codes(training)
    count_plateaus(training)
    count_samplers(training)
    count_second(training)
    count_sides(training)
    count_several(training)
    count_short(training)
    count_items(training, is_early)
    count_scored(training)
    count_steep(training)
    count_clipped_weights(training)
    count_again(training)
    count_compiled(training)
    count_reductions(training, is_early)
    count_weighing(training, is_early)
