"""Pull: only what is new or changed is read; every dump ends as arrived or refused."""

import os
from datetime import date
from pathlib import Path
from threading import Barrier

import pyarrow.parquet as pq
import pytest

from orchestration.arrival import pull as pull_module
from orchestration.arrival.landing import landed_path
from orchestration.arrival.manifest import LoadManifest, State
from orchestration.arrival.parsed import find_parsed, parsed_path
from orchestration.arrival.pull import Cause, discover, pull
from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

TODAY = date(2024, 9, 30)
CSV = {"format": "csv", "columns": {"required": ["a"]}}


def make_source(tmp_path: Path, **entry) -> Source:
    tables = {"events": {"files": "events_{load_date}.csv", **CSV}}
    plain = {"source_id": "shop", "feed": "daily", "currency": "CNY", "dumps": str(tmp_path / "dumps")}
    return Source.model_validate({**plain, "tables": tables, **entry})


def static(tmp_path: Path, **entry) -> Source:
    return make_source(tmp_path, feed="static", tables={"events": {"files": "*.csv", **CSV}}, **entry)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml")


def deliver(tmp_path: Path, name: str, content: str, seconds: int = 1_700_000_000) -> Path:
    path = tmp_path / "dumps" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (seconds, seconds))
    return path


def versions(settings: Settings):
    with LoadManifest(settings.manifest) as manifest:
        return manifest.versions("shop")


def test_a_new_dump_lands_is_read_and_arrives(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\nx,y\n")
    source = make_source(tmp_path)
    (found,) = discover(settings, source, None, TODAY)
    assert (found.table_name, found.load_date, found.cause) == ("events", date(2024, 9, 2), Cause.NEW)
    assert not settings.landing.exists()
    report = pull(settings, source, None, None, TODAY)
    (arrived,) = report.arrived
    assert report.load_dates == [date(2024, 9, 2)]
    assert (arrived.row_count, arrived.unreadable_count, arrived.state) == (1, 1, State.ARRIVED)
    assert landed_path(settings.landing, "shop", arrived.sha256, arrived.file).read_text() == "a\n1\nx,y\n"
    path = find_parsed(settings, arrived)
    assert path == parsed_path(settings.arrivals, arrived)
    assert path.parent == settings.arrivals / "shop" / "events" / "load_date=2024-09-02"
    assert pq.read_table(path)["_file"].to_pylist() == ["events_2024-09-02.csv"]
    assert pq.read_table(parsed_path(settings.rejects, arrived))["_row"].to_pylist() == [2]


def test_a_second_pull_has_nothing_to_do(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    pull(settings, source, None, None, TODAY)
    assert discover(settings, source, None, TODAY) == []
    assert pull(settings, source, None, None, TODAY).load_dates == []
    assert len(versions(settings)) == 1


def test_a_touched_dump_changes_its_hint_only(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    pull(settings, source, None, None, TODAY)
    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n", seconds=1_700_000_001)
    assert [found.cause for found in discover(settings, source, None, TODAY)] == [Cause.CHANGED]
    report = pull(settings, source, None, None, TODAY)
    assert (report.arrived, report.unchanged) == ([], ["events_2024-09-02.csv"])
    assert discover(settings, source, None, TODAY) == []


def test_new_content_under_an_old_name_is_a_new_version(tmp_path: Path, settings: Settings):
    source = make_source(tmp_path)
    for seconds, content in enumerate(("a\n1\n", "a\n2\n", "a\n1\n"), 1_700_000_000):
        deliver(tmp_path, "events_2024-09-02.csv", content, seconds)
        pull(settings, source, None, None, TODAY)
    first, second, third = versions(settings)
    assert first.version == third.version != second.version


def test_only_the_load_dates_asked_for(tmp_path: Path, settings: Settings):
    for day in (2, 3, 4):
        deliver(tmp_path, f"events_2024-09-0{day}.csv", "a\n1\n")
    source = make_source(tmp_path)
    assert pull(settings, source, [date(2024, 9, 3)], None, TODAY).load_dates == [date(2024, 9, 3)]
    left = [found.load_date.day for found in discover(settings, source, None, TODAY)]
    assert left == [2, 4]


def test_a_dump_that_cannot_be_read_is_refused_with_its_message(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "events_2024-09-02.csv", "b\n1\n")
    source = make_source(tmp_path)
    report = pull(settings, source, None, None, TODAY)
    (refused,) = report.refused
    assert "events_2024-09-02.csv: the required column a is missing" in (refused.reason or "")
    assert (refused.state, refused.is_readable) == (State.REFUSED, False)
    assert report.load_dates == [date(2024, 9, 2)]
    assert discover(settings, source, None, TODAY) == []


def test_files_of_no_table_and_ambiguous_ones_are_told(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "readme.txt", "hello")
    deliver(tmp_path, "events_2024-13-02.csv", "a\n")
    warnings = pull(settings, make_source(tmp_path), None, None, TODAY).warnings
    assert [warning.split(" matches no table")[0] for warning in warnings] == [
        "events_2024-13-02.csv",
        "readme.txt",
    ]


def test_the_place_of_dumps_must_be_known(tmp_path: Path, settings: Settings):
    with pytest.raises(ConfigurationError, match="--dumps"):
        pull(settings, make_source(tmp_path, dumps=None), None, None, TODAY)
    with pytest.raises(ConfigurationError, match="nothing at"):
        pull(settings, make_source(tmp_path), None, None, TODAY)
    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path, dumps=None)
    assert pull(settings, source, None, str(tmp_path / "dumps"), TODAY).load_dates == [date(2024, 9, 2)]


def test_the_day_of_the_first_pull_is_remembered_by_content(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "all.csv", "a\n1\n")
    source = static(tmp_path)
    pull(settings, source, None, None, date(2024, 9, 1))
    deliver(tmp_path, "all.csv", "a\n2\n", seconds=1_700_000_001)
    pull(settings, source, None, None, date(2024, 9, 5))
    deliver(tmp_path, "all.csv", "a\n1\n", seconds=1_700_000_002)
    pull(settings, source, None, None, date(2024, 9, 9))
    assert [version.load_date.day for version in versions(settings)] == [1, 5, 1]


def test_a_declared_load_date_wins_over_the_day_of_the_pull(tmp_path: Path, settings: Settings):
    deliver(tmp_path, "all.csv", "a\n1\n")
    pull(settings, static(tmp_path, load_date="2017-12-04"), None, None, TODAY)
    assert versions(settings)[0].load_date == date(2017, 12, 4)
    assert discover(settings, static(tmp_path, load_date="2017-12-04"), None, TODAY) == []
    pull(settings, static(tmp_path, load_date="2017-12-05"), None, None, TODAY)
    assert versions(settings)[-1].load_date == date(2017, 12, 5)


def test_another_declaration_is_read_from_landing(tmp_path: Path, settings: Settings):
    dump = deliver(tmp_path, "events_2024-09-02.csv", "b\n1\n")
    pull(settings, make_source(tmp_path), None, None, TODAY)
    dump.unlink()
    table = {"files": "events_{load_date}.csv", "format": "csv", "columns": {"required": ["b"]}}
    repaired = make_source(tmp_path, tables={"events": table})
    (found,) = discover(settings, repaired, None, TODAY)
    assert (found.cause, found.dump) == (Cause.DECLARATION, None)
    (arrived,) = pull(settings, repaired, None, None, TODAY).arrived
    assert arrived.row_count == 1
    assert discover(settings, repaired, None, TODAY) == []


def test_lost_parquet_is_read_again_from_landing(tmp_path: Path, settings: Settings):
    dump = deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    (arrived,) = pull(settings, source, None, None, TODAY).arrived
    parsed_path(settings.arrivals, arrived).unlink()
    dump.unlink()
    report = pull(settings, source, None, None, TODAY)
    assert report.restored == ["events_2024-09-02.csv"]
    assert find_parsed(settings, arrived)
    assert len(versions(settings)) == 1


def test_lost_parquet_and_lost_landing_are_told(tmp_path: Path, settings: Settings):
    dump = deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    (arrived,) = pull(settings, source, None, None, TODAY).arrived
    parsed_path(settings.arrivals, arrived).unlink()
    landed_path(settings.landing, "shop", arrived.sha256, arrived.file).unlink()
    content = dump.read_text()
    dump.unlink()
    assert "Put the dump back" in pull(settings, source, None, None, TODAY).warnings[0]
    deliver(tmp_path, "events_2024-09-02.csv", content)
    assert pull(settings, source, None, None, TODAY).restored == ["events_2024-09-02.csv"]


def test_a_pull_that_is_killed_before_registering_starts_over(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(pull_module, "parse", kill)
        pull(settings, source, None, None, TODAY)
    assert versions(settings) == []
    assert len(pull(settings, source, None, None, TODAY).arrived) == 1
    assert len(versions(settings)) == 1


def test_dumps_are_read_side_by_side_and_noted_in_their_order(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    names = [f"events_2024-09-0{day}.csv" for day in range(2, 6)]
    for name in names:
        deliver(tmp_path, name, "a\n1\n")
    parse, two = pull_module.parse, Barrier(2)

    def parse_with_another(*arguments):
        two.wait(timeout=120)
        return parse(*arguments)

    monkeypatch.setattr(pull_module, "READERS", 2)
    monkeypatch.setattr(pull_module, "STEP_SECONDS", 3600)
    monkeypatch.setattr(pull_module, "parse", parse_with_another)
    report = pull(settings, make_source(tmp_path), None, None, TODAY)
    assert [version.file for version in report.arrived] == names


def test_a_dump_that_grows_while_it_is_copied_waits(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    dump = deliver(tmp_path, "events_2024-09-02.csv", "a\n1\n")
    source = make_source(tmp_path)
    land = pull_module.land

    def grow_and_land(*arguments):
        dump.write_text("a\n1\n2\n")
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(pull_module, "land", grow_and_land)
        report = pull(settings, source, None, None, TODAY)
    assert report.arrived == []
    assert "changed while it was copied" in report.warnings[0]
    assert pull(settings, source, None, None, TODAY).arrived[0].row_count == 2


def test_a_version_is_registered_after_its_files_are_on_the_disk(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    for day in range(2, 8):
        deliver(tmp_path, f"events_2024-09-0{day}.csv", f"a\n{day}\nx,y\n")
    flushed: set[Path] = set()
    steps: list[set[str]] = [set()]
    flush_all, add = pull_module.flush_all, LoadManifest.add

    def flush_and_note(paths):
        noted = list(paths)
        flush_all(noted)
        flushed.update(noted)
        steps.append(set())

    def require_flushed(self, version, *arguments, **keywords):
        landed = landed_path(settings.landing, version.source_id, version.sha256, version.file)
        parsed = [parsed_path(root, version) for root in (settings.arrivals, settings.rejects)]
        assert {landed, landed.parent, *parsed} <= flushed
        steps[-1].add(version.file)
        add(self, version, *arguments, **keywords)

    monkeypatch.setattr(pull_module, "flush_all", flush_and_note)
    monkeypatch.setattr(LoadManifest, "add", require_flushed)
    monkeypatch.setattr(pull_module, "STEP_SECONDS", 3600)
    assert len(pull(settings, make_source(tmp_path), None, None, TODAY).arrived) == 6
    assert len(steps[-1]) == 6
