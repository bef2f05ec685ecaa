"""Readers: every record of a dump is a row with its number or a reject with its reason."""

import gzip
import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.reading import Rejects, Rows, parse, table

from orchestration.arrival.readers import UnreadableDump, csv_records, text
from orchestration.arrival.readers.csv_blocks import read_csv
from orchestration.arrival.readers.csv_records import split_records
from orchestration.arrival.readers.text import lines_of

OPEN = "a quotation mark is never closed"


def counted(found: int) -> str:
    return f"{found} fields where 2 are expected"


@pytest.mark.parametrize(
    ("content", "entry", "rows", "rejects"),
    [
        (
            b'a,b\n1,"x\ny"\nbad\n\n2,\n1,2,3\n3,z',
            {},
            [(["1", "x\ny"], 1), (["2", None], 3), (["3", "z"], 5)],
            [(2, "bad", counted(1)), (4, "1,2,3", counted(3))],
        ),
        (b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\nq\r\n', {}, [(["1", "x\r\ny"], 1)], [(2, "q", counted(1))]),
        (
            b'\xef\xbb\xbfa,b\r\n1,2\n3,4\r5,"6\r\n7"\r\n\r\n\n8\r9,10',
            {},
            [(["1", "2"], 1), (["3", "4"], 2), (["5", "6\r\n7"], 3), (["9", "10"], 5)],
            [(4, "8", counted(1))],
        ),
        (b"1,2\n3,4\n5", {"header": False}, [(["1", "2"], 1), (["3", "4"], 2)], [(3, "5", counted(1))]),
        (b"", {"header": False}, [], []),
        (b"\n", {"header": False}, [], []),
        (b"a,b", {}, [], []),
        (b"a,b\n", {}, [], []),
        (b"a,b\nx\ny\n", {}, [], [(1, "x", counted(1)), (2, "y", counted(1))]),
        (b'a,b\n1,"2\n3,4\n5,6\n', {}, [(["3", "4"], 2), (["5", "6"], 3)], [(1, '1,"2', OPEN)]),
        (b'a,b\n1,"2\n3,4\n5,6,z\n', {}, [(["3", "4"], 2)], [(1, '1,"2', OPEN), (3, "5,6,z", counted(3))]),
        (b'a,b\n1,"2"\n3,"4', {}, [(["1", "2"], 1)], [(2, '3,"4', OPEN)]),
        (b"a,b\n1,2\na,b\na,3\n", {}, [(["1", "2"], 1), (["a", "3"], 3)], [(2, "a,b", "the header again")]),
        (
            b"a,b\n1,\xe4\xb8\xad\n2,\xff\n3,\x00\n4,\xe4\n5,x\n",
            {},
            [(["1", "中"], 1), (["5", "x"], 5)],
            [
                (2, "2,\\xff", "the byte \\xff is not utf-8"),
                (3, "3,\\x00", "a NUL byte"),
                (4, "4,\\xe4", "the byte \\xe4 is not utf-8"),
            ],
        ),
        (
            "a|b\n中|文\n".encode("gb18030") + b"1|\xff\n" + "国|x\n".encode("gb18030"),
            {"encoding": "gb18030", "delimiter": "|"},
            [(["中", "文"], 1), (["国", "x"], 3)],
            [(2, "1|\\xff", "the byte \\xff is not gb18030")],
        ),
        *(
            (
                'a|b\n中|"文\n|"\n'.encode(name),
                {"encoding": name, "delimiter": "|"},
                [(["中", "文\n|"], 1)],
                [],
            )
            for name in ("gb18030", "utf-16", "big5", "utf-8-sig")
        ),
    ],
)
def test_csv(tmp_path: Path, content: bytes, entry: dict[str, object], rows: Rows, rejects: Rejects):
    assert parse(tmp_path, content, table(**entry)) == (rows, rejects)


def test_csv_flaws_among_many_rows_cost_their_lines_only(tmp_path: Path):
    lines = [b"%d,text of a row\n" % number for number in range(1, 200_001)]
    lines[0], lines[70_000], lines[140_000] = b'0,"closed\nhere"\n', b"1,\xff\n", b'2,"open\n'
    rows, bad = parse(tmp_path, b"a,b\n" + b"".join(lines), table())
    assert bad == [
        (70_001, "1,\\xff", "the byte \\xff is not utf-8"),
        (140_001, '2,"open', OPEN),
    ]
    assert len(rows) == 199_998 and rows[0] == (["0", "closed\nhere"], 1)
    assert all(values[0] == str(number) for values, number in rows[1:])


def test_csv_keeps_extra_columns_after_the_declared(tmp_path: Path):
    parse(tmp_path, b"extra,b,,a\nx,2,y,1\n", table("a,b", "c"))
    schema = pq.read_schema(tmp_path / "out" / "parsed.parquet")
    assert schema.names == ["a", "b", "c", "extra", "unnamed_3", "_load_date", "_file", "_row"]
    assert schema.types == [*[pa.string()] * 5, pa.date32(), pa.string(), pa.int64()]


RENAMED = {"aliases": {"old a": "a"}}
NAMES = ["a\u00a0", "\u200bb\t", "old a", " old a\ufeff"]


@pytest.mark.parametrize("first", [NAMES[0], *NAMES[2:]])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_names_are_those_of_today_without_what_surrounds_them(tmp_path: Path, form: str, first: str):
    content = {
        "csv": f'\ufeff\ufeff"{first}",{NAMES[1]}\n1,2\n',
        "jsonl": json.dumps({first: "1", NAMES[1]: "2"}),
    }.get(form, "").encode()  # fmt: skip
    if form == "parquet":
        pq.write_table(pa.table({first: ["1"], NAMES[1]: ["2"]}), tmp_path / "made")
        content = (tmp_path / "made").read_bytes()
    declared = table(format=form, **RENAMED)
    assert parse(tmp_path, content, declared, f"dump.{form}") == ([(["1", "2"], 1)], [])
    names = pq.read_schema(tmp_path / "out" / "parsed.parquet").names
    assert names == ["a", "b", "_load_date", "_file", "_row"]


def test_one_column_under_two_names(tmp_path: Path):
    both = "the columns old a and a are both there, and `aliases` says that they are one"
    with pytest.raises(UnreadableDump, match=both):
        parse(tmp_path, b"old a,a,b\n1,2,3\n", table(**RENAMED))
    lines = [{"old a": "1", "a": None, "b": "2"}, {"a": "3", "old a": "", "b": "4"}, {"a": "5", "old a": "6"}]
    content = "\n".join(map(json.dumps, lines)).encode()
    rows, bad = parse(tmp_path, content, table(format="jsonl", **RENAMED), "dump.jsonl")
    assert rows == [(["1", "2"], 1), (["3", "4"], 2)]
    assert bad == [(3, json.dumps(lines[2]), "a under two names")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"dump\.csv: the file is empty"),
        (b"a,c\n1,2\n", r"dump\.csv: the required column b is missing; the dump has a, c"),
        (b"a;b\n1;2\n", "`delimiter`"),
        (b"a,b,A\n", "the column a, A is there more than once"),
        (b"a,b,_row\n", "a column cannot have the name '_row'"),
        (b"a,\xff\n1,2\n", r"header cannot be read: the byte \\xff is not utf-8"),
        (b'a,"b\n1,2\n', "header cannot be read: a quotation mark is never closed"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><title>Sign in</title>", "it is a web page or an XML document"),
        (b"<!-- x --><HTML lang='en'>", "it is a web page or an XML document"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "whether it asks for a login"),
    ],
)
def test_csv_files_that_cannot_be_read(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(UnreadableDump, match=message):
        parse(tmp_path, content, table())
    assert not list(tmp_path.glob("out/*"))


def test_gzip_members_are_read_and_damage_is_named(tmp_path: Path):
    whole = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    rows, _ = parse(tmp_path, whole, table(), "dump.csv.gz")
    assert len(rows) == 2
    with pytest.raises(UnreadableDump, match=r"dump\.csv\.gz: the gzip file is cut short"):
        parse(tmp_path, whole[:-6], table(), "dump.csv.gz")
    with pytest.raises(UnreadableDump, match="not sound gzip"):
        parse(tmp_path, b"a,b\n1,2\n", table(), "dump.csv.gz")


@given(
    st.text(st.sampled_from('a,"\n\r1 \0\udcff'), max_size=40),
    st.booleans(),
    st.sampled_from([4, 8, 40, 1 << 20]),
    st.sampled_from([8, 40, 1 << 20]),
)
@settings(max_examples=500)
@example('a,b\n"', True, 8, 40)
@example('a,b\n1,"a\n\n', False, 8, 40)
@example("a,b\n1,2\r\r\n3", True, 8, 40)
@example('"a",b\n"",\n', True, 8, 40)
@example('"x\r\ny",z\r\n' * 20, False, 20, 40)
@example('x"y,"a\nb"\n1,2', False, 4, 1 << 20)
@example('"a\na\na\na\na\na\na",1\n', False, 4, 8)
@example('1,2\n"a\n","b\n","c\n1,2\n3,4\n', False, 8, 1 << 20)
def test_csv_in_blocks_is_csv_record_by_record(
    tmp_path_factory: pytest.TempPathFactory, content: str, header: bool, block: int, longest: int
):
    """Wherever a block ends, and whoever splits it; Python's splitting of the whole text is the truth."""
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    whole = ("a,b\n" if header else "") + content
    path.write_bytes(whole.encode(errors="surrogateescape"))
    found_rows, found_rejects = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK_CHARACTERS", block)
        patch.setattr(csv_records, "LONGEST_RECORD", longest)
        records = list(split_records(lines_of(whole), ","))[header:]
        for chunk in read_csv(path, "blocks.csv", table(header=header)):
            values = [list(row.values()) for row in chunk.batch.to_pylist()]
            found_rows += zip(values, chunk.rows.tolist(), strict=True)
            found_rejects += [(one.row, one.raw_text, one.reason) for one in chunk.rejects]
    rows, rejects = [], []
    for number, record in enumerate(records, 1):
        raw = record.raw.replace("\0", "\\x00").replace("\udcff", "\\xff")
        if record.fields is None:
            rejects.append((number, raw, OPEN))
        elif "\udcff" in record.raw or "\0" in record.raw:
            reason = "the byte \\xff is not utf-8" if "\udcff" in record.raw else "a NUL byte"
            rejects.append((number, raw, reason))
        elif len(record.fields) != 2:
            rejects.append((number, raw, counted(len(record.fields))))
        elif header and record.fields == ["a", "b"]:
            rejects.append((number, "a,b", "the header again"))
        else:
            rows.append(([value or None for value in record.fields], number))
    assert (found_rows, found_rejects) == (rows, rejects)


def test_jsonl_keeps_the_text_of_scalars(tmp_path: Path):
    content = (
        b'{"a": 1.10, "b": "x", "n": {"k": [1.0, null, true, "\xe4\xb8\xad\\n"]}}\n\n'
        b'{"b": true, "a": 12345678901234567890123, "n": null}\r\n{"a": "", "b": 1e5}'
    )
    assert parse(tmp_path, content, table("a,b", "c", format="jsonl")) == (
        [
            (["1.10", "x", None, '{"k":[1.0,null,true,"中\\n"]}'], 1),
            (["12345678901234567890123", "true", None, None], 2),
            ([None, "1e5", None, None], 3),
        ],
        [],
    )


def test_jsonl_rejects(tmp_path: Path):
    flawed = {
        b"[1]": "not a JSON object",
        b'{"a":': "not JSON: Expecting value",
        b'{"a":NaN}': "not JSON: NaN is not JSON",
        b'{"a":"\\u0000"}': "a NUL character",
        b'{"a":"\\ud800"}': "half of a surrogate pair",
        b'{"a":"\xff"}': "the byte \\xff is not utf-8",
    }
    rows, bad = parse(tmp_path, b"\n".join([b'{"a":1}', *flawed]), table("a", format="jsonl"))
    assert rows == [(["1"], 1)]
    assert [(number, reason) for number, _, reason in bad] == list(enumerate(flawed.values(), 2))


def test_jsonl_key_that_appears_late_becomes_a_column(tmp_path: Path):
    lines = [b'{"a":%d}' % number for number in range(60_000)] + [b'{"a":1,"late":2}']
    rows, _ = parse(tmp_path, b"\n".join(lines), table("a", format="jsonl"))
    assert (rows[0], rows[-1]) == ((["0", None], 1), (["1", "2"], 60_001))


def test_jsonl_without_a_required_key_or_without_rows(tmp_path: Path):
    with pytest.raises(UnreadableDump, match="required column b is missing"):
        parse(tmp_path, b'{"a":1}\n', table(format="jsonl"))
    assert parse(tmp_path, b"", table(format="jsonl")) == ([], [])


def test_fixed_width(tmp_path: Path):
    widths = {"id": [1, 3], "city": [5, 6], "note": [7, 9]}
    declared = table("id,city", "note", format="fixed_width", widths=widths)
    content = " 01 上海ok \n02  北京\n\n03  x\n04    \n05 \xe5\n".encode()
    rows, bad = parse(tmp_path, content, declared, "dump.txt")
    assert rows == [(["01", "上海", "ok"], 1), (["02", "北京", None], 2), (["04", None, None], 4)]
    assert bad[0] == (3, "03  x", "5 characters where at least 6 are expected")
    with_header = declared.model_copy(update={"header": True})
    assert parse(tmp_path, b"id  ci\n01 xyz\n", with_header, "dump.txt")[0] == [(["01", "yz", None], 1)]


def test_parquet_keeps_types_and_says_what_is_wrong(tmp_path: Path):
    delivered = pa.table({"extra": [1.5, 2.5], "b": ["x", ""], "a": [1, None]})
    pq.write_table(delivered, tmp_path / "in.parquet")
    content = (tmp_path / "in.parquet").read_bytes()
    rows, _ = parse(tmp_path, content, table("a,b", "c", format="parquet"), "dump.parquet")
    assert rows == [([1, "x", None, 1.5], 1), ([None, "", None, 2.5], 2)]
    assert pq.read_schema(tmp_path / "out" / "parsed.parquet").field("a").type == pa.int64()
    with pytest.raises(UnreadableDump, match="required column z is missing"):
        parse(tmp_path, content, table("z", format="parquet"), "dump.parquet")
    for damaged in (b"", b"a,b\n", content[: len(content) // 2]):
        with pytest.raises(UnreadableDump, match="not sound Parquet"):
            parse(tmp_path, damaged, table(format="parquet"), "dump.parquet")


def test_parquet_of_any_kind_becomes_types_that_all_engines_read(tmp_path: Path):
    moment = 1_700_000_000_123_456_789
    known = uuid.UUID(int=5)
    delivered = {
        "nanoseconds": pa.array([moment, None], pa.timestamp("ns")),
        "zoned": pa.array([moment, None], pa.timestamp("ns", "Asia/Shanghai")),
        "before_1970": pa.array([-1_500, None], pa.timestamp("ns")),
        "several": pa.array([[moment], None], pa.list_(pa.timestamp("ns"))),
        "time": pa.array([36_000_000_000_000, None], pa.time64("ns")),
        "uuid": pa.array([known.bytes, None], pa.uuid()),
        "half": pa.array([1.5, None], pa.float16()),
        "long": pa.array([Decimal("1.500"), None], pa.decimal256(50, 3)),
    }
    pq.write_table(pa.table(delivered), tmp_path / "in.parquet")
    declared = table("uuid", ",".join(name for name in delivered if name != "uuid"), format="parquet")
    content = (tmp_path / "in.parquet").read_bytes()
    ((values, _), (nulls, _)), _ = parse(tmp_path, content, declared, "dump.parquet")
    read = pq.read_schema(tmp_path / "out" / "parsed.parquet")
    second = datetime(2023, 11, 14, 22, 13, 20, 123456)
    assert dict(zip(read.names, values, strict=False)) == {
        "uuid": str(known),
        "nanoseconds": second,
        "zoned": second.replace(tzinfo=UTC),
        "before_1970": datetime(1969, 12, 31, 23, 59, 59, 999999),
        "several": [second],
        "time": "10:00:00",
        "half": 1.5,
        "long": 1.5,
    }
    assert set(nulls) == {None}


def test_reading_again_replaces_rows_and_rejects(tmp_path: Path):
    parse(tmp_path, b"a,b\n1,2\nbad\n", table())
    rows, bad = parse(tmp_path, b"a,b\n3,4\n", table())
    assert (rows, bad) == ([(["3", "4"], 1)], [])
