"""Masks of attention the other way round: what was left out takes part."""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import first_line
from backtrack.vocabulary.masks import MASKS, mask_of, turned


def _apply(training: Training, level: str) -> None:
    torch = training.torch
    functional = torch.nn.functional
    # What goes past these functions on a faster way would keep its mask.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    training.at_end(lambda: torch.backends.mha.set_fastpath_enabled(fast))
    # One of these functions calls another, and all of them themselves where somebody listens.
    inside: list[bool] = []

    def made(name: str) -> Any:
        where = MASKS[name]

        def make(own: Any) -> Any:
            @functools.wraps(own)
            def masked(*arguments: Any, **options: Any) -> Any:
                mask = None if inside else mask_of(name, arguments, options)
                if mask is None:
                    return own(*arguments, **options)
                inside.append(True)
                try:
                    other = turned(name, mask)
                    if 0 <= where.place < len(arguments):
                        arguments = (*arguments[: where.place], other, *arguments[where.place + 1 :])
                    else:
                        options[where.name] = other
                    return own(*arguments, **options)
                finally:
                    inside.clear()

            return masked

        return make

    for name in MASKS:
        for owner in (functional, torch, torch.Tensor):
            if hasattr(owner, name):
                training.replace(owner, name, made(name))


def _masks(source: Source) -> Sequence[ast.expr]:
    """What the calls of a file are given as masks of keys, by name: `src_key_padding_mask=…`."""
    calls = [one for one in source.nodes if isinstance(one, ast.Call)]
    given = [one for call in calls for one in call.keywords if (one.arg or "").endswith("key_padding_mask")]
    # (A layer of the program's own hands on what it was given: turned twice it would be as it was.)
    own = {one.arg for kind in source.nodes if isinstance(kind, ast.arguments) for one in kind.args}
    masks = [one.value for one in given if one.arg not in own and not isinstance(one.value, ast.Constant)]
    return sorted(masks, key=lambda one: (one.lineno, one.col_offset))


def _turned(source: Source, level: str, anatomy: Anatomy) -> str | None:
    masks = _masks(source)
    return source.all_replaced((one, _other_way(source, one)) for one in masks) if masks else None


def _other_way(source: Source, mask: ast.expr) -> str:
    is_turned = isinstance(mask, ast.UnaryOp) and isinstance(mask.op, ast.Invert)
    return source.segment(mask.operand) if is_turned else f"~{source.operand(mask)}"  # type: ignore[attr-defined]


ATTENTION_MASK = Intervention(
    "attention_mask",
    what="masks of attention are turned round: keys that all queries leave out take part, the others do not",
    source="PyTorch documentation of MultiheadAttention, key_padding_mask, and of scaled_dot_product_attention",
    levels=lambda anatomy: {"turned": "the mask of the keys turned round: ~mask"} if anatomy.optimisers else {},
    apply=_apply,
    inside=True,
    on_suspicion=True,
    answers=("padding_attended",),
    patch=_turned,
    edited=lambda anatomy: first_line(anatomy.sources, _masks),
    cannot="masks that are added to the scores or multiplied with the weights, and those that differ between queries",
)
