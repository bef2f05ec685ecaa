"""Dumps as nobody wants them: each is told with its file and its cure, nothing is lost, the others go on."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import resource
import socket
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from unit.reading import parse, table
from unit.shop_home import ShopHome

from orchestration.arrival import landing, limits
from orchestration.arrival import pull as pull_module
from orchestration.arrival.dumps import open_dumps
from orchestration.arrival.loads import promote
from orchestration.arrival.manifest import LoadManifest, State
from orchestration.arrival.readers import UnreadableDump
from orchestration.arrival.receive import receive
from orchestration.core.printable import formula_safe, printable, printable_lines

NAME = "events_2024-09-02.csv"


class Shop(ShopHome):
    """A source of one table, whose dumps may be named anything that ends in a load date."""

    def declare(self, files: object = "**/*{load_date}.csv", **entry: object) -> None:
        table = {"files": files, "format": "csv", "columns": {"required": ["a", "b"]}, **entry}
        self.tables = {"events": table}
        super().declare()

    def deliver(self, name: str | bytes, content: bytes) -> Path:
        path = self.dumps / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def refused_as(self) -> str:
        """Why the dump that came last is refused when it is received."""
        state, reason = self.receive()[-1]
        assert state is State.REFUSED and reason is not None
        return reason

    def pulled(self, location: str | None = None) -> tuple[list[str], list[str]]:
        """Files that arrived, and warnings."""
        report = self.pull(dumps=location)
        return [version.file for version in report.arrived], report.warnings

    def receive(self) -> list[tuple[State, str | None]]:
        """Pull, judge, let in; what is known of each file then."""
        days = [date(2024, 9, number) for number in range(1, 30)]
        receive(self.settings, self.source, days, None, self.today)
        promote(self.settings, self.arrival)
        with LoadManifest(self.settings.manifest) as manifest:
            return [(version.state, version.reason) for version in manifest.versions("shop")]

    def raw(self) -> list[tuple[str, str | None, str | None]]:
        """File and values of every row in raw."""
        files = sorted((self.settings.raw / "shop").rglob("load_date=2*/*.parquet"))
        rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        return [(row["_file"], row["a"], row["b"]) for row in rows]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


# What lies in the folder of the dumps


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as endpoint:
        here = Path.cwd()
        # Paths of sockets must be short.
        os.chdir(path.parent)
        endpoint.bind(path.name)
        os.chdir(here)


def make_loop(path: Path) -> None:
    path.with_name("other").symlink_to(path)
    path.symlink_to(path.with_name("other"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_fifo, "is no regular file"),
        (make_socket, "is no regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "leads out of"),
        (lambda path: path.symlink_to("../secret.csv"), "leads out of"),
        (lambda path: path.symlink_to("nowhere.csv"), "or nowhere"),
        (make_loop, "or nowhere"),
        (lambda path: path.symlink_to(path.parent / "folder"), "is no regular file"),
        (lambda path: path.symlink_to(path.parent), "is no regular file"),
    ],
    ids=["fifo", "socket", "device", "out", "dangling", "loop", "folder", "own folder"],
)
def test_what_is_no_file_is_told_and_left_alone(
    shop: Shop, make: Callable[[Path], object], reason: str
) -> None:
    (shop.dumps.parent / "secret.csv").write_text("a,b\nsecret,1\n")
    (shop.dumps / "folder").mkdir()
    make(shop.dumps / "x_2024-09-01.csv")
    shop.deliver(NAME, b"a,b\n1,2\n")
    arrived, warnings = shop.pulled()
    assert arrived == [NAME]
    (warning,) = (warning for warning in warnings if warning.startswith("x_2024-09-01.csv"))
    assert reason in warning


def test_a_dump_that_becomes_a_fifo_is_not_waited_for(shop: Shop) -> None:
    path = shop.deliver(NAME, b"a,b\n1,2\n")
    place = open_dumps(str(shop.dumps))
    (dump,), _ = place.files()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError, match="no regular file any more"):
        place.open(dump)


@pytest.mark.parametrize("kind", [FileNotFoundError, PermissionError])
def test_a_dump_that_cannot_be_opened_waits(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: type[OSError]
) -> None:
    shop.deliver(NAME, b"a,b\n1,2\n")
    shop.deliver("events_2024-09-03.csv", b"a,b\n1,2\n")
    real = os.open

    def refuse(path, *rest, **more):
        if str(path).endswith(NAME) and "dumps" in str(path):
            raise kind(13, "not now", path)
        return real(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        warnings = [f"{NAME} cannot be opened: not now. The next pull tries again."]
        assert shop.pulled() == (["events_2024-09-03.csv"], warnings)
    assert shop.pulled() == ([NAME], [])


# Names


HOSTILE_NAMES = [
    "it's; drop table files; --",
    '"quoted"',
    "=cmd()|'!A1",
    "star*?[a]{b}",
    "100%20%s",
    "$(reboot)`id`",
    "-rf",
    "C:|<>",
    "中文　空格",
    "n" * 240,
]


def test_names_are_names_and_nothing_else(shop: Shop) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        shop.deliver(f"{name}2024-09-02.csv", f"a,b\n{number},x\n".encode())
    states = shop.receive()
    assert states == [(State.ACCEPTED, None)] * len(HOSTILE_NAMES)
    expected = [(f"{name}2024-09-02.csv", str(number), "x") for number, name in enumerate(HOSTILE_NAMES)]
    assert sorted(shop.raw()) == sorted(expected)
    landed = [path.name for path in shop.settings.landing.rglob("*.csv")]
    assert sorted(landed) == sorted(name for name, _, _ in expected)
    assert shop.pulled() == ([], [])


@pytest.mark.parametrize("name", [b"new\nline", b"esc\x1b[2J", b"\xff\xfe", "bidi\u202egpj".encode()])
def test_names_that_cannot_be_shown_are_refused(shop: Shop, name: bytes) -> None:
    shop.deliver(name + b"2024-09-01.csv", b"a,b\n1,2\n")
    shop.deliver(NAME, b"a,b\n1,2\n")
    arrived, (warning,) = shop.pulled()
    assert arrived == [NAME]
    assert "is not read: its name holds what cannot be printed or is no UTF-8. Rename the file." in warning
    assert warning == printable(warning) and warning.encode()


@pytest.mark.parametrize(
    "name",
    ["../out_2024-09-01.csv", "a/../../out_2024-09-01.csv", "a\\..\\out_2024-09-01.csv", f"{'n' * 300}.csv"],
)
def test_names_of_a_listing_that_climb_out_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/hostile/good_2024-09-02.csv", b"a,b\n1,2\n")
    listed = {
        f"/hostile/{name}": {"name": "/hostile/good_2024-09-02.csv", "type": "file", "size": 8},
        "/hostile/good_2024-09-02.csv": memory.info("/hostile/good_2024-09-02.csv"),
    }
    monkeypatch.setattr(type(memory), "find", lambda *_, **__: listed)
    arrived, (warning,) = shop.pulled("memory://hostile")
    assert arrived == ["good_2024-09-02.csv"]
    assert "is not read: its name" in warning
    assert list(shop.dumps.parent.rglob("*out_2024*")) == []


# Arrival in time


def test_a_dump_written_over_while_it_is_copied_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same size: only its time of change tells."""
    path = shop.deliver(NAME, b"a,b\n1,2\n")
    land = landing.land

    def write_and_land(*arguments):
        landed = land(*arguments)
        path.write_bytes(b"a,b\n3,4\n")
        os.utime(path, (1, 1))
        return landed

    with monkeypatch.context() as patch:
        patch.setattr(pull_module, "land", write_and_land)
        arrived, (warning,) = shop.pulled()
    assert arrived == [] and "changed while it was copied" in warning
    shop.receive()
    assert shop.raw() == [(NAME, "3", "4")]


def test_half_a_load_is_completed_by_a_dump_of_the_same_name_in_another_folder(shop: Shop) -> None:
    shop.deliver(f"x/{NAME}", b"a,b\n1,2\n")
    shop.receive()
    shop.deliver(f"y/{NAME}", b"a,b\n3,4\n")
    assert shop.receive() == [(State.ACCEPTED, None)] * 2
    assert sorted(shop.raw()) == [(f"x/{NAME}", "1", "2"), (f"y/{NAME}", "3", "4")]


def test_one_content_under_two_names_is_told(shop: Shop) -> None:
    shop.deliver(NAME, b"a,b\n1,2\n")
    assert shop.pulled() == ([NAME], [])
    shop.deliver("copy_2024-09-02.csv", b"a,b\n1,2\n")
    _, (warning,) = shop.pulled()
    assert warning.startswith(f"copy_2024-09-02.csv holds the same bytes as {NAME}.")
    shop.receive()
    assert len(shop.raw()) == 2
    # The cure that the message names.
    shop.deliver("copy_2024-09-02.csv", b"a,b\n")
    shop.receive()
    assert shop.raw() == [(NAME, "1", "2")]


def test_a_dump_of_a_day_to_come_waits(shop: Shop) -> None:
    for day in ("9999-12-31", "1969-12-31", "2024-02-29", "2023-02-29"):
        shop.deliver(f"events_{day}.csv", b"a,b\n1,2\n")
    arrived, warnings = shop.pulled()
    assert arrived == ["events_2024-02-29.csv"]
    assert sorted(warnings) == [
        "events_1969-12-31.csv is of 1969-12-31, before 1970-01-01, and is not read.",
        "events_2023-02-29.csv matches no table of shop and is not read.",
        "events_9999-12-31.csv is of 9999-12-31, which is still to come, and waits until then.",
    ]


def test_a_dump_of_nothing_is_refused_and_its_correction_let_in(shop: Shop) -> None:
    for content, reason in ((b"", "the file is empty"), (b"a,b\n", "at least one readable row")):
        shop.deliver(NAME, content)
        assert reason in shop.refused_as()
        assert shop.raw() == []
    shop.deliver(NAME, b"a,b\n1,2\n")
    assert shop.receive()[-1] == (State.ACCEPTED, None)


# Content


def test_a_wrong_encoding_or_delimiter_is_refused_and_cured_by_its_declaration(shop: Shop) -> None:
    text = "a,b\n" + "".join(f"{number},上海\n" for number in range(100))
    for encoding, reason in (("gb18030", "unreadable"), ("utf-16", "the header cannot be read")):
        shop.declare()
        shop.deliver(NAME, text.encode(encoding))
        assert reason in shop.refused_as()
        shop.declare(encoding=encoding)
        assert shop.receive()[-1] == (State.ACCEPTED, None)
        assert shop.raw()[0] == (NAME, "0", "上海") and len(shop.raw()) == 100
    shop.declare()
    shop.deliver(NAME, text.replace(",", ";").encode())
    why = shop.refused_as()
    assert "`delimiter`" in why and NAME in why
    assert len(shop.raw()) == 100, "what was in effect stays"


def bomb(block: bytes, times: int) -> bytes:
    """Gzip that expands to `times` blocks of a mebibyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(block) for _ in range(times)) + packer.flush()


@pytest.mark.parametrize(
    ("block", "format", "message"),
    [
        (b"\0" * (1 << 20), "csv", "line 1 is longer than 2,097,152 characters, the limit"),
        (b"\0" * (1 << 20), "jsonl", "line 1 is longer than 2,097,152 characters, the limit"),
        (b"\n" * (1 << 20), "jsonl", "it expands to more than 4,194,304 bytes, the limit"),
        (b"1,2\n" * (1 << 18), "csv", "it expands to more than 4,194,304 bytes, the limit"),
    ],
    ids=["zeros as csv", "zeros", "line ends", "rows"],
)
def test_a_decompression_bomb_is_stopped_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: bytes, format: str, message: str
) -> None:
    monkeypatch.setattr(limits, "EXPANDED_BYTES", 4 << 20)
    monkeypatch.setattr(limits, "LINE_CHARACTERS", 2 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableDump, match=message):
        parse(tmp_path, bomb(block, 300), table(format=format, header=False), "dump.gz")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 200_000, "KiB"
    assert not list(tmp_path.glob("out/*"))


def test_a_dump_larger_than_the_limit_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES", 10)
    shop.deliver(NAME, b"a,b\n1,2\n")
    shop.deliver("events_2024-09-03.csv", b"a,b\n1,2\n3,4\n")
    arrived, (warning,) = shop.pulled()
    assert arrived == [NAME]
    assert "events_2024-09-03.csv: it has 12 bytes or more, and the limit is 10. It is not read." in warning
    with pytest.raises(UnreadableDump, match="the limit is 10"):
        landing.land(io.BytesIO(b"x" * 20), shop.settings.landing, "shop", "grows.csv")
    assert not [path for path in shop.settings.landing.rglob("*") if "grows" in path.name]


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (b"a,b\n1," + b"x" * 5_000_000 + b"\n", {}),
        (b'a,b\n1,"' + b"x" * 5_000_000 + b'"\n', {}),
        (b'{"a":1,"b":"' + b"x" * 5_000_000 + b'"}\n', {"format": "jsonl"}),
        (b"12" + b"x" * 5_000_000, {"format": "fixed_width", "widths": {"a": [1, 1], "b": [2, 2]}}),
    ],
    ids=["csv", "quoted", "jsonl", "fixed width"],
)
def test_a_line_longer_than_the_limit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, entry: dict[str, object]
) -> None:
    rows, bad = parse(tmp_path, content, table(**entry))
    assert (len(rows) + len(bad), len(rows)) in {(1, 1), (1, 0)}
    monkeypatch.setattr(limits, "LINE_CHARACTERS", 4_000_000)
    with pytest.raises(
        UnreadableDump, match=r"dump.csv: line \d is longer than 4,000,000 characters, the limit"
    ):
        parse(tmp_path, content, table(**entry))


def columns_of(count: int, format: str) -> bytes:
    names = [f"c{number}" for number in range(count)]
    if format == "jsonl":
        return "".join(json.dumps({"a": 1, "b": 2, name: 3}) + "\n" for name in names).encode()
    if format == "csv":
        return ",".join(["a", "b", *names]).encode() + b"\n"
    table = pa.table({name: pa.array([], pa.int8()) for name in ["a", "b", *names]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_more_columns_than_the_limit_are_told(tmp_path: Path, format: str) -> None:
    parse(tmp_path, columns_of(limits.COLUMNS - 2, format), table(format=format))
    with pytest.raises(UnreadableDump, match=r"dump.csv: it has 2,001 columns, and the limit is 2,000"):
        parse(tmp_path, columns_of(limits.COLUMNS - 1, format), table(format=format))


def test_json_however_deep_costs_its_row_only(tmp_path: Path) -> None:
    lines = [b'{"a":1,"b":2}']
    for depth in (10, 400, 700, 950, 5_000, 100_000):
        lines.append(b'{"a":1,"b":' + b"[" * depth + b"]" * depth + b"}")
    lines.append(b'{"a":' + b"9" * 100_000 + b',"b":{"x":' + b"[1]," * 0 + b"[]}}")
    rows, bad = parse(tmp_path, b"\n".join(lines), table(format="jsonl"))
    assert len(rows) + len(bad) == len(lines)
    assert rows[1][0] == ["1", "[" * 10 + "]" * 10]
    assert len(rows[-1][0][0]) == 100_000
    assert {reason for _, _, reason in bad} <= {"nested too deeply"} and bad[-1][0] == 7


def test_parquet_with_text_that_is_none_is_refused(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.table({"a": bad, "b": ["x"]}), tmp_path / "in")
    with pytest.raises(UnreadableDump, match=r"dump.csv: the file is not sound Parquet .*UTF8"):
        parse(tmp_path, (tmp_path / "in").read_bytes(), table(format="parquet"))


def test_parquet_that_expands_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    column = pa.repeat(pa.scalar("x" * 1000), 100_000)
    pq.write_table(pa.table({"a": column, "b": column}), tmp_path / "in", compression="zstd")
    content = (tmp_path / "in").read_bytes()
    assert len(content) < 100_000
    monkeypatch.setattr(limits, "EXPANDED_BYTES", 50 << 20)
    with pytest.raises(UnreadableDump, match="expands to more than"):
        parse(tmp_path, content, table(format="parquet"))


def test_a_message_does_not_speak_to_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDump) as told:
        parse(tmp_path, b"a\x1b[2J,b\n1,2\n", table())
    assert "\x1b" not in str(told.value) and "the dump has a\\x1b[2J, b" in str(told.value)
    with pytest.raises(UnreadableDump) as told:
        parse(tmp_path, ",".join(f"column{number}" for number in range(1_900)).encode(), table())
    assert len(str(told.value)) < 700


@given(st.text(max_size=30))
def test_what_is_shown_is_printable_and_no_formula(text: str) -> None:
    shown = printable(text)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    assert shown.encode().decode() == shown
    assert formula_safe(text)[:1] not in set("=+-@＝＋－＠\t\r")
    assert printable_lines(text).count("\n") == text.count("\n")


# Any bytes


FORMATS: dict[str, dict[str, object]] = {
    "csv": {"header": False},
    "csv with a header": {"header": True},
    "jsonl": {"format": "jsonl"},
    "fixed width": {"format": "fixed_width", "widths": {"a": [1, 1], "b": [2, 3]}},
}
PIECES = [b"a,b", b"1,2", b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xd6\xd0", b"\xef\xbb\xbf"]
JSON_PIECES = [b'{"a":1,"b":2}', b"{", b"}", b"[", b"]", b'"a":', b"\\ud800", b"\\u0000", b"NaN", b"1e999"]
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([*PIECES, "中".encode(), *JSON_PIECES]), max_size=30).map(b"".join),
)


@pytest.mark.parametrize("kind", FORMATS)
@given(
    content=BYTES, encoding=st.sampled_from(["utf-8", "gb18030", "utf-16", "latin-1"]), packed=st.booleans()
)
@example(content=b'{"a":' + b"[" * 960 + b"]" * 960 + b"}", encoding="utf-8", packed=False)
@hypothesis_settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_bytes_are_rows_or_rejects_or_told(
    tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes, encoding: str, packed: bool
) -> None:
    """Never a crash, never a record too few; each record has one number, in a row or in a reject."""
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    name = "dump.gz" if packed else "dump.csv"
    delivered = gzip.compress(content, 1) if packed else content
    try:
        rows, bad = parse(folder, delivered, table(encoding=encoding, **FORMATS[kind]), name)
    except UnreadableDump as told:
        assert str(told).startswith(name)
        return
    numbers = sorted([number for _, number in rows] + [number for number, _, _ in bad])
    assert numbers == list(range(1, len(numbers) + 1))
    if encoding == "utf-16":
        return
    text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")
    # Inside quotation marks a line end ends no record: then only the reader's own rules could count.
    if '"' not in text or kind in ("jsonl", "fixed width"):
        lines = list(filter(None, re.split("[\r\n]", text)))
        if kind in ("jsonl", "fixed width"):
            lines = [line for line in lines if line.strip()]
        assert len(numbers) == max(len(lines) - (kind == "csv with a header"), 0)


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=8)] * 2)
    ),
    torn=st.booleans(),
)
@hypothesis_settings(max_examples=60)
def test_quoted_csv_counts_as_another_program_counts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], torn: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "quoted"
    folder.mkdir(exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b"), *rows])
    content = text.getvalue() + ("1,2,3\n" if torn else "")
    found, bad = parse(folder, content.encode(), table())
    kept = [[a or None, b or None] for a, b in rows if (a, b) != ("a", "b")]
    assert [values for values, _ in found] == kept
    assert len(bad) == len(rows) - len(kept) + torn
