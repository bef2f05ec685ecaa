"""The sample shop: the same bytes always, and all the cases that it is there for.

Its truth is held against the dumps by `test_oracle.py` and against the warehouse by
`tests/end_to_end/test_docs.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest
from oracle.sample_shop import documents

from expectations.suites.arrival import MAX_NULL_SHARE, MAX_UNKNOWN_SHARE
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sample_shop import World, collect, dumps, render, write_dumps
from orchestration.sample_shop.persons import PROVINCES, person
from orchestration.sample_shop.rows import (
    Category,
    Delivery,
    Event,
    GmvTarget,
    IdentityLink,
    Membership,
    Order,
    OrderLine,
    Product,
    Refund,
    Review,
    Row,
)
from orchestration.sample_shop.tables import TABLES
from orchestration.sample_shop.trade import products as products_of
from orchestration.sample_shop.truth import latest
from orchestration.sample_shop.world import DAY
from orchestration.sources.source import load_sources

SMALL = World(seed=7, persons=40, days=20)
# Autumn: presale, the peak of 11 November, and dumps large enough for unreadable lines.
AUTUMN = World(seed=3, persons=1500, days=32, start=date(2024, 10, 18))

R = TypeVar("R", bound=Row)
Bursts = set[tuple[str, int]]


def bytes_of(world: World, persons: Any = None) -> dict[str, bytes]:
    told = collect(world, range(world.persons) if persons is None else persons)
    return {dump.file: dump.content for dump in render(world, told)}


def of(kind: type[R], told: Iterable[Delivery]) -> list[R]:
    """The rows of a kind, every version and copy of them."""
    return [row for _, row in told if isinstance(row, kind)]


def grouped(rows: Iterable[R], field: str) -> dict[str, list[R]]:
    """The rows by a field, in their order; those without it are left out."""
    found: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        if key := getattr(row, field):
            found[key].append(row)
    return found


def says_bot(event: Event) -> bool:
    return any(word in event.agent.lower() for word in ("bot", "spider"))


def share(flags: Iterable[bool]) -> float:
    found = list(flags)
    return sum(found) / len(found) if found else 0.0


@pytest.fixture(scope="module")
def told() -> list[Delivery]:
    """What the dumps of the autumn carry, but for what is flawed."""
    return collect(AUTUMN, range(AUTUMN.persons))


@pytest.fixture(scope="module")
def events(told: list[Delivery]) -> list[Event]:
    return sorted(of(Event, told))


@pytest.fixture(scope="module")
def bursts(told: list[Delivery]) -> Bursts:
    """Visitors and days of more than 1000 events by an agent that says nothing of a bot."""
    own = [event for event in latest(Event, told) if event.visitor and not says_bot(event)]
    counts = Counter((event.visitor, event.at // DAY) for event in own)
    return {visitor_day for visitor_day, count in counts.items() if count > 1000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("shop") / "dumps"
    write_dumps(target, AUTUMN)
    return target


@pytest.fixture(scope="module")
def known(folder: Path) -> Any:
    return json.loads((folder / "_truth.json").read_text(encoding="utf-8"))


class TestReproducible:
    def test_any_order_gives_the_same_bytes(self) -> None:
        assert bytes_of(SMALL, reversed(range(SMALL.persons))) == bytes_of(SMALL)

    def test_another_process_with_another_hash_seed_writes_the_same_set(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from orchestration.sample_shop import World, write_dumps;"
            "write_dumps(Path(sys.argv[1]), World(seed=7, persons=40, days=20))"
        )
        sets = []
        for seed in ("1", "2"):
            target = tmp_path / seed
            environment = {**os.environ, "PYTHONHASHSEED": seed}
            command = [sys.executable, "-c", program, str(target)]
            subprocess.run(command, env=environment, cwd=PROJECT_ROOT, check=True)
            sets.append({path.name: path.read_bytes() for path in target.iterdir()})
        assert sets[0] == sets[1]
        assert {name: sets[0][name] for name in bytes_of(SMALL)} == bytes_of(SMALL)

    def test_another_seed_gives_other_bytes(self) -> None:
        assert bytes_of(World(seed=8, persons=40, days=20)) != bytes_of(SMALL)

    def test_a_longer_world_begins_with_the_dumps_of_the_shorter_one(self) -> None:
        shorter = bytes_of(World(seed=7, persons=120, days=30))
        longer = bytes_of(World(seed=7, persons=120, days=45))
        assert len(longer) == len(shorter) * 45 // 30
        assert {name: longer[name] for name in shorter} == shorter

    def test_gzip_carries_neither_name_nor_time(self) -> None:
        content = next(body for name, body in bytes_of(SMALL).items() if name.endswith(".gz"))
        assert content[3] == 0, "no flag: no file name"
        assert content[4:8] == bytes(4), "no time"


class TestWorld:
    """The cases that the world is there for do occur."""

    def test_all_cases_occur(self, known: Any, told: list[Delivery]) -> None:
        for subject in ("events", "orders", "bots", "identity"):
            assert all(known[subject].values()), known[subject]
        assert len({event.kind for event in of(Event, told)}) == 13
        orders, refunds = latest(Order, told), latest(Refund, told)
        assert any(order.paid_at is not None and not order.amount for order in orders)
        assert any(order.deposit for order in orders)
        assert any(not refund.order_id for refund in refunds)
        amounts = {order.order_id: order.amount for order in orders}
        assert any(refund.amount < amounts.get(refund.order_id, 0) for refund in refunds)
        lines = grouped(of(OrderLine, told), "order_id").values()
        assert any(len({line.brand for line in own}) > 1 for own in lines)
        assert any(not line.brand for own in lines for line in own)
        assert set(known["memberships"]) == {"member", "follower", "subscriber"}
        assert any("\n" in review.text for review in of(Review, told))
        assert any(not review.member + review.visitor for review in of(Review, told))
        assert any(row.left_at for row in of(Membership, told))
        assert {row.tier for row in of(Membership, told)} >= {None, 1, 2, 3}
        assert known["rejected"]["orders"]["time that does not parse"] > 0
        assert set(known["rejected"]["events"]) == {
            "time that does not parse",
            "time in the future",
            "unknown event kind",
        }
        assert set(known["rejected"]["identity_links"]) == {
            "no link id",
            "no member",
            "neither a visitor nor another member",
            "both a visitor and another member",
            "time that does not parse",
            "time in the future",
            "time after it was recorded",
            "end before the beginning",
        }
        unreadable = [name for name, file in known["files"].items() if file["unreadable"]]
        assert {name.split("-")[0] for name in unreadable} == {"events", "orders"}

    def test_rows_are_late_and_never_early(self, told: list[Delivery]) -> None:
        delays = [load - row.at // DAY for load, row in told if isinstance(row, Event)]
        assert min(delays) == 0
        assert 9 < max(delays) < 50
        assert 0.005 < share(delay > 0 for delay in delays) < 0.1

    def test_guests_sign_in_during_a_visit(self, events: list[Event]) -> None:
        own = [event for event in events if event.session[1:].isdigit() and event.visitor]
        sessions = grouped(own, "session").values()
        signed = [[bool(event.member) for event in session] for session in sessions]
        assert any(True in flags and False in flags for flags in signed)
        assert all(flags == sorted(flags) for flags in signed), (
            "nobody signs out within a visit from a device of their own"
        )

    def test_an_agent_belongs_to_a_device(self, events: list[Event]) -> None:
        agents = [{event.agent for event in own} for own in grouped(events, "visitor").values()]
        assert all(len(names) == 1 and "" not in names for names in agents)
        assert len(set().union(*agents)) > 6
        assert any("SampleShop" in name for names in agents for name in names)

    def test_bots_never_sign_in_and_are_persons_on_an_ordinary_day(
        self, events: list[Event], bursts: Bursts
    ) -> None:
        assert len({visitor for visitor, _ in bursts}) == 2
        made = [event for event in events if says_bot(event) or (event.visitor, event.at // DAY) in bursts]
        assert not any(event.member for event in made)
        bursting = {visitor for visitor, _ in bursts}
        assert {event.visitor for event in set(events) - set(made)} >= bursting

    def test_a_burst_shows_only_with_its_late_events(self, told: list[Delivery], bursts: Bursts) -> None:
        in_time = {row for load, row in told if isinstance(row, Event) and load == row.at // DAY}
        first_told = Counter((event.visitor, event.at // DAY) for event in in_time)
        assert {first_told[visitor_day] > 1000 for visitor_day in bursts} == {True, False}

    def test_sign_ins_begin_open_and_end_later(self, told: list[Delivery]) -> None:
        links = sorted(of(IdentityLink, told), key=attrgetter("recorded_at"))
        versions = grouped(links, "link_id").values()
        for own in versions:
            ends, taken_back = [link.valid_to or 0 for link in own], [link.withdrawn for link in own]
            assert (ends, taken_back) == (sorted(ends), sorted(taken_back))
            assert len({(link.visitor, link.member, link.valid_from) for link in own}) == 1
        sign_ins = [own for own in versions if own[0].visitor]
        begin_open = sum(own[0].valid_to is None for own in sign_ins)
        assert 0.9 * len(sign_ins) < begin_open < len(sign_ins), "the first report may be late beyond the end"
        assert {own[-1].valid_to is None for own in sign_ins} == {True, False}

    def test_devices_are_shared_and_some_sign_ins_show_in_links_alone(self, told: list[Delivery]) -> None:
        in_events = {(row.visitor, row.member) for row in of(Event, told) if row.visitor and row.member}
        in_links = {(row.visitor, row.member) for row in of(IdentityLink, told) if row.visitor}
        assert in_links & in_events
        assert len(in_events) > len(in_links - in_events) > 0, "most identity comes from events"
        by_members = Counter(Counter(visitor for visitor, _ in in_events | in_links).values())
        assert by_members[2] >= 3
        assert [visitors for count, visitors in by_members.items() if count > 5] == [1]

    def test_every_month_and_the_next_have_a_target(self, told: list[Delivery]) -> None:
        months = {
            (row.brand, *map(str, map(AUTUMN.date_of, (row.first, row.last)))) for row in of(GmvTarget, told)
        }
        expected = {
            ("2024-10-01", "2024-10-31"),
            ("2024-11-01", "2024-11-30"),
            ("2024-12-01", "2024-12-31"),
        }
        assert months == {(brand, *month) for brand in ("lumen", "aurora", "cedar") for month in expected}

    def test_a_month_has_its_targets_before_it_begins(self) -> None:
        told = collect(World(seed=7, persons=3, days=100, start=date(2024, 9, 20)), ())
        targets = [(load, row) for load, row in told if isinstance(row, GmvTarget)]
        first_told = {row.first: min(load for load, one in targets if one == row) for _, row in targets}
        assert len(first_told) == 5
        assert all(load == 0 or load < first for first, load in first_told.items())

    def test_eleventh_of_november_is_the_peak(self, events: list[Event]) -> None:
        per_day = Counter(AUTUMN.date_of(event.at // DAY) for event in events)
        ((peak, most),) = per_day.most_common(1)
        assert peak == date(2024, 11, 11)
        assert most > 2 * per_day[date(2024, 10, 22)]

    def test_the_arrival_gate_lets_every_dump_in(self, folder: Path, known: Any) -> None:
        source = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "home"})["sample_shop"]
        assert source.match("_truth.json") is None
        assert set(source.tables) == {table.name for table in TABLES.values()}
        for name, file in known["files"].items():
            assert source.match(name) is not None, name
            assert file["unreadable"] <= source.max_unreadable_share * file["records"], name
            table = source.tables[name.partition("-")[0]]
            records = [record for record in documents(folder / name) if record is not None]
            assert all(
                record.keys() == {*table.columns.required, *table.columns.optional} for record in records
            ), name
            for (column,) in table.present:
                assert share(not record[column] for record in records) <= MAX_NULL_SHARE, column
            for column, words in table.vocabulary.items():
                values = [record[column] for record in records if record[column]]
                assert share(value not in words for value in values) <= MAX_UNKNOWN_SHARE, column


# Events and orders as they count: each once, without what is rejected, before the start or made by bots.
READ = """
    create table seen as
        select event_id, any_value(columns(* exclude event_id)), any_value(event_time)::timestamp as moment,
            moment::date as day, coalesce(any_value(member_id), any_value(visitor_id)) as key
        from read_csv('{folder}/events-*', all_varchar = true, null_padding = true)
        where event <> 'px_debug' and try_cast(event_time as timestamp) between '2024-10-18' and '2024-11-19'
        group by event_id;
    create view bursts as
        select visitor_id, day from seen where visitor_id is not null group by all having count(*) > 1000;
    create table views as select brand, day, session_id, key, region,
            coalesce(page_class, 'product') as class,
            count(*) over (partition by session_id, day, brand) as views,
            date_sub('second', moment, lead(moment) over of_session) as seconds,
            lag(class, 1, '(entry)') over of_brand as came_from,
            lead(class) over of_brand as went_to
        from seen
        where event in ('page_view', 'home_view', 'product_view')
            and not coalesce(regexp_matches(user_agent, '(?i)bot|spider'), false)
            and not exists (from bursts where bursts.visitor_id = seen.visitor_id and bursts.day = seen.day)
        window
            of_session as (partition by session_id, day order by moment, event_id),
            of_brand as (partition by session_id, day, brand order by moment, event_id);
    create table orders as
        select distinct on (order_id) *, coalesce(nullif(member_id, ''), nullif(visitor_id, '')) as key
        from read_json('{orders}', format = 'newline_delimited')
        where status = 'paid' and created_at > '2024';
    create view lines as select distinct * from read_csv('{folder}/order_lines-*', all_varchar = true);
"""


@pytest.fixture(scope="module")
def dumps_in_sql(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    readable = [order for path in folder.glob("orders-*") for order in documents(path) if order is not None]
    orders = tmp_path_factory.mktemp("readable") / "orders.jsonl"
    orders.write_text("".join(f"{json.dumps(order)}\n" for order in readable), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(READ.format(folder=folder, orders=orders))
        yield connection


class TestTruthOfTraffic:
    """What the truth counts from lives, counted from the files in SQL."""

    def test_daily_traffic(self, dumps_in_sql: duckdb.DuckDBPyConnection, known: Any) -> None:
        found = dumps_in_sql.execute("""
            with days as (
                select brand, day, key, count(*) as views from views where key is not null group by all
            ), visitors as (
                select brand, day, count(*) as visitors, count(*) filter (views = 1) as one_view_visitor_days
                from days group by all
            )
            select
                brand, day::varchar as day, count(*) as views,
                count(distinct session_id) as visits, count(*) filter (views.views = 1) as one_view_visits,
                coalesce(sum(case when seconds > 1800 then 1800 else seconds end), 0) as dwell_seconds,
                count(seconds) as dwell_views,
                any_value(visitors) as visitors, any_value(one_view_visitor_days) as one_view_visitor_days
            from views left join visitors using (brand, day) group by all
        """)
        names = [column[0] for column in found.description[2:]]
        told = {
            (brand, day): dict(zip(names, map(int, counts), strict=True))
            for brand, day, *counts in found.fetchall()
        }
        assert told == {
            (brand, day): counts for brand, days in known["traffic"].items() for day, counts in days.items()
        }
        assert len(told) == 3 * AUTUMN.days

    def test_path_flow(self, dumps_in_sql: duckdb.DuckDBPyConnection, known: Any) -> None:
        found = dumps_in_sql.execute("""
            with moves as (
                select brand, day, came_from || ' > ' || class as move from views
                union all
                select brand, day, class || ' > (exit)' from views where went_to is null
            )
            select brand, move, count(*) from moves where day between '2024-10-21' and '2024-10-27'
            group by all
        """).fetchall()
        told: dict[str, dict[str, int]] = defaultdict(dict)
        for brand, move, moves in found:
            told[brand][move] = moves
        assert told == known["path_flow"]
        assert {"(entry) > activity", "product > cart", "checkout > paid", "paid > (exit)"} <= set(
            told["lumen"]
        )

    def test_provinces(self, dumps_in_sql: duckdb.DuckDBPyConnection, known: Any) -> None:
        found = dumps_in_sql.execute("""
            with acts as (
                select brand, day, coalesce(region, '(none)') as region, key as visitor, null as buyer
                from views
                union all
                select lines.brand, paid_at::date, orders.region, null, orders.key
                from orders join lines using (order_id)
                where lines.amount::double > 0 and lines.brand is not null
            )
            select brand, date_trunc('month', day)::date::varchar, region,
                count(distinct visitor), count(distinct buyer)
            from acts group by all
        """).fetchall()
        assert {(brand, month, region): counts for brand, month, region, *counts in found} == {
            (brand, month, province): [counts["visitors"], counts["buyers"]]
            for brand, months in known["provinces"].items()
            for month, provinces in months.items()
            for province, counts in provinces.items()
        }

    def test_coupons_and_costs(self, dumps_in_sql: duckdb.DuckDBPyConnection, known: Any) -> None:
        found = dumps_in_sql.execute("""
            select count(*) filter (coupon::decimal(18, 2) > 0) as orders,
                sum(coupon::decimal(18, 2))::varchar as coupon_amount,
                sum(discount::decimal(18, 2))::varchar as discount_amount,
                count(*) filter (coupon::decimal(18, 2) > 0) / count(*) between 0.3 and 0.4 as is_usual,
                bool_and(coupon::decimal(18, 2) <= discount::decimal(18, 2)) as is_within
            from orders where amount::decimal(18, 2) > 0
        """).fetchall()
        assert found == [(*known["coupons"].values(), True, True)]
        adds_up = """
            select count(*) from orders join (
                select order_id, sum(list_amount::decimal(18, 2) - amount::decimal(18, 2)) as given
                from lines group by all
            ) using (order_id) where given <> discount::decimal(18, 2)
        """
        assert dumps_in_sql.execute(adds_up).fetchall() == [(0,)]
        costs = "select bool_and(cost_amount::double / list_amount::double between 0.39 and 0.7) from lines"
        assert dumps_in_sql.execute(costs).fetchall() == [(True,)]


class TestPlanted:
    """What is planted for figures of products and provinces, in the world that everybody runs."""

    def test_small_provinces_are_of_few_persons(self) -> None:
        world = World()
        persons_of = Counter(person(world, number).province for number in range(world.persons))
        assert set(persons_of) == set(PROVINCES)
        assert len(PROVINCES) == 31
        assert sum(persons < 5 for persons in persons_of.values()) >= 8

    def test_a_product_is_given_up_and_one_runs_out(self) -> None:
        world = World(persons=1200, days=60)
        told = collect(world, range(world.persons))
        lines = grouped(set(of(OrderLine, told)), "product")
        placed = {order.order_id: order for order in latest(Order, told)}
        planted = products_of(world)
        out = planted["out_of_stock"]
        assert date.fromisoformat(out["from"]).weekday() == 0
        paid = [
            world.date_of(moment // DAY).isoformat()
            for line in lines[out["product_id"]]
            if (moment := placed[line.order_id].paid_at) is not None
        ]
        assert not [day for day in paid if out["from"] <= day <= out["to"]]
        assert [day for day in paid if day > out["to"]]
        viewed = {event.at // DAY for event in of(Event, told) if event.product == out["product_id"]}
        assert viewed >= {
            (date.fromisoformat(out["from"]) - world.start).days + number for number in range(7)
        }
        last, first = planted["delisted"]["delisted_on"], planted["listed"]["listed_on"]
        days = {
            what: {
                world.date_of(placed[line.order_id].created_at // DAY).isoformat() for line in lines[product]
            }
            for what, product in (
                ("delisted", planted["delisted"]["product_id"]),
                ("listed", planted["listed"]["product_id"]),
            )
        }
        assert max(days["delisted"]) <= last < first <= min(days["listed"])
        tree = {row.category_id: row.parent for row in latest(Category, told)}
        assert {tree[tree[product.category]] for product in latest(Product, told) if product.brand} == {""}

    def test_what_is_taken_out_again_was_put_in_and_not_bought(self, told: list[Delivery]) -> None:
        events = latest(Event, told)
        added = [event for event in events if event.kind == "add_to_cart"]
        removed = [event for event in events if event.kind == "remove_from_cart"]
        assert {(event.session, event.product) for event in removed} <= {
            (event.session, event.product) for event in added
        }
        assert 0.06 < len(removed) / len(added) < 0.1
        bought = {order.session for order in latest(Order, told)}
        assert not bought & {event.session for event in removed}


class TestWriting:
    def test_the_same_world_is_left_alone(self, tmp_path: Path) -> None:
        first = write_dumps(tmp_path / "shop", SMALL)
        marker = tmp_path / "shop" / "events-2024-09-02.csv.gz"
        before = marker.stat().st_mtime_ns
        second = write_dumps(tmp_path / "shop", SMALL)
        assert (first.written, second.written) == (True, False)
        assert (first.files, first.records) == (second.files, second.records)
        assert first.files == len(list((tmp_path / "shop").glob("[a-z]*"))) == len(TABLES) * SMALL.days
        assert marker.stat().st_mtime_ns == before

    def test_another_world_takes_the_place_of_the_former(self, tmp_path: Path) -> None:
        write_dumps(tmp_path / "shop", SMALL)
        shorter = World(seed=7, persons=40, days=3)
        assert write_dumps(tmp_path / "shop", shorter).written
        assert len(list((tmp_path / "shop").glob("events-*"))) == 3
        assert [path.name for path in tmp_path.iterdir()] == ["shop"]

    def test_a_half_written_set_is_never_seen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full_disk(_: object) -> str:
            raise OSError("no space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(dumps, "_flaw_counts", full_disk)
            with pytest.raises(OSError, match="no space"):
                write_dumps(tmp_path / "shop", SMALL)
        assert not (tmp_path / "shop").exists()
        assert write_dumps(tmp_path / "shop", SMALL).written
        assert [path.name for path in tmp_path.iterdir()] == ["shop"]

    def test_other_files_are_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "mine.csv").write_text("a,b\n", encoding="utf-8")
        with pytest.raises(FileExistsError, match="did not write"):
            write_dumps(tmp_path, SMALL)
        assert (tmp_path / "mine.csv").exists()

    @pytest.mark.parametrize("wrong", [{"persons": 0}, {"days": 0}])
    def test_an_empty_world_is_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="at least one person and one day"):
            World(**wrong)
