"""The first look at the dumps of a new source: names, encodings, values, and what is written of them."""

from __future__ import annotations

import gzip
import json
import os
import textwrap
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.arrival.configured import configured_sources, read_arrival
from orchestration.arrival.dumps import Dump, LocalDumps, open_dumps
from orchestration.arrival.pull import pull
from orchestration.core.errors import InputError
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.onboarding.columns import (
    CLOCKS,
    DATES,
    Column,
    Kind,
    describe,
    describe_fields,
    json_path,
    parsed_time,
)
from orchestration.onboarding.entry import add_entry
from orchestration.onboarding.file_names import FileGroup, group_files, joined_pattern
from orchestration.onboarding.meanings import is_line, is_order, is_paid, is_purchase, meanings, touch_kind
from orchestration.onboarding.new_source import new_source
from orchestration.onboarding.samples import encoding_of
from orchestration.onboarding.survey import survey
from orchestration.onboarding.template import write_template
from orchestration.sources.source import load_sources

ORDERS = "order_id,placed_at,customer,total\n1,2024-03-04 10:00:00,ann,9.00\n2,2024-03-05 11:00:00,bob,7.50\n"


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["orders.csv", "events.csv"], ["events.csv", "orders.csv"]),
        (["o_2024-03-05.csv", "o_2024-03-06.csv"], ["o_{load_date}.csv"]),
        (["o20240305.csv.gz", "o20240306.csv.gz"], ["o{load_date:%Y%m%d}.csv.gz"]),
        (["dt=2024-03-05/o.csv", "dt=2024-03-06/o.csv"], ["dt={load_date}/o.csv"]),
        (["2024/03/05/o.csv", "2024/03/06/o.csv"], ["{load_date:%Y/%m/%d}/o.csv"]),
        (["o-05.03.2024.csv", "o-16.03.2024.csv"], ["o-{load_date:%d.%m.%Y}.csv"]),
        (["o-03-05-2024.csv", "o-03-16-2024.csv"], ["o-{load_date:%m-%d-%Y}.csv"]),
        (["订单_20240305.csv"], ["订单_{load_date:%Y%m%d}.csv"]),
        # No calendar has them.
        (["o_2024-02-31.csv", "o_99999999.csv"], ["o_2024-02-31.csv", "o_99999999.csv"]),
        # Of a span the last day.
        (["o_2024-03-01_2024-03-05.csv"], ["o_2024-03-01_{load_date}.csv"]),
    ],
)
def test_a_pattern_says_where_the_load_date_stands(names: list[str], patterns: list[str]) -> None:
    assert [group.pattern for group in group_files(names)] == patterns


@pytest.mark.parametrize(
    ("patterns", "others", "joined"),
    [
        (["part-00000.csv", "part-00001.csv"], [], "part-*.csv"),
        (["2019-Oct.csv", "2019-Nov.csv"], [], "2019-*.csv"),
        (["d/{load_date}/a-1.csv", "d/{load_date}/a-2.csv"], [], "d/{load_date}/a-*.csv"),
        (["part-0.csv", "part-1.csv"], ["part-x.csv"], None),
        (["north/o.csv", "south/o.csv"], [], "*th/o.csv"),
        (["a/b/o.csv", "c/o.csv"], [], None),
    ],
)
def test_parts_are_joined_where_nothing_else_has_such_a_name(
    patterns: list[str], others: list[str], joined: str | None
) -> None:
    named = [FileGroup(one, (one.replace("{load_date}", "2024-03-05"),)) for one in patterns]
    assert joined_pattern(named, others) == joined


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("order,tea\n", "ascii", "utf-8"),
        ("pedido,té\n", "utf-8", "utf-8"),
        ("订单号,商品\n1001,西湖龙井\n1002,铁观音\n", "gb18030", "gb18030"),
        ("pedido;artículo\n1;té verde\n2;café con leche\n3;señor Ibáñez\n", "cp1252", "cp1252"),
        ("заказ,товар\n1,чай чёрный\n2,кофе молотый\n", "cp1251", "cp1251"),
        ("order,tea\n", "utf-16", "utf-16"),
    ],
)
def test_the_encoding_is_found(text: str, encoding: str, found: str) -> None:
    assert encoding_of(text.encode(encoding), is_whole=True) == found


def test_a_character_that_the_end_of_the_head_cuts_is_no_other_encoding() -> None:
    head = "pedido,té\n1,té".encode()[:-1]
    assert encoding_of(head, is_whole=False) == "utf-8"


@given(
    st.sampled_from(["iso", *(f"{day}{clock}" for day in DATES for clock in CLOCKS)]),
    st.lists(st.datetimes(datetime(2001, 1, 1), datetime(2039, 12, 31)), min_size=3, max_size=8),
)
def test_times_are_read_as_they_were_written(time_format: str, moments: list[datetime]) -> None:
    # A day after the 12th shows which number is the month.
    moments = [moment.replace(microsecond=0) for moment in [*moments, datetime(2024, 3, 25, 22, 30, 45)]]
    texts = [
        moment.isoformat(" ") if time_format == "iso" else moment.strftime(time_format) for moment in moments
    ]
    found = describe(pa.table({"c": texts}))[0]
    assert found.kind in (Kind.TIME, Kind.DAY)
    read = duckdb.execute(
        f"select {parsed_time('t', found.format)} from (select unnest($1) as t)", [texts]
    ).fetchall()
    written = [
        moment if time_format == "iso" else datetime.strptime(text, time_format)
        for moment, text in zip(moments, texts, strict=True)
    ]
    assert [moment for (moment,) in read] == written


@pytest.mark.parametrize(
    ("values", "kind", "time_format"),
    [
        (["1", "2.50", "-3"], Kind.NUMBER, ""),
        (["1.005,00", "25,50", "3"], Kind.COMMA_NUMBER, ""),
        (["12.05", "3.10", "9.99"], Kind.NUMBER, ""),
        (["1.2.3.4", "10.0.0.1"], Kind.TEXT, ""),
        (["20240305", "20240306"], Kind.DAY, "%Y%m%d"),
        (["20240305101500", "20240306091500"], Kind.TIME, "%Y%m%d%H%M%S"),
        (["1709546400", "1709550000"], Kind.TIME, "unix_seconds"),
        (["1709546400000", "1709550000123"], Kind.TIME, "unix_milliseconds"),
        (["2024-03-04T10:00:00Z", "2024-03-05T10:00:00+08:00"], Kind.TIME, "iso"),
        (['{"a": 1}', "{}"], Kind.OBJECT, ""),
        (["[1]", "[]"], Kind.LIST, ""),
        (["true", "False"], Kind.FLAG, ""),
        (["", " "], Kind.EMPTY, ""),
        (["2024-03-04 10:00", "2024-03-04 11:00", "2024-03-04 12:00", "2024-03-04 25:00"], Kind.TIME, "iso"),
    ],
)
def test_kinds_of_values(values: list[str], kind: Kind, time_format: str) -> None:
    found = describe(pa.table({"time": values}))[0]
    assert (found.kind, found.format) == (kind, time_format)


def test_numbers_that_could_be_seconds_are_ids_where_the_column_is_no_time() -> None:
    assert describe(pa.table({"phone": ["1709546400", "1709550000"]}))[0].kind is Kind.NUMBER


def test_which_number_is_the_month_is_told_by_the_date_of_the_file_or_asked() -> None:
    rows = pa.table({"time": ["04/03/2024 10:00", "05/03/2024 11:00"]})
    asked = describe(rows)[0]
    assert (asked.format, asked.other_format) == ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")
    in_march = describe(rows, date(2024, 3, 6))[0]
    assert (in_march.format, in_march.other_format) == ("%d/%m/%Y %H:%M", "")
    in_may = describe(rows, date(2024, 5, 4))[0]
    assert (in_may.format, in_may.other_format) == ("%m/%d/%Y %H:%M", "")


def macro(name: str, *arguments: str) -> str:
    """SQL of a macro of text_times.sql; a local time is what `local` says of it."""
    source = (PROJECT_ROOT / "dbt_project/macros/staging/text_times.sql").read_text()
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = None
    environment.globals |= {
        "return": lambda value: value,
        "adapter": SimpleNamespace(dispatch=lambda name: getattr(module, f"duckdb__{name}")),
        "utc_from_local": lambda time, _: f"local({time})",
        "utc_from_unix": lambda seconds: f"unix({seconds})",
        "safe_cast": lambda text, kind: f"try_cast({text} as {kind})",
        "try_cast": lambda text, kind: f"try_cast({text} as {kind})",
    }
    module = environment.from_string(source).module
    return str(getattr(module, name)(*arguments))


def test_a_time_is_read_with_the_pattern_of_the_arrival_gate() -> None:
    assert macro("utc_from_text", "t", "shop", "iso") == "local(t)"
    assert macro("utc_from_text", "t", "shop", "unix_seconds") == "unix(t)"
    pattern = "%d/%m/%Y %H:%M"
    parsed = macro("utc_from_text", "t", "shop", pattern).removeprefix("local(").removesuffix(")")
    texts = ["04/03/2024 10:15", " 25/12/2024 00:00 ", "31/02/2024 10:00", "2024-03-04 10:15", "", None]
    query = f"select {parsed}, {macro('day_from_text', 't', pattern)} from (select unnest($1) as t)"
    assert duckdb.execute(query, [texts]).fetchall() == [
        (datetime(2024, 3, 4, 10, 15), date(2024, 3, 4)),
        (datetime(2024, 12, 25), date(2024, 12, 25)),
        *[(None, None)] * 4,
    ]


def test_milliseconds_from_the_first_to_the_last_year() -> None:
    sql = macro("utc_from_text", "t", "shop", "unix_milliseconds")
    texts = ["1709546400123", "0", "-1", "253402300799999", "253402300800000", "x", "", str(2**63)]
    read = [
        moment
        for (moment,) in duckdb.execute(f"select {sql} from (select unnest($1) as t)", [texts]).fetchall()
    ]
    epoch = datetime(1970, 1, 1)
    assert read[:4] == [epoch + timedelta(milliseconds=int(text)) for text in texts[:4]]
    assert read[4:] == [None] * 4


def test_what_columns_mean() -> None:
    rows = {
        "Order No": ["1"],
        "Kundennummer": ["k1"],
        "Bestelldatum": ["2024-03-25"],
        "bezahlt am": ["2024-03-25"],
        "Menge": ["2"],
        "Betrag": ["9"],
        "UnitPrice": ["4.5"],
        "ProductID": ["p"],
        "设备号": ["d"],
    }
    found = {meaning: column.name for meaning, column in meanings(describe(pa.table(rows))).items()}
    assert found == {
        "order": "Order No",
        "member": "Kundennummer",
        "created_at": "Bestelldatum",
        "paid_at": "bezahlt am",
        "quantity": "Menge",
        "amount": "Betrag",
        "unit_price": "UnitPrice",
        "product": "ProductID",
        "visitor": "设备号",
    }


def test_an_order_inside_an_event_is_told_from_other_json() -> None:
    def fields(*texts: str) -> list[Column]:
        return describe_fields(pa.table({"c": list(texts)}), "c")

    order = fields('{"id": "7", "total": "1.005,50", "items": [{"sku": "a", "qty": 1}]}', "", "broken {")
    assert is_order(order)
    assert {one.name: (one.kind, one.within) for one in order} == {
        "id": (Kind.NUMBER, "c"),
        "total": (Kind.COMMA_NUMBER, "c"),
        "items": (Kind.LIST, "c"),
    }
    assert not is_order(fields('{"os": "ios", "version": 3}'))
    assert not is_order(fields('{"id": "7"}'))
    assert is_line(fields('[{"sku": "a", "qty": 1}, {"sku": "b"}]'))
    assert not is_line(fields('[{"tag": "a"}]', "[]"))
    assert json_path("单号") == "$.单号"
    assert json_path("order id") == '$."order id"'


def test_words_that_take_something_back_stand_for_nothing_but_out_of_a_cart() -> None:
    assert [touch_kind(word) for word in ("view", "addToCart", "remove_from_cart", "收藏", "xyz")] == [
        "product_view",
        "add_to_cart",
        "remove_from_cart",
        "favorite",
        None,
    ]
    assert [is_purchase(word) for word in ("purchase", "cancel_order", "compra")] == [True, False, True]
    words = ("paid", "unpaid", "Payment pending", "已支付", "待支付", "cancelled", "delivered")
    assert [is_paid(word) for word in words] == [True, False, False, True, False, False, True]


SOURCES = """\
# Ours.
sources:
  other:  # Another shop.
    feed: static
    currency: CNY
    tables:
      t: {files: t.csv, format: csv, columns: {required: [a]}}
"""
ENTRY = """\
  new:
    feed: static
    currency: EUR
    tables:
      t: {files: t, format: csv, columns: {required: [b]}}
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schedule: {timezone: UTC}\n",
        "sources:\n",
        SOURCES,
        SOURCES.rstrip("\n"),
        SOURCES + "\n# When nights are.\nschedule:\n  timezone: UTC\n",
        "schedule: {timezone: UTC}\n" + SOURCES,
        SOURCES.replace("\n  ", "\n      "),
    ],
)
def test_an_entry_is_added_and_every_other_line_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(add_entry(text, ENTRY))
    assert list(load_sources(path, {})) == [*(["other"] if "other" in text else []), "new"]
    indented = ENTRY if "      other" not in text else textwrap.indent(ENTRY, "    ")
    assert path.read_text().count(indented) == 1
    left = path.read_text().replace(indented, "").split("\n")
    before = [line for line in text.split("\n") if line]
    assert [line for line in left if line] in (before, [*before, "sources:"])


def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: folder / "dbt_project"))
    return Settings(folder / "home", folder / "sources.yml")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_tables_kept_by_hand_are_a_source_once_there_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path / "home", PROJECT_ROOT / "sources.yml")
    assert "manual" not in configured_sources(settings)
    (settings.home / "manual").mkdir(parents=True)
    assert "manual" not in configured_sources(settings)
    with pytest.raises(InputError, match="There are: gmv_targets, identity_links"):
        write_template(settings, "targets")
    assert "manual" not in configured_sources(settings)

    path = write_template(settings, "gmv_targets")

    assert path == settings.home / "manual" / "gmv_targets.csv"
    assert path.read_text() == "brand_id,period_start,period_end,gmv,currency\n"
    assert "manual" in configured_sources(settings)
    assert "manual" in read_arrival(settings).sources
    path.write_text(path.read_text() + "a,2024-01-01,2024-01-31,1,CNY\n")
    with pytest.raises(InputError, match="is left as it is"):
        write_template(settings, "gmv_targets")
    assert path.read_text().endswith("1,CNY\n")
    # What was delivered stays a source, whatever becomes of the file.
    (settings.landing / "manual").mkdir(parents=True)
    path.unlink()
    assert "manual" in configured_sources(settings)


def test_a_file_by_another_name_is_told_not_passed_over(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home", PROJECT_ROOT / "sources.yml")
    write_template(settings, "gmv_targets").rename(settings.home / "manual" / "gmv targets.csv")

    report = pull(settings, configured_sources(settings)["manual"], None, None, date(2024, 9, 30))

    assert report.warnings == ["gmv targets.csv matches no table of manual and is not read."]


def test_nothing_that_exists_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = home(tmp_path, monkeypatch)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    (dumps / "orders.csv").write_text(ORDERS)
    new_source(settings, "shop", str(dumps), {})
    before = snapshot(tmp_path)

    with pytest.raises(InputError, match="declares a source shop"):
        new_source(settings, "shop", str(dumps), {})
    (tmp_path / "dbt_project/models/staging/other").mkdir()
    with pytest.raises(InputError, match="exists"):
        new_source(settings, "other", str(dumps), {})
    with pytest.raises(InputError, match="no name of a source"):
        new_source(settings, "Other Shop", str(dumps), {})

    assert snapshot(tmp_path) == before


def test_where_nothing_can_be_read_each_file_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path, monkeypatch)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    (dumps / "book.xlsx").write_bytes(b"PK\x03\x04")
    (dumps / "empty.csv").write_text("")
    (dumps / "list.json").write_text(json.dumps([{"a": 1}]))
    (dumps / "cut.csv.gz").write_bytes(gzip.compress(ORDERS.encode())[:-10])
    (dumps / "image.bin").write_bytes(bytes(range(256)) * 4)

    with pytest.raises(InputError) as told:
        new_source(settings, "shop", str(dumps), {})

    for reason in (
        "book.xlsx: it is a workbook; export each sheet as CSV",
        "empty.csv: it is empty",
        "list.json: it is one JSON list",
        "cut.csv.gz: it is no sound gzip",
        "image.bin: it is no text",
    ):
        assert reason in str(told.value)
    assert not settings.sources_file.exists()
    assert not (tmp_path / "dbt_project").exists()


def test_of_thousands_of_parts_few_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        (tmp_path / f"part-{number:05}.csv").write_text(ORDERS)
    place = open_dumps(str(tmp_path))
    opened: list[str] = []
    open_one = type(place).open

    def counted(dumps: LocalDumps, dump: Dump) -> IO[bytes]:
        opened.append(dump.name)
        return open_one(dumps, dump)

    monkeypatch.setattr(type(place), "open", counted)

    (table,) = survey("shop", place).tables

    assert table.group.pattern == "part-*.csv"
    assert len(table.group.names) == 200
    assert len(set(opened)) < 10


def test_each_form_of_dump_is_declared_so_that_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path, monkeypatch)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    rows = [
        dict(zip(ORDERS.splitlines()[0].split(","), line.split(","), strict=True))
        for line in ORDERS.splitlines()[1:]
    ]
    (dumps / "a.csv").write_text(ORDERS)
    (dumps / "b.txt").write_bytes(ORDERS.replace(",", "\t").encode("utf-16"))
    (dumps / "c.csv.gz").write_bytes(gzip.compress(ORDERS.replace(",", "|").encode()))
    (dumps / "d.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), dumps / "e.parquet")
    (dumps / "f.csv").write_text(ORDERS.split("\n", 1)[1] * 3)

    found = survey("shop", open_dumps(str(dumps)))
    new_source(settings, "shop", str(dumps), dict(os.environ))

    assert {table.name: table.sample.has_header for table in found.tables if table.name in "abcf"} == {
        "a": True,
        "b": True,
        "c": True,
        "f": False,
    }
    declared = load_sources(settings.sources_file, {})["shop"].tables
    assert {name: (str(t.format), t.encoding, t.delimiter) for name, t in declared.items()} == {
        "a": ("csv", "utf-8", ","),
        "b": ("csv", "utf-16", "\t"),
        "c": ("csv", "utf-8", "|"),
        "d": ("jsonl", "utf-8", ","),
        "e": ("parquet", "utf-8", ","),
        "f": ("csv", "utf-8", ","),
    }
    assert declared["f"].columns.required == ["column_1", "column_2", "column_3", "column_4"]
