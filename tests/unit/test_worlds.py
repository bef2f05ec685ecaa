"""The worlds of the property test: every case is there, they never meet, and a few arrive as among many."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from oracle import sample_shop
from oracle.money import of_brands
from worlds.delivery import Files, batches, final_files, spoilt, write
from worlds.tables import LAST_DAY, LOADS, Row
from worlds.world import BOT_EVENTS, MAX_MEMBERS, rows_of_world

SEEDS = range(200)


@pytest.fixture(scope="module")
def final() -> Files:
    return final_files(SEEDS)


@pytest.fixture(scope="module")
def rows(final: Files) -> dict[str, list[Row]]:
    """All rows by table."""
    found: dict[str, list[Row]] = defaultdict(list)
    for one in (one for rows in final.values() for one in rows):
        found[one.table].append(one)
    return found


def values(rows: list[Row], column: str, by: str) -> list[frozenset[str]]:
    """The values of a column that go together with each value of another."""
    pairs = {(one[by], one[column]) for one in rows}
    return [frozenset(value for own, value in pairs if own == key) for key in {key for key, _ in pairs}]


def test_staging_takes_every_row(final: Files, tmp_path: Path) -> None:
    write(final, tmp_path)
    told = sample_shop.read_all(tmp_path, max_members=MAX_MEMBERS, bot_events_per_day=BOT_EVENTS)
    assert not told.dropped
    assert len({touch.person for touch in told.evidence.touches}) > len(SEEDS)
    assert sum(order.refunded_day is not None for order in told.evidence.orders) > 20


def test_worlds_share_nothing() -> None:
    for seed in SEEDS:
        for one in rows_of_world(seed):
            names = {name for column, text in one.fields for name in re.findall(r"\bw\d+", text) if column}
            assert names == {f"w{seed}"}


def test_every_case_of_identity_is_there(rows: dict[str, list[Row]]) -> None:
    links: dict[str, list[Row]] = defaultdict(list)
    for one in rows["identity_links"]:
        links[one["link_id"]].append(one)
    withdrawn = {key for key, told in links.items() if any(one["withdrawn"] == "true" for one in told)}
    of_members = {key for key, told in links.items() if told[0]["other_member_id"]}
    assert withdrawn & of_members
    assert withdrawn - of_members
    assert any(one["valid_to"] for one in rows["identity_links"])
    assert any(one["valid_to"] == one["valid_from"] for one in rows["identity_links"])

    signed_in = [one for one in rows["events"] if one["visitor_id"] and one["member_id"]]
    members = values(signed_in, "member_id", by="visitor_id")
    assert {min(len(them), MAX_MEMBERS + 1) for them in members} == set(range(1, MAX_MEMBERS + 2))
    for table in ("events", "orders", "reviews", "memberships"):
        keys = {(bool(one["visitor_id"]), bool(one["member_id"])) for one in rows[table]}
        assert len(keys) == 4, f"{table} without a visitor, a member, both or neither"


def test_bots_by_name_and_around_the_limit(rows: dict[str, list[Row]]) -> None:
    current = {one["event_id"]: one for one in rows["events"]}.values()
    days = Counter((one["visitor_id"], one["event_time"][:10]) for one in current if one["visitor_id"])
    assert {BOT_EVENTS, BOT_EVENTS + 1} <= set(days.values())
    assert {"GoogleBot/2.1", ""} <= {one["user_agent"] for one in rows["events"]}


def test_every_life_of_an_order_is_there(rows: dict[str, list[Row]]) -> None:
    assert set(values(rows["orders"], "status", by="order_id")) >= {
        frozenset({"created"}),
        frozenset({"paid"}),
        frozenset({"created", "paid"}),
        frozenset({"created", "cancelled"}),
        frozenset({"created", "deposit_paid", "paid"}),
        frozenset({"created", "paid", "cancelled"}),
    }
    assert "0.00" in {one["amount"] for one in rows["orders"]}
    assert max(map(len, values(rows["order_lines"], "brand", by="order_id"))) == 3
    assert any(not one["order_id"] for one in rows["refunds"])
    assert any(one["order_id"] and not one["visitor_id"] and not one["member_id"] for one in rows["reviews"])


def test_every_edge_of_money_is_there(final: Files, tmp_path: Path) -> None:
    write(final, tmp_path)
    told = sample_shop.read_all(tmp_path, max_members=MAX_MEMBERS, bot_events_per_day=BOT_EVENTS)
    paid = [order for order in told.orders.values() if order.document.paid_on]
    assert {order.document.currency for order in paid} == {"CNY", "USD", None}
    assert any(order.document.amount is None for order in paid)
    assert any(order.refunded is None for order in paid)
    assert any(order.other_currency_refunds for order in paid)
    assert any(order.fully_refunded_on and order.fully_refunded_on < order.document.paid_on for order in paid)
    assert any(
        None in of_brands(order.document.lines).values() and len(order.document.lines) > 1 for order in paid
    )
    assert any((amount or 0) < 0 for order in paid for amount in of_brands(order.document.lines).values())
    buyers: dict[str, set[str]] = defaultdict(set)
    for one in (one for rows in final.values() for one in rows if one.table == "orders"):
        buyers[one["order_id"].partition("-")[0]].add(one["visitor_id"] + one["member_id"])
    assert sum(named == {""} for named in buyers.values()) > 10


def test_the_borders_of_the_windows_are_likely(rows: dict[str, list[Row]]) -> None:
    gaps: Counter[int] = Counter()
    for seed in SEEDS:
        times = {one["event_time"] for one in rows_of_world(seed) if one.table == "events"}
        days = {date.fromisoformat(time[:10]) for time in times}
        gaps.update((later - day).days for day in days for later in days)
    for border in (14, 15, 16, 364, 365, 366, 904, 905, 906, 912, 913, 914):
        assert gaps[border], f"no two events lie {border} days apart"


def test_the_last_delivery_of_each_dump_is_the_final_one(final: Files) -> None:
    for delivery in range(5):
        delivered = batches(final, delivery)
        assert 3 <= len(delivered) <= 6
        arrived: Files = {}
        for batch in delivered:
            arrived.update(batch)
        assert arrived == final
        again = Counter(name for batch in delivered for name in batch)
        assert max(again.values()) > 1
        loads = [{name.partition("-")[2] for name in batch} for batch in delivered]
        assert any(min(later) < max(loads[0]) for later in loads[1:]), "nothing came out of order"


def test_rows_come_late_and_twice(rows: dict[str, list[Row]]) -> None:
    late = [(one.load - date.fromisoformat(one["event_time"][:10])).days for one in rows["events"]]
    assert min(late) >= 0
    assert max(late) > 400
    assert any(times > 1 for times in Counter(rows["events"]).values())
    assert LOADS[-1] - LAST_DAY == timedelta(days=1)


def test_early_versions_lack_rows_have_others_and_more(final: Files) -> None:
    name, final_rows = max(final.items(), key=lambda item: len(item[1]))
    early = spoilt(final_rows, "any")
    assert name.startswith("events")
    before, after = Counter(early), Counter(final_rows)
    keys = {one["event_id"] for one in final_rows}
    assert after - before
    assert {one["event_id"] for one in (before - after)} & keys
    assert {one["event_id"] for one in (before - after)} - keys
    assert {one["event_time"] for one in early} - {one["event_time"] for one in final_rows}


def test_a_few_worlds_arrive_as_they_did_among_many(final: Files) -> None:
    few = final_files([7, 42])
    for many_batch, few_batch in zip(batches(final, 3), batches(few, 3), strict=True):
        for name, rows in few_batch.items():
            assert rows == [one for one in many_batch[name] if re.search(r"\bw(7|42)-", str(one))]
