"""Two releases of the sample shop: late rows, a refund and a link between them, told by ledger and notes."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle.stages import DAY
from released import released
from unit.publish_home import let_through
from warehouse import Warehouse

from orchestration.build.state import read_build
from orchestration.publish.release import Release, publish
from orchestration.sample_shop import World, write_dumps

WORLD = World(seed=11, persons=80, days=24)
LOAD_DATES = [WORLD.start + timedelta(days=day + 1) for day in range(WORLD.days)]
PUBLISHED, NEXT, LATE = LOAD_DATES[:20], LOAD_DATES[21], LOAD_DATES[4:17:2]
Rows = list[tuple[Any, ...]]
Releases = tuple[Release, Release, set[str], str, str]


def publish_build(warehouse: Warehouse, now: datetime) -> Release:
    warehouse.build()
    build = read_build(warehouse.settings)
    assert build is not None
    let_through(warehouse.settings, build.build_id)
    return publish(warehouse.settings, now)


def keep_part(events: Path) -> None:
    """Leave out two of three events, which are late then."""
    rows = list(csv.reader(io.StringIO(gzip.decompress(events.read_bytes()).decode())))
    text = io.StringIO()
    csv.writer(text).writerows([rows[0], *rows[1::3]])
    events.write_bytes(gzip.compress(text.getvalue().encode()))


def add_line(dump: Path, **fields: object) -> None:
    with dump.open("r+", newline="") as stream:
        columns = next(csv.reader(stream))
        stream.seek(0, io.SEEK_END)
        csv.DictWriter(stream, columns).writerow(fields)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Two releases; the buyers who were refunded between, a visitor who was linked then, and to whom."""
    final = tmp_path_factory.mktemp("final") / "dumps"
    write_dumps(final, WORLD)
    early = tmp_path_factory.mktemp("early") / "dumps"
    shutil.copytree(final, early)
    for load_date in LATE:
        keep_part(early / f"events-{load_date}.csv.gz")
    warehouse = Warehouse(tmp_path_factory.mktemp("home"))
    warehouse.load("sample_shop", early, set(PUBLISHED))
    first = publish_build(warehouse, datetime(2024, 9, 22, tzinfo=UTC))

    orders = warehouse.query(
        "select orders.order_id, orders.person_id, orders.paid_date, orders.amount"
        " from marts.fct_orders as orders"
        " inner join marts.fct_aipl_stage_history as history using (person_id)"
        " where orders.status = 'paid' and history.preset = 'consumer_asset' and history.stage = 'P'"
        f" and history.valid_from = orders.paid_date and orders.paid_date < date '{PUBLISHED[-1]}' - 6"
        " order by orders.order_id limit 5"
    )
    assert orders
    for order, _, paid_date, amount in orders:
        add_line(
            final / f"refunds-{NEXT}.csv",
            refund_id=f"R-{order}",
            order_id=order,
            refunded_at=f"{paid_date + DAY} 12:00:00",
            amount=amount,
            currency="CNY",
            reason="test",
        )
    buyers = {released(warehouse.home, buyer) for _, buyer, *_ in orders}
    (visitor,) = warehouse.query(
        "select min(person_id) from marts.fct_aipl_stage_history"
        " where person_id like 'sample_shop:v:%' and stage_rank > 0"
        f" and valid_from < date '{PUBLISHED[-1]}' - 6"
    )[0]
    add_line(
        final / f"identity_links-{NEXT}.csv",
        recorded_at=f"{NEXT - DAY} 12:00:00",
        link_id="L-late",
        visitor_id=visitor.split(":")[2],
        member_id="m-late",
        valid_from=f"{WORLD.start} 00:00:00",
        withdrawn="false",
    )
    warehouse.load("sample_shop", final)
    second = publish_build(warehouse, datetime(2024, 9, 26, tzinfo=UTC))
    visitor = released(warehouse.home, visitor)
    return first, second, buyers, visitor, released(warehouse.home, "sample_shop:m:m-late")


def query(release: Release, sql: str) -> Rows:
    with duckdb.connect(str(release.folder / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_ledger_names_the_reasons(releases: Releases) -> None:
    """That it is the one of brute force, entry by entry, is the law of tests/unit/test_ledger.py."""
    _, second, buyers, visitor, member = releases
    rows = query(second, "select release_id, person_id, reason from fct_aipl_ledger")
    assert {release for release, *_ in rows} == {second.release_id}
    found = {(person, reason) for _, person, reason in rows}
    assert {(visitor, "identity"), (member, "identity")} <= found
    assert {(buyer, "refund") for buyer in buyers} & found
    counts = Counter(reason for *_, reason in rows)
    assert counts["late"] > 5
    assert second.manifest["restated"] == {reason: counts[reason] for reason in second.manifest["restated"]}


def test_every_published_stock_is_led_back_to(releases: Releases) -> None:
    first, second, *_ = releases
    sql = "select preset, brand_id, as_of_date, stage, persons from fct_aipl_daily"
    then, now = ({tuple(key): persons for *key, persons in query(r, sql)} for r in (first, second))
    ledger = query(second, "select * exclude (release_id) from fct_aipl_ledger")
    restated = 0
    for (preset, brand, day, stage), persons in then.items():
        difference = sum(
            (old == stage) - (new == stage)
            for its_preset, its_brand, _, since, until, old, new, _ in ledger
            if (its_preset, its_brand) == (preset, brand) and since <= day < until
        )
        assert persons - now.get((preset, brand, day, stage), 0) == difference
        restated += difference != 0
    assert restated > 20


def test_the_notes_tell_it(releases: Releases) -> None:
    first, second, *_ = releases
    notes = (second.folder / "notes.md").read_text()
    assert f"It follows release {first.release_id}." in notes
    assert "late " in notes and "refund " in notes and "identity " in notes
    assert second.manifest["notes"]["rules"] == []
    for row in second.manifest["notes"]["stock"]:
        reasons = sum(row[reason] for reason in second.manifest["restated"])
        assert row["known_now"] - row["published"] == reasons
