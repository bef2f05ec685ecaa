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
from worlds.tables import COLUMNS, write_dump

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


@pytest.mark.parametrize(
    ("kinds", "stage"),
    [
        (("ad_impression",), "A"),
        (("page_view",), "A"),
        (("category_search",), "A"),
        (("ad_click",), "I"),
        (("home_view",), "I"),
        (("interaction",), "I"),
        (("brand_search",), "I"),
        (("favorite",), "I"),
        (("add_to_cart", "page_view"), "I"),
        (("share", "favorite"), "L"),
        (("review",), "L"),
        (("benefit_claim",), "O"),
    ],
)
def test_the_highest_stage_wins(kinds: tuple[str, ...], stage: str) -> None:
    assert stage_on(Evidence.of(*(touch(kind, 0) for kind in kinds)), day(0)) == stage


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


def test_without_members_there_is_no_thriving_rate() -> None:
    evidence = Evidence.of(touch("favorite", 0))
    assert fast(evidence, walk(evidence), CONSUMER_ASSET, day(0), day(6))["b"].thriving_rate is None


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


def test_a_static_dump_without_load_date_has_no_future(tmp_path: Path) -> None:
    dump = tmp_path / "UserBehavior.csv"
    dump.write_text("1,9,5,fav,4102444800\n")
    evidence, dropped = taobao.read(dump)
    assert taobao.horizon(evidence) == date(2100, 1, 1)
    assert not dropped


def write(folder: Path, table: str, load: str, *lines: str, broken: str = "") -> None:
    """A dump of these lines."""
    records = [dict(zip(COLUMNS[table], line, strict=False)) for line in csv.reader(lines)]
    write_dump(folder, table, date.fromisoformat(load), *records, broken=broken)


def write_orders(folder: Path, load: str, *orders: dict[str, str], broken: str = "") -> None:
    write_dump(folder, "orders", date.fromisoformat(load), *orders, broken=broken)


def test_events_of_the_sample_shop(tmp_path: Path) -> None:
    write(
        tmp_path,
        "events",
        "2024-09-02",
        "2024-09-01 23:59:59.999,E1,lumen,v1,,page_view,,,app,S1",
        "2024-09-01 10:00:00.000,E1,lumen,v1,,page_view,,,app,S1",
        "2024-09-01 10:00:00.000,E2,lumen,v2,m1,favorite,P,,app,S1",
        "2024-09-01 10:00:00.000,E3,,,m1,share,P,,app,S1",
        "2024-09-01 10:00:00.000,E4,lumen,,,favorite,P,,app,S1",
        "2024-09-01 10:00:00.000,E5,lumen,v1,,px_debug,P,,app,S1",
        "0000-00-00 00:00:00,E6,lumen,v1,,page_view,P,,app,S1",
        "2024-09-03 23:59:59.000,E7,lumen,v1,,ad_click,P,,app,S1",
        "2024-09-04 00:00:00.000,E8,lumen,v1,,ad_click,P,,app,S1",
        broken="2024-09-01 10:00:00.000,E9",
    )
    write(
        tmp_path,
        "events",
        "2024-09-03",
        "2024-08-20 10:00:00.000,E10,lumen,v1,,home_view,,,app,S1",
        "2024-09-02 10:00:00.000,E2,lumen,v2,m1,favorite,P,,app,S1",
    )
    evidence, dropped = sample_shop.read(tmp_path)
    visitor, buyer = "sample_shop:v:v1", "sample_shop:m:m1"
    assert evidence.touches == {
        Touch("lumen", visitor, "page_view", date(2024, 9, 1)),
        Touch("lumen", buyer, "favorite", date(2024, 9, 2)),
        Touch("sample_shop_unbranded", buyer, "share", date(2024, 9, 1)),
        Touch("lumen", visitor, "ad_click", date(2024, 9, 3)),
        Touch("lumen", visitor, "home_view", date(2024, 8, 20)),
    }
    assert dropped == Counter(
        {
            ("events", "unknown event kind"): 1,
            ("events", "time that does not parse"): 1,
            ("events", "time in the future"): 1,
            ("events", "unreadable"): 1,
        }
    )
    assert sample_shop.horizon(tmp_path) == date(2024, 9, 2)


def test_orders_of_the_sample_shop(tmp_path: Path) -> None:
    """One order a case; each is made on the 1st and, where it is paid, paid on the 2nd for 30.00."""
    created = {"updated_at": "2024-09-01T10:00:00", "created_at": "2024-09-01T10:00:00", "visitor_id": "v"}
    paid = {
        **created,
        "updated_at": "2024-09-02T10:00:00",
        "paid_at": "2024-09-02T10:00:00",
        "amount": "30.00",
    }
    write_orders(
        tmp_path,
        "2024-09-02",
        *({**created, "order_id": name, "amount": "30.00"} for name in ("open", "kept")),
    )
    write_orders(
        tmp_path,
        "2024-09-03",
        {**paid, "order_id": "kept", "member_id": "m"},
        {**paid, "order_id": "part"},
        {**paid, "order_id": "whole"},
        {**paid, "order_id": "at-once"},
        {**paid, "order_id": "gift", "amount": "0.00"},
        {**paid, "order_id": "nobody", "visitor_id": ""},
        {**created, "order_id": "cancelled", "cancelled_at": "2024-09-02T09:00:00", "amount": "30.00"},
        {**paid, "order_id": "unpriced", "amount": ""},
        {**paid, "order_id": "spoilt", "created_at": "0000-00-00T00:00:00"},
        broken='{"order_id": "cut',
    )
    # An older state that comes late changes nothing.
    write_orders(tmp_path, "2024-09-05", {**created, "order_id": "kept", "amount": "99.00"})
    names = (
        *("open", "kept", "part", "whole", "at-once"),
        *("gift", "nobody", "cancelled", "unpriced", "spoilt"),
    )
    write(
        tmp_path,
        "order_lines",
        "2024-09-03",
        *(f"{name},1,lumen,P,x,1,20.00,20.00" for name in names),
        "kept,2,,P-wrap,x,1,5.00,5.00",
        "kept,3,cedar,P,x,1,5.00,5.00",
        "kept,3,cedar,P,x,1,5.00,5.00",
        "kept,4,aurora,P,x,1,0.00,0.00",
    )
    write(
        tmp_path,
        "refunds",
        "2024-09-08",
        "R1,part,2024-09-05 10:00:00,29.99,CNY,",
        "R2,whole,2024-09-07 10:00:00,20.00,CNY,",
        "R3,whole,2024-09-05 10:00:00,10.00,CNY,",
        "R3,whole,2024-09-05 10:00:00,10.00,CNY,",
        "R4,at-once,2024-09-02 23:00:00,30.00,CNY,",
        "R5,,2024-09-05 10:00:00,30.00,CNY,",
    )
    evidence, dropped = sample_shop.read(tmp_path)
    guest, buyer, day_paid = "sample_shop:v:v", "sample_shop:m:m", date(2024, 9, 2)
    expected = [
        *(PaidOrder(brand, buyer, day_paid) for brand in ("lumen", "sample_shop_unbranded", "cedar")),
        PaidOrder("lumen", guest, day_paid),
        PaidOrder("lumen", guest, day_paid, date(2024, 9, 7)),
        PaidOrder("lumen", guest, day_paid, day_paid),
        PaidOrder("lumen", guest, day_paid),
    ]
    assert Counter(evidence.orders) == Counter(expected)
    assert dropped == Counter({("orders", "time that does not parse"): 1, ("orders", "unreadable"): 1})


def test_reviews_and_memberships_of_the_sample_shop(tmp_path: Path) -> None:
    order = {"updated_at": "2024-09-01T10:00:00", "created_at": "2024-09-01T10:00:00", "order_id": "O1"}
    write_orders(tmp_path, "2024-09-02", {**order, "member_id": "m", "amount": "1.00"})
    write(
        tmp_path,
        "reviews",
        "2024-09-04",
        'V1,lumen,O1,,,2024-09-03 10:00:00,4,"two\n\nlines, ""quoted"""',
        "V2,lumen,O1,v,,2024-09-03 10:00:00,,",
        "V3,lumen,gone,,,2024-09-03 10:00:00,5,",
    )
    began = "C1,lumen,v,m,member"
    left = f"2024-09-09 10:00:00,{began},2,2024-09-03 23:00:00,2024-09-09 10:00:00"
    write(tmp_path, "memberships", "2024-09-10", left)
    write(tmp_path, "memberships", "2024-09-11", f"2024-09-03 23:00:00,{began},1,2024-09-03 23:00:00,")
    evidence, dropped = sample_shop.read(tmp_path)
    assert evidence.touches == {
        Touch("lumen", "sample_shop:m:m", "review", date(2024, 9, 3), 4),
        Touch("lumen", "sample_shop:v:v", "review", date(2024, 9, 3)),
    }
    assert evidence.memberships == [
        Membership("lumen", "sample_shop:m:m", date(2024, 9, 3), date(2024, 9, 9), "member", 2)
    ]
    assert not dropped


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
    bots = sum(truth["bots"]["events_by_rule"].values())
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
