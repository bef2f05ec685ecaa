"""Retention of raw: whole months go, everywhere and for good, as if the source had begun after them."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from unit.shop_home import ShopHome
from verdicts import verdict

from orchestration.arrival.configured import dbt_sources
from orchestration.arrival.file_versions import State
from orchestration.arrival.loads import decide_loads, read_again
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.parsed import find_parsed
from orchestration.arrival.pull import survey
from orchestration.arrival.receive import receive
from orchestration.build.around_dbt import present_build, write_dbt_inputs
from orchestration.nightly.status import sources_text, status_text
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.publish.rejects.reconcile import arrived
from orchestration.sources.calendar import complete_through, kept_from

FIRST = date(2024, 2, 20)
TODAY = date(2024, 3, 12)
DAYS = [FIRST + timedelta(days=number) for number in range(1, 20)]
CSV = {"format": "csv", "columns": {"required": ["a", "b"]}}
TABLES = {
    "events": {"files": "events-{load_date}.csv", **CSV},
    "members": {"files": "members-{load_date}.csv", **CSV, "may_be_empty": True, "lasting": True},
}


def since(day: date) -> int:
    """`raw_days` that lets the month of `day` be the first one kept."""
    return (datetime.now(UTC).date() - day.replace(day=15)).days


class Shop(ShopHome):
    """A shop with a lasting table; every fifth day has a row that cannot be read."""

    tables, today = TABLES, TODAY

    def declare(self, **entry: object) -> None:
        super().declare(**{"starts_on": FIRST, **entry})

    def deliver(self, *days: date, tables: tuple[str, ...] = ("events", "members"), more: str = "") -> None:
        for day in days:
            bad = "torn\n" if day.day % 5 == 0 else ""
            for table in tables:
                self.write(f"{table}-{day}.csv", f"a,b\n{day},1\n{day},2\n{bad}{more}")

    def night(self) -> list[str]:
        report = self.pull()
        decide_loads(self.settings, "shop", dict.fromkeys(report.load_dates))
        return write_dbt_inputs(self.settings, {"shop": self.source})

    def build_id(self) -> str:
        return present_build(self.settings, dbt_sources(self.settings, {"shop": self.source})).build_id

    def files(self, place: str, table: str = "events") -> set[str]:
        """What a place holds of a table, without the file that gives raw its columns."""
        folder = self.settings.home / place / "shop"
        return {path.relative_to(folder).as_posix() for path in folder.rglob(f"*{table}-*") if path.is_file()}

    def days(self, place: str, table: str = "events") -> set[str]:
        return {name.rpartition(f"{table}-")[2][:10] for name in self.files(place, table)}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = Shop(tmp_path_factory.mktemp("loaded"))
    shop.deliver(*DAYS)
    assert shop.night() == []
    return shop.dumps.parent


@pytest.fixture
def shop(loaded: Path, tmp_path: Path) -> Shop:
    return Shop(shutil.copytree(loaded, tmp_path / "shop"))


# A load covers the day before: that of 1 March is the last one of February.
MARCH = date(2024, 3, 1)
PAST = [day for day in DAYS if day <= MARCH]
KEPT = {str(day) for day in DAYS if day > MARCH}


def test_what_is_kept_begins_with_a_month_and_moves_once_a_month(tmp_path: Path) -> None:
    source = Shop(tmp_path, retention={"raw_days": 100}).source
    assert kept_from(source, date(2024, 6, 9)) == date(2024, 3, 1)
    assert kept_from(source, date(2024, 6, 8)) == date(2024, 2, 1)
    for number in range(800):
        today = FIRST + timedelta(days=number)
        first = kept_from(source, today)
        assert first is not None and first.day == 1
        # Never less than was asked for, and never a month more.
        assert 100 <= (today - first).days <= 130
    firsts = [kept_from(source, FIRST + timedelta(days=number)) for number in range(366)]
    assert firsts == sorted(firsts) and len(set(firsts)) <= 13


def test_retired_days_are_gone_from_every_place(shop: Shop) -> None:
    assert shop.days("raw") == shop.days("landing") == {str(day) for day in DAYS}
    shop.declare(retention={"raw_days": since(MARCH)})
    files = len(PAST)
    (told,) = shop.night()
    records = 2 * files + sum(day.day % 5 == 0 for day in PAST)
    assert told.startswith(f"Retired shop, days before 2024-03-01: {files} file versions with {records} ")
    assert shop.days("raw") == shop.days("landing") == KEPT
    assert shop.days("rejects") == {day for day in KEPT if int(day[-2:]) % 5 == 0}
    assert shop.files("arrivals") == set()
    folders = list((shop.settings.landing / "shop").iterdir())
    assert [folder.name for folder in folders if not any(folder.iterdir())] == [".incoming"]
    # Rows that hold until corrected have no past.
    everything = {str(day) for day in DAYS}
    assert shop.days("raw", "members") == shop.days("landing", "members") == everything
    states = Counter(version.state for version in shop.arrival.of("shop").versions)
    assert states == {State.RETIRED: files, State.ACCEPTED: 2 * len(DAYS) - files}
    assert shop.night() == []


def test_what_is_retired_does_not_come_again(shop: Shop) -> None:
    horizon = complete_through(shop.source, DAYS)
    shop.declare(retention={"raw_days": since(MARCH)})
    shop.night()
    # The source begins where its past ends.
    assert complete_through(shop.source, DAYS) == horizon == DAYS[-1] - timedelta(days=1)
    assert json.loads(dbt_sources(shop.settings, {"shop": shop.source}))["shop"]["starts_on"] == "2024-03-01"
    assert survey(shop.settings, shop.source, shop.arrival.of("shop"), None, TODAY)[0] == []
    # Delivered anew, with other content, it is of a day that is no more.
    shop.deliver(PAST[3], tables=("events",), more="late,1\n")
    report = shop.pull()
    assert report.load_dates == []
    assert report.warnings == ["Days before 2024-03-01 are retired: 1 dump not read."]
    assert read_again(shop.settings, shop.arrival) == []
    assert shop.night() == [] and shop.days("raw") == shop.days("landing") == KEPT
    # Neither a changed declaration nor the end of `raw_days` brings it back, or moves the beginning.
    wider = {**TABLES["events"], "columns": {"required": ["a", "b"], "optional": ["c"]}}
    shop.declare(tables={**TABLES, "events": wider})
    shop.night()
    assert shop.days("raw") == shop.days("landing") == KEPT
    assert shop.source.starts_on == MARCH


def test_every_record_is_still_accounted_for(shop: Shop) -> None:
    # A correction: its former version is superseded, whether retired or not.
    shop.deliver(PAST[0], DAYS[-1], more="more,1\n")
    shop.night()
    before = {line.table: line for line in arrived(shop.settings, "shop")}
    shop.declare(retention={"raw_days": since(MARCH)})
    shop.night()
    after = {line.table: line for line in arrived(shop.settings, "shop")}
    records = 2 * len(PAST) + sum(day.day % 5 == 0 for day in PAST) + 1
    assert after["members"] == before["members"]
    assert (after["events"].retired, after["events"].difference) == (records, 0)
    assert after["events"].read == before["events"].read
    assert after["events"].superseded == before["events"].superseded
    gone = {str(file) for file in find_rejects(shop.settings, Selection()).files()["shop"]}
    assert not {f"events-{day}.csv" for day in PAST} & gone
    assert "Loads: all accepted" in status_text(shop.settings)
    (line,) = [line for line in sources_text(shop.settings).splitlines() if line.startswith("shop")]
    assert str(records) in line.split()


@pytest.mark.parametrize("seed", range(2))
def test_a_home_without_its_past_is_one_that_never_had_it(tmp_path: Path, seed: int) -> None:
    """The build of both is the same one: a build is named by all that it is made from."""
    dice = random.Random(seed)
    old = Shop(tmp_path / "old")
    days = DAYS[:]
    dice.shuffle(days)
    cuts = sorted(dice.sample(range(1, len(days)), 3))
    for nights, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(days)], strict=True)):
        if nights == dice.randint(1, 3):
            old.declare(retention={"raw_days": since(MARCH)})
        old.deliver(*days[start:end])
        old.night()
    old.declare(retention={"raw_days": since(MARCH)})
    old.night()

    young = Shop(tmp_path / "young", starts_on=MARCH)
    young.deliver(*DAYS, tables=("members",))
    young.deliver(*(day for day in DAYS if day > MARCH), tables=("events",))
    young.night()
    assert old.files("raw") == young.files("raw")
    assert old.files("raw", "members") == young.files("raw", "members")
    assert old.build_id() == young.build_id()
    # And while time goes on: what comes later makes the same increment of both.
    for home in (old, young):
        home.deliver(TODAY)
        home.night()
    assert old.build_id() == young.build_id()


def test_a_killed_retirement_is_finished_by_the_next_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.declare(retention={"raw_days": since(MARCH)})
    unlink, left = Path.unlink, [4]

    def killed(path: Path, *given: object, **named: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        unlink(path, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            write_dbt_inputs(shop.settings, {"shop": shop.source})
    assert KEPT < shop.days("landing") < {str(day) for day in DAYS}
    assert sum(line.difference for line in arrived(shop.settings, "shop")) == 0
    shop.night()
    assert shop.days("raw") == shop.days("landing") == KEPT


def test_a_refused_load_that_is_retired_holds_nothing_back(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.deliver(PAST[0], tables=("events",))
    shop.pull()
    decide_loads(shop.settings, "shop", {PAST[0]: "bad"})
    shop.deliver(DAYS[-1])
    shop.night()
    assert shop.days("raw") == set()
    shop.declare(retention={"raw_days": since(MARCH)})
    shop.night()
    assert shop.days("raw") == {str(DAYS[-1])}


def test_a_lasting_dump_of_a_retired_day_is_let_in_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.arrival.receive.run_arrival", lambda _: verdict("shop.members"))
    decide_loads(shop.settings, "shop", {PAST[5]: None}, measured={PAST[5]: {"events": {"rows": 2.0}}})
    shop.declare(retention={"raw_days": since(MARCH)})
    shop.night()
    shop.deliver(PAST[2], tables=("members",), more="late,1\n")
    received = receive(shop.settings, shop.source, [PAST[2]], None, TODAY)
    assert (received.accepted, received.refused) == ([PAST[2]], [])
    write_dbt_inputs(shop.settings, {"shop": shop.source})
    with LoadManifest(shop.settings.manifest) as manifest:
        latest = {v.table_name: v for v in manifest.versions("shop") if v.load_date == PAST[2]}
        # What later loads are compared with stays.
        assert manifest.measures("shop", "events") == {PAST[5]: {"rows": 2.0}}
    assert latest["events"].state is State.RETIRED and find_parsed(shop.settings, latest["events"]) is None
    assert latest["members"].row_count == 3
