"""The mart gate: what rules find beyond their first example, and a fault of the gate is never a pass."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import duckdb
import pytest
from mart_tables import Examples, write_good

from expectations.results import ExpectationResult, GateResult
from expectations.runner import run_marts
from expectations.suites.load import GOOD_DAY, Example, Row, read_suites
from orchestration.core.settings import PROJECT_ROOT

ALL = read_suites(PROJECT_ROOT / "dbt_project")
SUITES = {name: mart for name, mart in ALL.items() if not mart.contract.made_at_publish}
DAILY, FAST, ORDERS, TOUCHES = "fct_aipl_daily", "fct_fast", "fct_orders", "fct_person_days"
LEDGER, RELEASE = "fct_aipl_ledger", "dim_release"
Rows = list[dict[str, Any]]
Judged = dict[tuple[str, str], list[ExpectationResult]]


class Case(NamedTuple):
    """Rows of a mart and of other tables, and what an example must say, or why the rule did not judge."""

    mart: str
    rule: str
    rows: Rows
    said: str = ""
    given: Mapping[str, Sequence[Row]] = {}


def day(number: int) -> date:
    """So many days after the good one."""
    return GOOD_DAY + timedelta(days=number)


def stock(*numbers: int, days: int = 80) -> Rows:
    """A stock on as many days up to the horizon, given from the last day back; the last number repeats."""
    return [
        {"as_of_date": day(-back), "persons": numbers[min(back, len(numbers) - 1)]} for back in range(days)
    ]


def released(name: str, before: str, created: date, **more: Any) -> dict[str, Any]:
    return {"release_id": name, "previous_release_id": before, "created_at": created, **more}


COMPLETE = "complete_to_horizon"
LATER = released("y", "x", day(1))
TRIPS = {
    "stage twice": Case(DAILY, COMPLETE, [{}, {}], "'rows_found': 2"),
    "day between missing": Case(
        DAILY, COMPLETE, [{"as_of_date": day(-2)}, {}], "'2023-12-31', 'stage': 'x', 'rows_found': 0"
    ),
    "stage of one day unknown": Case(
        DAILY, COMPLETE, [{"as_of_date": day(-1)}, {"stage": None}], "'stage': 'x', 'rows_found': 0"
    ),
    "infinite rate": Case(FAST, "advancing_rate_within_bounds", [{"advancing_rate": math.inf}], "inf"),
    "rate not a number": Case(FAST, "thriving_rate_within_bounds", [{"thriving_rate": math.nan}], "nan"),
    "paid in the future": Case(
        ORDERS, "paid_date_possible", [{"paid_date": date(2999, 1, 1)}], "'paid_date': '2999-01-01'"
    ),
    "money without currency": Case(
        ORDERS, "amount_has_currency", [{"is_purchase": True, "currency": None}], "'currency': None"
    ),
    "an order lost": Case(ORDERS, "as_loaded", [], "'rows_loaded': 1, 'rows_published': 0"),
    "an order twice": Case(ORDERS, "as_loaded", [{}, {}], "'rows_loaded': 1, 'rows_published': 2"),
    "an order made up": Case(ORDERS, "as_loaded", [{}, {"order_id": "z"}], "'z', 'rows_loaded': 0"),
    "a cent lost": Case(ORDERS, "as_loaded", [{"amount": 0.99}], "'amount_published': '0.9900'"),
    "an amount lost": Case(ORDERS, "as_loaded", [{"amount": None}], "'amount_published': None"),
    "a buyer who is nobody": Case(ORDERS, "person_id_in_dim_person", [{"person_id": "z"}], "_id': '***'"),
    "a hole in the calendar": Case("dim_date", "covers_the_facts", [{}, {"date_day": day(2)}], "'days': 2"),
    "a fall six days ago": Case(
        DAILY, "no_sudden_fall", stock(*[10] * 7, 100, days=20), "'persons_day_before': 100"
    ),
    "a stock that falls": Case(DAILY, "stock_day_on_day_as_usual", stock(740, 1000), "'growth': -0.26"),
    "two accounts of one release": Case(RELEASE, "one_chain", [{}, {"rules_hash": "y"}], "'release_id': 'x'"),
    "a release that was left out": Case(
        RELEASE, "one_chain", [{}, LATER, released("z", "x", day(2))], "'release_before': 'y'"
    ),
    "an older release that is gone": Case(
        RELEASE,
        "only_added",
        [{}],
        "'rows_before': 1, 'rows_found': 0",
        {"previous.dim_release": [{}, {"release_id": "w"}]},
    ),
    "a brand that is gone": Case(RELEASE, "horizon_not_back", [{}, {**LATER, "brand_id": "z"}], "': None"),
    "an unknown stage before": Case(LEDGER, "stages_known", [{"stage_before": "z"}], "'stage_before': 'z'"),
    "a difference of nothing": Case(LEDGER, "stages_known", [{"stage_before": "x"}], "'stage_before': 'x'"),
    "an entry too many": Case(LEDGER, "published_stock_explained", [{}, {"person_id": "y"}], "ledger': -2"),
}
REJECTED = {
    "intermediate.int_events": [{"_times": 190}],
    "intermediate.int_rejects": [{"entity": "events", "_times": 10}],
}
ORDER = {"source_id": "x", "order_id": "x", "amount": 1.0, "is_current": True}
REPLACED = {"intermediate.int_orders": [ORDER, {**ORDER, "amount": 7.0, "is_current": False}]}
CHAIN = {
    "marts.dim_release": [
        {"release_id": "r0", "created_at": day(-31)},
        released("r1", "r0", day(-30)),
        {"previous_release_id": "r1"},
    ],
    "previous.fct_aipl_daily": [{"persons": 100}],
}
QUIET = {
    "a fall of exactly the limit": Case(DAILY, "no_sudden_fall", stock(40, 100, days=2)),
    "a fall of more than a week ago": Case(DAILY, "no_sudden_fall", stock(*[10] * 8, 100, days=20)),
    "a stock that swings a little": Case(DAILY, "stock_day_on_day_as_usual", stock(1240, 1000)),
    "a stage of few persons": Case(DAILY, "stock_day_on_day_as_usual", stock(90, 60)),
    "an earlier leap": Case(DAILY, "stock_week_on_week_as_usual", stock(*[1000] * 20, 1500, 1000)),
    "a stock that always swings": Case(DAILY, "stock_day_on_day_as_usual", stock(*[1300, 1000] * 40)),
    "a young stage": Case(
        DAILY, "stock_day_on_day_as_usual", stock(5000, 1000, days=20), "no baseline yet: 18 of 28 for x"
    ),
    "a weekday without touches before": Case(
        TOUCHES,
        "no_day_without_touches",
        [{"touch_date": day(-7 * week)} for week in (1, 2, 4)],
        "no baseline yet: 3 of 4 for x",
    ),
    "as many rejects as allowed": Case(TOUCHES, "few_events_rejected", [{}], given=REJECTED),
    "a replaced version of an order": Case(ORDERS, "as_loaded", [{}], given=REPLACED),
    "a change of rules that restates everybody": Case(
        LEDGER,
        "asset_not_wiped_out",
        [{"stage_before": "x", "stage_after": "o", "reason": "rules", "_times": 91}],
        given=ALL[LEDGER].examples["asset_not_wiped_out"].given,
    ),
    "a short chain": Case(
        LEDGER,
        "restated_as_usual",
        [{"person_id": "p{n}", "_times": 6}],
        "no baseline yet: 1 of 4 for x",
        CHAIN,
    ),
}
# Facts that need not exist.
MAY_BE_EMPTY = {
    name
    for name, mart in SUITES.items()
    if not any(rule.name in ("has_rows", "as_loaded", "every_brand_present") for rule in mart.suite.rules)
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    examples = Examples(tmp_path_factory.mktemp("states"), ALL)
    for called, case in (TRIPS | QUIET).items():
        rules = [rule for rule in ALL[case.mart].suite.rules if rule.name == case.rule]
        examples.add(case.mart, rules, Example(case.rows, case.given), called)
    for mart in MAY_BE_EMPTY:
        examples.add(mart, ALL[mart].suite.rules, Example([]), "empty")
    return examples.results()


@pytest.mark.parametrize("called", TRIPS)
def test_each_fault_is_named(judged: Judged, called: str) -> None:
    (found,) = judged[TRIPS[called].mart, called]
    assert (found.status, found.error) == ("failed", None)
    assert TRIPS[called].said in f"{found.examples}"


@pytest.mark.parametrize("called", QUIET)
def test_what_is_allowed_is_quiet(judged: Judged, called: str) -> None:
    (found,) = judged[QUIET[called].mart, called]
    assert (found.status, found.not_judged) == ("passed", QUIET[called].said)


def test_facts_that_need_not_exist_may_be_empty(judged: Judged) -> None:
    assert len(MAY_BE_EMPTY) > 10
    for mart in MAY_BE_EMPTY:
        assert {one.status for one in judged[mart, "empty"]} == {"passed"}, mart


@pytest.fixture(scope="module")
def good_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        write_good(connection, SUITES)
    return path


@pytest.fixture
def warehouse(good_warehouse: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good_warehouse, tmp_path / "a warehouse 100% [x].duckdb"))


def spoil(warehouse: Path, statement: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"set schema = 'marts'; {statement}")


def judge(warehouse: Path, *marts: str) -> GateResult:
    """Run the gate on some marts, or on all."""
    return run_marts(warehouse, [SUITES[name].suite for name in marts or SUITES])


def one(result: GateResult, rule: str) -> ExpectationResult:
    (found,) = [found for found in result.results if found.name == rule]
    return found


def test_good_warehouse_passes_quietly_and_is_only_read(
    warehouse: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = warehouse.read_bytes()
    result = judge(warehouse)
    assert capfd.readouterr() == ("", "")
    assert result.outcome == "passed", result.summary_lines()
    assert not result.warnings
    assert all(found.observed and found.owner and found.description for found in result.results)
    assert warehouse.read_bytes() == before
    assert [path.name for path in warehouse.parent.iterdir()] == [warehouse.name]
    spoil(warehouse, "create table marts.written as select 1")


def test_all_marts_but_an_informing_one_can_hold_a_release_back() -> None:
    informing = {name for name, mart in SUITES.items() if mart.suite.severity == "warning"}
    # A view alone shows what the marts beneath it hold, which are judged.
    views = {name for name in informing if ALL[name].contract.published == "view_only"}
    assert informing - views == {"fct_gmv_backtest"}


def test_warning_does_not_block(warehouse: Path) -> None:
    spoil(
        warehouse,
        """update fct_aipl_daily set persons = 100; update dim_brand set horizon = horizon + 1;
        insert into fct_aipl_daily
        select * replace (as_of_date + 1 as as_of_date, 39 as persons) from fct_aipl_daily""",
    )
    result = judge(warehouse, DAILY)
    assert result.outcome == "passed"
    (warning,) = result.warnings
    assert (warning.name, warning.unexpected_count, warning.blocks) == ("no_sudden_fall", 1, False)
    assert warning.examples[0]["persons_day_before"] == 100


def test_counts_are_exact_and_examples_few(warehouse: Path) -> None:
    """By a query, also beyond what the library fetches."""
    spoil(
        warehouse,
        "insert into dim_product (source_id) select 'shop' from range(100000);"
        "insert into fct_aipl_stage_history (person_id, valid_from, valid_to) select 'p' || i, "
        "date '2024-01-02', date '2024-01-01' from range(20000) r (i)",
    )
    result = judge(warehouse, "dim_product", "fct_aipl_stage_history")
    for rule, count in (("product_id_present", 100_000), ("interval_not_empty", 20_000)):
        found = one(result, rule)
        assert (found.unexpected_count, len(found.examples)) == (count, 10)


def test_missing_marts_and_columns_are_errors_of_their_marts(warehouse: Path) -> None:
    """They weigh more than the failures of others."""
    spoil(
        warehouse,
        "drop table fct_fast; alter table fct_aipl_daily drop stage_rank; drop table dim_brand;"
        "alter table fct_orders rename is_purchase to purchase; delete from dim_person",
    )
    result = judge(warehouse, "fct_fast", DAILY, ORDERS, "dim_person", "dim_product")
    assert result.outcome == "error" and result.failures
    assert {error.table for error in result.errors} == {"fct_fast", DAILY, ORDERS}
    assert not any("[SQL" in str(error.error) or "http" in str(error.error) for error in result.errors)
    assert {found.status for found in result.results if found.table == "dim_product"} == {"passed"}


def test_a_mart_may_be_a_view(warehouse: Path) -> None:
    spoil(
        warehouse,
        """create table intermediate.settled as
            select * replace (-amount as amount, true as is_purchase) from fct_orders;
        drop table fct_orders;
        create view fct_orders as select * from intermediate.settled""",
    )
    result = judge(warehouse, ORDERS)
    assert [found.name for found in result.failures] == ["purchase_amount_not_negative", "as_loaded"]
    assert not result.errors


def test_nothing_to_judge_is_never_a_pass(warehouse: Path, tmp_path: Path) -> None:
    assert judge(tmp_path / "none.duckdb").outcome == "error"
    assert not (tmp_path / "none.duckdb").exists()
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"not a database" * 1000)
    assert judge(damaged).outcome == "error"
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    assert judge(empty).outcome == "error"
    assert run_marts(warehouse, []).outcome == "error"
    with duckdb.connect(str(warehouse)):
        assert judge(warehouse, "dim_person").outcome == "error", "a writer holds it"


def test_a_library_that_trips_fails_or_answers_nothing_is_an_error(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.exceptions import MetricResolutionError
    from great_expectations.expectations.core import ExpectColumnValuesToNotBeNull

    def raising(error: Exception) -> Callable[..., object]:
        def explode(*_: object, **__: object) -> None:
            raise error

        return explode

    tripped = raising(RuntimeError("the suite tripped over itself"))
    monkeypatch.setattr(ExpectColumnValuesToNotBeNull, "_validate", tripped)
    result = judge(warehouse, "dim_brand")
    assert result.outcome == "error"
    assert one(result, "horizon_present").error == "the suite tripped over itself"
    assert one(result, "has_rows").status == "passed"

    monkeypatch.setattr(Batch, "validate", raising(MetricResolutionError("no metric", failed_metrics=())))
    result = judge(warehouse, "dim_person")
    assert result.outcome == "error"
    assert "no metric" in str(result.results[0].error)

    monkeypatch.setattr(Batch, "validate", lambda *_, **__: SimpleNamespace(results=()))
    result = judge(warehouse, "dim_person")
    assert result.outcome == "error"
    assert len(result.errors) == len(SUITES["dim_person"].suite.rules)
