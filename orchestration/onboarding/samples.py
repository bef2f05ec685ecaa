"""The beginning of a dump: how it is read, and its first rows, read by the readers of the arrival step."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from charset_normalizer import from_bytes

from orchestration.arrival.dumps import Dump, Dumps
from orchestration.arrival.readers import Chunk, UnreadableDump
from orchestration.arrival.readers.csv_blocks import read_csv
from orchestration.arrival.readers.csv_records import split_records
from orchestration.arrival.readers.jsonl import read_jsonl
from orchestration.arrival.readers.parquet import read_parquet
from orchestration.arrival.readers.text import lines_of
from orchestration.core.database import connect, sql_text
from orchestration.sources.table import Format, Table

HEAD_BYTES = 4 << 20
ROWS = 10_000
# Encodings that shops write besides UTF-8, which is recognized by itself.
ENCODINGS = ["gb18030", "big5", "cp932", "cp949", "cp1251", "cp1252"]
WORKBOOKS = (".xls", ".xlsx", ".ods")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".zst", ".bz2", ".xz")


class NotRead(Exception):
    """Why a file is not taken as a dump, with what to do."""


@dataclass(frozen=True)
class Sample:
    """How a dump is read, its columns, and its first rows as text; `is_whole` if these are all.

    `always` are the columns that each row has, which differ from `columns` in JSON lines only.
    """

    format: Format
    columns: tuple[str, ...]
    always: tuple[str, ...]
    rows: pa.Table
    is_whole: bool
    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True

    @property
    def layout(self) -> tuple[object, ...]:
        """What dumps of one table have in common."""
        columns = () if self.format is Format.JSONL else self.columns
        return self.format, columns, self.delimiter, self.has_header


def take_sample(place: Dumps, dump: Dump, like: Sample | None = None) -> Sample:
    """Look at the beginning of a dump, which is read as another one of its table is, if that is given.

    Raises NotRead for what no reader reads.
    """
    suffix = Path(dump.name.removesuffix(".gz")).suffix.lower()
    if suffix in WORKBOOKS:
        raise NotRead("it is a workbook; export each sheet as CSV")
    if suffix in ARCHIVES:
        raise NotRead("it is an archive; unpack it (only .gz is read as it is)")
    try:
        with place.open(dump) as stream, TemporaryDirectory() as folder:
            if stream.read(4) == b"PAR1":
                return _parquet(dump, stream, Path(folder))
        with place.open(dump) as stream, TemporaryDirectory() as folder:
            head, is_whole = _head(stream, dump.name)
            return _text(dump.name, head, is_whole, Path(folder) / "head", like)
    except UnreadableDump as error:
        raise NotRead(f"{error.reason}. {error.remedy}") from error


def _parquet(dump: Dump, stream: IO[bytes], folder: Path) -> Sample:
    path = Path(dump.address)
    if "://" in dump.address or not path.is_file():
        path = folder / "dump"
        path.write_bytes(b"PAR1" + stream.read())
    names = tuple(pq.read_schema(path).names)
    rows, is_whole = _rows(read_parquet(path, dump.name, _table(Format.PARQUET, list(names))))
    return Sample(Format.PARQUET, names, names, rows, is_whole)


def _head(stream: IO[bytes], name: str) -> tuple[bytes, bool]:
    """The first bytes of a dump, decompressed, and whether there are no more."""
    try:
        with gzip.open(stream) if name.endswith(".gz") else stream as source:
            head = cast(IO[bytes], source).read(HEAD_BYTES + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise NotRead(f"it is no sound gzip file ({error})") from error
    return head[:HEAD_BYTES], len(head) <= HEAD_BYTES


def encoding_of(head: bytes, is_whole: bool) -> str:
    """Encoding of a text by its first bytes. Raises NotRead when none fits."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    lines = head if is_whole else head[: head.rfind(b"\n") + 1]
    if b"\0" in lines:
        raise NotRead("it is no text")
    try:
        lines.decode()
    except UnicodeDecodeError:
        best = from_bytes(lines, cp_isolation=ENCODINGS).best()
        if best is None:
            raise NotRead("its encoding is none that is known") from None
        return best.encoding
    return "utf-8"


def _text(name: str, head: bytes, is_whole: bool, path: Path, like: Sample | None) -> Sample:
    encoding = encoding_of(head, is_whole)
    text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    if not is_whole:
        text = text[: text.rfind("\n") + 1]
    if not text.strip():
        raise NotRead("it is empty")
    # Readers and DuckDB get the same text as UTF-8: DuckDB knows few encodings.
    path.write_text(text, encoding="utf-8", newline="")
    if text.lstrip()[:1] == "{":
        return _jsonl(name, text, is_whole, path, encoding)
    if text.lstrip()[:1] == "[" and _is_json(text):
        raise NotRead("it is one JSON list; deliver JSON lines, one object a line")
    delimiter, has_header, count = (like.delimiter, like.has_header, 0) if like else _sniffed(path)
    if has_header:
        header = next(split_records(lines_of(text), delimiter)).fields or []
        names = [field.strip() or f"unnamed_{number}" for number, field in enumerate(header, 1)]
    else:
        names = list(like.columns) if like else [f"column_{number}" for number in range(1, count + 1)]
    declared = _table(Format.CSV, list(dict.fromkeys(names)), delimiter=delimiter, header=has_header)
    rows, is_all = _rows(read_csv(path, name, declared))
    read = tuple(rows.column_names)
    return Sample(Format.CSV, read, read, rows, is_whole and is_all, encoding, delimiter, has_header)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _jsonl(name: str, text: str, is_whole: bool, path: Path, encoding: str) -> Sample:
    keys: dict[str, int] = {}
    objects = 0
    for line in io.StringIO(text):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            objects += 1
            for key in record:
                keys[key] = keys.get(key, 0) + 1
    if not keys:
        raise NotRead("none of its lines is a JSON object")
    always = tuple(key for key, count in keys.items() if count == objects)
    rows, is_all = _rows(read_jsonl(path, name, _table(Format.JSONL, list(always) or list(keys)[:1])))
    return Sample(Format.JSONL, tuple(keys), always, rows, is_whole and is_all, encoding)


def _sniffed(path: Path) -> tuple[str, bool, int]:
    """Delimiter of a text, whether its first row is a header, and the number of its columns."""
    try:
        # A cut last line is no reason to see nothing.
        sniffed = f"sniff_csv({sql_text(path)}, ignore_errors = true)"
        found = duckdb.execute(f"select Delimiter, HasHeader, len(Columns) from {sniffed}")
        delimiter, has_header, count = cast(tuple[str, bool, int], found.fetchone())
    except duckdb.Error as error:
        raise NotRead(f"it is no delimited text ({str(error).splitlines()[0]})") from error
    if count == 1:
        raise NotRead(
            "no delimiter divides its lines; declare it by hand, with `widths` if its columns have fixed ones"
        )
    return delimiter, has_header, count


def _table(form: Format, required: list[str], **more: object) -> Table:
    return Table.model_validate({"files": "-", "format": form, "columns": {"required": required}, **more})


def _rows(chunks: Iterator[Chunk]) -> tuple[pa.Table, bool]:
    """The first rows, every column as text, and whether these are all."""
    tables, count = [], 0
    is_all = True
    for chunk in chunks:
        tables.append(pa.Table.from_batches([chunk.batch]))
        count += chunk.batch.num_rows
        if count >= ROWS:
            is_all = next(chunks, None) is None
            break
    rows = pa.concat_tables(tables, promote_options="permissive").slice(0, ROWS)
    with connect() as connection:
        connection.register("rows", rows)
        return connection.sql("select cast(columns(*) as varchar) from rows").to_arrow_table(), is_all
