"""What publish adds is judged before it is published: a good release passes, and each fault is named."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from unit.publish_home import build, let_through, make_home

from expectations.page import write_report
from expectations.registry import MARTS, RELEASE
from expectations.results import GateResult
from expectations.runner import run_marts
from orchestration.alerts.incidents import open_findings
from orchestration.build.state import read_gate
from orchestration.core.errors import GateStop
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.publish import release_files
from orchestration.publish.release import publish, read_current

NEWEST = "r6"
# A hundred persons, one of whom came late: nobody as published, in I as known since.
PREVIOUS = """
create table fct_aipl_daily as
select 'p' as preset, 'lumen' as brand_id, date '2024-01-01' + cast(i as integer) as as_of_date,
    stage, stage_rank, case stage when 'I' then 100 else 50 end as persons
from range(10) r (i) cross join (values ('I', 2), ('P', 3)) s (stage, stage_rank);
create table dim_aipl_stage as
select 'p' as preset, stage, stage_rank from (values ('O', 0), ('I', 2), ('P', 3)) s (stage, stage_rank);
create table dim_release as
select 'r' || i as release_id, case when i > 1 then 'r' || (i - 1) end as previous_release_id,
    timestamp '2024-02-01' + to_days(cast(i as integer)) as created_at, 'same' as rules_hash,
    ['p'] as presets, 'lumen' as brand_id, date '2024-01-10' as horizon
from range(1, 6) r (i);
create table fct_aipl_ledger as
select 'r' || i as release_id, 'p' as preset, 'lumen' as brand_id, 'n' || i as person_id,
    date '2024-01-02' as valid_from, date '2024-01-03' as valid_to, 'O' as stage_before, 'I' as stage_after,
    'late' as reason
from range(2, 6) r (i);
"""
KNOWN = f"""
update fct_aipl_daily set persons = persons + 1
where stage = 'I' and as_of_date between date '2024-01-04' and date '2024-01-06';
insert into dim_release
select '{NEWEST}', 'r5', timestamp '2024-03-01', 'same', ['p'], 'lumen', date '2024-01-11';
insert into fct_aipl_ledger
values ('{NEWEST}', 'p', 'lumen', 'a', date '2024-01-04', date '2024-01-07', 'O', 'I', 'late');
"""
MANY = f"""
insert into fct_aipl_ledger
select '{NEWEST}', 'p', 'lumen', 'm' || i, date '2024-01-10', date '2024-01-11', BEFORE, AFTER, 'REASON'
from range(COUNT) r (i)
"""


def many(count: int, before: str, after: str, reason: str = "late") -> str:
    """As many entries of the last published day, and the stock that follows from them."""
    text = MANY.replace("COUNT", str(count)).replace("REASON", reason)
    text = text.replace("BEFORE", f"'{before}'").replace("AFTER", f"'{after}'")
    return text + "".join(
        f"; update fct_aipl_daily set persons = persons {sign} {count}"
        f" where stage = '{stage}' and as_of_date = date '2024-01-10'"
        for sign, stage in (("-", before), ("+", after))
    )


FAULTS = {
    "a release that is told twice": (
        "insert into dim_release from dim_release where release_id = 'r3'",
        {"dim_release.once_a_brand", "dim_release.only_added"},
    ),
    "a release that was left out": (
        "update dim_release set previous_release_id = 'r4' where release_id = 'r6'",
        {"dim_release.one_chain"},
    ),
    "a clock that went back": (
        "update dim_release set created_at = timestamp '2024-02-08' where release_id = 'r4'",
        {"dim_release.one_chain"},
    ),
    "two accounts of one release": (
        "insert into dim_release select * replace ('other' as rules_hash, 'aurora' as brand_id)"
        " from dim_release where release_id = 'r6'",
        {"dim_release.one_chain"},
    ),
    "an older release that is gone": (
        "delete from dim_release where release_id = 'r1'",
        {"dim_release.only_added"},
    ),
    "older entries that are gone": (
        "delete from fct_aipl_ledger where release_id = 'r3'",
        {"fct_aipl_ledger.only_added"},
    ),
    "an entry of no release": (
        "update fct_aipl_ledger set release_id = 'r9' where release_id = 'r5'",
        {"fct_aipl_ledger.release_in_dim_release", "fct_aipl_ledger.only_added"},
    ),
    "an unknown reason": (
        "update fct_aipl_ledger set reason = 'whim'",
        {"fct_aipl_ledger.reason_known"},
    ),
    "a stretch without a day": (
        "insert into fct_aipl_ledger"
        " values ('r6', 'p', 'lumen', 'b', date '2024-01-04', date '2024-01-04', 'O', 'I', 'late')",
        {"fct_aipl_ledger.stretch_not_empty"},
    ),
    "a day told differently twice": (
        "insert into fct_aipl_ledger"
        " values ('r6', 'p', 'lumen', 'a', date '2024-01-06', date '2024-01-08', 'O', 'I', 'late');"
        "update fct_aipl_daily set persons = persons + 1"
        " where stage = 'I' and as_of_date between date '2024-01-06' and date '2024-01-07'",
        {"fct_aipl_ledger.no_overlap"},
    ),
    "an unknown stage": (
        "update fct_aipl_ledger set stage_before = 'X' where release_id = 'r6'",
        {"fct_aipl_ledger.stages_known"},
    ),
    "a difference of nothing": (
        "insert into fct_aipl_ledger"
        " values ('r6', 'p', 'lumen', 'b', date '2024-01-04', date '2024-01-07', 'I', 'I', 'late')",
        {"fct_aipl_ledger.stages_known"},
    ),
    "a stock that nothing explains": (
        "update fct_aipl_daily set persons = persons - 1 where as_of_date = '2024-01-08' and stage = 'P'",
        {"fct_aipl_ledger.published_stock_explained"},
    ),
    "an entry too many": (
        "insert into fct_aipl_ledger"
        " values ('r6', 'p', 'lumen', 'b', date '2024-01-02', date '2024-01-03', 'P', 'I', 'late')",
        {"fct_aipl_ledger.published_stock_explained"},
    ),
    "a brand that is wiped out": (
        many(100, "I", "O", "correction") + ";" + many(40, "P", "O", "correction").replace("'m'", "'n'"),
        {"fct_aipl_ledger.asset_not_wiped_out", "fct_aipl_ledger.restated_as_usual"},
    ),
    "far more persons than usual": (many(20, "I", "P"), {"fct_aipl_ledger.restated_as_usual"}),
    "a horizon that went back": (
        "update dim_release set horizon = date '2024-01-09' where release_id = 'r6'",
        {"dim_release.horizon_not_back"},
    ),
    "a brand that is gone": (
        "update dim_release set brand_id = 'aurora' where release_id = 'r6'",
        {"dim_release.horizon_not_back"},
    ),
}


def export(folder: Path) -> None:
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        for mart in ("fct_aipl_daily", "dim_aipl_stage", "dim_release", "fct_aipl_ledger"):
            connection.sql(f"from {mart}").write_parquet(str(folder / f"{mart}.parquet"))


def spoil(folder: Path, statements: str) -> None:
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(statements)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of two releases that follow each other, named so as to trip a careless query."""
    home = tmp_path_factory.mktemp("it's 100% {good}")
    for name, content in (("previous", PREVIOUS), ("newest", PREVIOUS + KNOWN)):
        (home / name).mkdir()
        spoil(home / name, content)
        export(home / name)
    return home


def judged(folder: Path, previous: Path | None) -> tuple[GateResult, set[str]]:
    result = run_marts(folder / "marts.duckdb", list(RELEASE), previous=previous)
    assert not result.errors, result.summary_lines()
    return result, {f"{one.table}.{one.name}" for one in (*result.failures, *result.warnings)}


def test_a_good_release_passes_with_and_without_one_before(good: Path) -> None:
    result, found = judged(good / "newest", good / "previous")
    assert not found and not result.without_baseline, result.summary_lines()
    assert {(one.table, one.name) for one in result.results} == {
        (suite.table, rule.name) for suite in RELEASE.values() for rule in suite.rules
    }
    _, found = judged(good / "newest", None)
    assert found == {"fct_aipl_ledger.published_stock_explained"}, "compared with its own stock"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(good: Path, tmp_path: Path, fault: str) -> None:
    statements, expected = FAULTS[fault]
    folder = Path(shutil.copytree(good / "newest", tmp_path / "newest"))
    spoil(folder, statements)
    _, found = judged(folder, good / "previous")
    assert found >= expected, found


def test_every_rule_has_a_fault_that_trips_it() -> None:
    tripped = set().union(*(expected for _, expected in FAULTS.values()))
    assert tripped == {f"{suite.table}.{rule.name}" for suite in RELEASE.values() for rule in suite.rules}


def test_a_change_of_rules_may_restate_everybody_and_only_warns(good: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(good / "newest", tmp_path / "newest"))
    spoil(folder, many(100, "I", "O", "rules"))
    result, found = judged(folder, good / "previous")
    assert found == {"fct_aipl_ledger.restated_as_usual"} and result.outcome == "passed"


def test_a_short_chain_is_not_judged_by_its_past_and_says_so(good: Path, tmp_path: Path) -> None:
    for name in ("previous", "newest"):
        shutil.copytree(good / name, tmp_path / name)
        spoil(
            tmp_path / name,
            "delete from dim_release where release_id < 'r4';"
            "delete from fct_aipl_ledger where release_id < 'r4'",
        )
    export(tmp_path / "previous")
    spoil(tmp_path / "newest", many(20, "I", "P"))
    result, found = judged(tmp_path / "newest", tmp_path / "previous")
    assert not found
    (waiting,) = result.without_baseline
    assert waiting.not_judged == "no baseline yet: 1 of 4 for lumen"


def test_a_shut_gate_leaves_the_release_and_tells_page_and_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_home(tmp_path)
    let_through(settings, "1" * 64)
    publish(settings, datetime(2024, 2, 1, tzinfo=UTC))
    old = read_current(settings)
    assert old is not None
    with duckdb.connect(str(old.folder / "marts.duckdb"), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    assert set(RELEASE) <= tables <= set(MARTS) | set(RELEASE)

    build(settings, "2" * 64, persons=8)
    let_through(settings, "2" * 64)
    write = release_files.write_ledger

    def write_too_much(connection, *arguments, **keywords):  # type: ignore[no-untyped-def]
        written = write(connection, *arguments, **keywords)
        connection.execute("insert into release.main.dim_release from release.main.dim_release")
        return written

    with monkeypatch.context() as patch:
        patch.setattr(release_files, "write_ledger", write_too_much)
        with pytest.raises(GateStop, match="once_a_brand") as stopped:
            publish(settings, datetime(2024, 2, 2, tzinfo=UTC))
    assert stopped.value.exit_code == 3
    assert read_current(settings) == old
    assert [path.name for path in (settings.published / "releases").iterdir()] == [old.release_id]
    verdict = read_gate(settings)
    assert verdict is not None and not verdict.passed
    (stored,) = (settings.reports / "marts").glob("*.json")
    assert "dim_release: once_a_brand" in stored.with_suffix(".html").read_text()
    assert {one.table for one in GateResult.from_json(stored.read_bytes()).results} == {"fct_fast", *RELEASE}
    observe_mart_gate(settings)
    found = {finding.key: finding for finding in open_findings(settings, "gate/release")}
    assert found["dim_release.once_a_brand"].severity == "critical"
    assert found["dim_release.once_a_brand"].link == str(stored.with_suffix(".html"))

    let_through(settings, "2" * 64)
    assert publish(settings, datetime(2024, 2, 3, tzinfo=UTC)).is_new
    observe_mart_gate(settings)
    assert open_findings(settings, "gate/release") == []


def test_a_run_that_is_judged_further_keeps_its_one_page(tmp_path: Path) -> None:
    at = datetime(2024, 2, 1, tzinfo=UTC)
    result = GateResult("marts", "warehouse.duckdb", at, at, ())
    assert write_report(result, tmp_path) == write_report(result, tmp_path)
    assert (tmp_path / "index.html").read_text().count("-marts.html") == 1
