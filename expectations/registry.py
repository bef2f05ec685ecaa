"""Which mart has which suite and who owns it; severities are on the rules.

`MARTS` are those of the warehouse, `RELEASE` those that are made at publish.
"""

from __future__ import annotations

from expectations.suites import marts, release
from expectations.suites.rule import Suite

_CONSUMER = "consumer-analytics"
_TRADE = "trade-analytics"
_PLATFORM = "data-platform"

_BRAND = ("preset", "brand_id")
_PERIOD = (*_BRAND, "period_type", "period_start")

_SUITES = (
    Suite("dim_brand", _PLATFORM, ("brand_id",), marts.BRAND),
    Suite("dim_date", _PLATFORM, ("date_day",), marts.DATE),
    Suite("dim_person", _PLATFORM, ("person_id",), marts.PERSON),
    Suite("dim_product", _PLATFORM, ("source_id", "product_id"), marts.PRODUCT),
    Suite("fct_aipl_stage_history", _CONSUMER, (*_BRAND, "person_id", "valid_from"), marts.STAGE_HISTORY),
    Suite("fct_aipl_daily", _CONSUMER, (*_BRAND, "as_of_date", "stage"), marts.AIPL_DAILY),
    Suite(
        "fct_aipl_flow",
        _CONSUMER,
        (*_PERIOD, "from_stage", "to_stage"),
        marts.AIPL_FLOW,
    ),
    Suite("fct_fast", _CONSUMER, _PERIOD, marts.FAST),
    Suite("fct_orders", _TRADE, ("source_id", "order_id"), marts.ORDERS),
    Suite("fct_money_daily", _TRADE, ("brand_id", "currency", "money_date"), marts.MONEY),
    Suite("fct_gmv_backtest", _TRADE, (*_BRAND, "method", "horizon_days"), marts.BACKTEST),
    Suite("fct_order_lines", _TRADE, ("source_id", "order_id", "line_id"), marts.ORDER_LINES),
    Suite("dim_aipl_stage", _CONSUMER, ("preset", "stage"), marts.STAGE),
    Suite("dim_aipl_rule", _CONSUMER, ("preset", "rule_id"), marts.STAGE_RULE),
    Suite("dim_person_key", _PLATFORM, ("person_id", "source_key"), marts.PERSON_KEY),
    Suite(
        "fct_aipl_stage_history_to_horizon",
        _CONSUMER,
        (*_BRAND, "person_id", "valid_from"),
        marts.STAGE_HISTORY_TO_HORIZON,
    ),
    Suite("fct_aipl_stage_changes", _CONSUMER, (*_PERIOD, "from_stage", "to_stage"), marts.STAGE_CHANGES),
    Suite("fct_aipl_deepening", _CONSUMER, (*_PERIOD, "channel", "campaign_id"), marts.DEEPENING),
    Suite(
        "fct_person_days",
        _CONSUMER,
        ("brand_id", "person_id", "touch_kind", "touch_date"),
        marts.PERSON_DAYS,
    ),
    Suite("fct_person_states", _CONSUMER, ("source_id", "membership_id"), marts.PERSON_STATES),
    Suite("fct_fast_tiers", _CONSUMER, (*_PERIOD, "tier"), marts.FAST_TIERS),
    Suite("fct_fast_changes", _CONSUMER, (*_PERIOD, "metric"), marts.FAST_CHANGES),
    Suite("fct_gmv_forecast", _TRADE, (*_BRAND, "method", "horizon_days", "as_of_date"), marts.FORECAST),
    Suite("fct_consumer_gap", _TRADE, (*_BRAND, "period_start", "period_end", "method"), marts.GAP),
)

_MADE_AT_PUBLISH = (
    Suite("dim_release", _PLATFORM, ("release_id", "brand_id"), release.RELEASE),
    Suite(
        "fct_aipl_ledger",
        _CONSUMER,
        ("release_id", *_BRAND, "person_id", "valid_from"),
        release.LEDGER,
    ),
)

MARTS: dict[str, Suite] = {suite.table: suite for suite in _SUITES}
RELEASE: dict[str, Suite] = {suite.table: suite for suite in _MADE_AT_PUBLISH}
