"""Columns that a source declares personal: hashed in raw, and rejects that tell nothing."""

from __future__ import annotations

import hashlib
import hmac
import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warehouse import Warehouse

from orchestration.lib.arrival.loads import promote, read_again
from orchestration.lib.arrival.readers import UnreadableDump, parse_to_parquet
from orchestration.lib.sources.configured import configured_sources
from orchestration.lib.sources.source import ConfigurationError, load_sources
from orchestration.lib.sources.table import Table
from orchestration.settings import Settings

SALT = b"0123456789abcdef0123456789abcdef"
SECRET, OTHER = "a secret of the shop, long enough", "another secret, also long enough!"
SOURCES = """
sources:
  shop:
    dumps: dumps
    feed: static
    currency: CNY
    load_date: 2024-01-02
    tables:
      members:
        files: "*.csv"
        format: csv
        columns: {required: [member, phone, mail]}
        personal: [phone, mail]
"""


def hashed(value: str, salt: bytes = SALT) -> str:
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()[:32]


def parse(
    folder: Path, content: bytes, **entry: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bytes]:
    """Rows, rejects, and all bytes that were written, decoded as far as they are Parquet."""
    table = Table.model_validate(
        {
            "files": "*",
            "format": "csv",
            "columns": {"required": ["member"], "optional": ["phone"]},
            "personal": ["phone"],
        }
        | entry
    )
    dump = folder / "dump"
    dump.write_bytes(content)
    parsed, rejects = folder / "out" / "parsed.parquet", folder / "out" / "rejects.parquet"
    parse_to_parquet(table, dump, "dump", date(2024, 1, 2), parsed=parsed, rejects=rejects, salt=SALT)
    rows = pq.read_table(parsed).to_pylist()
    bad = pq.read_table(rejects).to_pylist() if rejects.exists() else []
    return rows, bad, repr((rows, bad)).encode() + parsed.read_bytes()


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (b"member,phone\nann,555-1\nbob,\ncy,555-1\n", {}),
        (b'member,phone\nann,"555-1"\nbob,\ncy,555-1\n\0,555-1,\n', {}),
        (
            b'{"member":"ann","phone":"555-1"}\n{"member":"bob"}\n{"member":"cy","phone":"555-1"}',
            {"format": "jsonl"},
        ),
        (
            b"ann555-1\nbob     \ncy 555-1\n",
            {"format": "fixed_width", "widths": {"member": [1, 3], "phone": [4, 8]}},
        ),
    ],
)
def test_a_personal_column_is_hashed_in_every_format(
    tmp_path: Path, content: bytes, entry: dict[str, Any]
) -> None:
    rows, _, written = parse(tmp_path, content, **entry)
    assert [(row["member"], row["phone"]) for row in rows] == [
        ("ann", hashed("555-1")),
        ("bob", None),
        ("cy", hashed("555-1")),
    ]
    assert b"555" not in written


def test_numbers_of_parquet_dumps_are_hashed_as_they_are_written(tmp_path: Path) -> None:
    dump = io.BytesIO()
    pq.write_table(
        pa.table({"member": ["ann", "bob"], "phone": pa.array([13812345678, None], pa.int64())}), dump
    )
    rows, _, written = parse(tmp_path, dump.getvalue(), format="parquet")
    assert [row["phone"] for row in rows] == [hashed("13812345678"), None]
    assert b"13812345678" not in written


@pytest.mark.parametrize("values", [[b"\xff555", None], [["555"], None], [{"home": "555"}, None]])
def test_bytes_and_nested_values_are_hashed_too(tmp_path: Path, values: list[Any]) -> None:
    dump = io.BytesIO()
    pq.write_table(pa.table({"member": ["ann", "bob"], "phone": values}), dump)
    rows, _, written = parse(tmp_path, dump.getvalue(), format="parquet")
    assert [row["phone"] for row in rows] == [hashed(str(values[0])), None]
    assert b"555" not in written


def test_capitals_of_the_name_hide_nothing(tmp_path: Path) -> None:
    rows, _, _ = parse(tmp_path, b"member,Phone\nann,555-1\n")
    assert rows[0]["Phone"] == hashed("555-1")


@pytest.mark.parametrize(
    "bad",
    [b"ann,555-1,more\n", b'ann,"555-1\n', b"an\xff,555-1\n", b"\0,555-1\n", b"555-1\n"],
    ids=["too many", "open quotes", "bad byte", "NUL", "too few"],
)
def test_a_row_that_cannot_be_read_is_told_without_its_text(tmp_path: Path, bad: bytes) -> None:
    rows, rejects, written = parse(tmp_path, b"member,phone\nann,1\n" + bad)
    assert len(rows) == 1
    assert rejects[0]["_row"] == 2
    assert rejects[0]["raw_text"].startswith("*** (")
    assert rejects[0]["reason"]
    assert b"555" not in written


def test_json_that_cannot_be_read_is_told_without_its_text(tmp_path: Path) -> None:
    content = b'{"member":"ann","phone":"1"}\n{"member":"ann","phone":"555-1"\n["555-1"]\n{"phone": 555-1}\n'
    _, rejects, written = parse(tmp_path, content, format="jsonl")
    assert len(rejects) == 3
    assert b"555" not in written


def test_a_dump_without_its_header_is_refused_without_its_values(tmp_path: Path) -> None:
    for first in (b"ann,555-1", b"555-1,555-1"):
        with pytest.raises(UnreadableDump) as told:
            parse(tmp_path, first + b"\nbob,555-2\n")
        assert "555" not in str(told.value)


def test_other_tables_keep_the_text_of_their_rejects_and_their_versions(tmp_path: Path) -> None:
    _, rejects, _ = parse(tmp_path, b"member,phone\nann,1,2\n", personal=[])
    assert rejects[0]["raw_text"] == "ann,1,2"
    plain = Table.model_validate({"files": "*", "format": "csv", "columns": {"required": ["a"]}})
    assert "personal" not in plain.declaration
    personal = plain.model_copy(update={"personal": ["a"]})
    versions = {plain.version("t", "c"), personal.version("t", "c")}
    versions.add(personal.model_copy(update={"salt_fingerprint": "x"}).version("t", "c"))
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("[fax]", "personal names columns that `columns` does not: fax"),
        ("[phone]\n        vocabulary: {phone: [x]}", "phone is personal"),
    ],
)
def test_a_declaration_that_cannot_be_is_an_error(tmp_path: Path, declared: str, said: str) -> None:
    file = tmp_path / "sources.yml"
    file.write_text(
        SOURCES.replace("[phone, mail]\n", f"{declared}\n", 1).replace(
            "personal: [phone, mail]", f"personal: {declared}"
        )
    )
    with pytest.raises(ConfigurationError, match=said):
        load_sources(file, {})


def raw(settings: Settings) -> list[dict[str, Any]]:
    promote(settings, configured_sources(settings)["shop"])
    files = [
        path for path in sorted((settings.raw / "shop").rglob("*.parquet")) if path.name != "schema.parquet"
    ]
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def salt(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"aipl personal columns", hashlib.sha256).digest()


def test_with_another_person_key_raw_is_read_again_from_landing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sources.yml"
    file.write_text(SOURCES)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    (dumps / "members.csv").write_text("member,phone,mail\nann,555-1,ann@example.com\n,555-2\n")
    warehouse = Warehouse(tmp_path / "home", file)
    monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
    warehouse.load("shop", dumps)
    (row,) = raw(warehouse.settings)
    assert row["phone"] == hashed("555-1", salt(SECRET))
    assert row["mail"] == hashed("ann@example.com", salt(SECRET))
    warehouse.load("shop", dumps)
    assert len(list(warehouse.settings.rejects.rglob("*.parquet"))) == 1

    monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    # The run that follows reads it anew; where none does by itself, that is told.
    source = configured_sources(warehouse.settings)["shop"]
    assert read_again(warehouse.settings, source.model_copy(update={"dumps": str(dumps)})) == []
    (told,) = read_again(warehouse.settings, source.model_copy(update={"dumps": None}))
    assert "hashed with another person key" in told
    warehouse.load("shop", dumps)
    (row,) = raw(warehouse.settings)
    assert row["phone"] == hashed("555-1", salt(OTHER))
    landed = [path.read_text() for path in warehouse.settings.landing.rglob("*.csv")]
    assert len(landed) == 1
    assert "555-1,ann@example.com" in landed[0]
    for path in warehouse.home.rglob("*"):
        if path.is_file() and not path.is_relative_to(warehouse.settings.landing):
            text = (
                str(pq.read_table(path).to_pylist()).encode()
                if path.suffix == ".parquet"
                else path.read_bytes()
            )
            assert b"555-" not in text and b"ann@" not in text, path
