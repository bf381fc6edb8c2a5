"""In which direction a schedule waits for a plateau: a loss gets better downwards, an accuracy upwards."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import calls_of, first_line

# The other mode, and, among an anatomy's calls, that schedules of a mode were made.
OTHER = {"min": "max", "max": "min"}
MADE = "plateau "


def at_plateaus(training: Training, wanted: Callable[[str], str]) -> None:
    """Asks `wanted(mode)` for the mode of each schedule that is made to wait for a plateau."""

    def made(own: Any) -> Any:
        def __init__(schedule: Any, optimizer: Any, mode: str = "min", *arguments: Any, **options: Any) -> None:
            own(schedule, optimizer, wanted(mode), *arguments, **options)

        return __init__

    training.replace(training.torch.optim.lr_scheduler.ReduceLROnPlateau, "__init__", made)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    modes = [mode for mode in OTHER if anatomy.calls.get(MADE + mode)]
    return {OTHER[mode]: f'ReduceLROnPlateau(…, mode="{OTHER[mode]}")' for mode in modes[:1]}


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file with another mode in the one call that makes such a schedule."""
    calls = source.all_calls("ReduceLROnPlateau")
    if len(calls) != 1:
        return None
    call = calls[0]
    written: ast.expr | None = next((one.value for one in call.keywords if one.arg == "mode"), None)
    if written is None and len(call.args) > 1:
        written = call.args[1]
    if written is None:
        return source.with_argument(call, f'mode="{level}"')
    return source.replaced(written, f'"{level}"') if isinstance(written, ast.Constant) else None


PLATEAU_MODE = Intervention(
    "plateau_mode",
    what="a schedule that waits for a plateau waits until what it is given gets no higher, instead of no lower, or the "
    "other way round",
    source="PyTorch documentation of ReduceLROnPlateau: mode",
    levels=_levels,
    apply=lambda training, level: at_plateaus(training, lambda mode: level),
    on_suspicion=True,
    answers=("plateau_mode",),
    place=lambda anatomy: first_line(anatomy.sources, calls_of("ReduceLROnPlateau")),
    patch=_patched,
    cannot="schedules of a library's own, and of one's own",
)
