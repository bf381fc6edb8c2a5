"""Tables of runs: CSV, parquet, JSON lines; one row a run, any columns."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from backtrack.errors import DataError
from backtrack.readers.names import flat, number_from, settings_and_numbers
from backtrack.readers.past_runs import PastRun, PastRuns

ORDER = 90
ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")


def reads(source: str) -> bool:
    """Whether `source` is a file with the ending of a table."""
    return Path(source).is_file() and Path(source).suffix.lower() in ENDINGS


def read(source: str, experiment: str | None = None) -> PastRuns:
    """One run a row.

    Columns that tell by their names what they are (`params_lr` and `value` of Optuna, `params.lr` and `metrics.loss` of
    MLflow, `config/lr` of Ray Tune) are told apart by them; of any other table all columns are handed on as settings,
    and the mapping proposes which of them are numbers that were measured.

    Args:
        source: the file.
        experiment: not used; a table is one experiment.

    Raises:
        DataError: where the file cannot be read as what its ending says.
    """
    rows = _rows(Path(source))
    apart = settings_and_numbers(list(dict.fromkeys(name for row in rows for name in row)))
    runs = []
    for number, row in enumerate(rows):
        known = {name: value for name, value in row.items() if value is not None and value != ""}
        if apart is None:
            runs.append(PastRun(str(number), known))
            continue
        runs.append(
            PastRun(
                str(number),
                {apart.settings[name]: value for name, value in known.items() if name in apart.settings},
                numbers={
                    apart.numbers[name]: parsed
                    for name, value in known.items()
                    if name in apart.numbers and (parsed := number_from(value)) is not None
                },
                state=apart.state(known),
                order=apart.order(known, number),
                seconds=apart.seconds(known),
            )
        )
    return PastRuns("a table of runs", source, runs, told_apart=apart is not None)


def _rows(file: Path) -> list[dict[str, Any]]:
    ending = file.suffix.lower()
    try:
        if ending == ".parquet":
            return _plain(pq.read_table(file).to_pylist())
        if ending in (".csv", ".tsv"):
            delimiter = "\t" if ending == ".tsv" else _delimiter(file)
            options = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
            nulls = pa.csv.ConvertOptions(
                strings_can_be_null=True,
                null_values=["", "NA", "N/A", "null", "NULL", "-"],
                # Where commas are no delimiters, they are the points of numbers.
                decimal_point="," if delimiter == ";" else ".",
            )
            return _plain(pa.csv.read_csv(file, parse_options=options, convert_options=nulls).to_pylist())
        if ending == ".json":
            found = json.loads(file.read_text())
            return _plain(found if isinstance(found, list) else [found])
        return _plain([json.loads(line) for line in file.read_text().splitlines() if line.strip()])
    except (pa.ArrowException, ValueError, UnicodeDecodeError, OSError) as fault:
        raise DataError(
            f"{file} cannot be read as {ending}: {str(fault).splitlines()[0]}; expected a table with a row for each run"
        ) from fault


def _delimiter(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as stream:
        first = stream.readline()
    return max(",;\t", key=first.count)


def _plain(rows: list[Any]) -> list[dict[str, Any]]:
    """Rows with dotted names; text that holds a JSON object, as W&B exports it, is read as one."""
    found = []
    for row in rows:
        if not isinstance(row, Mapping):
            raise ValueError(f"a row is {row!r}; expected an object of named values")
        found.append(dict(flat({name: _object(value) for name, value in row.items()}, ".")))
    return found


def _object(text: object) -> object:
    """The object that a cell spells; the cell itself where it spells none."""
    if not isinstance(text, str) or text[:1] != "{" or text[-1:] != "}":
        return text
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    return text
