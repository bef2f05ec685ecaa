"""Columns that a source declares personal: hashed in raw, and rejects that tell nothing."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.reading import table
from unit.shop_home import ShopHome

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.loads import complete_columns, decide_loads, promote, read_again
from orchestration.arrival.pending import PendingLoads, Request, find_pending
from orchestration.arrival.readers import UnreadableDump, parse_to_parquet
from orchestration.core.errors import ConfigurationError
from orchestration.nightly.rebuild import rebuild
from orchestration.sources.source import load_sources

SALT = b"0123456789abcdef0123456789abcdef"
SECRET, OTHER = "a secret of the shop, long enough", "another secret, also long enough!"


def hashed(value: str, salt: bytes = SALT) -> str:
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()[:32]


def parse(
    folder: Path, content: bytes, **entry: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bytes]:
    """Rows, rejects, and all bytes that were written, decoded as far as they are Parquet."""
    declared = table("member", "phone", **({"personal": ["phone"]} | entry))
    dump = folder / "dump"
    dump.write_bytes(content)
    parsed, rejects = folder / "out" / "parsed.parquet", folder / "out" / "rejects.parquet"
    parse_to_parquet(declared, dump, "dump", date(2024, 1, 2), parsed=parsed, rejects=rejects, salt=SALT)
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
    plain = table("a")
    assert "personal" not in plain.declaration
    personal = plain.model_copy(update={"personal": ["a"]})
    versions = {plain.version("t", "c"), personal.version("t", "c")}
    versions.add(personal.model_copy(update={"salt_fingerprint": "x"}).version("t", "c"))
    assert len(versions) == 3


def salt(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"aipl personal columns", hashlib.sha256).digest()


class Shop(ShopHome):
    """A shop with a table of members, some of whose columns are declared personal."""

    columns = ("member", "phone", "mail")
    tables: ClassVar = {}

    def declare_personal(self, *personal: str, **entry: Any) -> None:
        members = {"files": "*.csv", "format": "csv", "columns": {"required": self.columns}}
        tables = {"members": members | {"personal": personal} | entry}
        self.declare(feed="static", load_date=date(2024, 1, 2), tables=tables)

    def deliver(self, *numbers: int, more: str = "") -> None:
        for number in numbers:
            self.write(f"{number}.csv", f"member,phone,mail\nann{number},555-1,ann@example.com\n{more}")

    def load(self) -> list[dict[str, Any]]:
        """Load what is delivered, and return all rows of raw."""
        decide_loads(self.settings, "shop", dict.fromkeys(self.pull().load_dates))
        promote(self.settings, self.arrival)
        return self.raw()

    def raw(self) -> list[dict[str, Any]]:
        files = sorted((self.settings.raw / "shop").rglob("*.parquet"))
        return [
            row for path in files if path.name != "schema.parquet" for row in pq.read_table(path).to_pylist()
        ]

    def lose_dumps(self, *personal: str) -> None:
        """Load three dumps, of which the last one alone is there still, and only where it is delivered."""
        self.declare_personal(*personal)
        self.deliver(0, 1, 2)
        self.load()
        for path in (*self.settings.landing.rglob("*.csv"), self.dumps / "0.csv", self.dumps / "1.csv"):
            path.unlink()

    def find_pending(self, request: Request) -> PendingLoads:
        return find_pending(self.settings, self.arrival, request, date(2026, 6, 1))

    def state(self) -> dict[Path, bytes]:
        files = (path for path in self.settings.home.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if not path.name.startswith(".writer")}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
    return Shop(tmp_path)


def test_a_declaration_that_cannot_be_is_an_error(shop: Shop) -> None:
    for personal, entry, said in (
        ("fax", {}, "personal names columns that `columns` does not: fax"),
        ("phone", {"vocabulary": {"phone": ["x"]}}, "phone is personal"),
    ):
        shop.declare_personal(personal, **entry)
        with pytest.raises(ConfigurationError, match=said):
            load_sources(shop.settings.sources_file, {})


def test_with_another_person_key_raw_is_read_again_from_landing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.declare_personal("phone", "mail")
    shop.deliver(0, more=",555-2\n")
    (row,) = shop.load()
    assert row["phone"] == hashed("555-1", salt(SECRET))
    assert row["mail"] == hashed("ann@example.com", salt(SECRET))
    shop.load()
    assert len(list(shop.settings.rejects.rglob("*.parquet"))) == 1

    monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    # The run that follows reads it anew; where none does by itself, that is told.
    fed, unfed = (
        read_arrival(shop.settings, {"shop": shop.source.model_copy(update={"dumps": place})})
        for place in (str(shop.dumps), None)
    )
    assert read_again(shop.settings, fed) == []
    (told,) = read_again(shop.settings, unfed)
    assert "hashed with another person key" in told
    (row,) = shop.load()
    assert row["phone"] == hashed("555-1", salt(OTHER))
    (landed,) = shop.settings.landing.rglob("*.csv")
    assert "555-1,ann@example.com" in landed.read_text()
    for path, content in shop.state().items():
        if not path.is_relative_to(shop.settings.landing):
            text = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else ""
            assert not re.search(b"555-|ann@", content + text.encode()), path


@pytest.mark.parametrize("change", ["key", "declared", "withdrawn", "pull", "rebuild"])
def test_one_value_never_gets_two_forms(shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    shop.lose_dumps("phone")
    if change in ("declared", "withdrawn"):
        shop.declare_personal(*(["phone", "mail"] if change == "declared" else []))
    else:
        monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    before = shop.state()
    with pytest.raises(ConfigurationError) as told:
        if change == "pull":
            shop.load()
        elif change == "rebuild":
            rebuild(shop.settings, lambda _: None)
        else:
            shop.find_pending(Request())
    message = str(told.value)
    assert "source shop: the personal columns of members" in message
    assert "2 files (such as 0.csv) cannot be read again" in message
    for way in ("Deliver these dumps again", "former person key", "raw_days"):
        assert way in message
    after = shop.state()
    assert {path: after.get(path) for path in before} == before
    # Each way out: what was is declared again; or the dumps are there again.
    if change in ("declared", "withdrawn"):
        shop.declare_personal("phone")
    else:
        monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
    assert shop.find_pending(Request()).load_dates == {}
    if change == "key":
        monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
        shop.deliver(0, 1)
        assert {row["phone"] for row in shop.load()} == {hashed("555-1", salt(OTHER))}


def test_a_personal_column_that_no_dump_had_is_null_in_what_cannot_be_read_again(shop: Shop) -> None:
    shop.lose_dumps()
    shop.declare_personal("fax", columns={"required": shop.columns, "optional": ["fax"]})
    shop.load()
    complete_columns(shop.settings, shop.arrival)
    assert [row["fax"] for row in shop.raw()] == [None] * 3


def test_what_is_hashed_anew_is_read_again_as_a_whole(shop: Shop) -> None:
    shop.lose_dumps("phone")
    shop.deliver(0, 1)
    shop.declare_personal("phone", "mail")
    for part in (Request(only={"shop": {"0.csv"}}), Request(first=date(2025, 1, 1))):
        with pytest.raises(ConfigurationError, match=r"all 3 of its dumps .* `aipl run --source shop`"):
            shop.find_pending(part)
    assert shop.find_pending(Request(source="shop")).load_dates == {"shop": [date(2024, 1, 2)]}
