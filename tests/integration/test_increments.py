"""The law of increments: same final content, same marts, whatever the order, batches and corrections."""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from broken_laws import planted
from laws_page import declared_laws
from oracle import sample_shop
from oracle.evidence import Evidence
from oracle.periods import Fast, earlier, fast_table, tiers
from oracle.rules import CONSUMER_ASSET
from oracle.stages import walk
from sample_world import WORLD, sample_dumps, sample_warehouse
from typist import Typist, reword
from warehouse import Warehouse
from worlds.proof import between

from orchestration.build.laws import broken_laws, read_results

STARTS_ON = date(2024, 9, 1)
# Money that names no brand makes a brand that nobody belongs to.
BRANDED = "brand_id not like '%unbranded'"
LOAD_DATES = [WORLD.start + timedelta(days=day + 1) for day in range(WORLD.days)]


def spoil(dumps: Path, load_date: date) -> None:
    """Make a day's dumps what they were before their correction: rows missing, others at another time."""
    events = dumps / f"events-{load_date}.csv.gz"
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(events.read_bytes()).decode())))
    kept = [row for number, row in enumerate(rows) if number % 3]
    for row in kept[::5]:
        row["event_time"] = f"{WORLD.start} 12:00:00.000"
        row["member_id"], row["visitor_id"] = "", "somebody-else"
    # A row that the correction drops: nothing of it may remain.
    kept.append({**rows[0], "event_id": f"withdrawn-{load_date}", "event": "share", "member_id": "withdrawn"})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(kept)
    events.write_bytes(gzip.compress(text.getvalue().encode()))
    for table in ("orders", "refunds", "memberships", "reviews"):
        (path,) = dumps.glob(f"{table}-{load_date}.*")
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[: 1 if table == "reviews" else max(1, len(lines) // 2)]))


@pytest.fixture(scope="module")
def final_dumps() -> Path:
    return sample_dumps()


@pytest.fixture(scope="module")
def full() -> Warehouse:
    return sample_warehouse()


@pytest.fixture(scope="module")
def incremental(final_dumps: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Shuffled days in batches, with early versions of some days that are corrected by re-delivery.

    Before each somebody types a dbt command of a random selection.
    """
    dice = random.Random(3)
    days = LOAD_DATES[:]
    dice.shuffle(days)
    spoilt = sorted(dice.sample(days[:30], 4))
    early = tmp_path_factory.mktemp("early") / "dumps"
    shutil.copytree(final_dumps, early)
    for load_date in spoilt:
        spoil(early, load_date)

    warehouse = Warehouse(tmp_path_factory.mktemp("incremental"))
    warehouse.load("sample_shop", early, set(days[:14]))
    assert warehouse.build(), "the first build is a full one"
    typist = Typist(warehouse, seed=2)
    for batch in (days[14:15], days[15:30], []):
        typist.type()
        if len(batch) > 1:
            # All models run in the night after, and only in that.
            reword(warehouse)
        dumps = early if batch else final_dumps
        # The last delivery brings the days that are still missing, and the corrections.
        warehouse.load("sample_shop", dumps, set(batch) or None)
        assert not warehouse.build(), "every later build is an increment"
    return warehouse


def test_increments_equal_a_full_build(full: Warehouse, incremental: Warehouse) -> None:
    """Every mart and the rejects."""
    assert not between(full, incremental)
    assert [mart for mart, rows in full.marts().items() if not rows] == [], "nothing would be compared"


LAWS = {
    "unique_key": (
        "fct_person_days_laws",
        "marts.fct_person_days",
        "brand_id, person_id, touch_kind, touch_date",
    ),
    "no_gap_or_overlap": (
        "fct_aipl_stage_history_laws",
        "intermediate.int_stage_history",
        "preset, brand_id, person_id",
    ),
    "one_current_version_of_each_entity": (
        "one_current_version_of_each_entity",
        "intermediate.int_events",
        "source_id, event_id",
    ),
}


def test_every_law_can_be_broken(full: Warehouse, tmp_path: Path) -> None:
    copy = shutil.copy(full.settings.warehouse, tmp_path)
    judged = Counter()
    for law, broken in planted(Path(copy), full.settings.dbt_target):
        judged[law.table, law.name] += 1
        assert law.name in broken, (law.table, law.name)
    declared = {(law.table, law.name) for law in declared_laws(full.settings.dbt_project)}
    assert declared == set(judged)


def test_laws_of_an_increment_look_at_the_keys_that_it_changed(
    full: Warehouse, incremental: Warehouse, tmp_path: Path
) -> None:
    (law,) = incremental.settings.dbt_target.glob("compiled/**/fct_person_days_laws.sql")
    assert '"changes"."fct_person_days"' in law.read_text(), "the last build looked at its changes only"

    warehouse, whole = Warehouse(tmp_path / "home"), tmp_path / "whole"
    # A parse belongs to its home.
    shutil.copytree(incremental.home, warehouse.home, ignore=shutil.ignore_patterns("dbt"))
    shutil.copy(warehouse.settings.warehouse, whole)

    def broken(stands: str, rows: str) -> set[str]:
        """The laws that fail where a row of a key that stands, or does not, in the changes is there twice."""
        shutil.copy(whole, warehouse.settings.warehouse)
        with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
            for _, relation, key in LAWS.values():
                changed = f"select ({key}) from changes.{relation.partition('.')[2]}"
                one = f"from {relation} where ({key}) {stands} ({changed}) order by all limit 1"
                assert connection.execute(f"insert into {relation} {one}").fetchone() == (1,)
        tests = [test for test, *_ in LAWS.values()]
        try:
            warehouse.dbt("build", "--select", *tests, AIPL_DBT_TEST_SCOPE=rows)
        except AssertionError:
            failed = [
                result for result in read_results(warehouse.settings.dbt_target) if result.status == "fail"
            ]
            assert failed, "dbt failed for another reason"
            return {law.law for result in failed for law in broken_laws(warehouse.settings, result)}
        return set()

    assert broken("in", "changed") == set(LAWS)
    assert broken("not in", "changed") == set()
    assert broken("not in", "all") == set(LAWS)


def test_unit_tests_of_the_models_pass(incremental: Warehouse) -> None:
    """They check the SQL, not the data, so the nightly build leaves them out."""
    printed = incremental.dbt("test", "--select", "test_type:unit")
    passed = re.search(r"PASS=(\d+)", printed)
    assert passed is not None
    assert int(passed[1]) >= 7


@pytest.fixture(scope="module")
def evidence(final_dumps: Path) -> Evidence:
    return sample_shop.read(final_dumps)[0]


@pytest.fixture(scope="module")
def fast(evidence: Evidence, final_dumps: Path) -> dict[tuple[str, str, date, date], Fast]:
    """FAST by brute force; the law of increments compares history, stock, flow and FAST of many worlds."""
    walks = walk(evidence)
    horizons = dict.fromkeys({brand for brand, _ in walks}, sample_shop.horizon(final_dumps))
    return fast_table(evidence, walks, CONSUMER_ASSET, horizons, STARTS_ON)


def test_tiers_agree_with_brute_force(
    full: Warehouse, evidence: Evidence, fast: dict[tuple[str, str, date, date], Fast]
) -> None:
    found = {
        (brand, period_type, end, tier): [members, thriving]
        for brand, period_type, end, tier, members, thriving in full.query(
            "select brand_id, period_type, period_end, tier::text, members, thriving_members "
            "from marts.fct_fast_tiers where members > 0"
        )
    }
    expected = {
        (brand, period_type, end, tier): counted
        for period_type, end in {(key[1], key[3]) for key in fast}
        for (brand, tier), counted in tiers(evidence, CONSUMER_ASSET, end).items()
    }
    assert len({tier for *_, tier in expected}) > 1
    assert found == expected


def test_changes_agree_with_brute_force(
    full: Warehouse, fast: dict[tuple[str, str, date, date], Fast]
) -> None:
    values = {(brand, kind, start): figures for (brand, kind, start, _), figures in fast.items()}
    rows = full.query(
        "select brand_id, period_type, period_start, metric, value, previous_value, change_on_previous, "
        f"last_year_value, change_on_last_year from marts.fct_fast_changes where {BRANDED}"
    )
    assert len(rows) == 7 * len(fast) >= 7 * 15
    assert sum(row[6] is not None for row in rows) > 20
    for brand, kind, start, metric, value, *compared in rows:
        assert value == getattr(values[brand, kind, start], metric)
        for then, (base, change) in zip(earlier(kind, start), (compared[:2], compared[2:]), strict=True):
            before = values.get((brand, kind, then))
            assert base == (getattr(before, metric) if before else None)
            assert change == ((value - base) / base if base and value is not None else None)
