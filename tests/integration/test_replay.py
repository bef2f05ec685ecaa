"""Rejects are listed, accounted for, and come in after a fix: only the files with them are read again."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from datetime import date

import duckdb
import pytest
from tiny_project import STAGING, deliver, make_tiny, money
from verdicts import judge_with

from orchestration.arrival import parsed
from orchestration.arrival.configured import configured_sources
from orchestration.arrival.pending import Request
from orchestration.arrival.readers import parse_to_parquet
from orchestration.arrival.receive import receive
from orchestration.build.around_dbt import write_dbt_inputs
from orchestration.commands.rejects_text import rejects_csv, rejects_text
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.nightly.replay import replay
from orchestration.nightly.run import run_new
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import Arrived, arrived
from orchestration.publish.release import read_current

TODAY = date(2024, 2, 1)
DAYS = [date(2024, 1, day) for day in range(1, 32)]
# Each day of a shop: lines as they lie in its dump. One line in three hundred may be unreadable.
GOOD = [f"good-{number},{number}" for number in range(300)]
DUMPS = {
    ("east", 2): [*GOOD, "torn"],
    ("east", 3): [*GOOD, "x1,many", "x2,none"],
    ("east", 4): GOOD,
    ("west", 2): [*GOOD, "=cmd(),1,a", "\x1b[2J,2,3"],
}


def write(settings: Settings, shop: str, day: int, lines: list[str]) -> None:
    deliver(settings, shop, day, [])
    path = settings.home / "dumps" / shop / f"orders-2024-01-{day:02}.csv"
    path.write_text("\n".join(["order_id,amount", *lines, ""]))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with one published night, and a copy of it; tests that change something restore it."""
    home = tmp_path_factory.mktemp("replay") / "home"
    home.mkdir()
    settings = make_tiny(home)
    for (shop, day), lines in DUMPS.items():
        write(settings, shop, day, lines)
    with pytest.MonkeyPatch.context() as patch:
        judge_with(patch)
        assert run_new(settings, Request(), lambda text: None) == 0
    shutil.copytree(home, home.with_name("copy"), symlinks=True)
    return settings


@pytest.fixture
def settings(night: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    judge_with(monkeypatch)
    shutil.rmtree(night.home)
    shutil.copytree(night.home.with_name("copy"), night.home, symlinks=True)
    return night


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


def test_rejects_are_those_of_the_dumps_and_safe_to_show(settings: Settings) -> None:
    found = find_rejects(settings, Selection())
    listed = Counter({(key[0], key[3], key[4]): count for key, count in found.by_reason().items()})
    assert listed == by_hand()
    text = rejects_text(settings, Selection())
    line = next(line for line in text.splitlines() if "amount is no number" in line)
    assert line.split()[-5:] == ["2", "2024-01-03", "2024-01-03", "orders-2024-01-03.csv", "301"]
    only = rejects_text(settings, Selection("west"))
    assert "west" in only and "east" not in only
    with duckdb.connect(str(settings.warehouse)) as writer:
        writer.execute("create table being_written as select 1 as x")
        assert rejects_text(settings, Selection()) == text, "a writer at work keeps nobody from reading"
    # A terminal obeys none of them, nor does a spreadsheet.
    text = rejects_text(settings, Selection("west", "3 fields"))
    assert "=cmd(),1,a" in text
    assert "\\x1b[2J,2,3" in text and "\x1b" not in text
    rows = list(csv.DictReader(io.StringIO(rejects_csv(settings, Selection("west", "3 FIELDS")))))
    assert [(row["row"], row["text"]) for row in rows] == [
        ("301", "'=cmd(),1,a"),
        ("302", "\\x1b[2J,2,3"),
    ]


def test_every_record_is_accounted_for(settings: Settings) -> None:
    write(settings, "east", 4, GOOD[:100])
    # Most of it cannot be read: refused, it waits.
    write(settings, "east", 5, ["1,2", "torn", "torn"])
    sources = configured_sources(settings)
    for source in sources.values():
        receive(settings, source, DAYS, None, TODAY)
    write_dbt_inputs(settings, sources)
    account = {line.table: line for line in arrived(settings, "east")}["orders"]
    lines = sum(len(lines) for (shop, _), lines in DUMPS.items() if shop == "east") + 100 + 3
    assert account == Arrived("east", "orders", lines, 300, 3, 1, 702, 0, 0)
    assert account.difference == 0
    for path in (settings.raw / "east" / "orders" / "load_date=2024-01-02").iterdir():
        path.unlink()
    assert "300 records of east orders are nowhere: `aipl run`" in rejects_text(settings, Selection())


def test_a_mended_file_is_read_again_alone(settings: Settings, read: list[str]) -> None:
    before = read_current(settings)
    with pytest.raises(InputError, match=r"Nothing has changed for the 5 rejects in 3 files"):
        replayed(settings)
    assert replayed(settings, reason="no such reason") == (0, "No rejects match.")
    assert read == [] and read_current(settings) == before
    write(settings, "east", 2, [*GOOD, "torn,7"])
    # Also new, and none of the replay's business.
    write(settings, "west", 3, GOOD)
    code, text = replayed(settings)
    assert code == 0
    assert read == ["east 2024-01-02"]
    assert "3 files: 5 rejects before, 4 after." in text
    after = read_current(settings)
    assert before and after and after.release_id != before.release_id
    assert money(settings) == {"east": 3 * sum(range(300)) + 7, "west": sum(range(300))}


def test_a_mended_declaration_reads_the_files_with_rejects_alone(settings: Settings, read: list[str]) -> None:
    """Even one that makes it worse: what can no longer be read is reported, and the release stays whole."""
    declared = settings.sources_file.read_text()
    settings.sources_file.write_text(declared.replace("format: csv", "format: csv\n        delimiter: ';'"))
    code, text = replayed(settings, "east", "fields")
    assert code == 2
    assert read == ["east 2024-01-02"]
    assert "Can no longer be read: orders-2024-01-02.csv: the required column" in text


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
    assert "1 file: 2 rejects before, 1 after." in text
    assert "amount is no number" in text
