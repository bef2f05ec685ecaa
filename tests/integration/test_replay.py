"""Rejects are listed, accounted for, and come in after a fix: read again are just the files that hold them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tiny_project import STAGING, deliver, make_tiny, verdict

from orchestration.lib.arrival import parsed
from orchestration.lib.arrival.readers import parse_to_parquet
from orchestration.lib.errors import InputError
from orchestration.lib.publish import gate as run_gate
from orchestration.lib.publish.release import read_current
from orchestration.lib.rejects.listing import Selection, find_rejects
from orchestration.lib.rejects.text import rejects_csv, rejects_text
from orchestration.lib.run.news import Request
from orchestration.lib.run.nightly import run_new
from orchestration.lib.run.replay import replay
from orchestration.settings import Settings

# Each day of a shop: lines as they lie in its dump. One line in three hundred may be unreadable.
GOOD = [f"good-{number},{number}" for number in range(300)]
DUMPS = {
    ("east", 2): [*GOOD, "torn"],
    ("east", 3): [*GOOD, "x1,many", "x2,none"],
    ("east", 4): GOOD,
    ("west", 2): [*GOOD, "a,1,=cmd()", "\x1b[2J,2,3"],
}


def write(settings: Settings, shop: str, day: int, lines: list[str]) -> None:
    deliver(settings, shop, day, [])
    path = settings.home / "dumps" / shop / f"orders-2024-01-{day:02}.csv"
    path.write_text("\n".join(["order_id,amount", *lines, ""]))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(run_gate, "run_marts", lambda warehouse: verdict("dim_brand"))
    settings = make_tiny(tmp_path)
    for (shop, day), lines in DUMPS.items():
        write(settings, shop, day, lines)
    assert run_new(settings, Request(), lambda text: None) == 0
    return settings


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the dumps that are parsed."""
    names: list[str] = []

    def noted(table, landed, file, *rest, **more):
        names.append(f"{landed.parts[-3]} {file[7:17]}")
        return parse_to_parquet(table, landed, file, *rest, **more)

    monkeypatch.setattr(parsed, "parse_to_parquet", noted)
    return names


def replayed(settings: Settings, source: str | None = None, reason: str | None = None) -> tuple[int, str]:
    said: list[str] = []
    code = replay(settings, source, reason, None, said.append)
    return code, "\n".join(said)


def by_hand() -> Counter[tuple[str, str, str]]:
    """Rejects by source, kind and reason, from the lines themselves."""
    found: Counter[tuple[str, str, str]] = Counter()
    for (shop, _), lines in DUMPS.items():
        for line in lines:
            fields = line.split(",")
            if len(fields) != 2:
                found[shop, "reading", f"{len(fields)} fields where 2 are expected"] += 1
            elif shop == "east" and not fields[1].isdigit():
                found[shop, "staging", "amount is no number"] += 1
    return found


def test_rejects_are_those_of_the_dumps(settings: Settings) -> None:
    found = find_rejects(settings, Selection())
    listed = Counter({(key[0], key[2], key[3]): count for key, count in found.by_reason().items()})
    assert listed == by_hand()
    text = rejects_text(settings, Selection())
    line = next(line for line in text.splitlines() if "amount is no number" in line)
    assert line.split()[-6:] == ["2", "2024-01-03", "2024-01-03", "orders-2024-01-03.csv", "301"][-6:] or (
        "orders-2024-01-03.csv" in line and line.split()[-1] == "301"
    )
    only = rejects_text(settings, Selection("west"))
    assert "west" in only and "east" not in only


def test_every_record_is_accounted_for(settings: Settings) -> None:
    write(settings, "east", 4, GOOD[:100])
    assert run_new(settings, Request(), lambda text: None) == 0
    text = rejects_text(settings, Selection())
    (east,) = [
        line.split()
        for line in text.splitlines()
        if line.startswith("east    orders")
        or line.split()[:2] == ["east", "orders"]
        and len(line.split()) == 9
    ]
    # Read, superseded, unreadable, waiting, raw, difference, files that could not be read.
    assert east[2:] == ["1303", "300", "1", "0", "1002", "0", "0"]
    for path in (settings.raw / "east" / "orders" / "load_date=2024-01-02").iterdir():
        path.unlink()
    assert "300 records of east orders are nowhere: `aipl run`" in rejects_text(settings, Selection())


def test_rows_are_safe_for_a_terminal_and_for_a_spreadsheet(settings: Settings) -> None:
    text = rejects_text(settings, Selection("west", "3 fields"))
    assert "a,1,=cmd()" in text
    assert "\\x1b[2J,2,3" in text and "\x1b" not in text
    write(settings, "west", 3, [*GOOD, "=cmd(),1,2"])
    assert run_new(settings, Request(), lambda text: None) == 0
    rows = list(csv.DictReader(io.StringIO(rejects_csv(settings, Selection("west", "3 FIELDS")))))
    assert [row["text"] for row in rows] == ["a,1,=cmd()", "\\x1b[2J,2,3", "'=cmd(),1,2"]
    assert [row["row"] for row in rows] == ["301", "302", "301"]


def test_a_writer_at_work_does_not_keep_rejects_from_being_read(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as writer:
        writer.execute("create table being_written as select 1 as x")
        assert "amount is no number" in rejects_text(settings, Selection())


def test_what_was_not_mended_is_not_read_again(settings: Settings, read: list[str]) -> None:
    before = read_current(settings)
    with pytest.raises(InputError, match=r"Nothing was mended for the 5 rejects in 3 file\(s\)"):
        replayed(settings)
    assert read == []
    assert read_current(settings) == before
    assert replayed(settings, reason="no such reason") == (0, "There are no such rejects.")


def redeliver(settings: Settings) -> None:
    write(settings, "east", 2, [*GOOD, "torn,7"])
    # Also new, and none of the replay's business.
    write(settings, "west", 3, GOOD)


def redeclare(settings: Settings) -> None:
    declared = settings.sources_file.read_text()
    wider = "columns: {required: [order_id, amount], optional: [note]}"
    settings.sources_file.write_text(
        declared.replace("columns: {required: [order_id, amount]}", f"header: false, {wider}")
    )


@pytest.mark.parametrize(
    ("mend", "source", "files", "account"),
    [
        (redeliver, None, ["east 2024-01-02"], "3 file(s): 5 rejects went in, 4 remain."),
        (redeliver, "east", ["east 2024-01-02"], "2 file(s): 3 rejects went in, 2 remain."),
    ],
    ids=["file delivered again", "of one source"],
)
def test_a_mended_file_is_read_again_alone(
    settings: Settings,
    read: list[str],
    mend: Callable[[Settings], None],
    source: str | None,
    files: list[str],
    account: str,
) -> None:
    before = read_current(settings)
    mend(settings)
    code, text = replayed(settings, source)
    assert code == 0
    assert read == files
    assert account in text
    after = read_current(settings)
    assert before and after and after.release_id != before.release_id
    with duckdb.connect(str(after.folder / "marts.duckdb"), read_only=True) as connection:
        money = dict(connection.execute("select brand_id, money from dim_brand").fetchall())
    assert money == {"east": 3 * sum(range(300)) + 7, "west": sum(range(300))}


def test_a_mended_declaration_reads_the_files_with_rejects_alone(settings: Settings, read: list[str]) -> None:
    declared = settings.sources_file.read_text()
    head, west = declared.split("  west:")
    west = west.replace(
        "{orders: *orders}",
        "{orders: {files: 'orders-{load_date}.csv', format: csv, "
        "columns: {required: [order_id, amount], optional: [note]}}}",
    )
    settings.sources_file.write_text(f"{head}  west:{west}")
    write(settings, "west", 2, DUMPS["west", 2])
    code, text = replayed(settings, "west", "3 fields")
    assert code == 0
    assert read == ["west 2024-01-02"]
    assert "1 file(s): 2 rejects went in, 2 remain." in text


def test_a_mended_model_brings_in_what_staging_rejected(settings: Settings, read: list[str]) -> None:
    model = settings.dbt_project / "models" / "staging" / "east" / "stg_east__orders.sql"
    mapped = STAGING.replace("SHOP", "east").replace(
        "try_cast(amount as integer)",
        "coalesce(try_cast(amount as integer), if(amount = 'many', 1000, null))",
    )
    model.write_text(mapped)
    code, text = replayed(settings, "east", "no number")
    assert code == 0
    assert read == [], "raw is what it was"
    assert "1 file(s): 2 rejects went in, 1 remain." in text
    assert "amount is no number" in text
