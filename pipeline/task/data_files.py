"""Reading a task's data file: parquet, local or on object storage, with its schema checked first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from backtrack.errors import DataError

# Several physical types hold the same thing; a schema names the kind.
_KINDS = {
    "string": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    "list": lambda kind: pa.types.is_list(kind) or pa.types.is_large_list(kind),
}


def read_table(uri: str | Path, columns: Mapping[str, str]) -> pa.Table:
    """The named columns of a parquet file or directory.

    Args:
        uri: a path, or `s3://`, `gs://`, `file://` …
        columns: `{name: kind}`, kind one of "string", "integer", "number", "list".

    Raises:
        DataError: where it does not exist, is not parquet, lacks a column, has one of another type, or has no rows.
    """
    check_schema(uri, columns)
    source, path = _locate(uri)
    return pq.read_table(path, filesystem=source, columns=list(columns))


def check_schema(uri: str | Path, columns: Mapping[str, str]) -> None:
    """Compares the schema with `columns` and counts the rows, without reading them; see `read_table`."""
    source, path = _locate(uri)
    info = source.get_file_info(path)
    if info.type == fs.FileType.NotFound:
        raise DataError(f"data file {uri} does not exist; give --data a parquet file or a directory of them")
    try:
        dataset = pq.ParquetDataset(path, filesystem=source)
        schema, rows = dataset.schema, sum(fragment.count_rows() for fragment in dataset.fragments)
    except (pa.ArrowInvalid, OSError) as fault:
        raise DataError(
            f"data file {uri} cannot be read as parquet ({str(fault).splitlines()[0]}); "
            "expected a parquet file or a directory of them"
        ) from fault
    wrong = []
    for name, kind in columns.items():
        found = schema.field(name).type if name in schema.names else None
        if found is None or not _KINDS[kind](found):
            wrong.append(f"{name}: {kind}" + (f" (found {found})" if found is not None else " (not there)"))
    if wrong:
        expected = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
        found_all = ", ".join(f"{field.name}: {field.type}" for field in schema)
        raise DataError(
            f"data file {uri} has another schema. Wrong or missing: {'; '.join(wrong)}. "
            f"Expected: {expected}. Found: {found_all}"
        )
    if rows == 0:
        raise DataError(f"data file {uri} has no rows; expected at least a few hundred examples")


def _locate(uri: str | Path) -> tuple[fs.FileSystem, str]:
    if "://" in str(uri):
        try:
            return fs.FileSystem.from_uri(str(uri))
        except (pa.ArrowInvalid, OSError) as fault:
            raise DataError(
                f"data location {uri} cannot be opened: {fault}; expected a path, s3:// or gs://"
            ) from fault
    return fs.LocalFileSystem(), str(Path(uri).resolve())
