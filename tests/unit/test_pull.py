"""Pull: only what is new or changed is read; every dump ends as arrived or refused."""

from datetime import date
from pathlib import Path
from threading import Barrier

import pyarrow.parquet as pq
import pytest
from unit.publish_home import killed_at
from unit.shop_home import ShopHome

from orchestration.arrival import pull as pull_module
from orchestration.arrival.file_versions import FileVersion, State
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import find_parsed, parsed_path
from orchestration.arrival.pull import Cause, DumpFile, require_dumps, survey
from orchestration.core.errors import ConfigurationError

NAME = "events_2024-09-02.csv"


def events(files: str = "events_{load_date}.csv", column: str = "a") -> dict[str, object]:
    return {"events": {"files": files, "format": "csv", "columns": {"required": [column]}}}


class Shop(ShopHome):
    tables = events()

    def deliver(self, content: str = "a\n1\n", name: str = NAME) -> Path:
        return self.write(name, content)

    def discover(self) -> list[DumpFile]:
        return survey(self.settings, self.source, self.arrival.of("shop"), None, self.today)[0]

    @property
    def versions(self) -> tuple[FileVersion, ...]:
        return self.arrival.of("shop").versions


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_new_dump_lands_is_read_and_arrives_once(shop: Shop):
    shop.deliver("a\n1\nx,y\n")
    (found,) = shop.discover()
    assert (found.table_name, found.load_date, found.cause) == ("events", date(2024, 9, 2), Cause.NEW)
    assert not shop.settings.landing.exists()
    report = shop.pull()
    (arrived,) = report.arrived
    assert report.load_dates == [date(2024, 9, 2)]
    assert (arrived.row_count, arrived.unreadable_count, arrived.state) == (1, 1, State.ARRIVED)
    assert landed_copy(shop.settings, arrived).read_text() == "a\n1\nx,y\n"
    path = find_parsed(shop.settings, arrived)
    assert path == parsed_path(shop.settings.arrivals, arrived)
    assert path.parent == shop.settings.arrivals / "shop" / "events" / "load_date=2024-09-02"
    assert pq.read_table(path)["_file"].to_pylist() == [NAME]
    assert pq.read_table(parsed_path(shop.settings.rejects, arrived))["_row"].to_pylist() == [2]
    # A second pull has nothing to do; a touched dump changes its hint only.
    assert (shop.discover(), shop.pull().load_dates) == ([], [])
    shop.deliver("a\n1\nx,y\n")
    assert [found.cause for found in shop.discover()] == [Cause.CHANGED]
    report = shop.pull()
    assert (report.arrived, report.unchanged, shop.discover()) == ([], [NAME], [])
    # New content under an old name is a new version, and the old content again is the old one.
    for content in ("a\n2\n", "a\n1\nx,y\n"):
        shop.deliver(content)
        shop.pull()
    first, second, third = shop.versions
    assert first.version == third.version != second.version


def test_a_dump_that_cannot_be_read_is_refused_until_it_is_declared_otherwise(shop: Shop):
    dump = shop.deliver("b\n1\n")
    report = shop.pull()
    (refused,) = report.refused
    assert f"{NAME}: the required column a is missing" in (refused.reason or "")
    assert (refused.state, refused.is_readable) == (State.REFUSED, False)
    assert (report.load_dates, shop.discover()) == ([date(2024, 9, 2)], [])
    # Another declaration is read from landing.
    dump.unlink()
    shop.declare(tables=events(column="b"))
    (found,) = shop.discover()
    assert (found.cause, found.dump) == (Cause.DECLARATION, None)
    assert [version.row_count for version in shop.pull().arrived] == [1]
    assert shop.discover() == []


def test_only_the_load_dates_asked_for_are_pulled_and_files_of_no_table_are_told(shop: Shop):
    for name in ("readme.txt", "events_2024-13-02.csv", *(f"events_2024-09-0{day}.csv" for day in (2, 3, 4))):
        shop.deliver(name=name)
    report = shop.pull([date(2024, 9, 3)])
    assert report.load_dates == [date(2024, 9, 3)]
    told = [warning.split(" matches no table")[0] for warning in report.warnings]
    assert told == ["events_2024-13-02.csv", "readme.txt"]
    assert [found.load_date.day for found in shop.discover()] == [2, 4]


def test_the_place_of_dumps_must_be_known(shop: Shop):
    shop.dumps.rmdir()
    with pytest.raises(ConfigurationError, match="nothing at"):
        shop.pull()
    shop.dumps.mkdir()
    shop.declare(dumps=None)
    with pytest.raises(ConfigurationError, match="--dumps"):
        shop.pull()
    shop.deliver()
    assert shop.pull(dumps=str(shop.dumps)).load_dates == [date(2024, 9, 2)]


def test_a_place_without_a_dump_of_the_source_is_told_with_what_it_has(shop: Shop):
    with pytest.raises(ConfigurationError, match=r"holds no dump of shop: it has no files\. .* must match"):
        require_dumps(shop.source, str(shop.dumps))
    for number in range(7):
        shop.deliver(name=f"events {number}.csv")
    with pytest.raises(ConfigurationError, match=r"it has events 0\.csv, .* and 2 more\."):
        require_dumps(shop.source, str(shop.dumps))
    shop.deliver()
    require_dumps(shop.source, str(shop.dumps))


def test_a_dump_without_a_date_keeps_the_day_it_first_came_or_has_the_declared_one(shop: Shop):
    shop.declare(feed="static", tables=events("*.csv"))
    for day, content in ((1, "a\n1\n"), (5, "a\n2\n"), (9, "a\n1\n")):
        shop.deliver(content, "all.csv")
        shop.pull(today=date(2024, 9, day))
    assert [version.load_date.day for version in shop.versions] == [1, 5, 1]
    for day in ("2017-12-04", "2017-12-05"):
        shop.declare(feed="static", tables=events("*.csv"), load_date=day)
        shop.pull()
        assert (str(shop.versions[-1].load_date), shop.discover()) == (day, [])


def test_lost_parquet_is_read_again_from_landing_or_the_loss_is_told(shop: Shop):
    dump = shop.deliver()
    (arrived,) = shop.pull().arrived
    parsed_path(shop.settings.arrivals, arrived).unlink()
    dump.unlink()
    assert shop.pull().unchanged == [NAME]
    assert find_parsed(shop.settings, arrived) and len(shop.versions) == 1
    parsed_path(shop.settings.arrivals, arrived).unlink()
    landed_copy(shop.settings, arrived).unlink()
    assert "Put the dump back" in shop.pull().warnings[0]
    shop.deliver()
    assert shop.pull().unchanged == [NAME]


def test_a_pull_that_is_killed_before_registering_starts_over(shop: Shop):
    shop.deliver()
    with killed_at(pull_module, "parse"):
        shop.pull()
    assert shop.versions == ()
    assert len(shop.pull().arrived) == len(shop.versions) == 1


def test_dumps_are_read_side_by_side_and_registered_in_order_once_on_the_disk(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    names = [f"events_2024-09-0{day}.csv" for day in range(2, 8)]
    for name in names:
        shop.deliver("a\n1\nx,y\n", name)
    flushed: set[Path] = set()
    steps: list[list[str]] = [[]]
    parse, flush_all, add, two = pull_module.parse, pull_module.flush_all, LoadManifest.add, Barrier(2)

    def parse_with_another(*arguments):
        two.wait(timeout=120)
        return parse(*arguments)

    def flush_and_note(paths):
        noted = list(paths)
        flush_all(noted)
        flushed.update(noted)
        steps.append([])

    def require_flushed(self, version, *arguments, **keywords):
        landed = landed_copy(shop.settings, version)
        parsed = [parsed_path(root, version) for root in (shop.settings.arrivals, shop.settings.rejects)]
        assert {landed, landed.parent, *parsed} <= flushed
        steps[-1].append(version.file)
        add(self, version, *arguments, **keywords)

    monkeypatch.setattr(pull_module, "READERS", 2)
    monkeypatch.setattr(pull_module, "STEP_SECONDS", 3600)
    monkeypatch.setattr(pull_module, "parse", parse_with_another)
    monkeypatch.setattr(pull_module, "flush_all", flush_and_note)
    monkeypatch.setattr(LoadManifest, "add", require_flushed)
    assert [version.file for version in shop.pull().arrived] == names
    assert steps[-1] == names
