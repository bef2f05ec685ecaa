"""Readers: every record of a dump is a row with its number or a reject with its reason."""

import gzip
from contextlib import suppress
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.arrival.readers import UnreadableDump, csv_fast, parse_to_parquet
from orchestration.arrival.readers.base import StartAgain
from orchestration.arrival.readers.csv_exact import read_csv_exact
from orchestration.sources.source import Table

DAY = date(2024, 9, 2)


def table(columns: str = "a,b", optional: str = "", **entry) -> Table:
    declared = {"required": columns.split(","), "optional": [name for name in optional.split(",") if name]}
    return Table.model_validate({"files": "*", "format": "csv", "columns": declared, **entry})


def parse(tmp_path: Path, content: bytes, declared: Table, name: str = "dump.csv"):
    """Rows as (values, number) and rejects as (number, text, reason)."""
    landed = tmp_path / name
    landed.write_bytes(content)
    parsed, rejects = tmp_path / "out" / "parsed.parquet", tmp_path / "out" / "rejects.parquet"
    counts = parse_to_parquet(declared, landed, name, DAY, parsed=parsed, rejects=rejects)
    rows = pq.read_table(parsed).to_pylist()
    assert all(row["_load_date"] == DAY and row["_file"] == name for row in rows)
    bad = pq.read_table(rejects).to_pylist() if rejects.exists() else []
    assert (len(rows), len(bad)) == (counts.row_count, counts.unreadable_count)
    assert not list((tmp_path / "out").glob("*.part"))
    plain = [([value for key, value in row.items() if key[0] != "_"], row["_row"]) for row in rows]
    return plain, [(row["_row"], row["raw_text"], row["reason"]) for row in bad]


def test_csv_numbers_skip_the_rejected(tmp_path: Path):
    rows, bad = parse(tmp_path, b'a,b\n1,"x\ny"\nbad\n\n2,\n1,2,3\n3,z', table())
    assert rows == [(["1", "x\ny"], 1), (["2", None], 3), (["3", "z"], 5)]
    assert bad == [(2, "bad", "1 fields where 2 are expected"), (4, "1,2,3", "3 fields where 2 are expected")]


def test_csv_crlf_and_byte_order_mark(tmp_path: Path):
    rows, bad = parse(tmp_path, b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\nq\r\n', table())
    assert rows == [(["1", "x\r\ny"], 1)]
    assert bad == [(2, "q", "1 fields where 2 are expected")]


def test_csv_without_header_and_with_a_cut_last_row(tmp_path: Path):
    rows, bad = parse(tmp_path, b"1,2\n3,4\n5", table(header=False))
    assert [number for _, number in rows] == [1, 2]
    assert bad == [(3, "5", "1 fields where 2 are expected")]


@pytest.mark.parametrize(
    ("content", "header"), [(b"", False), (b"\n", False), (b"a,b", True), (b"a,b\n", True)]
)
def test_csv_without_records(tmp_path: Path, content: bytes, header: bool):
    assert parse(tmp_path, content, table(header=header)) == ([], [])


def test_csv_of_rejects_only_still_makes_a_file(tmp_path: Path):
    rows, bad = parse(tmp_path, b"a,b\nx\ny\n", table())
    assert (rows, [number for number, _, _ in bad]) == ([], [1, 2])


@pytest.mark.parametrize("end", [b"", b"\n", b",z\n"])
def test_csv_open_quotation_mark_costs_one_line(tmp_path: Path, end: bytes):
    rows, bad = parse(tmp_path, b'a,b\n1,"2\n3,4\n5,6' + end, table())
    assert bad[0] == (1, '1,"2', "a quotation mark is never closed")
    assert rows[0] == (["3", "4"], 2)


def test_csv_open_quotation_mark_in_the_cut_last_row(tmp_path: Path):
    rows, bad = parse(tmp_path, b'a,b\n1,"2"\n3,"4', table())
    assert rows == [(["1", "2"], 1)]
    assert bad == [(2, '3,"4', "a quotation mark is never closed")]


def test_csv_open_quotation_mark_before_many_rows(tmp_path: Path):
    lines = b"".join(b"%d,text of a row\n" % number for number in range(200_000))
    rows, bad = parse(tmp_path, b'a,b\n0,"open\n' + lines, table())
    assert (len(rows), bad) == (200_000, [(1, '0,"open', "a quotation mark is never closed")])


def test_csv_header_again_is_a_reject(tmp_path: Path):
    rows, bad = parse(tmp_path, b"a,b\n1,2\na,b\na,3\n", table())
    assert [number for _, number in rows] == [1, 3]
    assert bad == [(2, "a,b", "the header again")]


def test_csv_keeps_extra_columns_after_the_declared(tmp_path: Path):
    content = b"extra,b,,a\nx,2,y,1\n"
    parse(tmp_path, content, table("a,b", "c"))
    names = pq.read_schema(tmp_path / "out" / "parsed.parquet").names
    assert names == ["a", "b", "c", "extra", "unnamed_3", "_load_date", "_file", "_row"]
    types = pq.read_schema(tmp_path / "out" / "parsed.parquet").types
    assert types[:5] == [pa.string()] * 5
    assert types[5:] == [pa.date32(), pa.string(), pa.int64()]


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
    ],
)
def test_csv_files_that_cannot_be_read(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(UnreadableDump, match=message):
        parse(tmp_path, content, table())
    assert not list(tmp_path.glob("out/*"))


def test_csv_bytes_of_no_character_and_nul_cost_their_rows_only(tmp_path: Path):
    rows, bad = parse(tmp_path, b"a,b\n1,\xe4\xb8\xad\n2,\xff\n3,\x00\n4,\xe4\n5,x\n", table())
    assert rows == [(["1", "中"], 1), (["5", "x"], 5)]
    assert bad == [
        (2, "2,\\xff", "the byte \\xff is not utf-8"),
        (3, "3,\\x00", "a NUL byte"),
        (4, "4,\\xe4", "the byte \\xe4 is not utf-8"),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5", "utf-8-sig"])
def test_csv_encodings(tmp_path: Path, encoding: str):
    rows, bad = parse(tmp_path, 'a|b\n中|"文\n|"\n'.encode(encoding), table(encoding=encoding, delimiter="|"))
    assert (rows, bad) == ([(["中", "文\n|"], 1)], [])


def test_csv_bad_bytes_in_gb18030(tmp_path: Path):
    content = "a|b\n中|文\n".encode("gb18030") + b"1|\xff\n" + "国|x\n".encode("gb18030")
    rows, bad = parse(tmp_path, content, table(encoding="gb18030", delimiter="|"))
    assert rows == [(["中", "文"], 1), (["国", "x"], 3)]
    assert bad == [(2, "1|\\xff", "the byte \\xff is not gb18030")]


def test_gzip_members_are_read_and_damage_is_named(tmp_path: Path):
    whole = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    rows, _ = parse(tmp_path, whole, table(), "dump.csv.gz")
    assert len(rows) == 2
    with pytest.raises(UnreadableDump, match=r"dump\.csv\.gz: the gzip file is cut short"):
        parse(tmp_path, whole[:-6], table(), "dump.csv.gz")
    with pytest.raises(UnreadableDump, match="not sound gzip"):
        parse(tmp_path, b"a,b\n1,2\n", table(), "dump.csv.gz")


def test_large_csv_numbers_over_many_blocks(tmp_path: Path):
    lines = [b"x\n" if number % 1000 == 7 else b'%d,"some\ntext"\n' % number for number in range(1, 150_001)]
    rows, bad = parse(tmp_path, b"a,b\n" + b"".join(lines) + b"150001,end\n", table())
    assert [number for number, _, _ in bad] == list(range(7, 150_001, 1000))
    assert all(values[0] == str(number) for values, number in rows)


def test_csv_line_ends_inside_quotation_marks_survive_block_borders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for block in range(20, 31):
        monkeypatch.setattr(csv_fast, "BLOCK_BYTES", block)
        # Only a last record on one line is left to the fast reader.
        rows, bad = parse(tmp_path, b"a,b\r\n" + b'"x\r\ny",z\r\n' * 50 + b"1,2\r\n", table())
        assert (len(rows), bad) == (51, [])
        assert {values[0] for values, _ in rows[:-1]} == {"x\r\ny"}


@given(
    st.text(st.sampled_from('a,"\n\r1 '), max_size=40),
    st.booleans(),
    st.sampled_from([8, 40, 1 << 20]),
)
@settings(max_examples=300)
@example('a,b\n"', True, 8)
@example('a,b\n1,"a\n\n', False, 8)
@example("a,b\n1,2\r\r\n3", True, 8)
@example('"a",b\n"",\n', True, 8)
def test_both_csv_readers_agree(
    tmp_path_factory: pytest.TempPathFactory, text: str, header: bool, block: int
):
    """The exact reader is the truth; the fast one may only say that it needs it."""
    path = tmp_path_factory.getbasetemp() / "agree.csv"
    path.write_bytes((("a,b\n" if header else "") + text).encode())
    declared = table(header=header)

    def read(reader):
        rows, rejects = [], []
        for chunk in reader(path, "agree.csv", declared):
            values = [list(row.values()) for row in chunk.batch.to_pylist()]
            rows += zip(values, chunk.rows.tolist(), strict=True)
            rejects += chunk.rejects
        return rows, rejects

    exact = read(read_csv_exact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_fast, "BLOCK_BYTES", block)
        with suppress(StartAgain):
            assert read(csv_fast.read_csv) == exact
    numbers = sorted([number for _, number in exact[0]] + [reject.row for reject in exact[1]])
    assert numbers == list(range(1, len(numbers) + 1))


def test_jsonl_keeps_the_text_of_scalars(tmp_path: Path):
    content = (
        b'{"a": 1.10, "b": "x", "n": {"k": [1.0, null, true, "\xe4\xb8\xad\\n"]}}\n\n'
        b'{"b": true, "a": 12345678901234567890123, "n": null}\r\n{"a": "", "b": 1e5}'
    )
    rows, bad = parse(tmp_path, content, table("a,b", "c", format="jsonl"))
    assert rows == [
        (["1.10", "x", None, '{"k":[1.0,null,true,"中\\n"]}'], 1),
        (["12345678901234567890123", "true", None, None], 2),
        ([None, "1e5", None, None], 3),
    ]
    assert bad == []


def test_jsonl_rejects(tmp_path: Path):
    lines = [
        b'{"a":1}',
        b"[1]",
        b'{"a":',
        b'{"a":NaN}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
    ]
    rows, bad = parse(tmp_path, b"\n".join(lines), table("a", format="jsonl"))
    assert rows == [(["1"], 1)]
    assert [number for number, _, _ in bad] == [2, 3, 4, 5, 6, 7]
    reasons = [reason for _, _, reason in bad]
    assert reasons[0] == "not a JSON object"
    assert reasons[2] == "not JSON: NaN is not JSON"
    assert reasons[3:] == ["a NUL character", "half of a surrogate pair", "the byte \\xff is not utf-8"]


def test_jsonl_key_that_appears_late_becomes_a_column(tmp_path: Path):
    lines = [b'{"a":%d}' % number for number in range(60_000)] + [b'{"a":1,"late":2}']
    rows, _ = parse(tmp_path, b"\n".join(lines), table("a", format="jsonl"))
    assert (rows[0], rows[-1]) == ((["0", None], 1), (["1", "2"], 60_001))


def test_jsonl_without_a_required_key_or_without_rows(tmp_path: Path):
    with pytest.raises(UnreadableDump, match="required column b is missing"):
        parse(tmp_path, b'{"a":1}\n', table(format="jsonl"))
    assert parse(tmp_path, b"", table(format="jsonl")) == ([], [])


def test_fixed_width(tmp_path: Path):
    declared = table(
        "id,city", "note", format="fixed_width", widths={"id": [1, 3], "city": [5, 6], "note": [7, 9]}
    )
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


def test_reading_again_replaces_rows_and_rejects(tmp_path: Path):
    parse(tmp_path, b"a,b\n1,2\nbad\n", table())
    rows, bad = parse(tmp_path, b"a,b\n3,4\n", table())
    assert (rows, bad) == ([(["3", "4"], 1)], [])
