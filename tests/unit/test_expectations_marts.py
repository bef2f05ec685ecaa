"""The mart gate: a good warehouse passes, each fault is named, and a fault of the suite is never a pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from expectations.registry import MARTS
from expectations.results import ExpectationResult, GateResult
from expectations.runner import run_marts

GOOD = """
create schema marts;
create table marts.dim_brand as
select * from (values
    ('lumen', 'Lumen', 'Asia/Shanghai', 'CNY', date '2024-09-01', date '2024-09-10', false),
    ('aurora', 'Aurora', 'Asia/Shanghai', 'CNY', date '2024-09-03', date '2024-09-08', true)
) as t (brand_id, brand_name, timezone, currency, first_day, horizon, is_stale);
create table marts.dim_date as
select date '2024-08-01' + cast(i as integer) as date_day from range(153) r (i);
create table marts.dim_person as select 'sample_shop:' || i as person_id from range(5) r (i);
create table marts.dim_product as select 'shop' as source_id, 'p' || i as product_id from range(3) r (i);
create table marts.fct_aipl_daily as
with stages (stage, stage_rank) as (values ('A', 1), ('I', 2), ('P', 3), ('L', 4)),
presets (preset) as (values ('consumer_asset'), ('gross')),
days as (
    select brand_id, cast(unnest(generate_series(first_day, horizon, interval 1 day)) as date) as as_of_date
    from marts.dim_brand
)
select preset, brand_id, as_of_date, stage, stage_rank, cast(100 as bigint) as persons
from presets cross join days cross join stages;
create table marts.fct_aipl_flow as
select 'consumer_asset' as preset, 'lumen' as brand_id, 'week' as period_type,
    date '2024-09-02' as period_start,
    date '2024-09-08' as period_end, 'A' as from_stage, 'I' as to_stage, 'deepened' as movement, 3 as persons;
create table marts.fct_fast as
select 'consumer_asset' as preset, brand_id, 'week' as period_type,
    date '2024-07-01' + 7 * cast(i as integer) as period_start,
    date '2024-07-07' + 7 * cast(i as integer) as period_end,
    10 as fertility_union, 9 as fertility_end, 8 as start_stock, 2 as deepened, 0.25 as advancing_rate,
    4 as start_stock_eligible, cast(null as double) as advancing_rate_eligible, 3 as superiority_members,
    1 as thriving_members, 1::double as thriving_rate
from range(6) r (i) cross join marts.dim_brand;
create table marts.fct_orders as
select * from (values
    ('shop', 'o1', 'paid', timestamp '2024-09-02 03:00', date '2024-09-02', 19.9, 'CNY', true),
    ('shop', 'o2', 'unpaid', null, null, null, null, false),
    ('shop', 'o3', 'adjusted', null, null, -5.0, 'CNY', false)
) as t (source_id, order_id, status, paid_at, paid_date, amount, currency, is_purchase);
create table marts.fct_order_lines as
select 'shop' as source_id, 'o1' as order_id, '1' as line_id, 'lumen' as brand_id,
    19.9::decimal(18, 4) as amount;
create table marts.fct_money_daily as
select 'lumen' as brand_id, 'CNY' as currency, date '2024-09-02' as money_date, 19.9 as gross_paid_amount;
create table marts.fct_gmv_backtest as
select 'gross' as preset, 'lumen' as brand_id, 'series' as method, 7 as horizon_days, 5 as backtests,
    0.3::double as mape;
create table marts.fct_aipl_stage_history as
select * from (values
    ('consumer_asset', 'lumen', 'sample_shop:1', 'A', 1, date '2024-09-01', date '2024-09-16'),
    ('gross', 'aurora', 'sample_shop:2', 'P', 3, date '2024-09-03', date '9999-12-31')
) as t (preset, brand_id, person_id, stage, stage_rank, valid_from, valid_to);
"""

DAY = "preset = 'gross' and brand_id = 'aurora' and as_of_date = date '2024-09-05'"

# statement that spoils the warehouse, mart, rule that must object, text that must name the fault
FAULTS = {
    "persons unknown": (
        f"update fct_aipl_daily set persons = null where {DAY} and stage = 'A'",
        "fct_aipl_daily",
        "persons_present",
        "'brand_id': 'aurora', 'as_of_date': '2024-09-05', 'stage': 'A'",
    ),
    "persons negative": (
        f"update fct_aipl_daily set persons = -1 where {DAY} and stage = 'A'",
        "fct_aipl_daily",
        "persons_within_bounds",
        "'persons': -1",
    ),
    "stage twice": (
        f"insert into fct_aipl_daily select * from fct_aipl_daily where {DAY} and stage = 'P'",
        "fct_aipl_daily",
        "complete_to_horizon",
        "'as_of_date': '2024-09-05', 'stage': 'P', 'rows_found': 2",
    ),
    "day missing": (
        f"delete from fct_aipl_daily where {DAY}",
        "fct_aipl_daily",
        "complete_to_horizon",
        "'as_of_date': '2024-09-05', 'stage': 'A', 'rows_found': 0",
    ),
    "last day missing": (
        "delete from fct_aipl_daily where as_of_date = date '2024-09-10'",
        "fct_aipl_daily",
        "complete_to_horizon",
        "'as_of_date': '2024-09-10'",
    ),
    "stage null": (
        f"update fct_aipl_daily set stage = null where {DAY} and stage = 'P'",
        "fct_aipl_daily",
        "complete_to_horizon",
        "'stage': 'P', 'rows_found': 0",
    ),
    "forecast shown as fact": (
        "update dim_brand set horizon = date '2024-09-07' where brand_id = 'aurora'",
        "fct_aipl_daily",
        "nothing_beyond_horizon",
        "'as_of_date': '2024-09-08', 'horizon': '2024-09-07'",
    ),
    "brand without days": (
        "delete from fct_aipl_daily where brand_id = 'aurora'",
        "fct_aipl_daily",
        "every_brand_present",
        "'preset': 'gross', 'brand_id': 'aurora'",
    ),
    "flow of nobody": (
        "update fct_aipl_flow set persons = 0",
        "fct_aipl_flow",
        "persons_within_bounds",
        "'persons': 0",
    ),
    "unknown movement": (
        "update fct_aipl_flow set movement = 'risen'",
        "fct_aipl_flow",
        "movement_known",
        "'movement': 'risen'",
    ),
    "rate above one": (
        "update fct_fast set thriving_rate = 1.01 where brand_id = 'lumen'",
        "fct_fast",
        "thriving_rate_within_bounds",
        "'thriving_rate': 1.01",
    ),
    "infinite rate": (
        "alter table fct_fast alter advancing_rate type double; update fct_fast set advancing_rate = 'inf'",
        "fct_fast",
        "advancing_rate_within_bounds",
        "'advancing_rate': 'inf'",
    ),
    "rate not a number": (
        "update fct_fast set advancing_rate_eligible = 'nan'",
        "fct_fast",
        "advancing_rate_eligible_within_bounds",
        "'advancing_rate_eligible': 'nan'",
    ),
    "week missing": (
        "delete from fct_fast where brand_id = 'lumen' and period_start = date '2024-07-15'",
        "fct_fast",
        "no_period_missing",
        "'period_end': '2024-07-14', 'next_period_start': '2024-07-22'",
    ),
    "negative purchase": (
        "update fct_orders set amount = -1 where order_id = 'o1'",
        "fct_orders",
        "purchase_amount_not_negative",
        "'order_id': 'o1', 'amount': '-1.0'",
    ),
    "purchase never paid": (
        "update fct_orders set is_purchase = true where order_id = 'o2'",
        "fct_orders",
        "purchase_has_paid_time",
        "'order_id': 'o2'",
    ),
    "paid before computers": (
        "update fct_orders set paid_date = date '1900-01-01' where order_id = 'o1'",
        "fct_orders",
        "paid_date_possible",
        "'paid_date': '1900-01-01'",
    ),
    "paid in the future": (
        "update fct_orders set paid_date = date '2999-01-01' where order_id = 'o1'",
        "fct_orders",
        "paid_date_possible",
        "'paid_date': '2999-01-01'",
    ),
    "currency in words": (
        "update fct_orders set currency = '元' where order_id = 'o1'",
        "fct_orders",
        "currency_is_iso_code",
        "'currency': '元'",
    ),
    "money without currency": (
        "update fct_orders set currency = null where order_id = 'o1'",
        "fct_orders",
        "currency_is_iso_code",
        "'currency': None",
    ),
    "line too dear": (
        "update fct_order_lines set amount = 1e10::decimal(18, 4)",
        "fct_order_lines",
        "amount_within_bounds",
        "'line_id': '1'",
    ),
    "line without brand": (
        "update fct_order_lines set brand_id = null",
        "fct_order_lines",
        "brand_id_present",
        "'order_id': 'o1'",
    ),
    "interval turned round": (
        "update fct_aipl_stage_history set valid_to = valid_from where brand_id = 'lumen'",
        "fct_aipl_stage_history",
        "interval_not_empty",
        "'person_id': '***'",
    ),
    "interval without beginning": (
        "update fct_aipl_stage_history set valid_from = null where brand_id = 'aurora'",
        "fct_aipl_stage_history",
        "valid_from_present",
        "'person_id': '***'",
    ),
    "interval left open": (
        "update fct_aipl_stage_history set valid_to = null where brand_id = 'aurora'",
        "fct_aipl_stage_history",
        "valid_to_present",
        "'person_id': '***'",
    ),
    "nobody in any stage": (
        "delete from fct_aipl_stage_history",
        "fct_aipl_stage_history",
        "has_rows",
        "0 rows",
    ),
    "paid less than nothing": (
        "update fct_money_daily set gross_paid_amount = -1",
        "fct_money_daily",
        "gross_paid_amount_within_bounds",
        "'gross_paid_amount': '-1.0'",
    ),
    "money of the future": (
        "update fct_money_daily set money_date = date '2024-09-11'",
        "fct_money_daily",
        "nothing_beyond_horizon",
        "'money_date': '2024-09-11', 'horizon': '2024-09-10'",
    ),
    "horizon unknown": (
        "update dim_brand set horizon = null where brand_id = 'lumen'",
        "dim_brand",
        "horizon_present",
        "'brand_id': 'lumen'",
    ),
    "horizon in the future": (
        "update dim_brand set horizon = date '9999-12-31' where brand_id = 'lumen'",
        "dim_brand",
        "horizon_not_in_future",
        "'horizon': '9999-12-31'",
    ),
    "person without key": (
        "insert into dim_person values (null)",
        "dim_person",
        "person_id_present",
        "1 of 6 rows unexpected",
    ),
    "calendar too short": (
        "delete from dim_date where date_day >= date '2024-09-10'",
        "dim_date",
        "covers_the_facts",
        "'last_fact': '2024-09-10'",
    ),
    "hole in the calendar": (
        "delete from dim_date where date_day = date '2024-09-04'",
        "dim_date",
        "covers_the_facts",
        "'days': 152",
    ),
}


@pytest.fixture(scope="module")
def good_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(GOOD)
    return path


@pytest.fixture
def warehouse(good_warehouse: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good_warehouse, tmp_path / "a warehouse 100% [x].duckdb"))


def spoil(warehouse: Path, statement: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"set schema = 'marts'; {statement}")


def one(result: GateResult, rule: str) -> ExpectationResult:
    (found,) = [found for found in result.results if found.name == rule]
    return found


def test_good_warehouse_passes(warehouse: Path) -> None:
    result = run_marts(warehouse)
    assert result.outcome == "passed", result.summary_lines()
    assert not result.warnings
    expected = {(suite.table, rule.name) for suite in MARTS.values() for rule in suite.rules}
    assert {(found.table, found.name) for found in result.results} == expected
    assert all(found.observed and found.owner and found.description for found in result.results)


def test_facts_that_need_not_exist_may_be_empty(warehouse: Path) -> None:
    spoil(warehouse, "delete from fct_aipl_flow; delete from fct_fast; delete from fct_orders")
    spoil(warehouse, "delete from fct_order_lines; delete from dim_product")
    result = run_marts(warehouse)
    assert result.outcome == "passed", result.summary_lines()
    assert [warning.table for warning in result.warnings] == ["dim_product"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(warehouse: Path, fault: str) -> None:
    statement, table, rule, named = FAULTS[fault]
    spoil(warehouse, statement)
    result = run_marts(warehouse, [table])
    assert result.outcome == "failed"
    found = one(result, rule)
    assert found.status == "failed"
    assert found.severity == "critical"
    assert named in f"{found.observed} {found.examples}"
    assert any(rule in line for line in result.summary_lines())


def test_every_critical_rule_has_a_fault_that_trips_it() -> None:
    tripped = {(table, rule) for _, table, rule, _ in FAULTS.values()}
    families = {
        ("fct_fast", f"{column}_within_bounds")
        for column in (
            "fertility_union", "fertility_end", "start_stock", "deepened", "start_stock_eligible",
            "superiority_members", "thriving_members",
        )
    }  # fmt: skip
    simple = {"has_rows", "persons_present", "movement_present"}
    simple |= {"product_id_present", "date_day_present"}
    untested = {
        (suite.table, rule.name)
        for suite in MARTS.values()
        for rule in suite.rules
        if rule.severity == "critical" and rule.name not in simple
    }
    assert untested - tripped - families == set()


def test_registry_tells_owner_and_severity_of_every_mart() -> None:
    assert {table: suite.table for table, suite in MARTS.items()} == {table: table for table in MARTS}
    informing = {table for table, suite in MARTS.items() if suite.severity == "warning"}
    assert informing == {"fct_gmv_backtest"}, "all others can hold a release back"
    for suite in MARTS.values():
        assert suite.owner
        assert len({rule.name for rule in suite.rules}) == len(suite.rules) > 0


def test_warning_does_not_block(warehouse: Path) -> None:
    spoil(warehouse, "update fct_aipl_daily set persons = 39 where as_of_date = date '2024-09-06'")
    result = run_marts(warehouse, ["fct_aipl_daily"])
    assert result.outcome == "passed"
    (warning,) = result.warnings
    assert warning.name == "no_sudden_fall"
    assert warning.unexpected_count == 4
    assert warning.examples[0]["persons_day_before"] == 400
    assert not warning.blocks


def test_a_bad_forecast_and_an_unknown_currency_are_warnings(warehouse: Path) -> None:
    spoil(
        warehouse, "update fct_gmv_backtest set mape = 1.2; update fct_money_daily set currency = 'unknown'"
    )
    result = run_marts(warehouse)
    assert result.outcome == "passed"
    assert {warning.name for warning in result.warnings} == {"forecast_of_use", "currency_known"}


def test_fall_of_exactly_the_limit_is_quiet(warehouse: Path) -> None:
    spoil(warehouse, "update fct_aipl_daily set persons = 40 where as_of_date = date '2024-09-06'")
    assert not run_marts(warehouse, ["fct_aipl_daily"]).warnings


def test_counts_are_exact_and_examples_few(warehouse: Path) -> None:
    spoil(warehouse, "insert into dim_person select null from range(100000)")
    found = one(run_marts(warehouse, ["dim_person"]), "person_id_present")
    assert found.unexpected_count == 100_000
    assert len(found.examples) == 10


def test_query_counts_beyond_what_the_library_fetches(warehouse: Path) -> None:
    spoil(
        warehouse,
        "insert into fct_aipl_stage_history select 'gross', 'lumen', 'p' || i, 'A', 1, "
        "date '2024-01-02', date '2024-01-01' from range(20000) r (i)",
    )
    found = one(run_marts(warehouse, ["fct_aipl_stage_history"]), "interval_not_empty")
    assert found.unexpected_count == 20_000
    assert len(found.examples) == 10


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("drop table fct_fast", "fct_fast"),
        ("alter table fct_fast drop thriving_rate", "fct_fast"),
        ("alter table fct_aipl_daily drop stage_rank", "fct_aipl_daily"),
        ("drop table dim_brand", "fct_aipl_daily"),
        ("alter table fct_orders rename is_purchase to purchase", "fct_orders"),
    ],
)
def test_missing_mart_or_column_is_an_error(warehouse: Path, statement: str, table: str) -> None:
    spoil(warehouse, statement)
    result = run_marts(warehouse, [table, "dim_person"])
    assert result.outcome == "error"
    assert all(error.table == table and error.error for error in result.errors)
    assert not any("[SQL" in str(error.error) or "http" in str(error.error) for error in result.errors)
    assert {found.status for found in result.results if found.table == "dim_person"} == {"passed"}


def test_error_beats_failure(warehouse: Path) -> None:
    spoil(warehouse, "drop table fct_fast; delete from dim_person")
    result = run_marts(warehouse)
    assert result.failures
    assert result.outcome == "error"


def test_a_mart_may_be_a_view(warehouse: Path) -> None:
    spoil(
        warehouse,
        """create schema intermediate;
        create table intermediate.settled as select * replace (-amount as amount) from fct_orders;
        drop table fct_orders;
        create view fct_orders as select * from intermediate.settled""",
    )
    result = run_marts(warehouse, ["fct_orders"])
    assert [found.name for found in result.failures] == ["purchase_amount_not_negative"]
    assert not result.errors


def test_missing_or_damaged_warehouse_is_an_error(tmp_path: Path) -> None:
    assert run_marts(tmp_path / "none.duckdb").outcome == "error"
    assert not (tmp_path / "none.duckdb").exists()
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"not a database" * 1000)
    assert run_marts(damaged).outcome == "error"
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    assert run_marts(empty).outcome == "error"


def test_unknown_mart_and_no_mart_are_errors(warehouse: Path) -> None:
    assert run_marts(warehouse, ["fct_nothing"]).outcome == "error"
    assert run_marts(warehouse, []).outcome == "error"


def test_exception_inside_a_metric_is_an_error(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.expectations.core import ExpectColumnValuesToNotBeNull

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("the suite tripped over itself")

    monkeypatch.setattr(ExpectColumnValuesToNotBeNull, "_validate", explode)
    result = run_marts(warehouse, ["dim_person"])
    assert result.outcome == "error"
    assert one(result, "person_id_present").error == "the suite tripped over itself"
    assert one(result, "has_rows").status == "passed"


@contextmanager
def replaced_validate(monkeypatch: pytest.MonkeyPatch, replacement: Callable[..., object]) -> Iterator[None]:
    from great_expectations.datasource.fluent.interfaces import Batch

    with monkeypatch.context() as patch:
        patch.setattr(Batch, "validate", replacement)
        yield


def test_exception_of_the_library_is_an_error(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.exceptions import MetricResolutionError

    def explode(*_: object, **__: object) -> None:
        raise MetricResolutionError("no metric", failed_metrics=())

    with replaced_validate(monkeypatch, explode):
        result = run_marts(warehouse, ["dim_person"])
    assert result.outcome == "error"
    assert "no metric" in str(result.results[0].error)


def test_rule_without_an_answer_is_an_error(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        results: tuple[object, ...] = ()

    with replaced_validate(monkeypatch, lambda *_, **__: Nothing()):
        result = run_marts(warehouse, ["dim_person"])
    assert result.outcome == "error"
    assert len(result.errors) == len(MARTS["dim_person"].rules)


def test_warehouse_is_free_for_the_writer_afterwards(warehouse: Path) -> None:
    run_marts(warehouse)
    spoil(warehouse, "create table marts.written as select 1")


def test_warehouse_held_by_a_writer_is_an_error(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)):
        assert run_marts(warehouse, ["dim_person"]).outcome == "error"


def test_gate_never_writes(warehouse: Path) -> None:
    before = warehouse.read_bytes()
    run_marts(warehouse)
    assert warehouse.read_bytes() == before
    assert [path.name for path in warehouse.parent.iterdir()] == [warehouse.name]


def test_gate_is_quiet(warehouse: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_marts(warehouse)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
