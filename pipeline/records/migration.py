"""Records of an earlier format, read as those of today.

The files stay as they are: a study of an earlier format is migrated whenever it is read, and may be gone on with.
"""

from __future__ import annotations

import pyarrow as pa

from backtrack.records.rows import trials_schema
from backtrack.vocabulary.config import label
from backtrack.vocabulary.contrasts import contrast_question, contrasts_of
from backtrack.vocabulary.places import place_in
from backtrack.vocabulary.plan import ASKED, CLAIMED, DESIGN, EXTENSION, FLIP, OTHER, PAIRED, REFINED, SEARCHED
from backtrack.vocabulary.space import SearchSpace

# Formats that can be read; a new study is of the last.
FORMATS = (1, 2, 3)
# Format 1 kept in the spelling of a trial's id, and in its stage, what format 2 has as a column.
_PARTS_BY_PREFIX = {REFINED: REFINED, EXTENSION: EXTENSION, ASKED: ASKED}
_PARTS_BY_STAGE = {"screen": DESIGN, "confirm": DESIGN, "search": SEARCHED, "claims": PAIRED, "backtrack": FLIP}


def migrated(trials: pa.Table, space: SearchSpace) -> pa.Table:
    """A table of trials of any format with the columns of the last one.

    Of format 1, backtracking's runs are all taken for flips, since it did not keep which of them were.

    Args:
        trials: rows of `trials/*.parquet`.
        space: the factors, whose claims tell what the pairs were drawn for.
    """
    trials = _with_parts(trials, space)
    for name in ("checks", "findings"):
        if name not in trials.column_names:
            # Formats 1 and 2 had no checks.
            kind = trials_schema(space).field(name).type
            trials = trials.append_column(name, pa.array([[]] * len(trials), kind))
    return trials


def _with_parts(trials: pa.Table, space: SearchSpace) -> pa.Table:
    """Rows of format 1 with what format 2 has as columns."""
    if "part" in trials.column_names:
        return trials
    contrasts = contrasts_of(space)
    parts, pairs, sides, questions = [], [], [], []
    for number, (trial, stage) in enumerate(zip(trials["trial"].to_pylist(), trials["stage"].to_pylist(), strict=True)):
        part = _PARTS_BY_PREFIX.get(trial.partition("-")[0]) or _PARTS_BY_STAGE[stage]
        # Trials 2k and 2k + 1 of the claims were the k-th pair; pairs took the contrasts in turn.
        pair = int(trial.rpartition("-")[2]) // 2 if part == PAIRED else None
        side = question = ""
        if pair is not None:
            factor, claim = contrasts[pair % len(contrasts)]
            level = trials[f"config.{factor.name}"][number].as_py()
            side = CLAIMED if label(level) == label(claim.level) else OTHER
            question = contrast_question(factor.name, claim)
        parts.append(part)
        pairs.append(pair)
        sides.append(side)
        questions.append(question)
    places = [place_in(error or "") for error in trials["error"].to_pylist()]
    for name, column in (
        ("part", pa.array(parts, pa.string())),
        ("pair", pa.array(pairs, pa.int64())),
        ("side", pa.array(sides, pa.string())),
        ("question", pa.array(questions, pa.string())),
        ("error_place", pa.array(places, pa.string())),
    ):
        trials = trials.append_column(name, column)
    return trials
