"""The GMV forecast: nothing after its origin is used; brute force agrees with formula, back-test and gap."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from gmv_models import SERIES, Change, rerun
from oracle.gmv import Backtest, Brand, Gap, Purchase, backtest, backtest_origins, forecast, gap, point
from oracle.rules import CONSUMER_ASSET
from oracle.stages import walks_of_history
from sample_world import WORLD, sample_warehouse
from warehouse import Warehouse

HORIZON = WORLD.start + timedelta(days=WORLD.days - 1)
DAY = timedelta(days=1)
MONEY = "paid_amount"
KEY = ("preset", "brand_id", "method", "horizon_days", "as_of_date")
# Targets by name: first day, last day, money, currency.
TARGETS = {
    "in progress": (HORIZON - 20 * DAY, HORIZON + 13 * DAY, 60000, "CNY"),
    "easy": (HORIZON - 60 * DAY, HORIZON + 13 * DAY, 10, "CNY"),
    "begins tomorrow": (HORIZON + DAY, HORIZON + 28 * DAY, 60000, "CNY"),
    "last day": (HORIZON - 6 * DAY, HORIZON + DAY, 9000, "CNY"),
    "ended": (HORIZON - 30 * DAY, HORIZON, 9000, "CNY"),
    "not started": (HORIZON + 2 * DAY, HORIZON + 9 * DAY, 9000, "CNY"),
    "other currency": (HORIZON - 19 * DAY, HORIZON + 13 * DAY, 9000, "EUR"),
    "before the data": (WORLD.start - DAY, HORIZON + 13 * DAY, 9000, "CNY"),
    "too far": (HORIZON, HORIZON + 200 * DAY, 9000, "CNY"),
}


@pytest.fixture(scope="module")
def built() -> Warehouse:
    return sample_warehouse()


def set_targets(connection: duckdb.DuckDBPyConnection) -> None:
    """Targets of two brands, one of them told twice, and one of a brand that nothing is known of."""
    connection.execute("delete from intermediate.int_gmv_targets")
    rows = [("lumen", *target, "2024-09-01") for target in TARGETS.values()]
    rows += [("aurora", *TARGETS["in progress"], "2024-09-01"), ("nobody", *TARGETS["ended"], "2024-09-01")]
    first, last, _, currency = TARGETS["in progress"]
    rows.append(("lumen", first, last, 1, currency, "2024-08-01"))
    connection.executemany(
        "insert into intermediate.int_gmv_targets by name select 'a' || ? as source_id, ? as brand_id,"
        " ? as period_start, ? as period_end, ? as gmv, ? as currency, cast(? as timestamp) as updated_at,"
        " true as is_current",
        [(str(number), *row) for number, row in enumerate(rows)],
    )


def remove_after(origin: date) -> Change:
    """A world in which the origin is the last day."""

    def change(connection: duckdb.DuckDBPyConnection) -> None:
        history = "intermediate.int_stage_history"
        for statement in (
            "delete from intermediate.int_paid_orders where paid_date > $1",
            f"delete from {history} where valid_from > $1",
            f"update {history} set valid_to = date '9999-12-31' where valid_to > $1",
            "update intermediate.int_brands set horizon = $1",
        ):
            connection.execute(statement, [origin])

    return change


def alter_after(origin: date) -> Change:
    """A world in which, after the origin, others bought, for more, and everybody had a stage of their own."""

    def change(connection: duckdb.DuckDBPyConnection) -> None:
        history = "intermediate.int_stage_history"
        for statement in (
            f"update intermediate.int_paid_orders set {MONEY} = {MONEY} * 7 + 1000,"
            " person_id = person_id || '?' where paid_date > $1",
            "insert into intermediate.int_paid_orders by name select * replace ($1 + 1 as paid_date,"
            " 'copy of ' || order_id as order_id) from intermediate.int_paid_orders where paid_date <= $1",
            f"delete from {history} where valid_from > $1",
            f"insert into {history} by name select * replace ('L' as stage, 4 as stage_rank,"
            f" $1 + 1 as valid_from, date '9999-12-31' as valid_to)"
            f" from {history} where valid_to > $1 and stage_rank < 4",
            f"update {history} set valid_to = $1 + 1"
            " where valid_from <= $1 and valid_to > $1 and stage_rank < 4",
        ):
            connection.execute(statement, [origin])

    return change


WORLDS = {"removed": remove_after, "altered": alter_after}


def known_at(connection: duckdb.DuckDBPyConnection, origin: date) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What is forecast at the origin and before it, by key; outcomes are no part of a forecast.

    Which targets are in progress depends on the last day, so only the horizons that are always asked for.
    """
    rows = connection.execute(
        f"select {', '.join(KEY)},"
        f" * exclude ({', '.join(KEY)}, is_backtest, actual_gmv, other_currency_orders)"
        " from marts.fct_gmv_forecast where as_of_date <= $1 and horizon_days in (7, 28)",
        [origin],
    ).fetchall()
    return {row[: len(KEY)]: row[len(KEY) :] for row in rows}


def differences(
    built: Warehouse, folder: Path, world: str, origin: date, faults: dict[str, tuple[str, str]] | None = None
) -> tuple[int, int]:
    """How many forecasts differ between the world as it is and one with another future, and of how many."""
    with rerun(built, folder, lambda connection: None, faults) as connection:
        expected = known_at(connection, origin)
    with rerun(built, folder, WORLDS[world](origin), faults) as connection:
        found = known_at(connection, origin)
    # A shorter world reaches back farther: it has origins that the longer one does not report.
    common = expected.keys() & found.keys()
    assert {key for key in expected if key[-1] == origin} <= common
    return sum(expected[key] != found[key] for key in common), len(common)


@pytest.mark.parametrize("weeks_back", [4, 5])
@pytest.mark.parametrize("world", WORLDS)
def test_nothing_after_the_origin_is_used(
    built: Warehouse, tmp_path: Path, world: str, weeks_back: int
) -> None:
    different, compared = differences(built, tmp_path, world, HORIZON - weeks_back * 7 * DAY)
    assert compared >= 80
    assert different == 0


LEAKS = {
    "a past horizon that ends after the origin": {
        "int_gmv_asset_points": ("-1 * horizon_days", "0 * horizon_days")
    },
    "a back-test that is not over yet": {
        "fct_gmv_forecast": (
            "origins.as_of_date >= points.end_date",
            "origins.as_of_date > points.as_of_date",
        )
    },
    "the stock of the next day": {
        "int_gmv_asset_points": (
            "origins.as_of_date = segments.as_of_date",
            "origins.as_of_date + 1 = segments.as_of_date",
        )
    },
    "a day of the series": {
        "int_gmv_series": ("if gmv_date <= as_of_date", "if (gmv_date - as_of_date).days <= 1")
    },
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(built: Warehouse, tmp_path: Path, leak: str) -> None:
    different, _ = differences(built, tmp_path, "altered", HORIZON - 28 * DAY, LEAKS[leak])
    assert different > 0


@pytest.fixture(scope="module")
def brands(built: Warehouse) -> dict[str, Brand]:
    with duckdb.connect(str(built.settings.warehouse), read_only=True) as connection:
        return brands_of(connection)


def brands_of(connection: duckdb.DuckDBPyConnection, currency: str = "CNY") -> dict[str, Brand]:
    """What is known of each brand, with its purchases in one currency."""
    walks = walks_of_history(
        connection.execute(
            "select brand_id, person_id, stage, valid_from, valid_to from marts.fct_aipl_stage_history"
        ).fetchall()
    )
    found = {}
    for brand_id, first_day, horizon in connection.execute(
        "select brand_id, first_day, horizon from marts.dim_brand"
    ).fetchall():
        orders = connection.execute(
            f"select order_id, person_id, paid_date, {MONEY} from intermediate.int_paid_orders"
            " where brand_id = $1 and currency = $2",
            [brand_id, currency],
        ).fetchall()
        found[brand_id] = Brand(
            first_day,
            horizon,
            [Purchase(order, person, day, float(amount)) for order, person, day, amount in orders],
            {person: walked for (its, person), walked in walks.items() if its == brand_id},
            CONSUMER_ASSET,
        )
    return found


def horizons(built: Warehouse, brand_id: str) -> set[int]:
    """The days to forecast: 7, 28, and what remains of the shop's own targets."""
    periods = built.query(
        "select period_start, period_end from intermediate.int_gmv_targets"
        f" where is_current and brand_id = '{brand_id}'"
    )
    return {7, 28} | {(last - HORIZON).days for first, last in periods if first <= HORIZON + DAY <= last}


def test_forecasts_agree_with_brute_force(built: Warehouse, brands: dict[str, Brand]) -> None:
    rows = built.query(
        "select brand_id, horizon_days, as_of_date, is_backtest, point_forecast, p10, p50, p90, actual_gmv"
        " from marts.fct_gmv_forecast where method = 'consumer_asset'"
    )
    expected: dict[tuple[str, int, date], bool] = {}
    for name, brand in brands.items():
        for days in horizons(built, name):
            expected[name, days, brand.horizon] = False
            expected |= dict.fromkeys(
                ((name, days, origin) for origin in backtest_origins(brand, brand.horizon, days)), True
            )
    assert {row[:3]: row[3] for row in rows} == expected
    with_interval = 0
    for name, days, origin, is_backtest, *figures in rows:
        brand = brands[name]
        own, spread = point(brand, origin, days), forecast(brand, origin, days)
        actual = brand.gmv(origin + DAY, origin + days * DAY) if is_backtest else None
        wanted = [own and own.forecast, spread and spread.p10, spread and spread.p50, spread and spread.p90]
        assert numbers(figures) == approximately([*wanted, actual]), (name, days, origin)
        with_interval += spread is not None and spread.p10 is not None
    assert with_interval >= 20


def test_backtests_agree_with_brute_force(built: Warehouse, brands: dict[str, Brand]) -> None:
    rows = built.query(
        "select brand_id, horizon_days, backtests, mape, interval_backtests, interval_coverage"
        " from marts.fct_gmv_backtest where method = 'consumer_asset'"
    )
    assert {row[:2] for row in rows} == {(name, days) for name in brands for days in horizons(built, name)}
    assert len(rows) == 2 * len(brands) + 3
    for name, days, *figures in rows:
        its: Backtest = backtest(brands[name], days)
        wanted = [its.backtests, its.mape, its.interval_backtests, its.coverage]
        assert numbers(figures) == approximately(wanted), (name, days)


def test_gaps_agree_with_brute_force(built: Warehouse, brands: dict[str, Brand], tmp_path: Path) -> None:
    with rerun(built, tmp_path, set_targets) as connection:
        rows = connection.execute(
            "select brand_id, period_start, period_end, method, status, target_gmv, actual_so_far,"
            " days_remaining, forecast_remaining_p50, forecast_gmv, gap, extra_prospects, buyer_rate_lift"
            " from marts.fct_consumer_gap"
        ).fetchall()
        series = dict(
            connection.execute(
                "select horizon_days, p50 from marts.fct_gmv_forecast"
                " where method = 'series' and brand_id = 'lumen' and not is_backtest"
            ).fetchall()
        )
    found = {(brand, first, last, method): row for brand, first, last, method, *row in rows}
    assert len(found) == len(rows) == 2 * (len(TARGETS) + 2)

    def status(name: str, method: str = "consumer_asset", brand: str = "lumen") -> Any:
        first, last, _, _ = TARGETS[name]
        return found[brand, first, last, method][0]

    for name, brand in [*((name, "lumen") for name in TARGETS), ("in progress", "aurora")]:
        first, last, target, _ = TARGETS[name]
        if first > HORIZON + DAY or last <= HORIZON or first < WORLD.start or name == "other currency":
            continue
        its: Gap | None = gap(brands[brand], target, first, last)
        got = found[brand, first, last, "consumer_asset"]
        if its is None:
            assert got[0] == "history_too_short"
            assert got[4:] == [None] * 5
            continue
        assert got[0] in ("ok", "interval_needs_more_backtests")
        remaining = its.forecast_gmv - its.actual_so_far
        wanted = [target, its.actual_so_far, its.days_remaining, remaining, its.forecast_gmv, its.gap]
        assert numbers(got[1:]) == approximately([*wanted, its.extra_prospects, its.buyer_rate_lift]), name

    assert status("too far") == "history_too_short"
    assert status("not started") == "not_started"
    assert status("ended") == status("ended", "series") == "ended"
    assert status("other currency") == "currency_differs"
    assert status("before the data") == "starts_before_data"
    assert status("ended", brand="nobody") == "no_data"
    first, last, target, _ = TARGETS["ended"]
    so_far = brands["lumen"].gmv(first, last)
    assert numbers(found["lumen", first, last, "series"][1:]) == approximately(
        [target, so_far, 0, 0, so_far, target - so_far, None, None]
    )
    # An exceeded target needs nobody; the series' gap is filled by the same consumers.
    first, last, _, _ = TARGETS["easy"]
    assert found["lumen", first, last, "consumer_asset"][-2:] == [0, 0]
    first, last, target, _ = TARGETS["in progress"]
    row = found["lumen", first, last, "series"]
    assert row[6] == target - row[2] - series[13]
    assert row[7] > 0


def test_a_preset_that_judges_by_later_refunds_has_no_forecast(built: Warehouse, tmp_path: Path) -> None:
    def judge_by_later_refunds(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("update seeds.aipl_presets set refund_policy = 'net_hindsight'")

    with rerun(built, tmp_path, judge_by_later_refunds) as connection:
        rows = connection.execute(
            "select distinct method, status = 'looks_ahead',"
            " coalesce(customer_persons, prospect_rate, point_forecast, p50) is null"
            " from marts.fct_gmv_forecast where not is_backtest and brand_id = 'lumen' order by all"
        ).fetchall()
        backtests = connection.execute(
            "select distinct status from marts.fct_gmv_backtest where method = 'consumer_asset'"
        ).fetchall()
    assert rows == [("consumer_asset", True, True), ("series", False, False)]
    assert backtests == [("looks_ahead",)]


def test_an_unknown_amount_makes_what_holds_it_unknown(built: Warehouse, tmp_path: Path) -> None:
    day = HORIZON - 3 * DAY

    def forget(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(
            f"update intermediate.int_paid_orders set {MONEY} = null, paid_date = $1 where brand_id = 'lumen'"
            " and paid_date = (select max(paid_date) from intermediate.int_paid_orders"
            "                  where brand_id = 'lumen')",
            [day],
        )

    with rerun(built, tmp_path, forget) as connection:
        rows = connection.execute(
            "select horizon_days, as_of_date, status, actual_gmv, point_forecast from marts.fct_gmv_forecast"
            " where brand_id = 'lumen'"
        ).fetchall()
    for days, origin, status, actual, its_point in rows:
        is_over = origin + days * DAY <= HORIZON
        assert (actual is None) == (not is_over or origin < day <= origin + days * DAY)
        assert (status == "amounts_unknown") == (origin >= day)
        assert origin < day or its_point is None


def test_other_currencies_are_counted_beside(built: Warehouse, tmp_path: Path) -> None:
    """With a third of the orders in dollars, figures are those of the others, and these are counted."""

    def pay_in_dollars(connection: duckdb.DuckDBPyConnection) -> None:
        set_targets(connection)
        connection.execute(
            "update intermediate.int_paid_orders set currency = 'USD', paid_amount = paid_amount * 7"
            " where ascii(md5(order_id)) % 3 = 0"
        )

    first, last, target, _ = TARGETS["in progress"]
    with rerun(built, tmp_path, pay_in_dollars) as connection:
        own, dollars = brands_of(connection)["lumen"], brands_of(connection, "USD")["lumen"]
        forecasts = connection.execute(
            "select horizon_days, as_of_date, point_forecast, p50, actual_gmv, other_currency_orders,"
            " other_currency_past_orders from marts.fct_gmv_forecast"
            " where brand_id = 'lumen' and method = 'consumer_asset' and horizon_days in (7, 28)"
        ).fetchall()
        backtests = connection.execute(
            "select horizon_days, backtests, mape, other_currency_orders from marts.fct_gmv_backtest"
            " where brand_id = 'lumen' and method = 'consumer_asset' and horizon_days in (7, 28)"
        ).fetchall()
        gaps = connection.execute(
            "select actual_so_far, gap, buyer_rate_lift, other_currency_orders from marts.fct_consumer_gap"
            " where brand_id = 'lumen' and method = 'consumer_asset'"
            " and period_start = $1 and period_end = $2",
            [first, last],
        ).fetchall()
    assert dollars.purchases
    for days, origin, *figures, others, past_others in forecasts:
        is_over = origin + days * DAY <= HORIZON
        its, spread = point(own, origin, days), forecast(own, origin, days)
        actual = own.gmv(origin + DAY, origin + days * DAY) if is_over else None
        wanted = [its and its.forecast, spread and spread.p50, actual]
        assert numbers(figures) == approximately(wanted), (days, origin)
        assert others == (len(dollars.paid(origin + DAY, origin + days * DAY)) if is_over else None)
        if its:
            starts = [origin - step * days * DAY for step in range(1, 7)]
            begin = min(start for start in starts if start >= own.first_day)
            assert past_others == len(dollars.paid(begin + DAY, origin))
    for days, tests, mape, others in backtests:
        wanted = backtest(own, days)
        assert numbers([tests, mape]) == approximately([wanted.backtests, wanted.mape])
        origins = backtest_origins(own, HORIZON, days)
        assert others == len(dollars.paid(min(origins) + DAY, max(origins) + days * DAY))
    ((so_far, found, lift, others),) = gaps
    wanted_gap = gap(own, target, first, last)
    assert wanted_gap
    assert numbers([so_far, found, lift]) == approximately(
        [wanted_gap.actual_so_far, wanted_gap.gap, wanted_gap.buyer_rate_lift]
    )
    assert others == len(dollars.paid(first, HORIZON))


def test_orders_without_a_person_are_buyers_of_their_own(built: Warehouse, tmp_path: Path) -> None:
    orders = "intermediate.int_paid_orders"

    def forget(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(
            "update intermediate.int_paid_orders set person_id = null where brand_id = 'lumen'"
        )

    with rerun(built, tmp_path, forget) as connection:
        rows = connection.execute(
            "select other_past_buyers, other_past_spend, customer_past_buyers, prospect_past_buyers,"
            f" (select count(*) from {orders} where brand_id = 'lumen' and paid_date > $1),"
            f" (select sum({MONEY}) from {orders} where brand_id = 'lumen' and paid_date > $1)"
            " from marts.fct_gmv_forecast where brand_id = 'lumen' and method = 'consumer_asset'"
            " and horizon_days = 7 and not is_backtest",
            [HORIZON - 42 * DAY],
        ).fetchall()
    ((buyers, spend, customers, prospects, purchases, money),) = rows
    assert (buyers, spend, customers, prospects) == (purchases, money, 0, 0)


WEEKLY = [1000.0 + 300 * (day % 7) + 13 * (day * day % 11) for day in range(80)]


@pytest.fixture(scope="module")
def series() -> Callable[[list[Any], list[int]], dict[int, tuple[Any, ...]]]:
    """The forecast of a series of days."""
    return runpy.run_path(str(SERIES))["forecast"]


def test_the_series_says_why_it_has_no_forecast(series: Any) -> None:
    assert series(WEEKLY[:55], [7])[7][0] == "history_too_short"
    assert series([*WEEKLY, None], [7])[7][0] == "amounts_unknown"
    assert series([0] * 80, [7])[7][0] == "too_few_purchases"
    assert series([0] * 66 + [1000] * 14, [7])[7][0] != "too_few_purchases"
    answer = series(WEEKLY, [7, 28])
    assert answer == series(WEEKLY, [28, 7]), "equal days give equal forecasts"
    for days in (7, 28):
        status, mean, p10, p50, p90 = answer[days]
        assert status == "ok"
        assert p10 < p50 < p90
        assert mean == pytest.approx(sum(WEEKLY[-56:]) / 56 * days, rel=0.05)
    falling = [float(max(0, 4000 - 50 * day + 200 * (day % 7 == 3))) for day in range(80)]
    status, *figures = series(falling, [28])[28]
    assert status == "ok"
    assert min(figures) >= 0


def test_a_fit_that_fails_or_does_not_converge_gives_no_figures(
    series: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: whether the fit of a degenerate series converges is up to the processor."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    fit = ETSModel.fit

    def unconverged(model: ETSModel, **options: Any) -> Any:
        found = fit(model, **options)
        found.mle_retvals["converged"] = False
        return found

    def failed(model: ETSModel, **options: Any) -> Any:
        raise np.linalg.LinAlgError("singular")

    for planted in (unconverged, failed):
        monkeypatch.setattr(ETSModel, "fit", planted)
        assert series(WEEKLY, [7, 28]) == dict.fromkeys((7, 28), ("not_converged", *[None] * 4))


def numbers(row: list[Any]) -> list[Any]:
    """Decimals as floats."""
    return [None if figure is None else float(figure) for figure in row]


def approximately(row: list[Any]) -> list[Any]:
    """Equal to what is stored to four places."""
    return [None if figure is None else pytest.approx(figure, rel=1e-9, abs=2e-4) for figure in row]
