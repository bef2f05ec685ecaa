"""The oracle itself, held against examples worked out by hand and against its own most literal form."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from oracle import sample_shop, taobao
from oracle.evidence import Evidence, Membership, PaidOrder, Touch
from oracle.periods import complete_periods, fast, fast_table, first_day
from oracle.rules import CONSUMER_ASSET, PRESETS, preset_from_rows
from oracle.stages import FOREVER, daily_stock, stage_history, stage_on, walk
from worlds import tables
from worlds.delivery import by_file, write

from orchestration.sample_shop import World, write_dumps

REPOSITORY = Path(__file__).resolve().parents[2]

START = date(2024, 1, 1)


def day(offset: int) -> date:
    """The day that many days after the start."""
    return START + timedelta(days=offset)


def touch(kind: str, offset: int, rating: int | None = None, person: str = "x") -> Touch:
    return Touch("b", person, kind, day(offset), rating)


def order(paid: int, refunded: int | None = None, person: str = "x") -> PaidOrder:
    return PaidOrder("b", person, day(paid), None if refunded is None else day(refunded))


def member(joined: int, left: int | None = None, **more: object) -> Membership:
    until = None if left is None else day(left)
    return Membership("b", "x", day(joined), until, **more)  # type: ignore[arg-type]


Fact = Touch | PaidOrder | Membership


def history(*facts: Fact, preset: str = "consumer_asset") -> list[tuple[str, int]]:
    """Stage history of one person as (stage, first day as an offset); the last one is for ever."""
    rows = sorted(stage_history(walk(Evidence.of(*facts), PRESETS[preset])), key=lambda row: row[3])
    for row, following in pairwise(rows):
        assert row[4] == following[3]
    if rows:
        assert rows[-1][4] == FOREVER
    return [(stage, (since - START).days) for _, _, stage, since, _ in rows]


VIEWS = (touch("product_view", 0), touch("product_view", 5))
REVIEWS = (touch("review", 0, 3), touch("review", 4, 4), touch("review", 6))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # A window of 15 days covers the day and the 14 after it.
        ([touch("page_view", 0)], [("A", 0), ("O", 15)]),
        ([touch("product_view", 3), touch("product_view", 17)], [("I", 3), ("O", 32)]),
        ([touch("product_view", 3), touch("product_view", 18)], [("I", 3), ("O", 33)]),
        ([touch("product_view", 3), touch("product_view", 19)], [("I", 3), ("O", 18), ("I", 19), ("O", 34)]),
        # Higher evidence uncovers lower evidence when it ends.
        (
            [touch("page_view", 0), touch("favorite", 2), order(4), touch("share", 10)],
            [("A", 0), ("I", 2), ("P", 4), ("L", 10), ("P", 375), ("O", 917)],
        ),
        # Loyalty needs two paid days within 365.
        ([order(0), order(0)], [("P", 0), ("O", 913)]),
        ([order(0), order(364)], [("P", 0), ("L", 364), ("P", 365), ("O", 364 + 913)]),
        ([order(0), order(365)], [("P", 0), ("O", 365 + 913)]),
        # A full refund ends the purchase on its day.
        ([order(0, 5)], [("P", 0), ("O", 5)]),
        ([order(0, 2000)], [("P", 0), ("O", 913)]),
        ([order(0), order(10, 20)], [("P", 0), ("L", 10), ("P", 20), ("O", 913)]),
        # An order refunded on its paid day never counts.
        ([order(0, 0)], []),
        ([touch("page_view", 0), order(0, 0)], [("A", 0), ("O", 15)]),
        # A paid day lives until the latest end of its orders.
        ([order(0, 3), order(0, 8)], [("P", 0), ("O", 8)]),
        ([order(0, 0), order(0)], [("P", 0), ("O", 913)]),
        # A state holds from joining until the day of leaving.
        ([member(3)], [("I", 3)]),
        ([member(3, 40, kind="follower")], [("I", 3), ("O", 40)]),
        ([member(3, 3)], []),
        (
            [member(3, 10), touch("page_view", 0), member(8, 12, kind="subscriber")],
            [("A", 0), ("I", 3), ("A", 12), ("O", 15)],
        ),
        ([member(3), order(0)], [("P", 0), ("I", 913)]),
        (REVIEWS, [("L", 0), ("O", 371)]),
    ],
)
def test_history(facts: Sequence[Fact], expected: list[tuple[str, int]]) -> None:
    assert history(*facts) == expected


@pytest.mark.parametrize(
    ("preset", "facts", "expected"),
    [
        ("databank_2021", VIEWS, [("A", 0), ("I", 5), ("A", 15), ("O", 20)]),
        ("databank_2021", [touch("ad_click", 0)], [("A", 0), ("O", 15)]),
        ("p_540_365", [order(0)], [("P", 0), ("O", 905)]),
        ("gross", [order(0, 5)], [("P", 0), ("O", 913)]),
        ("strict_net", [order(0, 5)], []),
        ("strict_net", REVIEWS, [("L", 4), ("O", 369)]),
    ],
)
def test_presets_differ_as_the_definitions_say(
    preset: str, facts: Sequence[Fact], expected: list[tuple[str, int]]
) -> None:
    assert history(*facts, preset=preset) == expected


def seed(name: str) -> list[dict[str, str]]:
    """Rows of one of the warehouse's seeds."""
    with (REPOSITORY / "dbt_project" / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_the_shipped_presets_are_those_written_out_from_the_definitions() -> None:
    presets = seed("aipl_presets")
    assert "consumer_asset" in {row["preset"] for row in presets}
    for row in presets:
        read = preset_from_rows(row["preset"], presets, seed("aipl_stages"), seed("aipl_rules"))
        expected = PRESETS[row["preset"]]
        assert (read.ranks, read.refund_policy) == (expected.ranks, expected.refund_policy)
        assert Counter(read.rules) == Counter(expected.rules), row["preset"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_walk_is_stage_on_asked_for_every_day(preset: str) -> None:
    chance = random.Random(preset)
    kinds = sorted({rule.touch_kind for rule in CONSUMER_ASSET.rules})
    for _ in range(6):
        facts: list[Fact] = []
        for _ in range(chance.randint(1, 8)):
            start = chance.randint(0, 60)
            end = start + chance.randint(0, 500) if chance.random() < 0.5 else None
            facts.append(touch(chance.choice(kinds), chance.randint(0, 60), chance.choice([None, 1, 4, 5])))
            facts.append(order(start, end) if chance.random() < 0.3 else touch("page_view", start))
            if chance.random() < 0.2:
                facts.append(member(start, end, kind=chance.choice(["member", "follower"])))
        evidence = Evidence.of(*facts)
        walked = walk(evidence, PRESETS[preset]).get(("b", "x"))
        for offset in range(-1, 1100):
            expected = stage_on(evidence, day(offset), PRESETS[preset])
            assert (walked.on(day(offset)) if walked else "O") == expected, (facts, offset)


def test_members_count_once_and_only_while_they_are_members() -> None:
    facts = [
        Membership("b", "twice", day(0)),
        Membership("b", "twice", day(5), tier=3),
        Membership("b", "left", day(0), day(30)),
        Membership("b", "stays", day(0), day(31), tier=1),
        Membership("b", "follows", day(0), kind="follower"),
        Membership("b", "later", day(31)),
    ]
    evidence = Evidence.of(*facts)
    walks = walk(evidence)
    month = fast(evidence, walks, CONSUMER_ASSET, day(0), day(30))["b"]
    assert (month.superiority_members, month.members, month.thriving_members) == (2, 2, 0)
    assert month.thriving_rate == 0
    assert month.advancing_rate is None
    high = fast(evidence, walks, CONSUMER_ASSET, day(0), day(30), min_tier=2)["b"]
    assert (high.superiority_members, high.members) == (1, 2)


@pytest.mark.parametrize(
    ("fact", "thrives"),
    [
        (touch("favorite", 70), False),
        (touch("favorite", 71), True),
        (touch("benefit_claim", 100), True),
        (touch("add_to_cart", 101), False),
        (touch("product_view", 100), False),
        (order(71), True),
        (order(70), False),
        (order(80, 100), False),
        (order(80, 101), True),
    ],
)
def test_a_member_thrives_by_acts_of_the_last_30_days(fact: Fact, thrives: bool) -> None:
    evidence = Evidence.of(member(0), fact)
    result = fast(evidence, walk(evidence), CONSUMER_ASSET, day(90), day(100))["b"]
    assert result.thriving_rate == (1.0 if thrives else 0.0)


def test_only_complete_weeks_and_months_are_periods() -> None:
    months = [p for p in complete_periods(date(2024, 1, 2), date(2024, 3, 30)) if p[0] == "month"]
    assert months == [("month", date(2024, 2, 1), date(2024, 2, 29))]
    weeks = [p for p in complete_periods(date(2024, 1, 2), date(2024, 1, 21)) if p[0] == "week"]
    assert weeks == [
        ("week", date(2024, 1, 8), date(2024, 1, 14)),
        ("week", date(2024, 1, 15), date(2024, 1, 21)),
    ]


def test_taobao_at_the_end_of_its_last_day(shared_data: Path) -> None:
    dump = shared_data / "taobao_user_behavior" / "UserBehavior.csv"
    if not dump.is_file():
        pytest.skip(f"no {dump.name} in {dump.parent}; it is not shipped with the project")
    evidence, dropped = taobao.read(dump, load_date=date(2017, 12, 4))
    assert dropped == Counter(fields=1)
    assert len(evidence.of_each_person()) == 815
    last = taobao.horizon(evidence)
    assert last == date(2017, 12, 3)

    walks = walk(evidence)
    stock = {stage: n for (_, _, stage), n in daily_stock(walks, last, last).items()}
    assert stock == {"I": 256, "P": 251, "L": 308}

    table = fast_table(
        evidence, walks, CONSUMER_ASSET, {"taobao": last, "none": last}, starts_on=date(2017, 11, 25)
    )
    ((key, week),) = table.items()
    assert key == ("taobao", "week", date(2017, 11, 27), date(2017, 12, 3))
    assert week.fertility_union >= week.fertility_end == 815
    assert week.thriving_rate is None
    assert first_day(walks, "taobao") == min(when for _, _, _, when, _ in stage_history(walks))


def test_days_of_a_taobao_dump_are_those_of_china(tmp_path: Path) -> None:
    dump = tmp_path / "UserBehavior.csv"
    # 2017-11-24 15:59:59 and 16:00:00 UTC: the last second of one day in China and the first of the next.
    dump.write_text(
        "1,9,5,pv,1511539199\n1,9,5,buy,1511539200\n1,9,5,look,1511539200\n1,9,5,cart,x\n"
        "1,9,5,fav,1511798400\n1,9,5,fav,1511712000\n1,9,5,pv"
    )
    evidence, dropped = taobao.read(dump, load_date=date(2017, 11, 26))
    person = "taobao_user_behavior:v:1"
    assert evidence.touches == {
        Touch("taobao", person, "product_view", date(2017, 11, 24)),
        Touch("taobao", person, "favorite", date(2017, 11, 27)),
    }
    assert evidence.orders == [PaidOrder("taobao", person, date(2017, 11, 25))]
    assert dropped == Counter(behaviour=1, value=1, future=1, fields=1)
    # Without a load date nothing lies in the future.
    evidence, dropped = taobao.read(dump)
    assert taobao.horizon(evidence) == date(2017, 11, 28)
    assert dropped == Counter(behaviour=1, value=1, fields=1)


def test_orders_that_no_world_has(tmp_path: Path) -> None:
    """One paid after it was cancelled; one without an amount, so never in full, whose line names no brand."""
    load, morning = date(2024, 9, 4), "2024-09-02T10:00:00"
    paid = {"updated_at": morning, "created_at": morning, "paid_at": morning, "member_id": "m"}
    rows = [
        tables.row(
            "orders", load, order_id="off", amount="20.00", cancelled_at="2024-09-02T09:00:00", **paid
        ),
        tables.row("orders", load, order_id="unpriced", **paid),
        tables.row(
            "order_lines", load, order_id="off", line_no="1", brand="lumen", quantity="1", amount="20.00"
        ),
        tables.row("order_lines", load, order_id="unpriced", line_no="1", quantity="1", amount="20.00"),
    ]
    back = {"refund_id": "R", "order_id": "unpriced", "refunded_at": "2024-09-03 10:00:00"}
    rows.append(tables.row("refunds", load, **back, amount="20.00"))
    write(by_file(rows), tmp_path)
    evidence, dropped = sample_shop.read(tmp_path)
    assert not dropped
    assert evidence.orders == [PaidOrder("sample_shop_unbranded", "sample_shop:m:m", date(2024, 9, 2))]


def test_the_oracle_and_the_maker_of_the_sample_shop_count_the_same(tmp_path: Path) -> None:
    write_dumps(tmp_path / "dumps", World(seed=7, persons=120, days=60))
    truth = json.loads((tmp_path / "dumps" / "_truth.json").read_text(encoding="utf-8"))
    told = sample_shop.read_all(tmp_path / "dumps")
    evidence, dropped = told.evidence, told.dropped
    del truth["rejected"]["gmv_targets"]  # no stage depends on them
    assert {table: reasons for table, reasons in truth["rejected"].items() if reasons} == {
        table: {reason: n for (t, reason), n in dropped.items() if t == table and reason != "unreadable"}
        for table in {t for t, reason in dropped if reason != "unreadable"}
    }
    people = evidence.of_each_person()
    bots = sum(truth["bots"]["events_by_brand"].values())
    nobody = truth["events"]["without_person"]
    assert len(told.seen) == truth["tables"]["events"]["distinct"] - bots - nobody
    last = sample_shop.horizon(tmp_path / "dumps")
    assert last == date(2024, 10, 30)
    states: dict[str, Counter[str]] = {kind: Counter() for kind in truth["memberships"]}
    for (brand, _), own in people.items():
        for kind in {m.kind for m in own.memberships if m.on(last)}:
            states[kind][brand] += 1
    # The truth counts source keys: two of one person in the same state are one less.
    assert set(states) == set(truth["memberships"])
    for kind, keys in truth["memberships"].items():
        assert states[kind].keys() == keys.keys()
        assert all(0.8 * keys[brand] <= persons <= keys[brand] for brand, persons in states[kind].items())
