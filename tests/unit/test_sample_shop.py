"""The sample shop: the same bytes always, and a truth that an independent count of the dumps confirms.

What else the truth tells is compared with the warehouse (`tests/end_to_end/test_docs.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from oracle.sample_shop import documents, load_date

from expectations.suites.arrival import MAX_NULL_SHARE, MAX_UNKNOWN_SHARE
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sample_shop import World, collect, dumps, render, write_dumps
from orchestration.sample_shop.rows import GmvTarget
from orchestration.sources.source import load_sources

SMALL = World(seed=7, persons=40, days=20)
# Autumn: presale, the peak of 11 November, and dumps large enough for unreadable lines.
AUTUMN = World(seed=3, persons=1500, days=32, start=date(2024, 10, 18))

Record = dict[str, str]
Records = dict[str, list[Record]]
Bursts = set[tuple[str, str]]


class Read:
    """One table, read from the dumps with nothing but the standard library."""

    def __init__(self, folder: Path, table: str) -> None:
        self.records: list[Record] = []
        self.unreadable: dict[str, int] = {}
        self.records_of: dict[str, int] = {}
        for path in sorted(folder.glob(f"{table}-*")):
            told = list(documents(path))
            good = [{**record, "_load_date": str(load_date(path))} for record in told if record is not None]
            self.records += good
            self.records_of[path.name], self.unreadable[path.name] = len(good), len(told) - len(good)


def is_good(record: Record, times: tuple[str, ...]) -> bool:
    """Whether the record's times are times, and not more than a day after its load date."""
    limit = datetime.fromisoformat(record["_load_date"]) + timedelta(days=2)
    try:
        return all(datetime.fromisoformat(record[name]) < limit for name in times if record[name])
    except ValueError:
        return False


def is_good_link(record: Record) -> bool:
    """Whether a link joins a member to either a visitor or another member, with nothing yet to come."""
    begin, end, recorded = (
        record["valid_from"],
        record["valid_to"] or record["recorded_at"],
        record["recorded_at"],
    )
    parties = [name for name in (record["visitor_id"], record["other_member_id"]) if name]
    return bool(record["link_id"] and record["member_id"]) and len(parties) == 1 and begin <= end <= recorded


def is_good_target(record: Record) -> bool:
    """Whether a target is an amount, none below 0, for days that are in order."""
    try:
        first, last = (date.fromisoformat(record[name]) for name in ("period_start", "period_end"))
        return first <= last and Decimal(record["gmv"]) >= 0
    except (ValueError, InvalidOperation):
        return False


def latest(records: list[Record], key: tuple[str, ...]) -> list[Record]:
    """The version of each entity that was updated last."""
    found: dict[tuple[str, ...], Record] = {}
    for record in sorted(records, key=lambda one: one.get("updated_at", one.get("recorded_at", ""))):
        found[tuple(record[name] for name in key)] = record
    return list(found.values())


def bytes_of(world: World, persons: Any = None) -> dict[str, bytes]:
    told = collect(world, range(world.persons) if persons is None else persons)
    return {dump.file: dump.content for dump in render(world, told)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("shop") / "dumps"
    write_dumps(target, AUTUMN)
    return target


@pytest.fixture(scope="module")
def known(folder: Path) -> Any:
    return json.loads((folder / "_truth.json").read_text(encoding="utf-8"))


KEYS = {
    "events": ("event_id",),
    "orders": ("order_id",),
    "order_lines": ("order_id", "line_no"),
    "refunds": ("refund_id",),
    "reviews": ("review_id",),
    "memberships": ("membership_id",),
    "products": ("product_id",),
    "campaigns": ("campaign_id",),
    "identity_links": ("link_id",),
    "gmv_targets": ("brand", "period_start", "period_end"),
}
TIMES = {
    "events": ("event_time",),
    "orders": ("created_at", "paid_at", "cancelled_at", "updated_at"),
    "refunds": ("refunded_at",),
    "reviews": ("reviewed_at",),
    "memberships": ("joined_at", "left_at", "updated_at"),
    "products": ("listed_on", "updated_at"),
    "identity_links": ("valid_from", "recorded_at"),
    "gmv_targets": ("updated_at",),
}


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, Read]:
    return {table: Read(folder, table) for table in KEYS}


@pytest.fixture(scope="module")
def good(tables: dict[str, Read], known: Any) -> Records:
    kinds = set(known["events"]["by_kind"])
    rules: dict[str, Callable[[Record], bool]] = {
        "events": lambda record: record["event"] in kinds,
        "identity_links": is_good_link,
        "gmv_targets": is_good_target,
    }
    return {
        table: [
            record
            for record in read.records
            if is_good(record, TIMES.get(table, ())) and (table not in rules or rules[table](record))
        ]
        for table, read in tables.items()
    }


@pytest.fixture(scope="module")
def current(good: Records) -> Records:
    return {table: latest(records, KEYS[table]) for table, records in good.items()}


@pytest.fixture(scope="module")
def bursts(current: Records) -> Bursts:
    """Visitors and days of more than 1000 events by an agent that says nothing of a bot."""
    counts = Counter(
        (event["visitor_id"], event["event_time"][:10])
        for event in current["events"]
        if event["visitor_id"] and not says_bot(event)
    )
    return {visitor_day for visitor_day, count in counts.items() if count > 1000}


def says_bot(event: Record) -> bool:
    return any(word in event["user_agent"].lower() for word in ("bot", "spider"))


def is_bot(event: Record, bursts: Bursts) -> bool:
    """Whether a program made the event, by its agent or by the visitor's day."""
    return says_bot(event) or (event["visitor_id"], event["event_time"][:10]) in bursts


def grouped(records: Iterable[Record], column: str) -> Records:
    """The records by a column, in their order; those without it are left out."""
    found: Records = defaultdict(list)
    for record in records:
        if record[column]:
            found[record[column]].append(record)
    return found


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


class TestTruth:
    @pytest.mark.parametrize("table", KEYS)
    def test_rows(
        self, table: str, tables: dict[str, Read], good: Records, current: Records, known: Any
    ) -> None:
        read, accepted, distinct = tables[table], len(good[table]), len(current[table])
        files = {name: file for name, file in known["files"].items() if name in read.records_of}
        assert len(files) == AUTUMN.days
        assert {name: file["records"] for name, file in files.items()} == read.records_of
        assert {name: file["unreadable"] for name, file in files.items()} == read.unreadable
        counts = {"accepted": accepted, "distinct": distinct, "duplicates": accepted - distinct}
        assert known["tables"][table] == counts
        assert sum(known["rejected"][table].values()) == len(read.records) - accepted

    def test_events_and_reviews(self, current: Records, known: Any) -> None:
        events = current["events"]
        start = AUTUMN.start.isoformat()
        assert known["events"] == {
            "by_kind": dict(sorted(Counter(event["event"] for event in events).items())),
            "by_brand": dict(sorted(Counter(event["brand"] for event in events).items())),
            "without_person": sum(not event["visitor_id"] + event["member_id"] for event in events),
            "before_start": sum(event["event_time"] < start for event in events),
        }
        ratings = Counter(review["rating"] for review in current["reviews"])
        assert known["reviews"]["by_rating"] == dict(sorted(ratings.items()))

    def test_orders_and_refunds(self, current: Records, known: Any) -> None:
        orders = current["orders"]
        paid = {order["order_id"]: order for order in orders if order["paid_at"]}
        refunds = current["refunds"]
        back: dict[str, Decimal] = {}
        for refund in refunds:
            back[refund["order_id"]] = back.get(refund["order_id"], Decimal()) + Decimal(refund["amount"])
        in_time = sorted(refunds, key=itemgetter("refunded_at"))
        last_refund = {refund["order_id"]: refund["refunded_at"][:10] for refund in in_time}
        full = {
            number for number in back if number in paid and back[number] >= Decimal(paid[number]["amount"])
        }
        lines = current["order_lines"]
        amounts: dict[str, Decimal] = {}
        brands = [{line["brand"] for line in own} for own in grouped(lines, "order_id").values()]
        for line in lines:
            if line["order_id"] in paid:
                brand = line["brand"] or "unbranded"
                amounts[brand] = amounts.get(brand, Decimal()) + Decimal(line["amount"])
        assert known["orders"] == {
            "paid": len(paid),
            "zero_amount": sum(order["amount"] == "0.00" for order in paid.values()),
            "cancelled": sum(bool(order["cancelled_at"]) for order in orders),
            "presale": sum(order["deposit"] != "0.00" for order in orders),
            "without_person": sum(not order["visitor_id"] + order["member_id"] for order in orders),
            "paid_amount": str(sum(Decimal(order["amount"]) for order in paid.values())),
            "refunded_amount": str(sum(back.values())),
            "refunds_without_order": sum(not refund["order_id"] for refund in refunds),
            "fully_refunded": len(full),
            "fully_refunded_on_paid_day": sum(
                last_refund[number] == paid[number]["paid_at"][:10] for number in full
            ),
            "partly_refunded": len(set(back) - full - {""}),
            "of_several_brands": sum(len(found) > 1 for found in brands),
            "paid_line_amount_by_brand": {brand: str(amount) for brand, amount in sorted(amounts.items())},
        }

    def test_bots(self, current: Records, bursts: Bursts, known: Any) -> None:
        made = [event for event in current["events"] if is_bot(event, bursts)]
        by_agent = [event for event in made if says_bot(event)]
        by_burst = [event for event in made if not says_bot(event)]
        rules = {"agent": by_agent, "burst": by_burst}
        assert known["bots"] == {
            "events_by_rule": {rule: len(events) for rule, events in rules.items()},
            "events_by_brand": dict(sorted(Counter(event["brand"] for event in made).items())),
            "visitors_by_rule": {
                rule: len({event["visitor_id"] for event in events}) for rule, events in rules.items()
            },
            "burst_visitor_days": len(bursts),
        }

    def test_identity(self, good: Records, current: Records, known: Any) -> None:
        links = current["identity_links"]
        on = [link for link in links if link["withdrawn"] == "false"]
        sign_ins = [link for link in on if link["visitor_id"]]
        linked = [link for link in on if link["other_member_id"]]
        pairs = {(row["visitor_id"], row["member_id"]) for row in [*good["events"], *sign_ins]}
        members = Counter(visitor for visitor, member in pairs if visitor and member)
        by_members = Counter(map(str, members.values()))
        assert known["identity"]["signed_out"] == sum(bool(link["valid_to"]) for link in sign_ins)
        assert known["identity"]["visitors_by_members"] == dict(sorted(by_members.items()))
        names = {link[name] for link in linked for name in ("member_id", "other_member_id")}
        assert known["identity"]["members_linked"] == len(names)


def share(flags: Iterable[bool]) -> float:
    found = list(flags)
    return sum(found) / len(found) if found else 0.0


class TestWorld:
    """The cases that the world is there for do occur."""

    def test_all_cases_occur(self, known: Any, good: Records) -> None:
        assert len(known["events"]["by_kind"]) == 12
        assert all(known["orders"].values()), known["orders"]
        assert all(known["events"].values())
        assert all(known["bots"].values())
        assert all(known["identity"].values())
        assert set(known["memberships"]) == {"member", "follower", "subscriber"}
        assert set(known["rejected"]["events"]) == {
            "time that does not parse",
            "time in the future",
            "unknown event kind",
        }
        assert known["rejected"]["orders"]["time that does not parse"] > 0
        assert any("\n" in review["text"] for review in good["reviews"])
        assert any(not review["member_id"] + review["visitor_id"] for review in good["reviews"])
        assert any(row["left_at"] for row in good["memberships"])
        assert {row["tier"] for row in good["memberships"]} >= {"", "1", "2", "3"}
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

    def test_rows_are_late_and_never_early(self, good: Records) -> None:
        delays = [
            (date.fromisoformat(event["_load_date"]) - date.fromisoformat(event["event_time"][:10])).days
            for event in good["events"]
        ]
        assert min(delays) == 1
        assert 10 < max(delays) <= 50
        assert 0.005 < sum(delay > 1 for delay in delays) / len(delays) < 0.1

    def test_guests_sign_in_during_a_visit(self, good: Records) -> None:
        events = sorted(good["events"], key=itemgetter("event_time"))
        own = [one for one in events if one["session_id"][1:].isdigit() and one["visitor_id"]]
        sessions = grouped(own, "session_id").values()
        signed = [[bool(event["member_id"]) for event in session] for session in sessions]
        assert any(True in flags and False in flags for flags in signed)
        assert all(flags == sorted(flags) for flags in signed), (
            "nobody signs out within a visit from a device of their own"
        )

    def test_an_agent_belongs_to_a_device(self, good: Records) -> None:
        visitors = grouped(good["events"], "visitor_id").values()
        agents = [{event["user_agent"] for event in events} for events in visitors]
        assert all(len(names) == 1 and "" not in names for names in agents)
        assert len(set().union(*agents)) > 6
        assert any("SampleShop" in name for names in agents for name in names)

    def test_bots_never_sign_in_and_are_persons_on_an_ordinary_day(
        self, good: Records, bursts: Bursts
    ) -> None:
        assert len({visitor for visitor, _ in bursts}) == 2
        assert not any(row["member_id"] for row in good["events"] if is_bot(row, bursts))
        bursting = {visitor for visitor, _ in bursts}
        others = [row for row in good["events"] if row["visitor_id"] in bursting and not is_bot(row, bursts)]
        assert {row["visitor_id"] for row in others} == bursting

    def test_a_burst_shows_only_with_its_late_events(self, current: Records, bursts: Bursts) -> None:
        first_told = Counter(
            (row["visitor_id"], row["event_time"][:10])
            for row in current["events"]
            if (date.fromisoformat(row["_load_date"]) - date.fromisoformat(row["event_time"][:10])).days == 1
        )
        assert {first_told[visitor_day] > 1000 for visitor_day in bursts} == {True, False}

    def test_sign_ins_begin_open_and_end_later(self, good: Records) -> None:
        links = sorted(good["identity_links"], key=itemgetter("recorded_at"))
        versions = grouped(links, "link_id")
        for told in versions.values():
            ends = [link["valid_to"] for link in told]
            taken_back = [link["withdrawn"] for link in told]
            assert ends == sorted(ends)
            assert taken_back == sorted(taken_back)
            assert len({(link["visitor_id"], link["member_id"], link["valid_from"]) for link in told}) == 1
        sign_ins = [told for told in versions.values() if told[0]["visitor_id"]]
        begin_open = sum(told[0]["valid_to"] == "" for told in sign_ins)
        assert 0.9 * len(sign_ins) < begin_open < len(sign_ins), "the first report may be late beyond the end"
        assert any(told[-1]["valid_to"] == "" for told in sign_ins)
        assert any(told[-1]["valid_to"] for told in sign_ins)

    def test_devices_are_shared_and_one_by_a_crowd(self, known: Any) -> None:
        by_members = {
            int(count): visitors for count, visitors in known["identity"]["visitors_by_members"].items()
        }
        assert by_members[2] >= 3
        assert [visitors for count, visitors in by_members.items() if count > 5] == [1]

    def test_some_sign_ins_show_in_the_links_alone(self, good: Records) -> None:
        in_events = {(row["visitor_id"], row["member_id"]) for row in good["events"] if row["member_id"]}
        in_links = {(row["visitor_id"], row["member_id"]) for row in good["identity_links"]}
        assert in_links & in_events
        assert in_links - in_events
        assert len(in_events) > len(in_links - in_events), "most identity comes from events"

    def test_every_month_and_the_next_have_a_target(self, good: Records) -> None:
        months = {(row["brand"], row["period_start"], row["period_end"]) for row in good["gmv_targets"]}
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

    def test_eleventh_of_november_is_the_peak(self, good: Records) -> None:
        per_day = Counter(event["event_time"][:10] for event in good["events"])
        (peak, most), *_ = per_day.most_common()
        assert peak == "2024-11-11"
        assert most > 2 * per_day["2024-10-22"]

    def test_the_arrival_gate_lets_every_dump_in(self, tables: dict[str, Read], known: Any) -> None:
        source = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "home"})["sample_shop"]
        assert source.match("_truth.json") is None
        for name, file in known["files"].items():
            assert source.match(name) is not None, name
            assert file["unreadable"] <= source.max_unreadable_share * file["records"], name
        assert set(source.tables) == set(tables)
        for name, table in source.tables.items():
            assert set(tables[name].records[0]) - {"_load_date"} == set(table.columns.required), name
            for records in grouped(tables[name].records, "_load_date").values():
                for column in table.not_null:
                    assert share(not record[column] for record in records) <= MAX_NULL_SHARE, column
                for column, words in table.vocabulary.items():
                    told = [record[column] for record in records if record[column]]
                    assert share(word not in words for word in told) <= MAX_UNKNOWN_SHARE, column


class TestWriting:
    def test_the_same_world_is_left_alone(self, tmp_path: Path) -> None:
        first = write_dumps(tmp_path / "shop", SMALL)
        marker = tmp_path / "shop" / "events-2024-09-02.csv.gz"
        before = marker.stat().st_mtime_ns
        second = write_dumps(tmp_path / "shop", SMALL)
        assert (first.written, second.written) == (True, False)
        assert (first.files, first.records) == (second.files, second.records)
        assert first.files == len(list((tmp_path / "shop").glob("[a-z]*"))) == len(KEYS) * SMALL.days
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
