"""What the marts must look like before anybody reads them: bounds, completeness, drift.

Their keys, relationships and laws (conservation, no overlap) are dbt tests; no rule is in both places.
"""

from __future__ import annotations

from expectations.suites import reconciliation, stock
from expectations.suites.rule import Rule, at_least_rows, between, no_rows, not_null, one_of

MAX_DAILY_FALL = 0.6
MIN_STOCK_FOR_FALL = 100
MAX_LINE_AMOUNT = 1_000_000_000
MIN_BACKTESTS_FOR_MAPE = 4

_RATE = "a rate is a share: NULL where it has no base, else from 0 to 1"
_COUNT = "a count of persons is never negative"

_COMPLETE_TO_HORIZON = """
with stock as (
    select preset, brand_id, as_of_date, stage, count(*) as rows_found
    from {batch}
    group by preset, brand_id, as_of_date, stage
),
spans as (
    select
        stock.preset,
        stock.brand_id,
        min(stock.as_of_date) as first_day,
        -- A horizon in the far future is reported by dim_brand; it must not make this calendar explode.
        least(coalesce(max(brands.horizon), max(stock.as_of_date)), current_date + 1) as last_day
    from stock
    left join marts.dim_brand as brands on stock.brand_id = brands.brand_id
    group by stock.preset, stock.brand_id
),
days as (
    select
        preset,
        brand_id,
        cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as as_of_date
    from spans
),
expected as (
    select days.preset, days.brand_id, days.as_of_date, stages.stage
    from days
    inner join (select distinct preset, stage from stock) as stages on days.preset = stages.preset
)
select
    coalesce(expected.preset, stock.preset) as preset,
    coalesce(expected.brand_id, stock.brand_id) as brand_id,
    coalesce(expected.as_of_date, stock.as_of_date) as as_of_date,
    coalesce(expected.stage, stock.stage) as stage,
    coalesce(stock.rows_found, 0) as rows_found
from expected
full join stock
    on expected.preset = stock.preset and expected.brand_id = stock.brand_id
    and expected.as_of_date = stock.as_of_date and expected.stage = stock.stage
where coalesce(stock.rows_found, 0) <> 1
order by all
"""

_BEYOND_HORIZON = """
select stock.preset, stock.brand_id, stock.as_of_date, brands.horizon, count(*) as rows_found
from (select * from {batch}) as stock
inner join marts.dim_brand as brands on stock.brand_id = brands.brand_id
where stock.as_of_date > brands.horizon
group by all
order by all
"""

_BRAND_WITHOUT_DAYS = """
select history.preset, history.brand_id
from marts.fct_aipl_stage_history as history
inner join marts.dim_brand as brands on history.brand_id = brands.brand_id
where history.valid_from <= brands.horizon
except
select preset, brand_id from {batch}
order by all
"""

_SUDDEN_FALL = f"""
with stock as (
    select preset, brand_id, as_of_date, sum(persons) filter (where stage_rank > 0) as persons
    from {{batch}}
    group by preset, brand_id, as_of_date
),
steps as (
    select *, lag(persons) over (partition by preset, brand_id order by as_of_date) as persons_day_before
    from stock
)
select preset, brand_id, as_of_date, persons_day_before, coalesce(persons, 0) as persons
from steps
where persons_day_before >= {MIN_STOCK_FOR_FALL}
    and coalesce(persons, 0) < (1 - {MAX_DAILY_FALL}) * persons_day_before
order by as_of_date desc, preset, brand_id
"""

_MISSING_PERIOD = """
with periods as (
    select
        preset, brand_id, period_type, period_end,
        lead(period_start) over (
            partition by preset, brand_id, period_type order by period_start
        ) as next_period_start
    from {batch}
)
select preset, brand_id, period_type, period_end, next_period_start
from periods
where next_period_start > period_end + 1
order by all
"""

_IMPOSSIBLE_PAID_DATE = """
select source_id, order_id, paid_date
from {batch}
where paid_date < date '1970-01-01'
    or paid_date > greatest(current_date, (select max(horizon) from marts.dim_brand)) + 1
order by all
"""

_PAID_AFTER_HORIZON = """
select source_id, order_id, paid_date
from {batch}
where paid_date > (select max(horizon) from marts.dim_brand) + 1
order by all
"""

_BAD_CURRENCY = """
select source_id, order_id, currency, amount
from {batch}
where not regexp_full_match(currency, '[A-Z][A-Z][A-Z]') or (currency is null and amount is not null)
order by all
"""

_MONEY_BEYOND_HORIZON = """
select money.brand_id, money.money_date, brands.horizon
from (select * from {batch}) as money
inner join marts.dim_brand as brands on money.brand_id = brands.brand_id
where money.money_date > brands.horizon
order by all
"""

_FORECAST_OF_NO_USE = f"""
select preset, brand_id, method, horizon_days, backtests, mape
from {{batch}}
where backtests >= {MIN_BACKTESTS_FOR_MAPE} and mape > 1
order by all
"""

_LONELY_DATES = """
with calendar as (
    select min(date_day) as first_day, max(date_day) as last_day, count(*) as days from {batch}
),
facts as (select min(as_of_date) as first_fact, max(as_of_date) as last_fact from marts.fct_aipl_daily)
select calendar.*, facts.*
from calendar
cross join facts
where calendar.days <> calendar.last_day - calendar.first_day + 1
    or facts.first_fact < calendar.first_day or facts.last_fact > calendar.last_day
"""

_KEYS_MISCOUNTED = """
with keys as (select person_id, count(*) as keys from marts.dim_person_key group by person_id)
select person_id, persons.key_count, keys.keys
from (select * from {batch}) as persons
full join keys using (person_id)
where persons.key_count is distinct from keys.keys
order by all
"""

_LOST_BUYERS = """
select distinct orders.source_id, orders.source_key
from intermediate.int_orders as orders
where orders.is_current and not orders.is_ancient and orders.source_key is not null
    and orders.source_key not in (select source_key from {batch})
order by all
"""

_IMPOSSIBLE_TOUCH_DATE = """
select brand_id, person_id, touch_kind, touch_date
from {batch}
where touch_date < date '1970-01-01'
    or touch_date > greatest(current_date, (select max(horizon) from marts.dim_brand)) + 1
order by all
"""

_UNKNOWN_TOUCH_KIND = """
select touch_kind, count(*) as rows_found
from {batch}
where touch_kind not in (select touch_kind from seeds.touch_kinds)
group by touch_kind
order by all
"""

_BEYOND_BRAND = """
select
    history.preset, history.brand_id, history.person_id, history.valid_from, history.valid_to, brands.horizon
from (select * from {batch}) as history
inner join marts.dim_brand as brands on history.brand_id = brands.brand_id
where history.valid_to > brands.horizon + 1
order by all
"""

_UNKNOWN_STAGE = """
select preset, rule_id, stage
from {batch}
where (preset, stage) not in (select (preset, stage) from marts.dim_aipl_stage)
order by all
"""

_RANKS_WITHOUT_NOBODY = """
select preset, count(*) as stages, count(distinct stage_rank) as ranks, min(stage_rank) as lowest
from {batch}
group by preset
having count(distinct stage_rank) <> count(*) or min(stage_rank) <> 0
order by all
"""

_GONE_PERIODS = """
select preset, brand_id, period_type, period_start
from {batch}
where (preset, brand_id, period_type, period_start) not in (
    select (preset, brand_id, period_type, period_start) from marts.fct_fast
)
order by all
"""

AIPL_DAILY: tuple[Rule, ...] = (
    not_null("persons", "every stock is known"),
    between("persons", _COUNT, low=0),
    no_rows(
        "complete_to_horizon",
        "each preset and brand has every stage exactly once on every day from its first day to its horizon",
        _COMPLETE_TO_HORIZON,
    ),
    no_rows(
        "nothing_beyond_horizon", "days beyond a brand's horizon are forecasts, not facts", _BEYOND_HORIZON
    ),
    no_rows("every_brand_present", "a brand with a stage history has daily stocks", _BRAND_WITHOUT_DAYS),
    no_rows(
        "no_sudden_fall",
        f"a brand's stock of {MIN_STOCK_FOR_FALL} persons or more does not fall by over "
        f"{MAX_DAILY_FALL:.0%} in one day",
        _SUDDEN_FALL,
        severity="warning",
    ),
    stock.as_usual(
        1, "stock_day_on_day_as_usual", "a stage does not win or lose far more persons a day than usual"
    ),
    stock.as_usual(
        7, "stock_week_on_week_as_usual", "a stage does not win or lose far more persons a week than usual"
    ),
)

AIPL_FLOW: tuple[Rule, ...] = (
    not_null("persons", "every flow is known"),
    not_null("movement", "every flow has a direction"),
    one_of("movement", "movements are these five", ["kept", "deepened", "shallowed", "lost", "new"]),
)

FAST: tuple[Rule, ...] = (
    *(
        between(column, _RATE, low=0, high=1)
        for column in ("advancing_rate", "advancing_rate_eligible", "thriving_rate")
    ),
    *(
        between(column, _COUNT, low=0)
        for column in (
            "fertility_union", "fertility_end", "start_stock", "deepened", "start_stock_eligible",
            "superiority_members", "thriving_members",
        )
    ),
    no_rows("no_period_missing", "periods follow each other without a gap", _MISSING_PERIOD),
)  # fmt: skip

ORDERS: tuple[Rule, ...] = (
    no_rows(
        "purchase_amount_not_negative",
        "what was paid for a purchase is zero or more, or unknown",
        "select source_id, order_id, amount from {batch} where is_purchase and amount < 0 order by all",
        column="amount",
    ),
    no_rows(
        "purchase_has_paid_time",
        "a purchase has been paid at some time",
        "select source_id, order_id, status from {batch} where is_purchase and paid_at is null order by all",
        column="paid_at",
    ),
    no_rows(
        "paid_date_possible",
        "orders are paid from 1970 on and not in the future",
        _IMPOSSIBLE_PAID_DATE,
        column="paid_date",
    ),
    no_rows(
        "paid_within_horizon",
        "orders are paid no later than the day after the newest day that data are complete for",
        _PAID_AFTER_HORIZON,
        severity="warning",
        column="paid_date",
    ),
    no_rows(
        "currency_is_iso_code",
        "money has a currency, written as three capital letters",
        _BAD_CURRENCY,
        column="currency",
    ),
    reconciliation.as_loaded(("source_id", "order_id"), "int_orders"),
    reconciliation.references("person_id", "dim_person", "person_id", where="not is_ancient"),
    reconciliation.few_rejects("orders", "int_orders"),
)

ORDER_LINES: tuple[Rule, ...] = (
    not_null("brand_id", "a line without a brand is in the bucket of its source, never in none"),
    between("amount", "no order line is worth a thousand million", -MAX_LINE_AMOUNT, MAX_LINE_AMOUNT),
    reconciliation.as_loaded(("source_id", "order_id", "line_id"), "int_order_lines"),
)

MONEY: tuple[Rule, ...] = (
    between("gross_paid_amount", "what was paid on a day is zero or more, or unknown", low=0),
    no_rows(
        "nothing_beyond_horizon",
        "money of days beyond a brand's horizon is not complete",
        _MONEY_BEYOND_HORIZON,
        column="money_date",
    ),
    no_rows(
        "currency_known",
        "money says in which currency it is",
        "select brand_id, money_date from {batch} where currency = 'unknown' order by all",
        severity="warning",
        column="currency",
    ),
)

BACKTEST: tuple[Rule, ...] = (
    no_rows(
        "forecast_of_use",
        "a forecast misses on average by less than what is sold",
        _FORECAST_OF_NO_USE,
        severity="warning",
        column="mape",
    ),
)

STAGE_HISTORY: tuple[Rule, ...] = (
    at_least_rows(1, "a warehouse without one person in any stage is not published"),
    not_null("valid_from", "every interval has a beginning"),
    not_null("valid_to", "an open interval ends on 9999-12-31"),
    no_rows(
        "interval_not_empty",
        "an interval begins before it ends",
        "select preset, brand_id, person_id, stage, valid_from, valid_to from {batch} "
        "where valid_from >= valid_to order by all",
    ),
)

BRAND: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one brand"),
    not_null("horizon", "every brand has a last complete day"),
    no_rows(
        "horizon_not_in_future",
        "no day after today is complete",
        "select brand_id, horizon from {batch} where horizon > current_date + 1 order by all",
        column="horizon",
    ),
)

PERSON: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one person"),
    no_rows(
        "keys_as_counted",
        "a person has as many keys as dim_person_key says, and no key is of somebody else",
        _KEYS_MISCOUNTED,
        column="key_count",
    ),
)

PRODUCT: tuple[Rule, ...] = (
    at_least_rows(1, "products are known where anything is sold", severity="warning"),
    not_null("product_id", "every product has a key"),
)

DATE: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one day"),
    no_rows(
        "covers_the_facts", "the calendar has every day of the daily stocks, without a gap", _LONELY_DATES
    ),
)

_IN_FAST = no_rows("period_in_fct_fast", "each period is one of fct_fast", _GONE_PERIODS)

STAGE_HISTORY_TO_HORIZON: tuple[Rule, ...] = (
    at_least_rows(1, "a warehouse without one person in any stage is not published"),
    no_rows(
        "nothing_beyond_horizon",
        "no stage lasts longer than its brand is complete",
        _BEYOND_BRAND,
        column="valid_to",
    ),
)

STAGE_CHANGES: tuple[Rule, ...] = (not_null("changes", "every count of changes is known"), _IN_FAST)

DEEPENING: tuple[Rule, ...] = (
    not_null("persons", "every count of persons is known"),
    between("persons", "a row stands for somebody", low=1),
    _IN_FAST,
)

STAGE: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one stage"),
    no_rows(
        "ranks_begin_with_nobody",
        "each stage of a preset has a rank of its own, and the lowest is 0, nobody's",
        _RANKS_WITHOUT_NOBODY,
        column="stage_rank",
    ),
)

STAGE_RULE: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one rule"),
    between("window_days", "a window has at least one day", low=1),
    no_rows("stage_in_dim_aipl_stage", "each rule leads to a known stage", _UNKNOWN_STAGE, column="stage"),
)

PERSON_KEY: tuple[Rule, ...] = (
    at_least_rows(1, "there is at least one key"),
    one_of("key_kind", "a key is a visitor's or a member's", ["visitor", "member"]),
    no_rows(
        "seen_first_before_last",
        "a key is first seen no later than last seen",
        "select person_id, source_key, first_seen_on, last_seen_on from {batch} "
        "where first_seen_on > last_seen_on order by all",
        column="first_seen_on",
    ),
    no_rows(
        "buyers_as_loaded", "whoever is on a loaded order has a person", _LOST_BUYERS, column="source_key"
    ),
)

PERSON_DAYS: tuple[Rule, ...] = (
    no_rows("touch_date_possible", "touches are from 1970 on and not in the future", _IMPOSSIBLE_TOUCH_DATE),
    no_rows("touch_kind_known", "each kind of touch is one of the seed", _UNKNOWN_TOUCH_KIND),
    between("max_rating", "a rating is from 1 to 5", low=1, high=5),
    reconciliation.references("brand_id", "dim_brand", "brand_id"),
    reconciliation.references("person_id", "dim_person", "person_id"),
    reconciliation.few_rejects("events", "int_events"),
    stock.days_complete(),
)

PERSON_STATES: tuple[Rule, ...] = (
    one_of("state_kind", "states are these three", ["member", "follower", "subscriber"]),
    between("tier", "a tier is zero or more", low=0),
    reconciliation.references("brand_id", "dim_brand", "brand_id"),
)

FAST_TIERS: tuple[Rule, ...] = (
    not_null("members", "every count of members is known"),
    between("thriving_rate", _RATE, low=0, high=1),
    between("tier", "a tier is zero or more", low=0),
    _IN_FAST,
)

FAST_CHANGES: tuple[Rule, ...] = (
    not_null("metric", "every change is one of a metric"),
    between("value", "a count or a rate is never negative", low=0),
    no_rows(
        "rates_are_shares",
        "a rate is a share: from 0 to 1",
        "select preset, brand_id, period_type, period_start, metric, value from {batch} "
        "where denominator is not null and value > 1 order by all",
        column="value",
    ),
    _IN_FAST,
)

FORECAST: tuple[Rule, ...] = (
    between("point_forecast", "sales are forecast as zero or more", low=0),
    between("customer_rate", "a rate of buyers is a share", low=0, high=1),
    between("prospect_rate", "a rate of buyers is a share", low=0, high=1),
    between("horizon_days", "a forecast looks at least one day ahead", low=1),
)

GAP: tuple[Rule, ...] = (
    between("target_gmv", "a target is zero or more", low=0),
    between("days_remaining", "a period has no less than no day to come", low=0),
    between("extra_prospects", "consumers to win are zero or more", low=0),
)
