"""Where a person is named besides the rows: logs, reports, run history; and the search over a whole home."""

from __future__ import annotations

import gzip
import html
import json
import re
import sqlite3
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestration.core.atomic import replacing
from orchestration.core.database import connect, sql_text
from orchestration.core.errors import EnvironmentStop
from orchestration.core.privacy.erased import PERSONS, Key

SQLITE = b"SQLite format 3\0"
PUT_INSTEAD = "erased"
# Shorter ids are words of other things as well: numbers, days, sizes.
TELLING, TELLING_DIGITS = 6, 9
WORD = "0-9A-Za-z_"


@dataclass(frozen=True)
class Words:
    """The ids to look for, as whole words; one that other things are called, too, with its space before it.

    `are_all_telling` is whether no id of a person had to be taken so.
    """

    texts: tuple[str, ...]
    are_all_telling: bool
    ignore_case: bool = False

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """Of bytes: the ids as they are, and as HTML, JSON and addresses write them."""
        forms = {form for text in self.texts for form in _forms(text)}
        ids = b"|".join(re.escape(form.encode()) for form in sorted(forms, reverse=True))
        flags = re.IGNORECASE if self.ignore_case else 0
        return re.compile(b"(?<![%s])(?:%s)(?![%s])" % (WORD.encode(), ids, WORD.encode()), flags)

    @property
    def sql_pattern(self) -> str:
        """For DuckDB's `regexp_matches`, which knows no look-around."""
        ids = "|".join(re.escape(text) for text in self.texts)
        return f"{'(?i)' if self.ignore_case else ''}(^|[^{WORD}])({ids})($|[^{WORD}])"


def words_of(keys: Collection[Key], *, ignore_case: bool = False) -> Words:
    """What to look for to find these keys."""
    telling = {k for k in keys if len(k.value) >= (TELLING_DIGITS if k.value.isdigit() else TELLING)}
    texts = {key.value for key in telling}
    # A short number of an order says of nobody who placed it.
    common = {key for key in keys if key not in telling and key.kind in PERSONS.values()}
    texts |= {key.text for key in common}
    return Words(tuple(sorted(texts)), not common, ignore_case)


def redact(path: Path, words: Words) -> int:
    """Put `erased` in the place of the ids in a file of text or SQLite; returns the values or files changed.

    Raises EnvironmentStop when another program holds a SQLite file.
    """
    if _is_sqlite(path):
        return _redact_sqlite(path, words)
    content = path.read_bytes()
    if not words.pattern.search(content):
        return 0
    if b"\0" in content:
        # No text: what it is can be made again.
        path.unlink()
        return 1
    mode = path.stat().st_mode
    with replacing(path) as part:
        part.write_bytes(words.pattern.sub(PUT_INSTEAD.encode(), content))
        part.chmod(mode)
    return 1


def occurrences(path: Path, words: Words) -> int:
    """How often ids stand in a file, which is read as what it is: Parquet, DuckDB, SQLite, gzip, or bytes."""
    if not words.texts:
        return 0
    if path.suffix in (".parquet", ".duckdb"):
        return _rows_with(path, words)
    if _is_sqlite(path):
        return sum(words.pattern.search(value) is not None for value in _sqlite_values(path))
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        content = path.read_bytes()
    return len(words.pattern.findall(content))


def _forms(text: str) -> set[str]:
    return {text, html.escape(text), json.dumps(text)[1:-1], quote(text), quote(text, safe="")}


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def _redact_sqlite(path: Path, words: Words) -> int:
    pattern = words.pattern

    def names(value: object) -> bool:
        return pattern.search(_as_bytes(value)) is not None

    def without(value: Any) -> Any:
        cleaned = pattern.sub(PUT_INSTEAD.encode(), _as_bytes(value))
        return cleaned if isinstance(value, bytes) else cleaned.decode()

    changed = 0
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            connection.create_function("names", 1, names, deterministic=True)
            connection.create_function("without", 1, without, deterministic=True)
            connection.execute("pragma secure_delete = on")
            for table, column in _sqlite_columns(connection):
                statement = (
                    f'update or replace "{table}" set "{column}" = without("{column}")'
                    f" where typeof(\"{column}\") in ('text', 'blob') and names(\"{column}\")"
                )
                changed += connection.execute(statement).rowcount
            if changed:
                # Freed pages and the write-ahead log keep what was there.
                connection.execute("vacuum")
                connection.execute("pragma wal_checkpoint(truncate)")
    except sqlite3.OperationalError as error:
        raise EnvironmentStop(
            f"{path} cannot be cleaned: {error}. Stop `aipl ui` and any other program that uses it, then run"
            " `aipl erase` again."
        ) from error
    return changed


def _sqlite_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    return [
        (table, row[1])
        for (table,) in tables
        if not table.startswith("sqlite_")
        for row in connection.execute(f'pragma table_info("{table}")')
    ]


def _sqlite_values(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)) as connection:
        for table, column in _sqlite_columns(connection):
            for (value,) in connection.execute(f'select "{column}" from "{table}"'):
                yield _as_bytes(value)


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


def _rows_with(path: Path, words: Words) -> int:
    is_database = path.suffix == ".duckdb"
    with connect(path if is_database else None, read_only=is_database) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        tables = [f'"{schema}"."{name}"' for schema, name in names]
        found = 0
        for table in tables if is_database else [f"read_parquet({sql_text(path)})"]:
            rows = f"select count(*) from {table} as t where regexp_matches(cast(t as varchar), $pattern)"
            (count,) = connection.execute(rows, {"pattern": words.sql_pattern}).fetchall()[0]
            found += count
    return found
