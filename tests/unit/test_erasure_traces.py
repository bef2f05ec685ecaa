"""What is written of a person besides rows: found whatever it stands in, and taken out of text."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from orchestration.core.privacy.erased import Key
from orchestration.nightly.erasing.traces import occurrences, redact, words_of

LENA = Key("shop", "member", "lena@example.com")
ORDER = Key("shop", "order", "O-4711/é")
WORDS = words_of([LENA, ORDER])


def write_parquet(path: Path, text: str) -> None:
    duckdb.sql("select 1 as n, $text as t", params={"text": text}).write_parquet(str(path))


def write_duckdb(path: Path, text: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema s; create table s.t (n integer, t varchar)")
        connection.execute("insert into s.t values (1, $text)", {"text": text})


def write_sqlite(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (n integer, t text, b blob)")
        connection.execute("insert into t values (1, ?, ?)", (text, text.encode()))
        connection.commit()


WRITERS: dict[str, Callable[[Path, str], object]] = {
    "a.parquet": write_parquet,
    "a.duckdb": write_duckdb,
    "a.db": write_sqlite,
    "a.gz": lambda path, text: path.write_bytes(gzip.compress(text.encode())),
    "a.log": lambda path, text: path.write_text(text),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("of lena@example.com, twice", True),
        ("shop:m:lena@example.com", True),
        ("xlena@example.com", False),
        ("lena@example.community", False),
        ("nobody", False),
    ],
)
def test_an_id_is_found_as_a_whole_word_in_whatever_it_stands(
    tmp_path: Path, name: str, text: str, is_found: bool
) -> None:
    WRITERS[name](tmp_path / name, text)
    assert (occurrences(tmp_path / name, WORDS) > 0) is is_found


@pytest.mark.parametrize(
    "text", ["O-4711/é", json.dumps("O-4711/é"), "O-4711/%C3%A9", "O-4711%2F%C3%A9", "<td>O-4711/é</td>"]
)
def test_an_id_is_taken_out_however_it_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"before {text} after O-47112")
    path.chmod(0o444)
    assert redact(path, WORDS) == 1 and redact(path, WORDS) == 0
    assert "4711/" not in path.read_text() and "4711%" not in path.read_text()
    assert path.read_text().startswith("before ") and path.read_text().endswith(" after O-47112")
    assert occurrences(path, WORDS) == 0 and path.stat().st_mode & 0o777 == 0o444


def test_sqlite_is_cleaned_down_to_its_freed_pages(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    write_sqlite(path, '{"who": "lena@example.com", "n": 5}')
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table gone (t text)")
        connection.executemany("insert into gone values (?)", [("lena@example.com",)] * 100)
        connection.commit()
        connection.execute("drop table gone")
        connection.commit()
    assert b"lena@" in path.read_bytes()
    assert redact(path, WORDS) == 2
    assert b"lena@" not in path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select t from t").fetchone() == ('{"who": "erased", "n": 5}',)


def test_what_is_no_text_goes_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "partial_parse.msgpack"
    path.write_bytes(b"\0\x10lena@example.com\0")
    assert redact(path, WORDS) == 1 and not path.exists()


def test_an_id_that_other_things_are_called_too_is_searched_for_with_its_space(tmp_path: Path) -> None:
    words = words_of([Key("shop", "member", "17850"), LENA])
    assert not words.are_all_telling and words_of([LENA]).are_all_telling
    for text, is_found in (("17850 rows", False), ("shop:m:17850", True), ("shop:m:178501", False)):
        (tmp_path / "a.log").write_text(text)
        assert (occurrences(tmp_path / "a.log", words) > 0) is is_found
