"""What a program prints while it trains, read as numbers with names.

    Epoch 3/10, train loss 0.53, val acc 81.2%     ->  epoch 3: train_loss .53, val_acc 81.2
    {"step": 100, "loss": 0.4}                     ->  step 100: loss .4
    | end of epoch   1 | valid loss  5.23 |        ->  epoch 1: val_loss 5.23

A name is what stands before `:` or `=`, in lower case and with underscores. Without such a sign only names that
trainings use are taken (`KNOWN`, or those that were asked for), so that "took 5 minutes" is no number of a training.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

# Words that make a number without `:` or `=` one of the training's.
KNOWN = frozenset(
    [
        "loss",
        "acc",
        "accuracy",
        "error",
        "err",
        "f1",
        "auc",
        "auroc",
        "r2",
        "mse",
        "mae",
        "rmse",
        "ppl",
        "perplexity",
        "bleu",
        "rouge",
        "reward",
        "return",
        "score",
        "precision",
        "recall",
        "iou",
        "dice",
        "map",
        "prec",
        "hits",
        "ndcg",
        "top1",
        "top5",
        "mrr",
        "psnr",
        "ssim",
        "fid",
        "elbo",
        "kl",
        "nll",
        "bpc",
        "bpb",
        "wer",
        "cer",
        "logloss",
        "epoch",
        "step",
        "iter",
        "iteration",
    ]
)
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
          "test": "test", "testing": "test", "eval": "eval", "evaluation": "eval"}  # fmt: skip
EPOCHS, STEPS = ("epoch", "epochs", "ep"), ("step", "steps", "iter", "iteration", "global_step", "num_updates")
# Words of a log's own in front of a name, and words that add nothing to it.
LOG_WORDS = frozenset(
    [
        "info",
        "debug",
        "warning",
        "error",
        "root",
        "main",
        "average",
        "avg",
        "mean",
        "final",
        "current",
        "set",
        "the",
        "end",
        "of",
        "at",
        "on",
    ]
)
# Of a long line (a progress bar, a dump) only so much is read.
LONGEST_LINE = 4000

_NUMBER = re.compile(
    r"(?<![\w.@])(?P<number>[-+]?(?:\d+(?:_\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|NaN|inf|Infinity|Inf)(?![\w]))"
    r"(?:\s*/\s*(?P<whole>\d+(?:\.\d+)?)(?![\w./]))?(?P<unit>\s?%|[A-Za-zµ/]*)"
)
_BREAKS = re.compile(r"[|│┃║,;\t\[\](){}<>]|\s-\s|(?<=\S)\s{3,}(?=[A-Za-z])|→|->")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Printed:
    """What one line says.

    Args:
        values: `{name: number}`, in the line's order.
        epoch, step: that the line names; None where it names none.

    Example:
        >>> read_line("Epoch 3: train loss 0.53, val acc 0.81")
        Printed(values={'train_loss': 0.53, 'val_acc': 0.81}, epoch=3.0, step=None)
    """

    values: Mapping[str, float] = field(default_factory=dict)
    epoch: float | None = None
    step: float | None = None


def read_line(line: str, asked: Collection[str] = ()) -> Printed:
    """The numbers that a line of output holds.

    Args:
        line: text, without its line break.
        asked: further names that are taken without `:` or `=` after them.
    """
    # `return=[22.]`: an array of one number.
    text = re.sub(r"([:=])\s*\[", r"\1 ", _ESCAPES.sub("", line[:LONGEST_LINE])).strip()
    text = re.sub(r"\b(epoch|step|iter|iteration)\s*\[", r"\1 ", text, flags=re.IGNORECASE)
    text = re.sub(r"@\[?([\d.]+):([\d.]+)\]?", r"@\1_\2", text)
    if text.startswith("{") and text.endswith("}"):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return _placed({spelled(name): number for name, number in flat(found)})
    return _placed(dict(_named(text, {word for name in asked for word in spelled(name).split("_")} | KNOWN)))


def flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a nested dict, `outer_inner` as their names.

    Booleans, text, None and arrays of several numbers are left out.
    """
    for key, value in values.items():
        name = f"{prefix}_{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            yield from flat(value, name)
            continue
        number = number_of(value)
        if number is not None:
            yield name, number


def number_of(value: object) -> float | None:
    """A number, or an array or tensor of one number, as a float; None for anything else."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) is not None:
        if math.prod(value.shape) != 1:  # type: ignore[attr-defined]
            return None
        value = item()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None


def spelled(name: str) -> str:
    """A printed name as it is kept: lower case, words joined by underscores, `valid` and `validation` as `val`.

    Example:
        >>> spelled("Validation Loss"), spelled("Accuracy/test")
        ('val_loss', 'accuracy_test')
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower().replace("'s ", " ")) if word]
    return "_".join("val" if word in ("valid", "validation") else word for word in words)


def series_for(metric: str, names: Collection[str]) -> str | None:
    """Which of the printed names a metric means: its own, else the one that says the same.

    Its own name first; then with `acc` for `accuracy`; of several data splits validation before test before evaluation;
    then the only name that ends in it. None where none or several would do.
    """
    if metric in names:
        return metric
    kept = {spelled(name): name for name in names}
    own = spelled(metric)
    # What a line says of a name, such as "mean return", is not read as a part of it: nor is it in the metric's name.
    bare = "_".join(_without_log_words(own.split("_")))
    found = _spelled_series(own, set(kept)) or _spelled_series(bare, set(kept))
    return kept[found] if found is not None else None


def _without_log_words(words: list[str]) -> list[str]:
    """Words without those that a log puts in front of a name; the last always stays."""
    start = next((place for place, word in enumerate(words[:-1]) if word not in LOG_WORDS), len(words) - 1)
    return words[start:]


def _spelled_series(wanted: str, names: Collection[str]) -> str | None:
    for same in (wanted, *_synonyms(wanted)):
        for name in (same, f"val_{same}", f"test_{same}", f"eval_{same}", f"{same}_val", f"{same}_test"):
            if name in names:
                return name
    endings = [name for name in names if name.endswith(f"_{wanted}")]
    return endings[0] if len(endings) == 1 else None


def _synonyms(name: str) -> list[str]:
    pairs = (("accuracy", "acc"), ("perplexity", "ppl"), ("error", "err"), ("iteration", "iter"))
    found = []
    for long, short in pairs:
        words = name.split("_")
        for one, other in ((long, short), (short, long)):
            if one in words:
                found.append("_".join(other if word == one else word for word in words))
    return found


def _placed(values: dict[str, float]) -> Printed:
    """Takes epoch and step out of the numbers."""
    epoch = next((values[name] for name in EPOCHS if name in values), None)
    step = next((values[name] for name in STEPS if name in values), None)
    kept = {name: value for name, value in values.items() if name not in (*EPOCHS, *STEPS)}
    return Printed(
        kept,
        epoch if epoch is not None and math.isfinite(epoch) else None,
        step if step is not None and math.isfinite(step) else None,
    )


def _named(text: str, known: Collection[str]) -> Iterator[tuple[str, float]]:
    """Each number of a line with the name before it."""
    end, split, pending = 0, "", ""
    for match in _NUMBER.finditer(text):
        parts = [part.strip() for part in _BREAKS.split(text[end : match.start()])]
        before, end = parts[-1], match.end()
        # A cell of a table holds the number alone, and the name stands in the one before it.
        if not any(map(str.isalpha, before)):
            worded = [part for part in parts[:-1] if any(map(str.isalpha, part))]
            in_table = not before.strip(" :=") and worded and any(sign in text for sign in "|│┃")
            cell = worded[-1] if in_table else ""
            before = f"{cell}:" if cell else before
        for part in parts[:-1]:
            split = _split_of(part) or split
        signed = before.rstrip().endswith((":", "="))
        clauses = [clause.strip(" '\"*#>-") for clause in re.split(r"[:=]", before) if clause.strip(" '\"*#>-")]
        if not clauses or match["unit"].strip() in ("it", "it/s", "s/it"):
            continue
        for clause in clauses[:-1]:
            split = _split_of(clause) or split
        name = _name_of(clauses[-1], signed, known)
        if not name:
            # "Accuracy on the 10000 test images: 54": the name stands before a number that is not its own.
            pending = next((word for word in spelled(clauses[-1]).split("_") if word in known), pending)
        elif pending and signed and not set(name.split("_")) & set(known):
            split, name = _split_of(name) or split, pending
        if name:
            own = _split_of(name)
            split = own or split
            counter = name in (*EPOCHS, *STEPS)
            yield (name if own or counter or not split else f"{split}_{name}"), _value(match, name)


def _name_of(clause: str, signed: bool, known: Collection[str]) -> str:
    """The name that a clause ends in; empty where it ends in none."""
    words = _without_log_words([word for word in spelled(clause).split("_") if word])
    if not words or words[-1] == "py" or not any(word[0].isalpha() for word in words):
        # `train.py:21` is a place.
        return ""
    if words[-1] in EPOCHS or (words[-1] in STEPS and "_".join(words) != "global_step"):
        return words[-1]
    if signed:
        return "_".join(words[-4:])
    # `Acc@5`, `mAP@0.5`: the number is a part of the name.
    last = max(place for place, word in enumerate(words) if "@" not in clause or not word.isdigit())
    if words[last] not in known:
        return ""
    # Without a sign a sentence may stand before the name: only words that belong to it.
    start = last
    while start and (words[start - 1] in SPLITS or words[start - 1] in known):
        start -= 1
    return "_".join(SPLITS.get(word, word) for word in words[start:])


def _split_of(text: str) -> str:
    words = spelled(text).split("_")
    return next((SPLITS[word] for word in words if word in SPLITS), "") if len(words) <= 4 else ""


def _value(match: re.Match[str], name: str) -> float:
    number = float(match["number"].replace("_", ""))
    if match["whole"] and float(match["whole"]) > 0 and not _is_counter(name):
        return number / float(match["whole"])
    return number


def _is_counter(name: str) -> bool:
    return name.split("_")[-1] in (*EPOCHS, *STEPS, "batch", "batches")
