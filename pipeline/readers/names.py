"""What the names of columns tell: the spellings in which tools export their runs."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backtrack.readers.past_runs import ENDED, state_of

# How tools mark settings and numbers in the names of columns.
SETTINGS = re.compile(r"^(?:params?[_./]|config[./]|hparams?[./]|hyperparameters?[./])(?P<name>.+)$")
NUMBERS = re.compile(r"^(?:metrics?[./]|summary[./]|results?[./])(?P<name>.+)$")
# Columns that say how a run ended, when it began, how long it took, and which seed it had.
STATE = ("state", "status", "outcome", "trial_state", "run_status")
BEGAN = ("datetime_start", "start_time", "started", "started_at", "created", "created_at", "_timestamp", "timestamp",
         "begin", "date", "number", "trial_number")  # fmt: skip
SECONDS = ("duration", "seconds", "runtime", "_runtime", "time_total_s", "elapsed", "wall_time", "train_time", "time")
SEED = re.compile(r"^(?:.*[._/-])?(?:random_?)?(?:seed|random_state)s?$")
ERROR = ("error", "exception", "error_message", "traceback", "error_msg")
# Columns that name a run.
NAMES = re.compile(r"^(?:.*[._/-])?(?:id|name|uuid|run_?id|trial_?id|run_?name|trial_?name|trial|index|number|hash|"
                   r"tags?|user|host(?:name)?|node_?ip|pid|path|log_?dir|artifact_?uri|experiment(?:_?(?:id|name|tag))?|notes|"
                   r"sweep|git.*|commit|logdir|_wandb.*|unnamed.*|_step|ended|node|device|"
                   r"replicate|config_hash)$")  # fmt: skip
# Words by which measured numbers are named.
MEASURED = re.compile(
    r"(?:^|[._/\s-])(?:loss|acc|accuracy|error|err|score|auc|auroc|f1|precision|recall|rmse|mse|mae|r2|bleu|rouge|perplexity|"
    r"ppl|reward|return|val|valid|validation|test|train|eval|metric|objective|value|cross_entropy|entropy|logloss|"
    r"time|seconds|duration|runtime|latency|throughput|memory|mem|epoch|step|steps|iteration|iterations|"
    r"iter|timestamp|flops|energy|cost)(?:$|[._/\s-])"
)
# Words that settings share with what is measured, and mark a setting: `train_batch_size`, `test_size`.
SET = re.compile(r"(?:size|rate|lr|decay|dropout|layers?|units|width|depth|num|n|max|min|type|name|momentum|weight|"
                 r"loss_fn|function|optimi[sz]er|epochs)$")  # fmt: skip


@dataclass(frozen=True)
class Apart:
    """Columns that tell by their names what they are: `{column: name}`."""

    settings: Mapping[str, str]
    numbers: Mapping[str, str]
    others: tuple[str, ...]

    def state(self, row: Mapping[str, Any]) -> str:
        """How a row's run ended."""
        column = one_of(STATE, self.others)
        return state_of(row[column]) if column is not None and column in row else ENDED

    def order(self, row: Mapping[str, Any], number: int) -> float:
        """When a row's run began; its place in the table where that is not told."""
        column = one_of(BEGAN, self.others)
        moment = moment_of(row.get(column)) if column is not None else None
        return float(number) if moment is None else moment

    def seconds(self, row: Mapping[str, Any]) -> float | None:
        """How long a row's run took."""
        column = one_of(SECONDS, self.others)
        return seconds_of(row.get(column)) if column is not None else None


def flat(values: Mapping[str, Any], joint: str, before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values with their names joined; lists and what is absent are left out.

    Example:
        >>> dict(flat({"optim": {"lr": 0.1}, "layers": [1, 2]}, "."))
        {'optim.lr': 0.1}
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, joint, f"{before}{name}{joint}")
        elif value is not None and not isinstance(value, (list, tuple, bytes)):
            yield f"{before}{name}", value


def settings_and_numbers(columns: Collection[str]) -> Apart | None:
    """The columns by what their names tell; None where no name marks a setting."""
    settings = {column: match["name"] for column in columns if (match := SETTINGS.match(column))}
    if not settings:
        return None
    numbers = {column: match["name"] for column in columns if (match := NUMBERS.match(column))}
    others = tuple(column for column in columns if column not in settings and column not in numbers)
    # What is neither, and no name, time or state, may be a number: Optuna's `value`, Ray's `loss`.
    aside = {one_of(words, others) for words in (STATE, BEGAN, SECONDS, ERROR)}
    numbers |= {column: column for column in others if column not in aside and not NAMES.match(column.lower())}
    return Apart(settings, numbers, others)


def one_of(words: Collection[str], columns: Collection[str]) -> str | None:
    """The first of `words` that is a column, whatever its capitals."""
    by_name = {column.lower().replace(" ", "_"): column for column in columns}
    return next((by_name[word] for word in words if word in by_name), None)


def number_from(value: object) -> float | None:
    """A finite or non-finite number, however it is spelled; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return float(str(value).strip().removesuffix("%"))
    except ValueError:
        return None


def moment_of(value: object) -> float | None:
    """Seconds since 1970, or whatever number it is; None where it is no moment."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, datetime.date):
        return float(value.toordinal()) * 86400
    number = number_from(value)
    if number is not None:
        return number if math.isfinite(number) else None
    try:
        return datetime.datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None


def seconds_of(value: object) -> float | None:
    """A duration in seconds; None where it is none."""
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    number = number_from(value)
    if number is not None:
        return number if math.isfinite(number) else None
    match = re.match(r"(?:(\d+) days? )?(\d+):(\d+):(\d+(?:\.\d+)?)$", str(value))
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
