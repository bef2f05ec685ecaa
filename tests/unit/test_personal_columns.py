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

from orchestration.arrival.configured import configured_sources, read_arrival
from orchestration.arrival.loads import complete_columns, promote, read_again
from orchestration.arrival.pending import PendingLoads, Request, find_pending
from orchestration.arrival.readers import UnreadableDump, parse_to_parquet
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings
from orchestration.nightly.rebuild import rebuild
from orchestration.sources.source import load_sources
from orchestration.sources.table import Table

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
        (b"member,Phone\nann,555-1\nbob,\ncy,555-1\n", {}),
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
    found = [{name.lower(): value for name, value in row.items()} for row in rows]
    assert [(row["member"], row["phone"]) for row in found] == [
        ("ann", hashed("555-1")),
        ("bob", None),
        ("cy", hashed("555-1")),
    ]
    assert b"555" not in written


@pytest.mark.parametrize("value", [13855500000, b"\xff555", ["555"], {"home": "555"}])
def test_any_value_of_a_parquet_dump_is_hashed_as_it_is_written(tmp_path: Path, value: object) -> None:
    dump = io.BytesIO()
    pq.write_table(pa.table({"member": ["ann", "bob"], "phone": [value, None]}), dump)
    rows, _, written = parse(tmp_path, dump.getvalue(), format="parquet")
    assert [row["phone"] for row in rows] == [hashed(str(value)), None]
    assert b"555" not in written


@pytest.mark.parametrize(
    ("format_", "bad"),
    [
        ("csv", [b"ann,555-1,more"]),
        ("csv", [b'ann,"555-1']),
        ("csv", [b"an\xff,555-1"]),
        ("csv", [b"\0,555-1"]),
        ("csv", [b"555-1"]),
        ("jsonl", [b'{"member":"ann","phone":"555-1"', b'["555-1"]', b'{"phone": 555-1}']),
    ],
    ids=["too many", "open quotes", "bad byte", "NUL", "too few", "JSON"],
)
def test_what_cannot_be_read_is_told_without_its_text(tmp_path: Path, format_: str, bad: list[bytes]) -> None:
    good = {"csv": b"member,phone\nann,1\n", "jsonl": b'{"member":"ann","phone":"1"}\n'}[format_]
    rows, rejects, written = parse(tmp_path, good + b"\n".join([*bad, b""]), format=format_)
    assert len(rows) == 1
    assert [reject["_row"] for reject in rejects] == list(range(2, 2 + len(bad)))
    assert all(reject["raw_text"].startswith("*** (") and reject["reason"] for reject in rejects)
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
    promote(settings, read_arrival(settings))
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
    fed, unfed = (
        read_arrival(warehouse.settings, {"shop": source.model_copy(update={"dumps": place})})
        for place in (str(dumps), None)
    )
    assert read_again(warehouse.settings, fed) == []
    (told,) = read_again(warehouse.settings, unfed)
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


class Lost:
    """A home whose landed dumps are gone, and which of the dumps are there still."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, personal: str) -> None:
        self.file, self.dumps = home / "sources.yml", home / "dumps"
        self.dumps.mkdir()
        self.deliver(0, 1, 2)
        monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
        self.warehouse = Warehouse(home / "home", self.file)
        self.declare(personal)
        self.warehouse.load("shop", self.dumps)
        raw(self.settings)
        for path in self.settings.landing.rglob("*.csv"):
            path.unlink()
        for number in (0, 1):
            (self.dumps / f"{number}.csv").unlink()

    @property
    def settings(self) -> Settings:
        return self.warehouse.settings

    def deliver(self, *numbers: int) -> None:
        for number in numbers:
            (self.dumps / f"{number}.csv").write_text(f"member,phone,mail\nann{number},555-1,a@example.com\n")

    def declare(self, personal: str, columns: str = "{required: [member, phone, mail]}") -> None:
        text = SOURCES.replace("personal: [phone, mail]", f"personal: {personal}")
        self.file.write_text(text.replace("{required: [member, phone, mail]}", columns))

    def find_pending(self, request: Request) -> PendingLoads:
        return find_pending(self.settings, read_arrival(self.settings), request, date(2026, 6, 1))

    def state(self) -> dict[Path, bytes]:
        files = (path for path in self.settings.home.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if not path.name.startswith(".writer")}


@pytest.mark.parametrize("change", ["key", "declared", "withdrawn", "pull", "rebuild"])
def test_one_value_never_gets_two_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    home = Lost(tmp_path, monkeypatch, "[phone]")
    if change in ("declared", "withdrawn"):
        home.declare("[phone, mail]" if change == "declared" else "[]")
    else:
        monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    before = home.state()
    with pytest.raises(ConfigurationError) as told:
        if change == "pull":
            home.warehouse.load("shop", home.dumps)
        elif change == "rebuild":
            rebuild(home.settings, lambda _: None)
        else:
            home.find_pending(Request())
    message = str(told.value)
    assert "source shop: the personal columns of members" in message
    assert "2 files (such as 0.csv) cannot be read again" in message
    for way in ("Deliver these dumps again", "former person key", "raw_days"):
        assert way in message
    after = home.state()
    assert {path: after.get(path) for path in before} == before
    # Each way out: what was is declared again; or the dumps are there again.
    if change in ("declared", "withdrawn"):
        home.declare("[phone]")
    else:
        monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
    assert home.find_pending(Request()).load_dates == {}
    if change == "key":
        monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
        home.deliver(0, 1)
        home.warehouse.load("shop", home.dumps)
        assert {row["phone"] for row in raw(home.settings)} == {hashed("555-1", salt(OTHER))}


def test_a_personal_column_that_no_dump_had_is_null_in_what_cannot_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Lost(tmp_path, monkeypatch, "[]")
    home.declare("[fax]", "{required: [member, phone, mail], optional: [fax]}")
    home.warehouse.load("shop", home.dumps)
    raw(home.settings)
    complete_columns(home.settings, read_arrival(home.settings))
    assert [row["fax"] for row in raw(home.settings)] == [None] * 3


def test_what_is_hashed_anew_is_read_again_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Lost(tmp_path, monkeypatch, "[phone]")
    home.deliver(0, 1)
    home.declare("[phone, mail]")
    for part in (Request(only={"shop": {"0.csv"}}), Request(first=date(2025, 1, 1))):
        with pytest.raises(ConfigurationError, match=r"all 3 of its dumps .* `aipl run --source shop`"):
            home.find_pending(part)
    assert home.find_pending(Request(source="shop")).load_dates == {"shop": [date(2024, 1, 2)]}
