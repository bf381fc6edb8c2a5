"""The study directory: the one record of truth, on any `pyarrow.fs` location, written atomically.

    manifest.json            what was asked, of what, with which versions, on which machine
    trials/*.parquet         one row a replicate; a part a trial, compacted as they grow in number
    curves/*.parquet         one row a number over time
    logs/TRIAL.N.txt         what a program wrote in replicate N of a trial
    optuna/                  the search's storage, rebuilt from the trials when the study is resumed
    report/                  what the analysis made of the trials; may be deleted and made again

A trial counts as finished when its part lies in `trials/`; its curves are written before that. Parts are named
after their trial, so that a trial that is run again after a crash replaces itself and never doubles.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from pyarrow import fs

from backtrack.errors import StudyError
from backtrack.records.migration import FORMATS, migrated
from backtrack.records.questions import as_asked_now
from backtrack.records.rows import CURVES, all_finished, curve_rows, trial_rows, trials_schema
from backtrack.vocabulary.as_json import factor_from
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.space import SearchSpace

COMPACT_AT = 256
# How the names of joined parts begin; all others are named after their trial.
COMPACTED = "compact-"


def log_name(trial: str, replicate: int) -> str:
    """Where in the study the output of a run lies."""
    return f"logs/{trial}.{replicate}.txt"


class Records:
    """Reads and writes one study directory. One process writes; any number may read.

    Args:
        location: a path or a URI (`s3://bucket/prefix`, `gs://…`, `file:///…`).

    Use `Records.create` and `Records.open`.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location)
        self._fs, self._root = _locate(self.location)
        self._parts = 0
        self._lock = threading.Lock()
        self.manifest: dict[str, Any] = {}
        self.space: SearchSpace

    @classmethod
    def create(cls, location: str | Path, space: SearchSpace, manifest: Mapping[str, Any]) -> Records:
        """A new study.

        Raises:
            StudyError: where the place holds a study or other files already, or cannot be written.
        """
        records = cls(location)
        if records._exists("manifest.json"):
            raise StudyError(
                f"{location} already holds a study; go on with it by `backtrack resume {location}`, "
                "or choose another --study"
            )
        if records._list(""):
            raise StudyError(f"{location} is not empty and holds no study; choose another --study")
        records.space = space
        records.manifest = {"format": FORMATS[-1], **manifest}
        records.write("manifest.json", json.dumps(records.manifest, indent=2).encode())
        return records

    @classmethod
    def open(cls, location: str | Path) -> Records:
        """An existing study.

        Raises:
            StudyError: where there is none, or it is damaged or of another format.
        """
        records = cls(location)
        if not records._exists("manifest.json"):
            raise StudyError(f"{location} holds no study (no manifest.json); give the directory of a sweep")
        try:
            records.manifest = json.loads(records.read("manifest.json"))
            found = records.manifest["format"]
        except (ValueError, KeyError, TypeError) as fault:
            raise StudyError(f"{location}/manifest.json is damaged ({fault}); restore it from a copy") from fault
        if found not in FORMATS:
            raise StudyError(
                f"{location} is a study of format {found}; this version reads the formats {FORMATS}; "
                f"use the version of backtrack-sweep that made it ({records.manifest.get('versions', {})})"
            )
        records.space = SearchSpace(tuple(factor_from(fields) for fields in records.manifest["factors"]))
        records._parts = len(records._list("trials"))
        return records

    @property
    def is_checkup(self) -> bool:
        """Whether this is the study of a checkup, whose runs were chosen step by step."""
        return "checkup" in self.manifest

    def is_tracked(self, asked: bool | None) -> bool:
        """Whether MLflow gets the study: as asked, else as when it began."""
        return bool(self.manifest.get("tracked", True)) if asked is None else asked

    def as_sweep(self) -> Records:
        """These records, where they are a sweep's, or of past runs.

        Raises:
            StudyError: where they are a checkup's.
        """
        if self.is_checkup:
            raise StudyError(
                f"{self.location} is a checkup, whose runs were chosen step by step: they answer no question of a "
                "sweep. Its report says what they show; `backtrack sweep … --from` varies further what helped in it"
            )
        return self

    def note(self, **fields: Any) -> None:
        """Sets fields of the manifest.

        Raises:
            StudyError: where it cannot be written.
        """
        self.manifest = {**self.manifest, **fields}
        self.write("manifest.json", json.dumps(self.manifest, indent=2).encode())

    # --- trials -----------------------------------------------------------------------------------------------

    def append(self, finished: FinishedTrial) -> None:
        """Records a finished trial; when this returns, it survives a crash.

        Raises:
            StudyError: where the directory cannot be written (full disk, no rights, lost connection).
        """
        with self._lock:
            name = finished.planned.trial
            for replicate, result in enumerate(finished.results):
                if result.output:
                    self.write(log_name(name, replicate), result.output.encode())
            self.write(f"curves/{name}.parquet", _parquet(curve_rows(finished)))
            self.write(f"trials/{name}.parquet", _parquet(trial_rows(self.space, finished)))
            self._parts += 1
            if self._parts >= COMPACT_AT:
                self._compact()

    def append_all(self, finished: Sequence[FinishedTrial], curves: pa.Table | None = None) -> None:
        """Records many trials at once, as one part; for runs that exist already.

        Args:
            finished: the trials.
            curves: their numbers over time; default: those that the trials carry.

        Raises:
            StudyError: where the directory cannot be written.
        """
        with self._lock:
            if curves is None:
                curves = pa.concat_tables([CURVES.empty_table(), *(curve_rows(trial) for trial in finished)])
            self.write(f"curves/{COMPACTED}{0:05d}.parquet", _parquet(curves))
            self.write(f"trials/{COMPACTED}{0:05d}.parquet", _parquet(trial_rows(self.space, *finished)))

    def trials(self, parts: Collection[str] | None = None) -> pa.Table:
        """Every recorded replicate, once, ordered by trial and replicate.

        Args:
            parts: names of parts (`part_names`) to read only; those that a compaction has taken away are left out.
        """
        table = self._read_parts("trials", trials_schema(self.space), parts)
        return _distinct(table, ["trial", "replicate"])

    def curves(self, parts: Collection[str] | None = None) -> pa.Table:
        """Every recorded number over time, once, ordered by trial, replicate and step; `parts` as for `trials`."""
        return _distinct(self._read_parts("curves", CURVES, parts), ["trial", "replicate", "name", "step"])

    def finished(self) -> list[FinishedTrial]:
        """The recorded trials as values, without their curves."""
        return all_finished(self.space, self.trials())

    # --- parts ------------------------------------------------------------------------------------------------

    def part_names(self) -> list[str]:
        """Names of the trial parts that lie there now; a reader that follows a running sweep compares them."""
        return [Path(path).name for path in self._list("trials")]

    def _read_parts(self, folder: str, schema: pa.Schema, parts: Collection[str] | None = None) -> pa.Table:
        compacted, tables, single = [], [], []
        for path in self._list(folder):
            if parts is not None and Path(path).name not in parts:
                continue
            try:
                table = self._as_today(self._table(path), schema)
                if Path(path).name.startswith(COMPACTED):
                    compacted.append(table)
                else:
                    tables.append(table)
                    single.append(Path(path).name.removesuffix(".parquet"))
            except FileNotFoundError:
                # A compaction took it away between listing and reading; its rows are in the compacted part.
                return self._read_parts(folder, schema, parts)
            except (pa.ArrowInvalid, pa.ArrowKeyError, ValueError, KeyError) as fault:
                raise StudyError(
                    f"{path} is damaged or of another schema ({str(fault).splitlines()[0]}); "
                    "move it away, and `backtrack resume` runs its trials again"
                ) from fault
        # A trial that was run again replaces what an earlier driver left of it, wherever that lies.
        again = pa.array(single, pa.string())
        tables += [table.filter(pa.compute.invert(pa.compute.is_in(table["trial"], again))) for table in compacted]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def _as_today(self, table: pa.Table, schema: pa.Schema) -> pa.Table:
        """A part with the columns of today's format."""
        if schema is not CURVES:
            table = migrated(table, self.space)
            if "question" in self.manifest:
                table = as_asked_now(table, self.manifest["question"], self.space)
        return table.select(schema.names).cast(schema)

    def _compact(self) -> None:
        """Joins the parts of single trials into one; a crash in between leaves doubles, which reading drops.

        Curves of a trial that never was recorded (its driver was killed in between) are dropped: it is run again.
        """
        finished = [path for path in self._list("trials") if not Path(path).name.startswith(COMPACTED)]
        names = {Path(path).name for path in finished}
        for folder, schema in (("curves", CURVES), ("trials", trials_schema(self.space))):
            parts = [path for path in self._list(folder) if not Path(path).name.startswith(COMPACTED)]
            number = len(self._list(folder)) - len(parts)
            tables = [self._as_today(self._table(path), schema) for path in parts if Path(path).name in names]
            if tables:
                self.write(f"{folder}/{COMPACTED}{number:05d}.parquet", _parquet(pa.concat_tables(tables)))
            for path in parts:
                self._fs.delete_file(path)
        self._parts = 0

    # --- files ------------------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes) -> None:
        """Writes a file of the study: whole or not at all.

        Raises:
            StudyError: where it cannot be written.
        """
        path = f"{self._root}/{name}"
        try:
            self._fs.create_dir(path.rpartition("/")[0], recursive=True)
            if isinstance(self._fs, fs.LocalFileSystem):
                _replace(Path(path), content)
            else:
                # An object store shows an object only once it is complete.
                with self._fs.open_output_stream(path) as stream:
                    stream.write(content)
        except OSError as fault:
            reason = "the disk is full" if fault.errno == errno.ENOSPC else str(fault)
            raise StudyError(
                f"cannot write {self.location}/{name}: {reason}. Everything finished before it is recorded; "
                f"make room or mend the connection, then run `backtrack resume {self.location}`"
            ) from fault

    def create_file(self, name: str, content: bytes) -> bool:
        """Makes a file that is not there yet; False where it is, or where the store cannot tell.

        Raises:
            StudyError: where it cannot be written.
        """
        root = self.local_path()
        if root is None:
            return False
        # The content first, under a name of its own: nobody sees half of it.
        aside = root / f"{name}.{os.getpid()}.tmp"
        try:
            root.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            os.link(aside, root / name)
        except FileExistsError:
            return False
        except OSError as fault:
            raise StudyError(f"cannot write {self.location}/{name}: {fault}; choose another --study") from fault
        finally:
            aside.unlink(missing_ok=True)
        return True

    def remove(self, name: str) -> None:
        """Removes a file of the study; nothing where there is none."""
        try:
            self._fs.delete_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return

    def remove_if_empty(self) -> None:
        """Removes the directory on this machine where nothing is in it."""
        root = self.local_path()
        if root is not None and root.is_dir() and not any(root.iterdir()):
            root.rmdir()

    def discard(self) -> None:
        """Removes a study of which nothing has been recorded."""
        if not self._list("trials") and not self._list("curves"):
            self.remove("manifest.json")

    def read(self, name: str) -> bytes:
        """A file of the study.

        Raises:
            StudyError: where it is not there.
        """
        content = self._content(name)
        if content is None:
            raise StudyError(f"{self.location} has no {name}")
        return content

    def _content(self, name: str) -> bytes | None:
        """What a file holds, or None where there is none."""
        try:
            with self._fs.open_input_file(f"{self._root}/{name}") as stream:
                content: bytes = stream.read()
                return content
        except FileNotFoundError:
            return None

    def write_table(self, name: str, table: pa.Table) -> None:
        """Writes a parquet file of the study, whole or not at all."""
        self.write(name, _parquet(table))

    def read_table(self, name: str) -> pa.Table:
        """Reads a parquet file of the study.

        Raises:
            StudyError: where it is not there.
        """
        try:
            return self._table(f"{self._root}/{name}")
        except FileNotFoundError as fault:
            raise StudyError(f"{self.location} has no {name}") from fault

    def _table(self, path: str) -> pa.Table:
        """A parquet file, fetched at once and read in the calling thread.

        `pq.read_table` reads in Arrow's threads, and one of them can be the last to let go of the source: where that is
        Python's bytes and the interpreter is about to end, the process aborts, though its work is done and recorded.
        Fetched at once, since an object store would be asked for each column otherwise.
        """
        with self._fs.open_input_file(path) as source:
            return pq.ParquetFile(pa.BufferReader(source.read_buffer())).read(use_threads=False)

    def has(self, name: str) -> bool:
        """Whether the study has that file."""
        return self._exists(name)

    def copy_to(self, directory: str | Path) -> None:
        """Copies the study to another place; a copy of the same study there is brought up to date.

        The manifest comes last: a copy that was interrupted is not taken for a study. Parts that a running sweep
        compacts meanwhile may come twice; reading drops doubles.

        Raises:
            StudyError: where another study or other files lie there.
        """
        other = Records(directory)
        if other.has("manifest.json"):
            found = json.loads(other.read("manifest.json")).get("study")
            if found != self.manifest.get("study"):
                raise StudyError(f"{directory} holds another study ({found}); choose another directory")
        elif other._list(""):
            raise StudyError(f"{directory} is not empty and holds no study; choose another directory")
        for folder in ("curves", "trials", "report"):
            copied: set[str] = set()
            while left := [name for name in self.files(folder) if name not in copied]:
                for name in left:
                    copied.add(name)
                    # Where a compaction has taken it away since, what it held is in a part that is listed next.
                    if (content := self._content(f"{folder}/{name}")) is not None:
                        other.write(f"{folder}/{name}", content)
        other.write("manifest.json", self.read("manifest.json"))

    def local_path(self) -> Path | None:
        """The directory on this machine, or None where the study lies elsewhere."""
        return Path(self._root) if isinstance(self._fs, fs.LocalFileSystem) else None

    def files(self, folder: str) -> list[str]:
        """Names, relative to `folder`, of all files under it."""
        base = f"{self._root}/{folder}"
        selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
        found = [info.path for info in self._fs.get_file_info(selector) if info.type == fs.FileType.File]
        return sorted(path[len(base) + 1 :] for path in found)

    def _exists(self, name: str) -> bool:
        return bool(self._fs.get_file_info(f"{self._root}/{name}").type == fs.FileType.File)

    def _list(self, folder: str) -> list[str]:
        selector = fs.FileSelector(f"{self._root}/{folder}".rstrip("/"), allow_not_found=True)
        names = (info.path for info in self._fs.get_file_info(selector))
        return sorted(path for path in names if not Path(path).name.startswith("."))


def _locate(location: str) -> tuple[fs.FileSystem, str]:
    if "://" not in location:
        return fs.LocalFileSystem(), str(Path(location).expanduser().resolve())
    try:
        source, path = fs.FileSystem.from_uri(location)
    except (pa.ArrowInvalid, OSError) as fault:
        raise StudyError(
            f"study location {location} cannot be opened: {fault}; expected a path, s3:// or gs://"
        ) from fault
    return source, path.rstrip("/")


def _replace(path: Path, content: bytes) -> None:
    """Writes beside `path`, then renames over it: readers see the old or the new file, never half of one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _distinct(table: pa.Table, keys: Iterable[str]) -> pa.Table:
    """`table` ordered by `keys`, each combination once."""
    keys = list(keys)
    table = table.sort_by([(key, "ascending") for key in keys])
    if table.num_rows < 2:
        return table
    same = None
    for key in keys:
        column = table[key].combine_chunks()
        repeats = pa.compute.equal(column[1:], column[:-1])
        same = repeats if same is None else pa.compute.and_(same, repeats)
    keep = pa.concat_arrays([pa.array([True]), pa.compute.invert(same)])
    return table.filter(keep)
